/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The environment block, written: made once, then changed in place, one sector at a
 * time.
 */
#pragma once

#include "base/root-file.h"
#include "core/boot-protocol.h"

/* Make the block's file where there is none, or mend one of a wrong size. */
int boot_env_create(const struct root *root, const char *path,
		    const struct boot_block *block, struct error *err);

/*
 * Make the block on disk say this: one sector overwritten, flushed, pushed, read back.
 * The same content already there is success without a write.
 */
int boot_env_write(const struct root *root, const struct boot_block *block,
		   struct error *err);
