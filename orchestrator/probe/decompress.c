/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Compressed bytes to plain ones: which compression, and where the plain bytes go. The
 * decompressors themselves are in decompress-stream.c and decompress-block.c.
 */
#include "probe/decompress.h"

#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "decompress-sink.h"

#define PASSING_BUFFER ((size_t)256 * 1024)
#define MEMORY_BUFFER  ((size_t)64 * 1024)

/* The longest first bytes first; lib/decompress.c of the kernel goes by the same. */
static const struct {
	enum compression compression;
	const char *bytes;
	size_t len;
} magics[] = {
	{COMPRESSION_LZO, "\211LZO\0\r\n\032\n", 9},
	{COMPRESSION_XZ, "\3757zXZ\0", 6},
	{COMPRESSION_ZSTD, "\050\265\057\375", 4},
	{COMPRESSION_LZ4, "\002\041\114\030", 4},
	{COMPRESSION_LZ4, "\004\042\115\030", 4},
	{COMPRESSION_LZMA, "\135\0\0", 3},
	{COMPRESSION_BZIP2, "BZh", 3},
	{COMPRESSION_GZIP, "\037\213", 2},
};

enum compression compression_of(const void *data, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(magics); i++)
		if (len >= magics[i].len &&
		    memcmp(data, magics[i].bytes, magics[i].len) == 0)
			return magics[i].compression;
	return COMPRESSION_NONE;
}

const char *compression_name(enum compression compression)
{
	static const char *const names[] = {
		[COMPRESSION_NONE] = "none", [COMPRESSION_GZIP] = "gzip",
		[COMPRESSION_XZ] = "xz",     [COMPRESSION_LZMA] = "lzma",
		[COMPRESSION_ZSTD] = "zstd", [COMPRESSION_LZ4] = "lz4",
		[COMPRESSION_LZO] = "lzop",  [COMPRESSION_BZIP2] = "bzip2",
	};

	return names[compression];
}

int decompress_cut_off(const char *what, struct error *err)
{
	return error_set(err, -ERROR_DAMAGED, "%s data is cut off", what);
}

int decompress_corrupt(const char *what, struct error *err)
{
	return error_set(err, -ERROR_DAMAGED, "%s data is corrupt", what);
}

void *sink_room(struct sink *sink, size_t want, size_t *ret_room)
{
	size_t least = sink->used + want, size = sink->size;

	if (size < least) {
		if (size == 0)
			size = sink->fd < 0 && !sink->consume ? MEMORY_BUFFER
							      : PASSING_BUFFER;
		while (size < least)
			size *= 2;
		sink->data = mem_regrow(sink->data, size, 1);
		sink->size = size;
	}
	*ret_room = sink->size - sink->used;
	return sink->data + sink->used;
}

static int write_all(int fd, const uint8_t *data, size_t len, struct error *err)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return error_errno(err, n < 0 ? -errno : -EIO,
					   "writing what was decompressed");
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

int sink_take(struct sink *sink, size_t n, struct error *err)
{
	sink->len += n;
	if (sink->len > sink->max)
		return error_set(err, -EFBIG, "it holds more than %ju bytes",
				 (uintmax_t)sink->max);
	if (sink->consume)
		return sink->consume(sink->consumer, sink->data, n, err);
	if (sink->fd >= 0)
		return write_all(sink->fd, sink->data, n, err);
	sink->used += n;
	return 0;
}

int sink_copy(struct sink *sink, const void *data, size_t n, struct error *err)
{
	const uint8_t *from = data;

	while (n > 0) {
		size_t room, part;
		void *to = sink_room(sink, 1, &room);
		int r;

		part = n < room ? n : room;
		memcpy(to, from, part);
		r = sink_take(sink, part, err);
		if (r < 0)
			return r;
		from += part;
		n -= part;
	}
	return 0;
}

static int decompress_none(struct input *in, struct sink *sink, struct error *err)
{
	int r = 0;

	while (r == 0 && input_have(in, 1) > 0) {
		r = sink_copy(sink, in->at, in->left, err);
		input_take(in, in->left);
	}
	return r;
}

static int run(struct input *in, struct sink *sink, struct error *err)
{
	static decompressor *const decompressors[] = {
		[COMPRESSION_NONE] = decompress_none,
		[COMPRESSION_GZIP] = decompress_gzip,
		[COMPRESSION_XZ] = decompress_xz,
		[COMPRESSION_LZMA] = decompress_lzma,
		[COMPRESSION_ZSTD] = decompress_zstd,
		[COMPRESSION_LZ4] = decompress_lz4,
		[COMPRESSION_LZO] = decompress_lzo,
		[COMPRESSION_BZIP2] = decompress_bzip2,
	};
	size_t len = input_have(in, COMPRESSION_MAGIC_MAX);
	int r = decompressors[compression_of(in->at, len)](in, sink, err);

	if (in->code < 0)
		return error_errno(err, in->code, "reading what is compressed");
	return r;
}

int decompress(const void *data, size_t len, size_t max, void **ret, size_t *ret_len,
	       struct error *err)
{
	struct sink sink = {.max = max, .fd = -1};
	struct input in;
	size_t room;
	int r;

	input_memory(&in, data, len);
	r = run(&in, &sink, err);
	if (r < 0) {
		free(sink.data);
		return r;
	}
	*(char *)sink_room(&sink, 1, &room) = '\0';
	*ret = sink.data;
	*ret_len = sink.used;
	return 0;
}

int decompress_to(const void *data, size_t len, size_t max, int fd, uint64_t *ret_len,
		  struct error *err)
{
	struct sink sink = {.max = max, .fd = fd};
	struct input in;
	int r;

	input_memory(&in, data, len);
	r = run(&in, &sink, err);
	free(sink.data);
	if (r == 0 && ret_len)
		*ret_len = sink.len;
	return r;
}

int decompress_stream(struct input *in, uint64_t max,
		      int (*consume)(void *data, const uint8_t *bytes, size_t len,
				     struct error *err),
		      void *data, struct error *err)
{
	struct sink sink = {.max = max, .fd = -1, .consume = consume, .consumer = data};
	int r = run(in, &sink, err);

	free(sink.data);
	return r;
}
