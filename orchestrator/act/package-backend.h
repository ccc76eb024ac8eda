/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a package manager must be able to do; one row of the table in packages.c.
 */
#pragma once

#include "act/packages.h"

struct package_worker {
	const char *name; /* as packages_manager() says it */
	int (*refresh)(const struct package_run *run, struct error *err);
	int (*download)(const struct package_run *run, const struct package_plan *plan,
			struct error *err);
	/* Paths of the plan's archives in the cache, as far as they are there. */
	int (*archives)(const struct root *root, const struct package_plan *plan,
			struct strv *ret, struct error *err);
	int (*unpack)(const struct package_run *run, const struct package_plan *plan,
		      struct error *err);
	int (*install)(const struct package_run *run, const struct package_plan *plan,
		       struct error *err);
	int (*undo)(const struct package_run *run, const struct package_plan *plan,
		    struct error *err);
	int (*repair)(const struct package_run *run, struct error *err);
};

extern const struct package_worker apt_worker;
extern const struct package_worker dnf_worker;
