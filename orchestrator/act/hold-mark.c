/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table of package managers that are told of holds. All of them are: which one is in
 * charge can change, and a mark that nobody reads does no harm.
 */
#include "act/hold-mark.h"

#include "base/cleanup.h"
#include "hold-mark-backend.h"

static const struct hold_marker *const markers[] = {&apt_hold_marker, &dnf_hold_marker};

int hold_marks_write(const struct root *root, const struct hold_list *holds,
		     struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(markers); i++)
		r = markers[i]->write(root, holds, err);
	return r;
}

bool hold_mark_outdated(const struct root *root, const char *release, const char *version)
{
	bool outdated = false;

	for (size_t i = 0; i < ARRAY_LEN(markers) && !outdated; i++)
		outdated = markers[i]->outdated &&
			   markers[i]->outdated(root, release, version);
	return outdated;
}
