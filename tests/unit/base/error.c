/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Errors keep their code and say the object first; codes map to the promised exit
 * status; nothing overruns the message.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/error.h"

static void set_returns_and_stores_code(void **state)
{
	struct error err = {0};

	(void)state;
	assert_int_equal(error_set(&err, -ENOENT, "%s is missing", "/boot/x"), -ENOENT);
	assert_int_equal(err.code, -ENOENT);
	assert_string_equal(err.message, "/boot/x is missing");
}

static void errno_text_stands_behind(void **state)
{
	struct error err = {0};

	(void)state;
	assert_int_equal(error_errno(&err, -ENOSPC, "write %s", "env"), -ENOSPC);
	assert_string_equal(err.message, "write env: No space left on device");
	(void)error_errno(&err, -4000, "odd"); /* the text is what is tested */
	assert_string_equal(err.message, "odd: unknown error");
}

static void prefixes_read_from_the_outside_in(void **state)
{
	struct error err = {0};

	(void)state;
	(void)error_set(&err, -ERROR_DAMAGED, "tries is 12"); /* its message is used */
	assert_int_equal(error_prefix(&err, -ERROR_DAMAGED, "block of %s", "env"),
			 -ERROR_DAMAGED);
	assert_int_equal(error_prefix(&err, -ERROR_DAMAGED, "status"), -ERROR_DAMAGED);
	assert_string_equal(err.message, "status: block of env: tries is 12");
}

static void long_messages_are_cut_not_overrun(void **state)
{
	char name[2000];
	struct {
		struct error err;
		char guard[16];
	} box = {0};

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	memset(box.guard, 'g', sizeof(box.guard));
	assert_int_equal(error_errno(&box.err, -EIO, "%s", name), -EIO);
	assert_int_equal(error_prefix(&box.err, -EIO, "%s", name), -EIO);
	assert_int_equal(strlen(box.err.message), sizeof(box.err.message) - 1);
	for (size_t i = 0; i < sizeof(box.guard); i++)
		assert_int_equal(box.guard[i], 'g');
}

static void callers_without_error_get_the_code(void **state)
{
	(void)state;
	assert_int_equal(error_set(NULL, -ENOENT, "unseen"), -ENOENT);
	assert_int_equal(error_errno(NULL, -EACCES, "unseen"), -EACCES);
	assert_int_equal(error_prefix(NULL, -ENOENT, "unseen"), -ENOENT);
}

static void exit_status_is_the_contract(void **state)
{
	static const struct {
		int code, status;
	} rows[] = {
		{0, 0},
		{7, 0},
		{-ENOENT, 1},
		{-ERROR_USAGE, 2},
		{-ERROR_REFUSED, 3},
		{-ERROR_UNSUPPORTED, 4},
		{-ERROR_BUSY, 5},
		{-ERROR_ROLLED_BACK, 6},
		{-ERROR_DAMAGED, 1},
		{-ERROR_INTERRUPTED, 1},
		{-ERROR_PROGRAM, 1},
		{-ERROR_END, 1},
		{-100000, 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(error_exit_status(rows[i].code), rows[i].status);
}

static void every_code_has_a_name_of_its_own(void **state)
{
	(void)state;
	assert_string_equal(error_name(0), "ok");
	assert_string_equal(error_name(-ENOENT), "ENOENT");
	assert_string_equal(error_name(-ERROR_END), "unknown");
	for (int a = ERROR_USAGE; a < ERROR_END; a++) {
		assert_non_null(error_name(-a));
		assert_string_not_equal(error_name(-a), "unknown");
		for (int b = ERROR_USAGE; b < a; b++)
			assert_string_not_equal(error_name(-a), error_name(-b));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_returns_and_stores_code),
		cmocka_unit_test(errno_text_stands_behind),
		cmocka_unit_test(prefixes_read_from_the_outside_in),
		cmocka_unit_test(long_messages_are_cut_not_overrun),
		cmocka_unit_test(callers_without_error_get_the_code),
		cmocka_unit_test(exit_status_is_the_contract),
		cmocka_unit_test(every_code_has_a_name_of_its_own),
	};

	return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
