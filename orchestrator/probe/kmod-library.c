/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The functions of libkmod that are used.
 */
#include "kmod-library.h"

#include "base/cleanup.h"

KMOD_FUNCTIONS(LIBRARY_DEFINE)

int kmod_library_load(struct error *err)
{
	static const struct library_function functions[] = {
		KMOD_FUNCTIONS(LIBRARY_FUNCTION)};
	static struct library library = {.file = "libkmod.so.2",
					 .functions = functions,
					 .count = ARRAY_LEN(functions)};

	return library_load(&library, err);
}
