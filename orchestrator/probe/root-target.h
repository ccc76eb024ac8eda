/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The release whose initramfs is asked about: its module tree, and the list of what the
 * root file system needs of it, which grows by dependencies. For root-needs*.c.
 */
#pragma once

#include "base/root-file.h"
#include "core/initramfs.h"
#include "driver-tree.h"

struct root_target {
	const struct root *root;
	const char *release;
	char *folder; /* "/lib/modules/REL", or below /usr */
	struct driver_tree tree;
	struct kmod_ctx *kmod; /* dependencies; NULL where there are no modules */
	struct strv fit;       /* modules with an alias for this machine's processor */
	bool fit_known;        /* it has a modalias at all */
	char *modinfo;         /* modules.builtin.modinfo; or NULL */
	size_t modinfo_size;
	struct strv built_in; /* of it: "ext4.softdep=pre: crc32c" */
	struct strv expanded; /* names whose dependencies are in the list */
	const char *checksum; /* of the root's btrfs: "crc32c"; or NULL; borrowed */
	struct root_needs *needs;
};

/* -ENOENT: no module tree, or depmod never ran over it; -ERROR_DAMAGED: its index of
 * dependencies. */
int root_target_open(const struct root *root, const char *release,
		     struct root_needs *needs, struct root_target *ret,
		     struct error *err);
void root_target_done(struct root_target *target);

/* The module of that name is needed; one that the tree does not have is needed, too. */
void root_target_need(struct root_target *target, const char *name, const char *why);
/*
 * A module with that alias, or of that name, is needed: any of several, those in use
 * (may be NULL) among them. False, and nothing added, where the tree knows none.
 */
bool root_target_need_alias(struct root_target *target, const char *alias,
			    const char *also, const char *why);
/* Is there a module of that name, or built in? */
bool root_target_has(const struct root_target *target, const char *name);

/* Dependencies, softdeps and firmware of all that was added. */
int root_target_expand(struct root_target *target, struct error *err);
/* The file of one of its modules, as the machine sees it; NULL for none. Caller frees. */
char *root_target_path(const struct root_target *target, const char *name);
