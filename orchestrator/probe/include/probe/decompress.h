/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Compressed bytes to plain ones, whatever of gzip, xz, lzma, zstd, lz4 (also the
 * kernel's legacy frames), lzop and bzip2 they are: told by their first bytes, never by a
 * name. Bounded: nothing over max bytes is ever made, however small the input.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum compression {
	COMPRESSION_NONE,
	COMPRESSION_GZIP,
	COMPRESSION_XZ,
	COMPRESSION_LZMA,
	COMPRESSION_ZSTD,
	COMPRESSION_LZ4,
	COMPRESSION_LZO,
	COMPRESSION_BZIP2,
};
#define COMPRESSION_MAGIC_MAX ((size_t)9) /* bytes that tell one */
enum compression compression_of(const void *data, size_t len);
const char *compression_name(enum compression compression);

/*
 * The whole of data, plain, in a new buffer with a NUL behind (caller frees); data that
 * is not compressed is copied. -EFBIG: more than max bytes; -ERROR_DAMAGED: cut off or
 * corrupt. Bytes behind the compressed stream are left alone (images are padded).
 */
int decompress(const void *data, size_t len, size_t max, void **ret, size_t *ret_len,
	       struct error *err);
/* The same into a descriptor, from its position on; ret_len may be NULL. */
int decompress_to(const void *data, size_t len, size_t max, int fd, uint64_t *ret_len,
		  struct error *err);
