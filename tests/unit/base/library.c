/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A library that is there is loaded once, with all its functions; one that is not, or
 * lacks one, is said.
 */
#include "base/library.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static __typeof__(strlen) *sym_strlen, *sym_gone;

static const struct library_function functions[] = {{"strlen", (void *)&sym_strlen},
						    {"kuro_gone", (void *)&sym_gone}};

static void a_library_is_loaded_once(void **state)
{
	struct library library = {"libc.so.6", functions, 1, NULL};
	void *opened;

	(void)state;
	assert_int_equal(library_load(&library, NULL), 0);
	assert_int_equal(sym_strlen("four"), 4);
	opened = library.opened;
	assert_int_equal(library_load(&library, NULL), 0);
	assert_ptr_equal(library.opened, opened);
}

static void one_that_is_not_there_is_said(void **state)
{
	struct library library = {"libkuro-gone.so.7", functions, 1, NULL};
	struct error err = {0};

	(void)state;
	assert_int_equal(library_load(&library, &err), -ENOTSUP);
	assert_non_null(strstr(err.message, "libkuro-gone.so.7"));
	assert_null(library.opened);
}

static void a_function_that_is_not_there_is_said(void **state)
{
	struct library library = {"libc.so.6", functions, 2, NULL};
	struct error err = {0};

	(void)state;
	assert_int_equal(library_load(&library, &err), -ENOTSUP);
	assert_non_null(strstr(err.message, "kuro_gone"));
	assert_null(library.opened);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_library_is_loaded_once),
		cmocka_unit_test(one_that_is_not_there_is_said),
		cmocka_unit_test(a_function_that_is_not_there_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
