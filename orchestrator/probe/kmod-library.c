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

/* NOLINTNEXTLINE(readability-function-size): the parameters are libkmod's */
static void log_nothing(void *data, int priority, const char *file, int line,
			const char *function, const char *format, va_list args)
{
	(void)data;
	(void)priority;
	(void)file;
	(void)line;
	(void)function;
	(void)format;
	(void)args;
}

struct kmod_ctx *kmod_silent(const char *directory, const char *const *config_paths)
{
	struct kmod_ctx *kmod = sym_kmod_new(directory, config_paths);

	if (kmod)
		sym_kmod_set_log_fn(kmod, log_nothing, NULL);
	return kmod;
}
