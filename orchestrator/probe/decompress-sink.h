/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the decompressors put what they make: into a buffer that grows, or through one of
 * a fixed size into a file or to who takes it. It alone holds the limit.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "decompress-input.h"

struct sink {
	uint64_t max, len; /* bytes that may be made, and were */
	uint8_t *data;     /* fd < 0 and no consume: all of them */
	size_t size, used; /* of data; used is behind what is not written yet */
	int fd;
	int (*consume)(void *data, const uint8_t *bytes, size_t len, struct error *err);
	void *consumer;
};

/* Room for at least want bytes; how much there is to ret_room. */
void *sink_room(struct sink *sink, size_t want, size_t *ret_room);
/* n bytes were put there. -EFBIG, what write(2) fails with, or consume's answer. */
int sink_take(struct sink *sink, size_t n, struct error *err);
int sink_copy(struct sink *sink, const void *data, size_t n, struct error *err);

/* One whole stream; in stands behind it then. -ERROR_DAMAGED, -EFBIG, or of sink_take. */
typedef int decompressor(struct input *in, struct sink *sink, struct error *err);
decompressor decompress_gzip, decompress_xz, decompress_lzma, decompress_zstd,
	decompress_lz4, decompress_lzo, decompress_bzip2;

int decompress_cut_off(const char *what, struct error *err);
int decompress_corrupt(const char *what, struct error *err);
