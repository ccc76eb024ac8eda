/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The image that a healthy boot of this machine used last, for prove.c.
 */
#pragma once

#include "base/root-file.h"
#include "core/initramfs.h"

/* Size and modules of the good generation's image; false: there is none that can be read.
 * Free ret->modules. May be repeated, and is cheap then. */
bool prove_baseline(const struct root *root, struct initramfs_baseline *ret);

/* What is kept of an image with that hash. Caller frees. */
char *prove_baseline_format(const char *sha256, const struct initramfs_baseline *proven);
/* False: it is of another image, or damaged. */
bool prove_baseline_parse(const char *text, const char *sha256,
			  struct initramfs_baseline *ret);
