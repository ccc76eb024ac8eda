/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Command lines split as the kernel splits them and join to what it splits back; nothing
 * gets into a GRUB script that is not one quoted word or that the kernel would not get as
 * it is; values of /etc/default/grub are read or refused, never half read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/process.h"
#include "core/command-line.h"

/* Split, and show with one bar between arguments. */
static char *split(const char *line)
{
	autostrv struct strv args = {0};

	command_line_split(line, &args);
	return strv_join(&args, "|");
}

static void lines_split_as_the_kernel_does(void **state)
{
	static const char *const cases[][2] = {
		{"", ""},
		{" \t\n ", ""},
		{"ro", "ro"},
		{"  root=UUID=0a  ro\tquiet\n", "root=UUID=0a|ro|quiet"},
		{"dyndbg=\"file a.c +p\" ro", "dyndbg=file a.c +p|ro"},
		{"\"dyndbg=file a.c +p\" ro", "dyndbg=file a.c +p|ro"},
		{"a=\"b\"", "a=b"},
		{"a=", "a="},
		{"a=\"\"", "a="},
		{"\"a\"", "a"},
		{"a=b\"c d\"e f", "a=b\"c d\"e|f"},
		{"a=\"never ends ro", "a=never ends ro"},
		{"\"never ends ro", "never ends ro"},
		{"a==b", "a==b"},
		{"=a", "=a"},
		{"a=b=\"c d\"", "a=b=\"c d\""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autofree char *got = split(cases[i][0]);

		assert_string_equal(got, cases[i][1]);
	}
}

static void joined_lines_split_into_the_same(void **state)
{
	static const char *const lines[] = {
		"root=UUID=0a ro quiet",
		"dyndbg=\"file a.c +p; func b -p\" ro",
		"\"two words\" ro",
		"a=b\"c d\"e f",
		"a= b=\"\" =c",
		"x=\"a=b c=d\"",
		"memmap=64M$0x10000000 console=ttyS0,115200n8",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		autostrv struct strv args = {0};
		autofree char *first = split(lines[i]);
		autofree char *joined = NULL, *second = NULL;

		command_line_split(lines[i], &args);
		joined = command_line_join(&args);
		second = split(joined);
		assert_string_equal(second, first);
	}
}

static void joined_lines_quote_only_what_needs_it(void **state)
{
	autostrv struct strv args = {0};
	autofree char *joined = NULL;

	(void)state;
	strv_add(&args, "ro");
	strv_add(&args, "dyndbg=file a +p");
	strv_add(&args, "two words");
	strv_add(&args, "a=b\"c d\"");
	joined = command_line_join(&args);
	assert_string_equal(joined, "ro dyndbg=\"file a +p\" \"two words\" a=b\"c d\"");
}

static void last_value_counts(void **state)
{
	autostrv struct strv args = {0};

	(void)state;
	command_line_split("console=tty0 quiet console=ttyS0 root=UUID=0a quietly=1 e=",
			   &args);
	assert_string_equal(command_line_get(&args, "console"), "ttyS0");
	assert_string_equal(command_line_get(&args, "root"), "UUID=0a");
	assert_string_equal(command_line_get(&args, "quiet"), "");
	assert_string_equal(command_line_get(&args, "e"), "");
	assert_null(command_line_get(&args, "consol"));
	assert_null(command_line_get(&args, "ro"));
}

static void what_belongs_to_one_boot_does_not_last(void **state)
{
	autostrv struct strv args = {0}, trial = {0}, lasting = {0};
	autofree char *joined = NULL;

	(void)state;
	command_line_split(
		"BOOT_IMAGE=/vmlinuz-6 root=UUID=0a ro initrd=\\initrd panic=10 "
		"kuro.generation=7 kuro.trial=1 quiet panic=20 kuro",
		&args);
	command_line_split("panic=10 oops=panic", &trial);
	command_line_lasting(&args, &trial, &lasting);
	joined = command_line_join(&lasting);
	assert_string_equal(joined, "root=UUID=0a ro quiet panic=20 kuro");
}

static void grub_words_are_single_quoted(void **state)
{
	static const char *const cases[][2] = {
		{"", "''"},
		{"ro", "'ro'"},
		{"a b", "'a b'"},
		{"it's", "'it'\\''s'"},
		{"$root; `x` \"y\" \\ {z}", "'$root; `x` \"y\" \\ {z}'"},
		{"''", "''\\'''\\'''"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autofree char *word = command_line_grub_word(cases[i][0]);

		assert_string_equal(word, cases[i][1]);
	}
}

static void check_one(const char *arg, const char *complaint)
{
	autostrv struct strv args = {0};
	struct error err = {0};
	int r;

	strv_add(&args, "ro");
	strv_add(&args, arg);
	r = command_line_check(&args, &err);
	if (!complaint && r != 0)
		fail_msg("\"%s\": %s", arg, err.message);
	if (complaint && (r != -EINVAL || !strstr(err.message, complaint)))
		fail_msg("\"%s\": %d %s", arg, r, err.message);
}

static void arguments_that_grub_or_the_kernel_would_change_are_refused(void **state)
{
	autofree char *longest = str_format("%0512d", 0);
	autofree char *too_long = str_format("%0513d", 0);

	(void)state;
	check_one("root=UUID=0a", NULL);
	check_one("dyndbg=file a +p", NULL);
	check_one("memmap=64M$0x10000000;&|<>(){}*?[]!#`", NULL);
	check_one("name=\xc3\xa9", NULL);
	check_one("root=PARTLABEL=a\\x20b", NULL);
	check_one(longest, NULL);
	check_one(too_long, "longer than 512 bytes");
	check_one("", "empty");
	check_one("a\nset default=0", "control character");
	check_one("a\x1b[2J", "control character");
	check_one("a\x7f", "control character");
	check_one("a\xff", "not UTF-8");
	check_one("a=\"b", "quote");
	check_one("it's", "quote");
	check_one("a\\b", "backslash");
	check_one("a\\x2", "backslash");
	check_one("a\\", "backslash");
}

static void lines_that_would_be_cut_are_refused(void **state)
{
	autostrv struct strv args = {0};
	struct error err = {0};

	(void)state;
	for (int i = 0; i < COMMAND_LINE_MAX / 10; i++)
		strv_add(&args, "a=12345");
	assert_int_equal(command_line_check(&args, NULL), 0);
	strv_add(&args, "b=123456");
	assert_int_equal(command_line_check(&args, &err), -EINVAL);
	assert_non_null(strstr(err.message, "141 arguments"));
}

static void quoted_values_are_read_without_a_shell(void **state)
{
	static const char *const cases[][2] = {
		{"", ""},
		{"quiet", "quiet"},
		{"\"quiet splash\"", "quiet splash"},
		{"'quiet splash'", "quiet splash"},
		{"quiet\\ splash", "quiet splash"},
		{"\"a 'b' c\"", "a 'b' c"},
		{"'a \"b\" $c `d` \\e'", "a \"b\" $c `d` \\e"},
		{"\"a \\\"b\\\" \\$c \\`d \\\\ \\e\"", "a \"b\" $c `d \\ \\e"},
		{"a'b'\"c\"d", "abcd"},
		{"\"a\\\nb\"", "ab"},
		{"\"quiet\"  # a comment", "quiet"},
		{"\"quiet\"\n", "quiet"},
		{"a#b", "a#b"},
		{"\"\"", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autofree char *value = NULL;
		struct error err = {0};

		if (command_line_unquote(cases[i][0], &value, &err) < 0)
			fail_msg("\"%s\": %s", cases[i][0], err.message);
		assert_string_equal(value, cases[i][1]);
	}
}

static void values_that_need_a_shell_are_refused(void **state)
{
	static const struct {
		const char *value;
		int code;
	} cases[] = {
		{"$HOME", -ERROR_UNSUPPORTED},
		{"\"a $b\"", -ERROR_UNSUPPORTED},
		{"`id`", -ERROR_UNSUPPORTED},
		{"\"a `id`\"", -ERROR_UNSUPPORTED},
		{"\"a\" b", -ERROR_UNSUPPORTED},
		{"a;b", -ERROR_UNSUPPORTED},
		{"\"a\"; b", -ERROR_UNSUPPORTED},
		{"a&", -ERROR_UNSUPPORTED},
		{"(a)", -ERROR_UNSUPPORTED},
		{"a>b", -ERROR_UNSUPPORTED},
		{"\"never ends", -EINVAL},
		{"'never ends", -EINVAL},
		{"ends\\", -EINVAL},
		{"\"ends\\", -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = {0};
		char *value = NULL;

		assert_int_equal(command_line_unquote(cases[i].value, &value, &err),
				 cases[i].code);
		assert_null(value);
		assert_int_not_equal(err.message[0], '\0');
	}
}

/* /bin/sh reads the same values as we do. */
static void shell_agrees_with_us(void **state)
{
	static const char *const values[] = {
		"\"a \\\"b\\\" \\$c \\`d \\\\ \\e\"",
		"'a \"b\" $c `d` \\e'",
		"quiet\\ splash",
		"a'b'\"c\"d",
		"\"a\\\nb\"",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		autofree char *script = str_format("v=%s\nprintf %%s \"$v\"", values[i]);
		const char *argv[] = {"sh", "-c", script, NULL};
		autoprocess struct process_result result = {0};
		autofree char *value = NULL;
		struct error err = {0};

		if (process_check(&(struct process){.argv = argv}, &result, &err) < 0)
			fail_msg("%s", err.message);
		assert_int_equal(command_line_unquote(values[i], &value, NULL), 0);
		assert_string_equal(value, text_str(&result.out));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_split_as_the_kernel_does),
		cmocka_unit_test(joined_lines_split_into_the_same),
		cmocka_unit_test(joined_lines_quote_only_what_needs_it),
		cmocka_unit_test(last_value_counts),
		cmocka_unit_test(what_belongs_to_one_boot_does_not_last),
		cmocka_unit_test(grub_words_are_single_quoted),
		cmocka_unit_test(
			arguments_that_grub_or_the_kernel_would_change_are_refused),
		cmocka_unit_test(lines_that_would_be_cut_are_refused),
		cmocka_unit_test(quoted_values_are_read_without_a_shell),
		cmocka_unit_test(values_that_need_a_shell_are_refused),
		cmocka_unit_test(shell_agrees_with_us),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
