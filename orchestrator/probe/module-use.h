/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What this machine uses a loaded module for, from /proc and /sys below the root. Reads
 * only; what can't be read claims no use.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/root-file.h"
#include "core/module.h"
#include "device-use.h"

/* A line of /proc/modules. */
struct loaded_module {
	char *name;
	char *users;      /* modules that need it, "a,b,", or "-" */
	bool more_users;  /* its reference count says that something besides uses it */
	bool out_of_tree; /* taint flag O */
};

/* A module's own use, found by its name. */
struct named_use {
	char *name;
	enum module_use use;
	char *user;
};

struct module_uses {
	const struct root *root;
	struct loaded_module *loaded; /* sorted by name */
	size_t loaded_count;
	bool unloaded; /* names of what is not loaded count, too: it may be built in */
	bool gathered;
	struct device_claims claims;
	struct named_use *named;
	size_t named_count;
};

void module_uses_done(struct module_uses *uses);
#define autouses cleanup(module_uses_done)

/* What is loaded. 0 or -errno; no /proc/modules: nothing is. root must outlive ret. */
int module_uses_read(const struct root *root, struct module_uses *ret);
/* The loaded module of that name (- as _), or NULL. */
const struct loaded_module *module_uses_find(const struct module_uses *uses,
					     const char *name);
/* What there is to know of uses: claims and named are filled; once. */
void module_uses_gather(struct module_uses *uses, const char *release);
/*
 * The worst use of the module and of those that need it; release (the running one) names
 * the tree whose modules.alias tells file system types. user: who uses it, or NULL; the
 * caller frees. What there is to know is gathered at the first question.
 */
enum module_use module_uses_of(struct module_uses *uses, const char *release,
			       const char *name, char **user);
