/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The files of one installed release, wherever its distribution puts them; each is mapped
 * once. For kernel-source.c.
 */
#pragma once

#include "base/root-file.h"

enum release_file {
	RELEASE_IMAGE,
	RELEASE_CONFIG,
	RELEASE_SYMVERS,
	RELEASE_BUILTIN,
	RELEASE_MODINFO,
	RELEASE_DEP,
	RELEASE_ORDER,
	RELEASE_FILES,
};
/* "image", "modules.builtin" */
const char *release_file_name(enum release_file file);

/* A file's bytes: a mapping, or what was made of one. */
struct held {
	const void *data; /* never NULL once held */
	size_t len;
	void *mapping;
	void *made;
};
void held_done(struct held *held);
#define autoheld cleanup(held_done)
/* Map a regular file of at most max bytes. -ENOENT, -EACCES, -EINVAL, -EFBIG. */
int held_map(const struct root *root, const char *path, size_t max, struct held *ret,
	     struct error *err);
/* Plain bytes instead of compressed ones; what is not compressed stays as it is. */
int held_unpack(struct held *held, const char *path, size_t max, struct error *err);

/* Zero-initialised but for root and release, which it borrows. */
struct release_files {
	const struct root *root;
	const char *release;
	struct held held[RELEASE_FILES];
	char *identities[RELEASE_FILES]; /* of those held, as far as they have one */
};
void release_files_done(struct release_files *files);
/* The file, owned by files. -ENOENT: it is in none of its places. */
int release_files_get(struct release_files *files, enum release_file file,
		      const struct held **ret, struct error *err);
/* The identity of the file that release_files_get has given or would give (as it lies
 * there, perhaps compressed); caller frees. NULL: nothing to rely upon. */
char *release_files_identity(const struct release_files *files, enum release_file file);
/* Is it in one of its places, be it readable or not? */
bool release_files_has(const struct release_files *files, enum release_file file);
