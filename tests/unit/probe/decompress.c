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

#include <endian.h>

#include "base/cleanup.h"
#include "decompress-input.h"
#include "made-packed.h"
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

static void le32(struct text *to, uint32_t number)
{
	number = htole32(number);
	text_append_n(to, (const char *)&number, sizeof(number));
}

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

		for (size_t w = 0; w < WAYS; w++) {
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

		for (size_t w = 0; w < WAYS; w++) {
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
	for (size_t w = 0; w < WAYS; w++) {
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
	for (size_t w = 0; w < WAYS; w++) {
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
	for (size_t w = 0; w < WAYS; w++) {
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
	ways[WAY_GZIP].compress(zeroes, 100 * MIB, &gzip);
	ways[WAY_ZSTD].compress(zeroes, 100 * MIB, &zstd);
	ways[WAY_ZSTD_STREAM].compress(zeroes, 100 * MIB, &stream);
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

static int add_to_text(void *data, const uint8_t *bytes, size_t len, struct error *err)
{
	(void)err;
	text_append_n(data, (const char *)bytes, len);
	return 0;
}

/* Of a file that is larger than the pieces that are read of it. */
static void a_stream_ends_where_it_ends(void **state)
{
	autofree uint8_t *data = sample(MIB);

	(void)state;
	for (size_t w = 0; w < WAYS; w++) {
		autoclose int fd = memfd_create("packed", MFD_CLOEXEC);
		autotext struct text packed = {0}, plain = {0};
		struct error err = {0};
		struct input in;

		text_append_n(&packed, "\0\0\0", 3);
		ways[w].compress(data, MIB, &packed);
		text_append_n(&packed, "\0\0\0\0behind", 10);
		assert_int_equal(write(fd, packed.data, packed.len), packed.len);
		input_file(&in, fd, packed.len);
		input_skip(&in, 3);
		if (decompress_stream(&in, MIB, add_to_text, &plain, &err) < 0)
			fail_msg("%s: %s", ways[w].name, err.message);
		assert_int_equal(in.offset, packed.len - 10);
		assert_true(plain.len == MIB && memcmp(plain.data, data, MIB) == 0);
		assert_int_equal(input_have(&in, 100), 10);
		assert_memory_equal(in.at + 4, "behind", 6);
		input_done(&in);
	}
}

static int refuse(void *data, const uint8_t *bytes, size_t len, struct error *err)
{
	(void)data;
	(void)bytes;
	(void)len;
	return error_set(err, -ECANCELED, "that is enough");
}

static void who_takes_it_may_end_it(void **state)
{
	autofree uint8_t *data = sample(MIB);

	(void)state;
	for (size_t w = 0; w < WAYS; w++) {
		autotext struct text packed = {0};
		struct error err = {0};
		struct input in;

		ways[w].compress(data, MIB, &packed);
		input_memory(&in, packed.data, packed.len);
		assert_int_equal(decompress_stream(&in, MIB, refuse, NULL, &err),
				 -ECANCELED);
		assert_string_equal(err.message, "that is enough");
	}
}

/* Behind what a file holds already it is written, not mapped. */
static void a_file_is_written_from_its_position_on(void **state)
{
	autoclose int fd = memfd_create("plain", MFD_CLOEXEC);
	autofree uint8_t *data = sample(MIB), *back = mem_zalloc(MIB);
	autotext struct text packed = {0};

	(void)state;
	ways[WAY_ZSTD].compress(data, MIB, &packed);
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
	for (size_t w = 0; w < WAYS; w++) {
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
		cmocka_unit_test(a_stream_ends_where_it_ends),
		cmocka_unit_test(who_takes_it_may_end_it),
		cmocka_unit_test(a_file_is_written_from_its_position_on),
		cmocka_unit_test(a_file_that_takes_nothing_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
