/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Marks of releases that wait: files, one a release, empty but for what is noted.
 */
#include "act/pending.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/release.h"

#define NOTE_MAX ((size_t)1024 * 1024)

static char *pending_path(const char *release, struct error *err)
{
	if (release_valid(release))
		return str_format(PENDING_DIRECTORY "/%s", release);
	error_set(err, -EINVAL, "\"%.64s\" is not a kernel release", release);
	return NULL;
}

int pending_note(const struct root *root, const char *release, const char *text,
		 struct error *err)
{
	autofree char *path = pending_path(release, err);
	int r = path ? root_mkdirs(root, PENDING_DIRECTORY, 0755, err) : -EINVAL;

	return r < 0 ? r : root_write(root, path, 0644, text, strlen(text), err);
}

int pending_noted(const struct root *root, const char *release, char **ret,
		  struct error *err)
{
	autofree char *path = pending_path(release, err);

	return path ? root_read(root, path, NOTE_MAX, ret, NULL, err) : -EINVAL;
}

int pending_add(const struct root *root, const char *release, struct error *err)
{
	return pending_note(root, release, "", err);
}

int pending_remove(const struct root *root, const char *release, struct error *err)
{
	autofree char *path = pending_path(release, err);

	return path ? root_unlink(root, path, err) : -EINVAL;
}

static int newer_first(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return release_compare(*y, *x);
}

int pending_list(const struct root *root, struct strv *ret, struct error *err)
{
	autostrv struct strv names = {0};
	int r = root_list(root, PENDING_DIRECTORY, &names, err);

	for (size_t i = 0; r == 0 && i < names.count; i++)
		if (release_valid(names.items[i]))
			strv_add(ret, names.items[i]);
	if (ret->count > 0)
		qsort(ret->items, ret->count, sizeof(void *), newer_first);
	return r;
}
