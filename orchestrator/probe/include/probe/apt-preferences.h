/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * apt's preferences without those that kuro wrote itself: kuro asks apt which kernel it
 * would bring, and tells of a hold with its reason, where apt tells of packages that
 * can't be had. Formats: apt_preferences(5), which also says what names count.
 */
#pragma once

#include "base/root-file.h"

/* Where kuro's own stand (act/hold-mark.h). */
#define APT_HOLDS "/etc/apt/preferences.d/99kuro-holds"
/* What apt is told to read in their stead; see process.stdin_fd. */
#define APT_OTHERS_OPTIONS                                   \
	"-o", "Dir::Etc::Preferences=/proc/self/fd/0", "-o", \
		"Dir::Etc::PreferencesParts=/dev/null"

/*
 * The machine's other preferences in apt's order, and more behind them (may be NULL), as
 * a file of memory at its start: the caller closes it. -ENOENT: there are none of kuro's
 * and no more, so apt can be asked plainly.
 */
int apt_preferences_others(const struct root *root, const char *more, struct error *err);
