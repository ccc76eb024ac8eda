/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What asking dnf and letting it work have in common.
 */
#pragma once

#include "probe/packages.h"

/* Asks kuro's plug-in for dnf to say what was resolved; "unlocked": without kuro's own
 * holds. */
#define DNF_PLAN_VARIABLE "KURO_DNF_PLAN"

/* dnf and its options for every run: how many kernels stay is kuro's to decide. */
extern const char *const dnf_options[2];

/* What rpm says of the plan's packages that are installed; for dnf_lines_have. */
int dnf_installed_lines(const struct root *root, const struct package_plan *plan,
			struct strv *ret, struct error *err);
/* Is the package of that change there, at that version (NULL: at any)? */
bool dnf_lines_have(const struct strv *lines, const struct package_change *change,
		    const char *version);
