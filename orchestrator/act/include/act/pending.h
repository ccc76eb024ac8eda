/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Releases that the package manager's hooks left to be dealt with: a kernel that came, or
 * one with a new initramfs. A mark is a file named after the release, so that it outlives
 * a kill of whoever would deal with it.
 */
#pragma once

#include "base/root-file.h"

#define PENDING_DIRECTORY "/var/lib/kuro/pending"

/* May be repeated; what was noted in it goes. -EINVAL: it can't be a release. */
int pending_add(const struct root *root, const char *release, struct error *err);
/* The newest release first. What lies there and can't be a release is passed over. */
int pending_list(const struct root *root, struct strv *ret, struct error *err);
/* One that is not there is success. */
int pending_remove(const struct root *root, const char *release, struct error *err);
/*
 * Of one that was refused: how the machine was then, a text. Noted in its mark; read back
 * it is empty where nothing was noted. Caller frees.
 */
int pending_note(const struct root *root, const char *release, const char *text,
		 struct error *err);
int pending_noted(const struct root *root, const char *release, char **ret,
		  struct error *err);
