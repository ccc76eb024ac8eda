/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Are a kernel image and an initramfs what they look like, as far as a look at their
 * first and last bytes can tell? Missing, empty, cut off and never written ones are
 * found; each is -ERROR_DAMAGED (or -ENOENT) with the file and what is wrong.
 */
#pragma once

#include "base/root-file.h"

/* An x86 image must be as long as its boot header says. */
int boot_image_check_kernel(const struct root *root, const char *path, struct error *err);
/* Begins like a cpio archive or a compression that kernels unpack, and does not end in
 * zeroes. */
int boot_image_check_initramfs(const struct root *root, const char *path,
			       struct error *err);
