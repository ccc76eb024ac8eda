/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Durable writes to a file system that GRUB reads. GRUB does not replay journals: what
 * fsync made safe for Linux is not yet there for GRUB. The order (DESIGN.md, Durable
 * writes): files and names flushed, journal pushed into place, read back, and only
 * then the block's one sector.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/root-file.h"

/*
 * Push everything that was written on the file system of path (a directory) to where
 * GRUB finds it: EXT4_IOC_CHECKPOINT on ext4; freeze and thaw where there is another
 * journal, never on the file system of "/"; syncfs where there is none. May be
 * repeated. -ERROR_UNSUPPORTED: this kernel and file system offer no way.
 */
int durable_push(const struct root *root, const char *path, struct error *err);

/*
 * Could durable_push do it, without doing anything? 0, or -ERROR_UNSUPPORTED with the
 * reason; ret_way names the way ("checkpoint", "freeze", "sync"), static.
 */
int durable_way(const struct root *root, const char *path, const char **ret_way,
		struct error *err);

/*
 * Overwrite the first len bytes of an existing regular file in place and flush them;
 * its length and blocks stay. -ESTALE when what is read back differs.
 */
int durable_overwrite(const struct root *root, const char *path, const void *data,
		      size_t len, struct error *err);

/* fsync every file in a directory, and the directory. */
int durable_sync_tree(const struct root *root, const char *path, struct error *err);
