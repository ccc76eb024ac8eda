/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Text grows without losing a byte, lists stay NULL-terminated, numbers are read
 * strictly, and nothing from outside reaches a terminal as a control character.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/text.h"

static void text_grows_and_is_never_null(void **state)
{
	autotext struct text t = {0};

	(void)state;
	assert_string_equal(text_str(&t), "");
	for (int i = 0; i < 1000; i++)
		text_appendf(&t, "%03d,", i);
	text_append_n(&t, "endless", 3);
	assert_int_equal(t.len, 4003);
	assert_int_equal(strlen(text_str(&t)), t.len);
	assert_memory_equal(t.data + 4 * 512, "512,", 4);
	assert_string_equal(t.data + 4000, "end");
}

static void taken_text_leaves_nothing_behind(void **state)
{
	struct text t = {0};
	autofree char *empty = text_take(&t);
	autofree char *full = NULL;

	(void)state;
	assert_string_equal(empty, "");
	text_append(&t, "abc");
	full = text_take(&t);
	assert_string_equal(full, "abc");
	assert_null(t.data);
	assert_int_equal(t.len, 0);
}

static void copies_of_null_are_null(void **state)
{
	autofree char *copy = str_ndup("release", 3);
	autofree char *line = str_format("%s=%d", "tries", 1);

	(void)state;
	assert_null(str_dup(NULL));
	assert_string_equal(copy, "rel");
	assert_string_equal(line, "tries=1");
}

static void string_questions(void **state)
{
	char padded[] = " \t good \n";
	char blank[] = " \n";

	(void)state;
	assert_true(str_starts("vmlinuz-6.1", "vmlinuz-"));
	assert_false(str_starts("vm", "vmlinuz-"));
	assert_true(str_ends("10.conf", ".conf"));
	assert_false(str_ends("conf", ".conf"));
	assert_true(str_eq(NULL, NULL));
	assert_false(str_eq(NULL, ""));
	assert_false(str_eq("", NULL));
	assert_string_equal(str_strip(padded), "good");
	assert_string_equal(str_strip(blank), "");
}

static void numbers_are_read_strictly(void **state)
{
	static const struct {
		const char *s;
		int result;
	} rows[] = {
		{"1", 0},         {"9", 0},         {"007", 0},
		{"0", -ERANGE},   {"10", -ERANGE},  {"99999999999999999999", -ERANGE},
		{"", -EINVAL},    {" 1", -EINVAL},  {"1 ", -EINVAL},
		{"+1", -EINVAL},  {"-1", -EINVAL},  {"0x1", -EINVAL},
		{"1.0", -EINVAL}, {"1\n", -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned long long value = 77;

		assert_int_equal(str_to_u64(rows[i].s, 1, 9, &value), rows[i].result);
		if (rows[i].result == 0)
			assert_in_range(value, 1, 9);
		else
			assert_int_equal(value, 77);
	}
}

static void lists_stay_null_terminated(void **state)
{
	autostrv struct strv v = {0};
	autofree char *joined = NULL;

	(void)state;
	strv_sort(&v);
	assert_false(strv_has(&v, "a"));
	strv_split(&v, ",,c, a,b,", ", ");
	strv_add(&v, "B");
	strv_add_take(&v, str_dup("a b"));
	assert_int_equal(v.count, 5);
	assert_null(v.items[5]);
	strv_sort(&v);
	joined = strv_join(&v, "|");
	assert_string_equal(joined, "B|a|a b|b|c");
	assert_true(strv_has(&v, "a b"));
	assert_false(strv_has(&v, "A"));
	strv_done(&v);
	assert_int_equal(v.count, 0);
	assert_null(v.items);
}

static void printable_text_has_no_controls(void **state)
{
	static const struct {
		const char *raw, *shown;
	} rows[] = {
		{"plain ~", "plain ~"},
		{"Gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa7",
		 "Gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa7"},
		{"\x1b[2J", "\\x1b[2J"},
		{"a\nb\tc\x7f", "a\\x0ab\\x09c\\x7f"},
		{"\xc0\xaf", "\\xc0\\xaf"},                   /* overlong */
		{"\xe0\x80\xaf", "\\xe0\\x80\\xaf"},          /* overlong */
		{"\xed\xa0\x80", "\\xed\\xa0\\x80"},          /* surrogate */
		{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* above U+10FFFF */
		{"\xc2\x9b"
		 "2J",
		 "\\xc2\\x9b2J"},           /* C1 control */
		{"\xe2\x82", "\\xe2\\x82"}, /* cut short */
		{"\xff", "\\xff"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autofree char *shown = str_printable(rows[i].raw);

		assert_string_equal(shown, rows[i].shown);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_grows_and_is_never_null),
		cmocka_unit_test(taken_text_leaves_nothing_behind),
		cmocka_unit_test(copies_of_null_are_null),
		cmocka_unit_test(string_questions),
		cmocka_unit_test(numbers_are_read_strictly),
		cmocka_unit_test(lists_stay_null_terminated),
		cmocka_unit_test(printable_text_has_no_controls),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
