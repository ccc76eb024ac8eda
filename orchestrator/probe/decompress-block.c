/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Compressions of the kernel's that are blocks one after the other: lz4's legacy frame
 * (lib/decompress_unlz4.c) and lzop (lib/decompress_unlzo.c); and, through libarchive,
 * those that are met seldom: lz4's present frame, bzip2.
 */
#include <endian.h>
#include <lz4.h>
#include <lz4frame.h>
#include <lzo/lzo1x.h>
#include <stdbool.h>
#include <string.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "decompress-sink.h"

#define LZ4_LEGACY      0x184c2102u
#define LZ4_BLOCK       ((size_t)8 * 1024 * 1024)
#define LZ4_RATIO_MAX   255 /* a byte more of a length is that many bytes more */
#define LZO_BLOCK_MAX   ((uint32_t)256 * 1024) /* the kernel's limit */
#define LZO_HEADER_NEW  0x0940
#define LZO_ADLER_PLAIN 0x00000001u
#define LZO_ADLER_BLOCK 0x00000002u
#define LZO_EXTRA       0x00000040u
#define LZO_CRC_PLAIN   0x00000100u
#define LZO_CRC_BLOCK   0x00000200u
#define LZO_FILTER      0x00000800u

static const uint8_t *take(struct input *in, size_t n)
{
	const uint8_t *at;

	if (in->fault || input_have(in, n) < n) {
		in->fault = true;
		return NULL;
	}
	at = in->at;
	input_take(in, n);
	return at;
}

static uint32_t take_number(struct input *in, size_t bytes)
{
	const uint8_t *at = take(in, bytes);
	uint32_t number = 0;

	for (size_t i = 0; at && i < bytes; i++)
		number = number << 8 | at[i];
	return number;
}

static uint32_t le32_at(const uint8_t *at)
{
	uint32_t number;

	memcpy(&number, at, sizeof(number));
	return le32toh(number);
}

/* A block of the legacy frame; ret_plain is what it held. */
static int lz4_block(struct input *in, size_t size, struct sink *sink, size_t *ret_plain,
		     struct error *err)
{
	const uint8_t *block = take(in, size);
	size_t room, most;
	void *to;
	int n;

	if (!block)
		return decompress_cut_off("lz4", err);
	most = size < LZ4_BLOCK / LZ4_RATIO_MAX ? size * LZ4_RATIO_MAX : LZ4_BLOCK;
	to = sink_room(sink, most, &room);
	n = LZ4_decompress_safe((const char *)block, to, (int)size, (int)most);
	if (n < 0)
		return decompress_corrupt("lz4", err);
	*ret_plain = (size_t)n;
	return sink_take(sink, (size_t)n, err);
}

/*
 * Every block but the last is full, so the first that is not ends the stream; where the
 * last is full too, a size that no block can have does, or the file's end (the kernel
 * puts the plain size there).
 */
static int lz4_legacy(struct input *in, struct sink *sink, struct error *err)
{
	size_t plain = LZ4_BLOCK, left;
	bool first = true;

	while (plain == LZ4_BLOCK &&
	       (left = input_have(in, sizeof(uint32_t) + 1)) >= sizeof(uint32_t)) {
		uint32_t size = le32_at(in->at);
		int r;

		if (size != LZ4_LEGACY && !first &&
		    (size == 0 || size > (uint32_t)LZ4_COMPRESSBOUND(LZ4_BLOCK) ||
		     left == sizeof(size)))
			return 0;
		input_take(in, sizeof(size));
		if (size == LZ4_LEGACY)
			continue;
		if (size == 0 || size > (uint32_t)LZ4_COMPRESSBOUND(LZ4_BLOCK))
			return decompress_corrupt("lz4", err);
		r = lz4_block(in, size, sink, &plain, err);
		if (r < 0)
			return r;
		first = false;
	}
	return first ? decompress_cut_off("lz4", err) : 0;
}

/* The frame of the lz4 program (lz4_Frame_format.md). */
static int lz4_frame(struct input *in, struct sink *sink, struct error *err)
{
	LZ4F_dctx *lz4 = NULL;
	size_t status = 1;
	int r = 0;

	if (LZ4F_isError(LZ4F_createDecompressionContext(&lz4, LZ4F_VERSION)))
		return error_set(err, -ENOMEM, "liblz4 can't be started");
	while (status != 0 && r == 0) {
		size_t taken = input_have(in, 1), room;
		void *to = sink_room(sink, 1, &room);

		status = LZ4F_decompress(lz4, to, &room, in->at, &taken, NULL);
		if (LZ4F_isError(status))
			r = decompress_corrupt("lz4", err);
		else if (status != 0 && taken == 0 && room == 0)
			r = decompress_cut_off("lz4", err);
		else
			r = sink_take(sink, room, err);
		input_take(in, taken);
	}
	(void)LZ4F_freeDecompressionContext(lz4); /* frees */
	return r;
}

int decompress_lz4(struct input *in, struct sink *sink, struct error *err)
{
	if (le32_at(in->at) == LZ4_LEGACY)
		return lz4_legacy(in, sink, err);
	return lz4_frame(in, sink, err);
}

/* The header; flags say which sums stand by each block. */
static uint32_t lzop_header(struct input *in)
{
	uint32_t flags;
	bool new;

	input_skip(in, 9); /* its first bytes */
	new = take_number(in, 2) >= LZO_HEADER_NEW;
	input_skip(in, new ? 4 : 2); /* versions of the library, and needed */
	input_skip(in, new ? 2 : 1); /* method, level: one decompressor takes all */
	flags = take_number(in, 4);
	input_skip(in, flags & LZO_FILTER ? 4 : 0);
	input_skip(in, new ? 12 : 8);       /* mode, times */
	input_skip(in, take_number(in, 1)); /* name */
	input_skip(in, 4);                  /* sum of the header */
	if (flags & LZO_EXTRA) {
		input_skip(in, take_number(in, 4));
		input_skip(in, 4);
	}
	return flags;
}

/* What stands before a block's bytes. */
struct lzop_block {
	uint32_t plain, size, adler; /* plain 0: the end */
	bool summed;
};

static struct lzop_block lzop_block_head(struct input *in, uint32_t flags)
{
	struct lzop_block block = {
		.plain = take_number(in, 4),
		.summed = flags & LZO_ADLER_PLAIN,
	};
	bool packed;

	if (block.plain == 0)
		return block;
	block.size = take_number(in, 4);
	packed = block.size < block.plain;
	if (block.summed)
		block.adler = take_number(in, 4);
	input_skip(in, flags & LZO_CRC_PLAIN ? 4 : 0);
	input_skip(in, packed && flags & LZO_ADLER_BLOCK ? 4 : 0);
	input_skip(in, packed && flags & LZO_CRC_BLOCK ? 4 : 0);
	return block;
}

static int lzop_block(const struct lzop_block *block, const uint8_t *from,
		      struct sink *sink, struct error *err)
{
	size_t room;
	void *to = sink_room(sink, block->plain, &room);
	lzo_uint n = block->plain;

	if (block->size == block->plain)
		memcpy(to, from, n);
	else if (lzo1x_decompress_safe(from, block->size, to, &n, NULL) != LZO_E_OK ||
		 n != block->plain)
		return decompress_corrupt("lzop", err);
	if (block->summed && block->adler != (uint32_t)adler32(1, to, block->plain))
		return decompress_corrupt("lzop", err);
	return sink_take(sink, n, err);
}

int decompress_lzo(struct input *in, struct sink *sink, struct error *err)
{
	uint32_t flags = lzop_header(in);

	while (!in->fault) {
		struct lzop_block block = lzop_block_head(in, flags);
		const uint8_t *from;
		int r;

		if (!in->fault && block.plain == 0)
			return 0;
		if (!in->fault &&
		    (block.plain > LZO_BLOCK_MAX || block.size > block.plain))
			return decompress_corrupt("lzop", err);
		from = take(in, block.size);
		if (!from)
			break;
		r = lzop_block(&block, from, sink, err);
		if (r < 0)
			return r;
	}
	return decompress_cut_off("lzop", err);
}
