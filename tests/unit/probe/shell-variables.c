/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The reader of shell assignments agrees with a real shell on what it reads, and says so
 * where it can't; nothing it is given makes it run, grow or recurse without end.
 */
#include "shell-variables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/process.h"

static char *shell_says(const char *text)
{
	autofree char *script = str_format("%s\nprintf %%s \"$X\"", text);
	const char *argv[] = {"sh", "-c", script, NULL};
	autoprocess struct process_result result = {0};

	assert_int_equal(process_check(&(struct process){.argv = argv}, &result, NULL),
			 0);
	return text_take(&result.out);
}

static void reads_what_a_shell_reads(void **state)
{
	static const char *const texts[] = {
		"X=",
		"X=a",
		"X=a; X=b",
		"X='a b'\"c d\"e\\ f",
		"X=\"a\\\"b\\$c\\\\d\\e\"",
		"X='a\"b'",
		"X=\"it's (so) {far}\"",
		"X=a#b # c",
		"X=\"a # b\"",
		"Y='p q' X=\"<$Y>\"",
		"Y='p  q'\nX=$Y",
		"Y='p\"q\\r`s$t'\nX=\"$Y\"",
		"Y='p\"q\\r`s$t'\nX=$Y-${Y}z",
		"X=\"$X more\"",
		"X=a\nX=\"$X b\"\nX=\"${X} c\"",
		"export X=a",
		"X=a; export X",
		"X=\"a\\\nb\"",
		"X=a\\\nb",
		"X='a\nb'",
		"  X=a\t;\n\n# X=b",
		"X=a'$Y'b",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		cleanup(shell_variables_done) struct shell_variables variables = {0};
		autofree char *want = shell_says(texts[i]);
		struct error err = {0};
		const char *value = NULL;

		if (shell_variables_read(&variables, texts[i], &err) < 0 ||
		    shell_variables_get(&variables, "X", &value, &err) < 0)
			fail_msg("%s: %s", texts[i], err.message);
		if (!str_eq(value, want))
			fail_msg("%s: \"%s\", a shell says \"%s\"", texts[i], value,
				 want);
	}
}

static void says_where_it_takes_a_shell(void **state)
{
	static const char *const texts[] = {
		"X=`echo a b`",
		"X=$(echo \"a b\" '(')",
		"X=\"$(echo \"a b\")\"",
		"X=${Y:-\"a b\"}",
		"X=$Y",
		"X=\"a$\"",
		"X=$1",
		"X=$?",
		"X=a&Y=b",
		"Y=$(x)\nX=$Y",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		cleanup(shell_variables_done) struct shell_variables variables = {0};
		const char *value = NULL;

		if (shell_variables_read(&variables, texts[i], NULL) == 0 &&
		    shell_variables_get(&variables, "X", &value, NULL) == 0)
			fail_msg("%s: \"%s\"", texts[i], value);
	}
}

static void says_which_line_is_code(void **state)
{
	static const struct {
		const char *text;
		const char *line;
	} rows[] = {
		{"reboot", "line 1"},
		{"A=1\n\n# c\nreboot", "line 4"},
		{"A='1\n2'\nif x", "line 3"},
		{"A=1 reboot", "line 1"},
		{"=a", "line 1"},
		{"1A=a", "line 1"},
		{"A='", "line 1"},
		{"A=\"`\"", "line 1"},
		{"A=$(((", "line 1"},
		{"A=\\", "line 1"},
		{"(A=1)", "line 1"},
		{"A=1\nexport -p", "line 2"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup(shell_variables_done) struct shell_variables variables = {0};
		struct error err = {0};

		assert_int_equal(shell_variables_read(&variables, rows[i].text, &err),
				 -ERROR_UNSUPPORTED);
		if (!str_starts(err.message, rows[i].line))
			fail_msg("%s: %s", rows[i].text, err.message);
	}
}

static void doubling_ends(void **state)
{
	cleanup(shell_variables_done) struct shell_variables variables = {0};
	autotext struct text t = {0};
	const char *value = NULL;

	(void)state;
	text_append(&t, "X=aaaaaaaa\n");
	for (int i = 0; i < 60; i++)
		text_append(&t, "X=$X$X\n");
	assert_int_equal(shell_variables_read(&variables, text_str(&t), NULL), 0);
	assert_int_equal(shell_variables_get(&variables, "X", &value, NULL),
			 -ERROR_UNSUPPORTED);
}

static void nesting_and_count_end(void **state)
{
	cleanup(shell_variables_done) struct shell_variables deep = {0}, many = {0};
	autotext struct text t = {0}, n = {0};

	(void)state;
	text_append(&t, "X=");
	for (int i = 0; i < 20000; i++)
		text_append(&t, "$(");
	assert_int_equal(shell_variables_read(&deep, text_str(&t), NULL),
			 -ERROR_UNSUPPORTED);
	for (int i = 0; i < 2000; i++)
		text_appendf(&n, "X%d=\n", i);
	assert_int_equal(shell_variables_read(&many, text_str(&n), NULL),
			 -ERROR_UNSUPPORTED);
	assert_in_range(many.count, 1, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_a_shell_reads),
		cmocka_unit_test(says_where_it_takes_a_shell),
		cmocka_unit_test(says_which_line_is_code),
		cmocka_unit_test(doubling_ends),
		cmocka_unit_test(nesting_and_count_end),
	};

	return cmocka_run_group_tests_name("shell-variables", tests, NULL, NULL);
}
