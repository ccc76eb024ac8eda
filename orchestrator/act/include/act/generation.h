/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Generations, made and removed. One is built beside, flushed, named, pushed and read
 * back before anything points to it; it never changes afterwards.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/root-file.h"
#include "base/text.h"
#include "core/manifest.h"

struct generation_source {
	unsigned int generation;
	const char *release;
	const char *image;     /* path of the kernel image */
	const char *initramfs; /* path, or NULL where the kernel needs none */
	bool share_initramfs;  /* its generator replaces by rename: a hard link stays true
				*/
	const char *title;
	const struct strv *command_line;
	const struct strv *trial_args;
	int64_t transaction;
};

/*
 * Make the generation's directory with vmlinuz, initrd.img, boot.cfg, sums and
 * manifest.json; durable when it returns. On failure nothing of it is left. One of that
 * number that is whole and equal is success. -ENOSPC, -EROFS, -EEXIST (number taken
 * by another).
 */
int generation_create(const struct root *root, const struct generation_source *source,
		      struct manifest *ret, struct error *err);

/* Remove; must not be named by the block any more. Missing is success. */
int generation_remove(const struct root *root, unsigned int generation,
		      struct error *err);

/* Remove what an interrupted generation_create left behind. */
int generation_clean(const struct root *root, struct error *err);

/* The number for a new generation: one above every one that is or was. */
int generation_next(const struct root *root, unsigned int known_highest,
		    unsigned int *ret, struct error *err);
