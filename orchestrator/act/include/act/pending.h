/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Releases that the package manager's hooks left to be dealt with: a kernel that came, or
 * one with a new initramfs. A mark is a file named after the release, so that it outlives
 * a kill of whoever would deal with it.
 */
#pragma once

#include "base/root-file.h"

#define PENDING_DIRECTORY "/var/lib/kuro/pending"

/* May be repeated. -EINVAL: it can't be a release. */
int pending_add(const struct root *root, const char *release, struct error *err);
/* The newest release first. What lies there and can't be a release is passed over. */
int pending_list(const struct root *root, struct strv *ret, struct error *err);
/* One that is not there is success. */
int pending_remove(const struct root *root, const char *release, struct error *err);
