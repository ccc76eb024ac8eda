/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The functions of libsystemd that are used.
 */
#include "systemd-library.h"

#include "base/cleanup.h"

SYSTEMD_FUNCTIONS(LIBRARY_DEFINE)

int systemd_library_load(struct error *err)
{
	static const struct library_function functions[] = {
		SYSTEMD_FUNCTIONS(LIBRARY_FUNCTION)};
	static struct library library = {.file = "libsystemd.so.0",
					 .functions = functions,
					 .count = ARRAY_LEN(functions)};

	return library_load(&library, err);
}
