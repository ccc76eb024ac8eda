/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The functions of libarchive that are used.
 */
#include "archive-library.h"

#include "base/cleanup.h"

ARCHIVE_FUNCTIONS(LIBRARY_DEFINE)

int archive_library_load(struct error *err)
{
	static const struct library_function functions[] = {
		ARCHIVE_FUNCTIONS(LIBRARY_FUNCTION)};
	static struct library library = {
		.file = "libarchive.so.13", /* of every release since 3.0 */
		.functions = functions,
		.count = ARRAY_LEN(functions),
	};
	int r = library_load(&library, err);

	return r < 0 ? error_prefix(err, r, "packages can't be read without libarchive")
		     : 0;
}
