/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How fast this machine compresses, and how small it gets: tried on pieces of an
 * initramfs that is here.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/root-file.h"
#include "probe/decompress.h"

/* Plain pieces out of an image's main archive, joined. */
struct compression_sample {
	uint8_t *data; /* owned */
	size_t len;
	uint64_t packed; /* bytes of the file from the main archive on */
	enum compression compression;
};
void compression_sample_done(struct compression_sample *sample);
#define autosample cleanup(compression_sample_done)

/*
 * Pieces from all over the first 24 MiB of what is in the main archive (the one behind
 * those for microcode and tables). -ERROR_DAMAGED: it holds none; -ENOENT, …
 */
int compression_sample_take(const struct root *root, const char *path,
			    struct compression_sample *ret, struct error *err);

struct compression_trial {
	double speed; /* plain bytes a second, on one core */
	double share; /* of the plain bytes that is left, 0 to 1 */
};
/*
 * Compress the sample, which takes half a second at most but for xz at its highest
 * levels. level as of the compression's own program. -ENOTSUP: not one of gzip, xz, zstd
 * and lz4.
 */
int compression_try(enum compression compression, int level,
		    const struct compression_sample *sample,
		    struct compression_trial *ret);
