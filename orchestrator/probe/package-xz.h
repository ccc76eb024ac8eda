/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * .xz and .lzma as a stream with bounded memory. libarchive would take what dictionary a
 * file asks for, up to 4 GiB.
 */
#pragma once

#include <lzma.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define PACKAGE_XZ_MEMORY ((uint64_t)136 << 20) /* xz -9 takes 65 MiB */

struct package_xz {
	lzma_stream lzma;
	/* The next compressed bytes, 0 at their end, negative where they fail. */
	ssize_t (*more)(void *data, const void **ret);
	void *data;
	unsigned char *out;
	bool ended;
};

/* alone: .lzma. False where liblzma has no memory. */
bool package_xz_open(struct package_xz *xz, bool alone);
/*
 * The next plain bytes; 0 at the end of the last stream, and of the input. Negative: what
 * more returned, or the stream is damaged; then fault says why.
 */
ssize_t package_xz_read(struct package_xz *xz, const void **ret, const char **fault);
void package_xz_done(struct package_xz *xz);
