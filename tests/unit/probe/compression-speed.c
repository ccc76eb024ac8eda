/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sample is of the main archive, behind early ones and zeroes, from all over it; what
 * is tried on it says how small it gets. How long that takes is never tested.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <zstd.h>

#include <cmocka.h>

#include "probe/compression-speed.h"

#define PLAIN ((size_t)8 * 1024 * 1024)

struct place {
	struct root root;
	char dir[32];
};

static int set_up(void **state)
{
	struct place *p = mem_zalloc(sizeof(*p));

	(void)snprintf(p->dir, sizeof(p->dir), "/tmp/kuro-sample-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	assert_int_equal(root_open(&p->root, p->dir, NULL), 0);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	(void)root_unlink(&p->root, "/image", NULL);
	(void)rmdir(p->dir);
	root_done(&p->root);
	free(p);
	return 0;
}

/* Half of it compresses well, half does not. */
static uint8_t *plain_bytes(void)
{
	uint8_t *data = mem_zalloc(PLAIN);
	uint32_t seed = 1;

	for (size_t i = 0; i < PLAIN; i++) {
		seed = seed * 1664525 + 1013904223;
		data[i] = i & 1 ? (uint8_t)(seed >> 24) : 'a';
	}
	return data;
}

static void write_image(struct place *p, const char *early, size_t early_len)
{
	autofree uint8_t *plain = plain_bytes();
	autofree uint8_t *image = mem_zalloc(early_len + PLAIN + 65536);
	size_t n;

	memcpy(image, early, early_len);
	n = ZSTD_compress(image + early_len, PLAIN + 65536, plain, PLAIN, 1);
	assert_false(ZSTD_isError(n));
	assert_int_equal(root_write(&p->root, "/image", 0644, (const char *)image,
				    early_len + n, NULL),
			 0);
}

static void the_main_archive_is_found_behind_early_ones(void **state)
{
	static const char early[] = "070701 first TRAILER!!!\0\0\0\0\0070701 second "
				    "TRAILER!!!\0\0\0\0\0\0\0";
	autosample struct compression_sample sample = {0};
	struct place *p = *state;

	write_image(p, early, sizeof(early));
	assert_int_equal(compression_sample_take(&p->root, "/image", &sample, NULL), 0);
	assert_int_equal(sample.compression, COMPRESSION_ZSTD);
	assert_true(sample.len == PLAIN / 16);
	assert_int_equal(sample.data[0], 'a');
	assert_int_equal(sample.data[sample.len - 2], 'a');
}

static void each_compressor_is_tried(void **state)
{
	static const enum compression all[] = {COMPRESSION_GZIP, COMPRESSION_XZ,
					       COMPRESSION_ZSTD, COMPRESSION_LZ4};
	autosample struct compression_sample sample = {0};
	struct place *p = *state;

	write_image(p, "", 0);
	assert_int_equal(compression_sample_take(&p->root, "/image", &sample, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct compression_trial trial = {0};

		assert_int_equal(compression_try(all[i], 6, &sample, &trial), 0);
		assert_true(trial.share > 0.4 && trial.share < 0.9);
		assert_true(trial.speed > 0);
	}
}

static void others_are_not(void **state)
{
	autosample struct compression_sample sample = {0};
	struct compression_trial trial;
	struct place *p = *state;

	write_image(p, "", 0);
	assert_int_equal(compression_sample_take(&p->root, "/image", &sample, NULL), 0);
	assert_int_equal(compression_try(COMPRESSION_LZO, 6, &sample, &trial), -ENOTSUP);
	assert_int_equal(compression_try(COMPRESSION_NONE, 6, &sample, &trial), -ENOTSUP);
}

static void no_compressed_archive_is_told(void **state)
{
	static const char *const images[] = {"070701 alone", "070701 x TRAILER!!!", "x",
					     "\050\265\057\375 cut off"};
	struct place *p = *state;

	for (size_t i = 0; i < ARRAY_LEN(images); i++) {
		struct compression_sample sample = {0};

		assert_int_equal(root_write(&p->root, "/image", 0644, images[i],
					    strlen(images[i]), NULL),
				 0);
		assert_int_equal(compression_sample_take(&p->root, "/image", &sample,
							 NULL),
				 -ERROR_DAMAGED);
	}
	assert_int_equal(compression_sample_take(&p->root, "/none", NULL, NULL), -ENOENT);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_main_archive_is_found_behind_early_ones),
		CASE(each_compressor_is_tried),
		CASE(others_are_not),
		CASE(no_compressed_archive_is_told),
	};

	return cmocka_run_group_tests_name("compression-speed", tests, NULL, NULL);
}
