/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The package manager's own answers: which kernel it would bring, what is installed.
 * Reads only. Back ends are rows of a table (apt; dnf follows).
 */
#pragma once

#include "base/root-file.h"
#include "base/text.h"
#include "core/policy.h"

struct package_change {
	char *name;
	char *old_version; /* NULL: newly installed */
	char *new_version; /* NULL: removed */
};

struct package_plan {
	char *manager;	/* "apt" */
	char *release;	/* the kernel release that it brings; NULL: nothing to do */
	struct package_change *items;
	size_t count;
};

void package_plan_done(struct package_plan *plan);
#define autoplan cleanup(package_plan_done)
/* JSON for the transaction's detail, and back. Caller frees. */
char *package_plan_format(const struct package_plan *plan);
int package_plan_parse(const char *text, struct package_plan *ret, struct error *err);

/* Name of the package manager in charge here, "apt" or "dnf"; NULL for none known. */
const char *packages_manager(const struct root *root);

/*
 * What an upgrade of the kernel would change: the kernel meta-packages that are
 * installed (and header meta-packages beside them) brought to their candidate, or,
 * with to_release, that release's image package. Asked of the package manager's own
 * simulation, holds and pins respected. Packages that would be removed are in the plan
 * too (new_version NULL); the caller refuses a plan that removes a kernel in use.
 * -ERROR_UNSUPPORTED: no known package manager, or no kernel meta-package here;
 * -ENOENT: no such release in its lists.
 */
int packages_resolve(const struct root *root, const struct policy *policy,
		     const char *to_release, struct package_plan *ret, struct error *err);

/* Is every package of the plan at its new version now, and wholly configured? 1, 0 or negative. */
int packages_installed(const struct root *root, const struct package_plan *plan,
		       struct error *err);
/* 1 when the package database has half-done packages (dpkg --audit), 0, negative. */
int packages_unfinished(const struct root *root, struct error *err);
