/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lists of packages' files. What a package says of itself is bounded here as well.
 */
#include "probe/package-list.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "probe/package-file.h"

#define LISTED_MAX   ((size_t)256 * 1024) /* files; kernels have some ten thousand */
#define LISTED_FIRST 256

static void package_files_clear(struct package_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		free(files->items[i].path);
	free(files->items);
	files->items = NULL;
	files->count = files->room = 0;
	files->whole = false;
}

void package_lists_done(struct package_lists *lists)
{
	for (size_t i = 0; i < lists->count; i++) {
		package_files_clear(&lists->items[i]);
		free(lists->items[i].package);
	}
	free(lists->items);
	*lists = (struct package_lists){0};
}

static struct package_files *list_of(const struct package_lists *lists,
				     const char *package)
{
	for (size_t i = 0; i < lists->count; i++)
		if (str_eq(lists->items[i].package, package))
			return &lists->items[i];
	return NULL;
}

struct package_files *package_lists_begin(struct package_lists *lists,
					  const char *package)
{
	struct package_files *files = list_of(lists, package);

	if (files) {
		package_files_clear(files);
		return files;
	}
	lists->items = mem_regrow(lists->items, lists->count + 1, sizeof(*lists->items));
	files = &lists->items[lists->count++];
	*files = (struct package_files){.package = str_dup(package)};
	return files;
}

void package_files_add(struct package_files *files, const struct package_member *member)
{
	if (files->count > LISTED_MAX)
		return;
	if (files->count == files->room) {
		files->room = files->room ? 2 * files->room : LISTED_FIRST;
		files->items =
			mem_regrow(files->items, files->room, sizeof(*files->items));
	}
	files->items[files->count++] =
		(struct package_listed){str_dup(member->path), member->size};
}

void package_files_end(struct package_files *files)
{
	files->whole = files->count <= LISTED_MAX;
}

const struct package_files *package_lists_find(const struct package_lists *lists,
					       const char *package)
{
	const struct package_files *files = list_of(lists, package);

	return files && files->whole ? files : NULL;
}
