/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where a generator works: a directory of kuro's own on a file system with room for all
 * that it makes in between. Never the boot file system's.
 */
#pragma once

#include <stdint.h>

#include "base/root-file.h"

/*
 * Make the directory, empty, in the first place that has room for need bytes, else in the
 * roomiest; caller frees ret. -ENOSPC where none has even room for the image itself.
 */
int initramfs_staging_open(const struct root *root, uint64_t need, char **ret,
			   struct error *err);
/* Take away what this or a killed run left, wherever it was. */
void initramfs_staging_clean(const struct root *root);
