/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a release's module tree has by name and by alias: an installed one as depmod left
 * it, or lists of one that is not installed.
 */
#pragma once

#include "base/cleanup.h"
#include "base/root-file.h"
#include "probe/devices.h"

struct driver_name {
	const char *name; /* - as _ */
	bool built_in;
	bool third_party; /* below updates, extra or weak-updates, and not moved there */
};

struct kmod_ctx;

struct driver_tree {
	struct driver_name *names; /* sorted, each once */
	size_t count;
	/* modules.dep, .builtin, .alias, .builtin.modinfo, .order; or NULL */
	char *texts[5];
	size_t sizes[5];
	const struct driver_names *lists; /* aliases of a tree that is not installed */
	struct kmod_ctx *kmod;            /* or NULL: aliases are read from the texts */
	/* modules.dep is cut off, or tells of none of the kernel's modules */
	bool torn;
	int fd;
};

/*
 * Open /lib/modules/RELEASE. -ENOENT with a sentence: there is none, or depmod never ran
 * over it. *ret is what driver_tree_done takes in any case.
 */
int driver_tree_open(const struct root *root, const char *release,
		     struct driver_tree *ret, struct error *err);
/* A tree of these lists, which must live as long as it. */
void driver_tree_of(const struct driver_names *lists, struct driver_tree *ret);
void driver_tree_done(struct driver_tree *tree);
#define autodrivertree cleanup(driver_tree_done)

/* The module of that name (- as _), or NULL. */
const struct driver_name *driver_tree_find(const struct driver_tree *tree,
					   const char *name);
/*
 * For each of the wanted aliases (- as _, sorted, each once) the names of the modules
 * that have it, into found[index].
 */
void driver_tree_match(const struct driver_tree *tree, const struct strv *wanted,
		       struct strv *found);
/* The same among "PATTERN MODULE" words. */
void driver_aliases_match(const struct strv *aliases, const struct strv *wanted,
			  struct strv *found);
