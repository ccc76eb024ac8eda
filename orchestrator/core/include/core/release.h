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
/*
 * The release that a Debian package is of, by its name (":amd64" and the like apart):
 * linux-image-REL, signed or not, and linux-modules-REL; what it may hold besides debug
 * symbols. NULL: it is of no kernel, or a meta-package (linux-image-amd64). ret_image:
 * it is the image's. Caller frees.
 */
char *release_of_package(const char *name, bool *ret_image);
/*
 * What stands behind the version: "cloud-amd64" of 6.1.0-55-cloud-amd64, "debug" of
 * 6.5.6-300.fc39.x86_64+debug, "" of the same without. Do two releases have the same?
 */
bool release_same_flavour(const char *a, const char *b);
/* Which of two is rather booted where like is: of its flavour, then the newer. */
bool release_preferred(const char *a, const char *b, const char *like);
