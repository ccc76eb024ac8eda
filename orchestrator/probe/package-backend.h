/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a package manager must be able to answer; one row of the table in packages.c.
 */
#pragma once

#include "probe/packages.h"

struct package_backend {
	const char *name;
	const char *program;     /* must be on the PATH */
	const char *database[2]; /* one of them is there: the manager is in charge */
	bool security;           /* resolve knows of packages.security */
	int (*resolve)(const struct root *root, const struct policy *policy,
		       const char *to_release, struct package_plan *ret,
		       struct error *err);
	int (*installed)(const struct root *root, const struct package_plan *plan,
			 struct error *err);
	int (*unfinished)(const struct root *root, struct error *err);
};

extern const struct package_backend apt_backend;
extern const struct package_backend dnf_backend;
