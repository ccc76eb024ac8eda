/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which compressor is advised, and with which figures. How long they take is never
 * tested.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "doctor-parts.h"

static const struct initramfs_generator dracut = {
	.name = "dracut",
	.compression = "compress=",
	.drop_in = "/etc/dracut.conf.d/compress.conf",
};
static const struct compression_outlook gzip = {COMPRESSION_GZIP, 52, 40};

static void finding_is(const struct compression_outlook *now,
		       const struct compression_outlook *best, enum finding_state state,
		       const char *why, const char *mend)
{
	struct finding f = {0};

	compression_tell(&dracut, now, best, &f);
	assert_int_equal(f.state, state);
	assert_string_equal(f.why, why);
	if (mend)
		assert_string_equal(f.mend, mend);
	else
		assert_null(f.mend);
	free(f.why);
	free(f.mend);
}

static void much_time_is_told_with_its_mend(void **state)
{
	const struct compression_outlook lz4 = {COMPRESSION_LZ4, 11, 50};

	(void)state;
	finding_is(&gzip, &lz4, FINDING_WEAK,
		   "compressing an image by gzip takes dracut about 52.0 s of one core "
		   "here (40 MiB); by lz4 it would be 11.0 s (50 MiB)",
		   "echo 'compress=lz4' > /etc/dracut.conf.d/compress.conf");
}

/* A few seconds, or less than a third: told, and no reason to change anything. */
static void little_time_is_told_alone(void **state)
{
	const struct compression_outlook zstd = {COMPRESSION_ZSTD, 20, 38};
	const struct compression_outlook quick = {COMPRESSION_GZIP, 5, 4};
	const struct compression_outlook quicker = {COMPRESSION_LZ4, 0.5, 5};

	(void)state;
	finding_is(&gzip, &zstd, FINDING_KEPT,
		   "compressing an image by gzip takes dracut about 52.0 s of one core "
		   "here (40 MiB); by zstd it would be 20.0 s (38 MiB)",
		   NULL);
	finding_is(&quick, &quicker, FINDING_KEPT,
		   "compressing an image by gzip takes dracut about 5.0 s of one core "
		   "here (4 MiB); by lz4 it would be 0.5 s (5 MiB)",
		   NULL);
	finding_is(&gzip, &gzip, FINDING_KEPT,
		   "compressing an image by gzip takes dracut about 52.0 s of one core "
		   "here (40 MiB)",
		   NULL);
}

/* The larger image must be read at each boot, and kept in /boot. */
static void the_quickest_may_be_too_large(void **state)
{
	const struct compression_outlook zstd = {COMPRESSION_ZSTD, 20, 38};
	const struct compression_outlook lz4 = {COMPRESSION_LZ4, 11, 56};
	const struct compression_outlook large = {COMPRESSION_LZ4, 11, 57};

	(void)state;
	assert_true(compression_better(&gzip, &gzip, &zstd));
	assert_true(compression_better(&gzip, &zstd, &lz4));
	assert_false(compression_better(&gzip, &zstd, &large));
	assert_false(compression_better(&gzip, &lz4, &zstd));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(much_time_is_told_with_its_mend),
		cmocka_unit_test(little_time_is_told_alone),
		cmocka_unit_test(the_quickest_may_be_too_large),
	};

	return cmocka_run_group_tests_name("doctor-initramfs", tests, NULL, NULL);
}
