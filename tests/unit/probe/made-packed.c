/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is compressed as the programs compress it that distributions use.
 */
#include "made-packed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <archive.h>
#include <archive_entry.h>
#include <endian.h>
#include <lz4.h>
#include <lzma.h>
#include <lzo/lzo1x.h>
#include <zlib.h>
#include <zstd.h>

#include "base/cleanup.h"

#define MIB ((size_t)1024 * 1024)

static void be32(struct text *to, uint32_t number)
{
	number = htobe32(number);
	text_append_n(to, (const char *)&number, sizeof(number));
}

static void be16(struct text *to, uint16_t number)
{
	number = htobe16(number);
	text_append_n(to, (const char *)&number, sizeof(number));
}

static void le32(struct text *to, uint32_t number)
{
	number = htole32(number);
	text_append_n(to, (const char *)&number, sizeof(number));
}

static void as_gzip(const uint8_t *data, size_t len, struct text *to)
{
	z_stream z = {0};
	autofree uint8_t *out = mem_zalloc(len + len / 100 + 1000);

	assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, MAX_WBITS + 16, 8, 0), Z_OK);
	memcpy(&z.next_in, &data, sizeof(data)); /* zlib's type has no const */
	z.avail_in = (uInt)len;
	z.next_out = out;
	z.avail_out = (uInt)(len + len / 100 + 1000);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	text_append_n(to, (const char *)out, z.total_out);
	(void)deflateEnd(&z);
}

static void lzma_finish(lzma_stream *lzma, const uint8_t *data, size_t len,
			struct text *to)
{
	autofree uint8_t *out = mem_zalloc(len + len / 100 + 1000);

	lzma->next_in = data;
	lzma->avail_in = len;
	lzma->next_out = out;
	lzma->avail_out = len + len / 100 + 1000;
	assert_int_equal(lzma_code(lzma, LZMA_FINISH), LZMA_STREAM_END);
	text_append_n(to, (const char *)out, lzma->total_out);
	lzma_end(lzma);
}

static void as_xz(const uint8_t *data, size_t len, struct text *to)
{
	lzma_stream lzma = LZMA_STREAM_INIT;

	assert_int_equal(lzma_easy_encoder(&lzma, 0, LZMA_CHECK_CRC32), LZMA_OK);
	lzma_finish(&lzma, data, len, to);
}

static void as_xz_crc64(const uint8_t *data, size_t len, struct text *to)
{
	lzma_stream lzma = LZMA_STREAM_INIT;

	assert_int_equal(lzma_easy_encoder(&lzma, 0, LZMA_CHECK_CRC64), LZMA_OK);
	lzma_finish(&lzma, data, len, to);
}

static void as_lzma(const uint8_t *data, size_t len, struct text *to)
{
	lzma_stream lzma = LZMA_STREAM_INIT;
	lzma_options_lzma options;

	assert_false(lzma_lzma_preset(&options, 0));
	assert_int_equal(lzma_alone_encoder(&lzma, &options), LZMA_OK);
	lzma_finish(&lzma, data, len, to);
}

static void as_zstd(const uint8_t *data, size_t len, struct text *to)
{
	size_t room = ZSTD_compressBound(len);
	autofree char *out = mem_zalloc(room);
	ZSTD_CCtx *zstd = ZSTD_createCCtx();

	(void)ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
	room = ZSTD_compress2(zstd, out, room, data, len);
	assert_false(ZSTD_isError(room));
	text_append_n(to, out, room);
	(void)ZSTD_freeCCtx(zstd);
}

/* As zstd writes what comes through a pipe: the frame does not say how long it is. */
static void as_zstd_stream(const uint8_t *data, size_t len, struct text *to)
{
	size_t room = ZSTD_compressBound(len) + 1000, done;
	autofree char *out = mem_zalloc(room);
	ZSTD_CCtx *zstd = ZSTD_createCCtx();
	ZSTD_inBuffer in = {.src = data, .size = len};
	ZSTD_outBuffer to_buffer = {.dst = out, .size = room};

	(void)ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
	done = ZSTD_compressStream2(zstd, &to_buffer, &in, ZSTD_e_flush);
	assert_int_equal(done, 0);
	done = ZSTD_compressStream2(zstd, &to_buffer, &in, ZSTD_e_end);
	assert_int_equal(done, 0);
	text_append_n(to, out, to_buffer.pos);
	(void)ZSTD_freeCCtx(zstd);
}

static void as_lz4_legacy(const uint8_t *data, size_t len, struct text *to)
{
	le32(to, 0x184c2102);
	for (size_t at = 0; at < len; at += 8 * MIB) {
		int part = (int)(len - at < 8 * MIB ? len - at : 8 * MIB);
		int room = LZ4_compressBound(part);
		autofree char *out = mem_zalloc((size_t)room);
		int n = LZ4_compress_default((const char *)data + at, out, part, room);

		le32(to, (uint32_t)n);
		text_append_n(to, out, (size_t)n);
	}
}

/* As lzop -9 writes it: header with its times, blocks of 256 KiB with their Adler-32. */
static void as_lzop(const uint8_t *data, size_t len, struct text *to)
{
	autofree uint8_t *work = mem_zalloc(LZO1X_1_MEM_COMPRESS);

	text_append_n(to, "\211LZO\0\r\n\032\n", 9);
	be16(to, 0x1030);
	be16(to, 0x20a0);
	be16(to, 0x0940);
	text_append_n(to, "\003\011", 2);
	be32(to, 0x03000001);
	be32(to, 0100644);
	be32(to, 1700000000);
	be32(to, 0);
	text_append_n(to, "\007vmlinux", 8);
	be32(to, 0);
	for (size_t at = 0; at < len; at += 256 * 1024) {
		lzo_uint part = len - at < 256 * 1024 ? len - at : 256 * 1024, n = 0;
		autofree uint8_t *out = mem_zalloc(part + part / 16 + 67);
		bool stored;

		assert_int_equal(lzo1x_1_compress(data + at, part, out, &n, work), 0);
		stored = n >= part;
		be32(to, (uint32_t)part);
		be32(to, (uint32_t)(stored ? part : n));
		be32(to, (uint32_t)adler32(1, data + at, (uInt)part));
		text_append_n(to, (const char *)(stored ? data + at : out),
			      stored ? part : n);
	}
	be32(to, 0);
}

static void through_archive(const uint8_t *data, size_t len,
			    int (*filter)(struct archive *), struct text *to)
{
	struct archive *archive = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	size_t room = len * 2 + 4096, used = 0;
	autofree char *out = mem_zalloc(room);

	assert_int_equal(filter(archive), ARCHIVE_OK);
	assert_int_equal(archive_write_set_format_raw(archive), ARCHIVE_OK);
	(void)archive_write_set_bytes_in_last_block(archive, 1);
	assert_int_equal(archive_write_open_memory(archive, out, room, &used),
			 ARCHIVE_OK);
	archive_entry_set_filetype(entry, AE_IFREG);
	assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
	assert_int_equal(archive_write_data(archive, data, len), len);
	assert_int_equal(archive_write_close(archive), ARCHIVE_OK);
	text_append_n(to, out, used);
	archive_entry_free(entry);
	(void)archive_write_free(archive);
}

static void as_bzip2(const uint8_t *data, size_t len, struct text *to)
{
	through_archive(data, len, archive_write_add_filter_bzip2, to);
}

static void as_lz4(const uint8_t *data, size_t len, struct text *to)
{
	through_archive(data, len, archive_write_add_filter_lz4, to);
}

const struct way ways[WAYS] = {
	[WAY_GZIP] = {"gzip", as_gzip, true},
	[WAY_XZ] = {"xz", as_xz, true},
	[WAY_LZMA] = {"lzma", as_lzma, false},
	[WAY_ZSTD] = {"zstd", as_zstd, true},
	[WAY_ZSTD_STREAM] = {"zstd", as_zstd_stream, true},
	[WAY_LZ4_LEGACY] = {"lz4", as_lz4_legacy, false},
	[WAY_LZOP] = {"lzop", as_lzop, true},
	[WAY_BZIP2] = {"bzip2", as_bzip2, true},
	[WAY_LZ4] = {"lz4", as_lz4, false},
	[WAY_XZ_CRC64] = {"xz", as_xz_crc64, true},
};
