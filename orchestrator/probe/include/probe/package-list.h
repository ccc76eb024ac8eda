/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What files packages have, noted while they are read for something else: unpacking one
 * once more only to measure it takes as long as the first time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct package_member; /* probe/package-file.h */

struct package_files {
	char *package; /* the file it was read from */
	struct package_listed {
		char *path; /* as in struct package_member */
		uint64_t size;
	} * items;
	size_t count, room;
	bool whole; /* the package was read to its end, and all of its files are here */
};
struct package_lists {
	struct package_files *items;
	size_t count;
};
void package_lists_done(struct package_lists *lists);
#define autolists cleanup(package_lists_done)

/* The package is read from its start; lives until the next one is begun. */
struct package_files *package_lists_begin(struct package_lists *lists,
					  const char *package);
/* One more of its files. A package of more than any has will have no list. */
void package_files_add(struct package_files *files, const struct package_member *member);
/* It was read to its end. */
void package_files_end(struct package_files *files);
/* The whole list of that package, or NULL. */
const struct package_files *package_lists_find(const struct package_lists *lists,
					       const char *package);
