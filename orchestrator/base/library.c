/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dlopen(3).
 */
#include "base/library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

static int open_and_bind(struct library *library, struct error *err)
{
	void *opened;

	if (library->opened)
		return 0;
	opened = dlopen(library->file, RTLD_NOW | RTLD_LOCAL);
	if (!opened)
		return error_set(err, -ENOTSUP, "%s", dlerror());
	for (size_t i = 0; i < library->count; i++) {
		const struct library_function *function = &library->functions[i];
		void *found = dlsym(opened, function->name);

		if (!found) {
			(void)dlclose(opened); /* nothing of it is used */
			return error_set(err, -ENOTSUP, "%s has no %s", library->file,
					 function->name);
		}
		/* POSIX lets an object's pointer be a function's; C does not */
		memcpy(function->slot, &found, sizeof(found));
	}
	library->opened = opened;
	return 0;
}

int library_load(struct library *library, struct error *err)
{
	static pthread_mutex_t one_thread = PTHREAD_MUTEX_INITIALIZER;
	int r;

	(void)pthread_mutex_lock(&one_thread); /* a plain mutex can't fail */
	r = open_and_bind(library, err);
	(void)pthread_mutex_unlock(&one_thread); /* likewise */
	return r;
}
