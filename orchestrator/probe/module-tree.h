/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Module files of a release's tree that the kernel's own packages do not own.
 */
#pragma once

#include "base/root-file.h"
#include "module-owners.h"

struct tree_file {
	char *path;   /* below the tree */
	char *name;   /* of the module */
	char *target; /* where it is a link: as written there; or NULL */
};

struct tree_files {
	struct tree_file *items; /* sorted by name */
	size_t count;
};
void tree_files_done(struct tree_files *files);
#define autotreefiles cleanup(tree_files_done)

/*
 * One file a module: of several, the one that depmod prefers. What lies below kernel/ is
 * taken from depmod's index where nothing has changed there since depmod ran. -EACCES,
 * -EIO.
 */
int module_tree_files(const struct root *root, const char *tree,
		      const struct module_owners *owners, struct tree_files *ret,
		      struct error *err);
