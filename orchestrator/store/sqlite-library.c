/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The functions of SQLite that are used.
 */
#include "sqlite-library.h"

#include "base/cleanup.h"

SQLITE_FUNCTIONS(LIBRARY_DEFINE)

int sqlite_library_load(struct error *err)
{
	static const struct library_function functions[] = {
		SQLITE_FUNCTIONS(LIBRARY_FUNCTION)};
	static struct library library = {.file = "libsqlite3.so.0",
					 .functions = functions,
					 .count = ARRAY_LEN(functions)};
	int r = library_load(&library, err);

	return r < 0 ? error_prefix(err, r, "there is no record without SQLite") : 0;
}
