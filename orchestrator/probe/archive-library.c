/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libarchive by dlopen(3).
 */
#include "archive-library.h"

#include <dlfcn.h>
#include <string.h>

#define LIBRARY "libarchive.so.13" /* of every release since 3.0 */

#define ARCHIVE_DEFINE(name) __typeof__(name) *sym_##name;
ARCHIVE_SYMBOLS(ARCHIVE_DEFINE)

/* POSIX lets an object's pointer be a function's; C does not. */
static int find(void *library, const char *name, void *slot, struct error *err)
{
	void *found = dlsym(library, name);

	if (!found)
		return error_set(err, -ENOTSUP, LIBRARY " has no %s", name);
	memcpy(slot, &found, sizeof(found));
	return 0;
}

int archive_library_load(struct error *err)
{
	static void *library;
	void *opened;
	int r = 0;

	if (library)
		return 0;
	opened = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!opened)
		return error_set(err, -ENOTSUP,
				 "packages can't be read without libarchive: %s",
				 dlerror());
#define ARCHIVE_FIND(name) \
	if (r == 0)        \
		r = find(opened, #name, (void *)&sym_##name, err);
	ARCHIVE_SYMBOLS(ARCHIVE_FIND)
	if (r < 0)
		(void)dlclose(opened); /* nothing of it is used */
	else
		library = opened;
	return r;
}
