/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every compression comes back as it went in, into memory and into a file, whatever
 * stands behind it; cut off, bent, too large or too greedy it is refused.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

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
#include "base/text.h"
#include "probe/decompress.h"

#define MIB ((size_t)1024 * 1024)

/* Text-like and not: words that repeat, numbers that do not, a stretch of zeroes. */
static uint8_t *sample(size_t len)
{
	uint8_t *data = mem_zalloc(len + 1);
	uint32_t state = 1;

	for (size_t i = 0; i < len; i++) {
		state = state * 1664525 + 1013904223;
		if (i % 300 < 100)
			data[i] = (uint8_t) "the kernel's symbols "[i % 21];
		else if (i % 300 < 120)
			data[i] = (uint8_t)(state >> 24);
	}
	return data;
}

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

static const struct way {
	const char *name; /* of the compression */
	void (*compress)(const uint8_t *data, size_t len, struct text *to);
	bool summed; /* holds a check of what it holds */
} ways[] = {
	{"gzip", as_gzip, true},        {"xz", as_xz, true},
	{"lzma", as_lzma, false},       {"zstd", as_zstd, true},
	{"zstd", as_zstd_stream, true}, {"lz4", as_lz4_legacy, false},
	{"lzop", as_lzop, true},        {"lz4", as_lz4, false},
	{"bzip2", as_bzip2, true},
};

static void comes_back(const struct way *way, const struct text *packed,
		       const uint8_t *data, size_t len)
{
	autofree void *plain = NULL;
	struct error err = {0};
	size_t plain_len = 0;

	assert_string_equal(compression_name(compression_of(packed->data, packed->len)),
			    way->name);
	if (decompress(packed->data, packed->len, len, &plain, &plain_len, &err) < 0)
		fail_msg("%s: %s", way->name, err.message);
	assert_int_equal(plain_len, len);
	assert_memory_equal(plain, data, len);
	assert_int_equal(((char *)plain)[len], '\0');
}

static void comes_back_in_file(const struct way *way, const struct text *packed,
			       const uint8_t *data, size_t len)
{
	autoclose int fd = memfd_create("plain", MFD_CLOEXEC);
	struct error err = {0};
	uint64_t plain_len = 0;
	struct stat st;
	void *plain;

	if (decompress_to(packed->data, packed->len, len, fd, &plain_len, &err) < 0)
		fail_msg("%s: %s", way->name, err.message);
	assert_int_equal(plain_len, len);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, len);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), len);
	plain = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(plain, MAP_FAILED);
	assert_memory_equal(plain, data, len);
	(void)munmap(plain, len);
}

/* lz4's blocks are 8 MiB: less than one, more than one, two exactly. */
static const size_t sizes[] = {1, 600000, 9 * MIB + 1, 16 * MIB};

static bool is_slow(const struct way *way)
{
	return !str_eq(way->name, "zstd") && !str_eq(way->name, "lz4");
}

static void every_compression_comes_back(void **state)
{
	(void)state;
	for (size_t s = 0; s < ARRAY_LEN(sizes); s++) {
		autofree uint8_t *data = sample(sizes[s]);

		for (size_t w = 0; w < ARRAY_LEN(ways); w++) {
			autotext struct text packed = {0};

			if (sizes[s] > MIB && is_slow(&ways[w]))
				continue;
			ways[w].compress(data, sizes[s], &packed);
			comes_back(&ways[w], &packed, data, sizes[s]);
			comes_back_in_file(&ways[w], &packed, data, sizes[s]);
		}
	}
}

/* The size that the kernel puts there, and what fills up an image. */
static void bytes_behind_the_stream_are_left_alone(void **state)
{
	(void)state;
	for (size_t s = 1; s < ARRAY_LEN(sizes); s += 2) {
		autofree uint8_t *data = sample(sizes[s]);

		for (size_t w = 0; w < ARRAY_LEN(ways); w++) {
			autotext struct text packed = {0};

			if (sizes[s] > MIB && is_slow(&ways[w]))
				continue;
			ways[w].compress(data, sizes[s], &packed);
			le32(&packed, (uint32_t)sizes[s]);
			comes_back(&ways[w], &packed, data, sizes[s]);
			for (int i = 0; i < 4096; i++)
				text_append_n(&packed, "", 1);
			comes_back(&ways[w], &packed, data, sizes[s]);
			comes_back_in_file(&ways[w], &packed, data, sizes[s]);
		}
	}
}

static int try(const struct text *packed, size_t len, size_t max, struct error *err)
{
	void *plain = NULL;
	size_t plain_len;
	int r = decompress(packed->data, len, max, &plain, &plain_len, err);
	autoclose int fd = memfd_create("plain", MFD_CLOEXEC);

	free(plain);
	assert_int_equal(decompress_to(packed->data, len, max, fd, NULL, NULL) == 0,
			 r == 0);
	return r;
}

static void every_cut_is_damage(const struct way *way, const struct text *packed)
{
	for (size_t len = 9; len < packed->len - 4; len += 1 + packed->len / 30) {
		struct error err = {0};

		if (try(packed, len, MIB, &err) != -ERROR_DAMAGED)
			fail_msg("%s cut at %zu of %zu", way->name, len, packed->len);
		assert_non_null(strstr(err.message, way->name));
	}
}

static void what_is_cut_off_is_damaged(void **state)
{
	autofree uint8_t *data = sample(100000);

	(void)state;
	for (size_t w = 0; w < ARRAY_LEN(ways); w++) {
		autotext struct text packed = {0};

		ways[w].compress(data, 100000, &packed);
		every_cut_is_damage(&ways[w], &packed);
	}
}

/* A bent match may still copy the same bytes: whole is what is the same. */
static void is_damaged_or_the_same(const struct way *way, const struct text *packed,
				   const uint8_t *data, size_t len)
{
	autofree void *plain = NULL;
	size_t plain_len = 0;
	int r = decompress(packed->data, packed->len, 2 * len, &plain, &plain_len, NULL);

	assert_true((try(packed, packed->len, 2 * len, NULL) == 0) == (r == 0));
	if (r == 0 && way->summed && (plain_len != len || memcmp(plain, data, len) != 0))
		fail_msg("bent %s was believed", way->name);
}

static void what_is_bent_is_damaged(void **state)
{
	autofree uint8_t *data = sample(100000);

	(void)state;
	for (size_t w = 0; w < ARRAY_LEN(ways); w++) {
		autotext struct text packed = {0};

		ways[w].compress(data, 100000, &packed);
		for (size_t at = 9; at < packed.len; at += 1 + packed.len / 60) {
			packed.data[at] ^= 0x10;
			is_damaged_or_the_same(&ways[w], &packed, data, 100000);
			packed.data[at] ^= 0x10;
		}
	}
}

static void what_is_larger_than_allowed_is_refused(void **state)
{
	autofree uint8_t *data = sample(MIB);

	(void)state;
	for (size_t w = 0; w < ARRAY_LEN(ways); w++) {
		autotext struct text packed = {0};
		struct error err = {0};

		ways[w].compress(data, MIB, &packed);
		assert_int_equal(try(&packed, packed.len, MIB - 1, &err), -EFBIG);
		assert_non_null(strstr(err.message, "it holds more than 1048575 bytes"));
		assert_int_equal(try(&packed, packed.len, 1, NULL), -EFBIG);
		assert_int_equal(try(&packed, packed.len, 0, NULL), -EFBIG);
	}
}

/* 100 MiB of zeroes in some kilobytes, 4 MiB allowed. */
static void a_bomb_takes_no_more_than_is_allowed(void **state)
{
	autofree uint8_t *zeroes = mem_zalloc(100 * MIB);
	autotext struct text gzip = {0}, zstd = {0}, stream = {0};
	struct rusage before, after;
	struct error err = {0};

	(void)state;
	as_gzip(zeroes, 100 * MIB, &gzip);
	as_zstd(zeroes, 100 * MIB, &zstd);
	as_zstd_stream(zeroes, 100 * MIB, &stream);
	(void)getrusage(RUSAGE_SELF, &before);
	assert_int_equal(try(&gzip, gzip.len, 4 * MIB, &err), -EFBIG);
	assert_int_equal(try(&zstd, zstd.len, 4 * MIB, &err), -EFBIG);
	assert_int_equal(try(&stream, stream.len, 4 * MIB, &err), -EFBIG);
	(void)getrusage(RUSAGE_SELF, &after);
	assert_true(after.ru_maxrss - before.ru_maxrss < 32 * 1024);
}

/* Headers that ask for a dictionary of gigabytes. */
static void a_dictionary_beyond_bounds_is_refused(void **state)
{
	static const uint8_t window[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0, 0};
	static const uint8_t dictionary[] = {0x5d, 0,    0,    0,    0x60, 0xff,
					     0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					     0xff, 0,    0,    0,    0};
	autotext struct text packed = {0};
	struct error err = {0};

	(void)state;
	text_append_n(&packed, (const char *)window, sizeof(window));
	assert_int_equal(try(&packed, packed.len, MIB, &err), -EFBIG);
	assert_string_equal(err.message, "zstd data wants more than 128 MiB of memory");
	packed.len = 0;
	text_append_n(&packed, (const char *)dictionary, sizeof(dictionary));
	assert_int_equal(try(&packed, packed.len, MIB, &err), -EFBIG);
	assert_string_equal(err.message, "lzma data wants more than 144 MiB of memory");
}

static void what_is_not_compressed_is_copied(void **state)
{
	const struct way none = {.name = "none"};
	autotext struct text plain = {0};

	(void)state;
	text_append_n(&plain, "MZ\0plain", 8);
	comes_back(&none, &plain, (const uint8_t *)"MZ\0plain", 8);
	comes_back_in_file(&none, &plain, (const uint8_t *)"MZ\0plain", 8);
	assert_int_equal(try(&plain, 8, 7, NULL), -EFBIG);
	assert_int_equal(compression_of("", 0), COMPRESSION_NONE);
	assert_int_equal(compression_of("\037", 1), COMPRESSION_NONE);
}

/* Behind what a file holds already it is written, not mapped. */
static void a_file_is_written_from_its_position_on(void **state)
{
	autoclose int fd = memfd_create("plain", MFD_CLOEXEC);
	autofree uint8_t *data = sample(MIB), *back = mem_zalloc(MIB);
	autotext struct text packed = {0};

	(void)state;
	as_zstd(data, MIB, &packed);
	assert_int_equal(write(fd, "head", 4), 4);
	assert_int_equal(decompress_to(packed.data, packed.len, MIB, fd, NULL, NULL), 0);
	assert_int_equal(pread(fd, back, MIB, 4), MIB);
	assert_memory_equal(back, data, MIB);
	assert_int_equal(pread(fd, back, 4, 0), 4);
	assert_memory_equal(back, "head", 4);
}

static void a_file_that_takes_nothing_is_an_error(void **state)
{
	autoclose int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	autofree uint8_t *data = sample(MIB);

	(void)state;
	for (size_t w = 0; w < ARRAY_LEN(ways); w++) {
		autotext struct text packed = {0};

		ways[w].compress(data, MIB, &packed);
		assert_int_equal(decompress_to(packed.data, packed.len, MIB, full, NULL,
					       NULL),
				 -ENOSPC);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_compression_comes_back),
		cmocka_unit_test(bytes_behind_the_stream_are_left_alone),
		cmocka_unit_test(what_is_cut_off_is_damaged),
		cmocka_unit_test(what_is_bent_is_damaged),
		cmocka_unit_test(what_is_larger_than_allowed_is_refused),
		cmocka_unit_test(a_bomb_takes_no_more_than_is_allowed),
		cmocka_unit_test(a_dictionary_beyond_bounds_is_refused),
		cmocka_unit_test(what_is_not_compressed_is_copied),
		cmocka_unit_test(a_file_is_written_from_its_position_on),
		cmocka_unit_test(a_file_that_takes_nothing_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
