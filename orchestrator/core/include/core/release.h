/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kernel releases: what `uname -r` prints.
 */
#pragma once

#include <stdbool.h>

/* Order of two releases by the UAPI group's version format specification: <0, 0, >0. */
int release_compare(const char *a, const char *b);
/*
 * Can it be one? [A-Za-z0-9][A-Za-z0-9._+~-]*, at most 64 characters (the kernel's own
 * limit, __NEW_UTS_LEN), and no "..": it becomes part of paths and of GRUB script.
 */
bool release_valid(const char *release);
/*
 * Is it the file name of a package with what modules are built with for that release?
 * Debian's linux-headers-REL, Fedora's kernel-devel-REL, SUSE's kernel-FLAVOUR-devel with
 * the version, behind which its rebuild's number stands.
 */
bool release_headers_package(const char *release, const char *name);
