/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which files of a release's module tree its kernel's own packages put there, from
 * dpkg's lists (/var/lib/dpkg/info/PACKAGE.list) or, where those tell nothing, from the
 * tree's modules.order, which the kernel's build wrote. Runs no program but rpm, and that
 * one only to name the owners of files that are not the kernel's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/root-file.h"

/* Paths here are relative to the tree, "kernel/fs/ext4/ext4.ko", up to ".ko". */
struct owned_path {
	const char *path; /* NULL: a free slot */
	uint32_t len, hash;
};

struct module_owners {
	const char *release;
	struct strv texts; /* what the paths lie in */
	struct strv lists; /* names of the kernel's own lists */
	struct strv diverted;
	struct owned_path *slots;
	size_t size, count;      /* size is a power of two, or 0 */
	struct owned_path *dirs; /* directories that hold them; some stand there twice */
	size_t dir_count;
	bool scanned; /* every list's name has been looked at */
};

void module_owners_done(struct module_owners *owners);
#define autoowners cleanup(module_owners_done)

/* tree is where the release's modules lie; it and release must outlive ret. */
int module_owners_read(const struct root *root, const char *tree, const char *release,
		       struct module_owners *ret, struct error *err);
/*
 * Lists are first looked for by the names that distributions give their packages; look
 * at all names. 1: there were more, and more paths are owned now.
 */
int module_owners_read_all(const struct root *root, struct module_owners *owners,
			   struct error *err);
/* Is this file of the tree the kernel's own? len is module_stem's. */
bool module_owners_has(const struct module_owners *owners, const char *path, size_t len);

/* A module's file whose package is asked for. */
struct module_owner {
	const char *path; /* relative to the tree, the whole name */
	size_t index;     /* the caller's own; the files are sorted */
	char *package;    /* filled: the package's name, or NULL */
	bool kernels_own; /* filled: an rpm of the kernel owns it after all */
};
/*
 * Name the packages of these files. Slow where there are many packages (every list is
 * read, or rpm is asked, once for all); what can't be told is left NULL, not an error.
 */
void module_owners_name(const struct root *root, const char *tree,
			const struct module_owners *owners, struct module_owner *files,
			size_t count);

/*
 * Length of a module's path through ".ko"; 0 where it is no module's: the name ends in
 * .ko, .ko.gz, .ko.xz or .ko.zst.
 */
size_t module_stem(const char *path, size_t len);
