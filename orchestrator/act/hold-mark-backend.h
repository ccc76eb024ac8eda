/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a package manager must be able to be told of holds; one row of the table in
 * hold-mark.c.
 */
#pragma once

#include "act/hold-mark.h"

struct hold_marker {
	/* Called on every machine: where the manager is not, nothing is done. */
	int (*write)(const struct root *root, const struct hold_list *holds,
		     struct error *err);
	/* See hold_mark_outdated; NULL: a release has one version only. */
	bool (*outdated)(const struct root *root, const char *release,
			 const char *version);
};

extern const struct hold_marker apt_hold_marker;
extern const struct hold_marker dnf_hold_marker;
