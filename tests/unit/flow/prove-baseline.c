/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is kept of the proven image: the same comes back, and nothing of another image or
 * of a damaged file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "prove-baseline.h"

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void done(struct initramfs_baseline *proven)
{
	strv_done(&proven->modules);
}

static char *kept(const char *modules)
{
	struct initramfs_baseline proven = {.size = 5000000000, .plain = 7000000000};
	char *text;

	strv_split(&proven.modules, modules, " ");
	text = prove_baseline_format(HASH, &proven);
	done(&proven);
	return text;
}

static void what_was_kept_comes_back(void **state)
{
	autofree char *text = kept("end ext4 virtio_blk");
	struct initramfs_baseline back = {0};

	(void)state;
	assert_true(prove_baseline_parse(text, HASH, &back));
	assert_true(back.size == 5000000000 && back.plain == 7000000000);
	assert_int_equal(back.modules.count, 3);
	assert_string_equal(back.modules.items[0], "end");
	assert_string_equal(back.modules.items[2], "virtio_blk");
	done(&back);
}

static void an_image_without_modules_has_none(void **state)
{
	autofree char *text = kept("");
	struct initramfs_baseline back = {0};

	(void)state;
	assert_true(prove_baseline_parse(text, HASH, &back));
	assert_int_equal(back.modules.count, 0);
}

static void another_image_is_not_it(void **state)
{
	autofree char *text = kept("ext4");
	struct initramfs_baseline back = {0};

	(void)state;
	assert_false(prove_baseline_parse(text, "0123", &back));
	assert_int_equal(back.size, 0);
}

/* But the last byte, the end of a line that is whole. */
static void what_is_cut_off_is_nothing(void **state)
{
	autofree char *text = kept("ext4 virtio_blk");

	(void)state;
	for (size_t len = strlen(text) - 1; len-- > 0;) {
		struct initramfs_baseline back = {0};

		text[len] = '\0';
		assert_false(prove_baseline_parse(text, HASH, &back));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_kept_comes_back),
		cmocka_unit_test(an_image_without_modules_has_none),
		cmocka_unit_test(another_image_is_not_it),
		cmocka_unit_test(what_is_cut_off_is_nothing),
	};

	return cmocka_run_group_tests_name("prove-baseline", tests, NULL, NULL);
}
