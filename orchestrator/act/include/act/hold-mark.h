/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Releases on hold, made known to the package managers, so that they neither bring such a
 * release again nor hide why. What is kuro's is made whole from the holds in force, never
 * added to. Back ends are rows of a table (hold-mark.c).
 *
 * apt: apt_preferences(5), a negative priority for the version that failed. dnf 4:
 * entries of dnf-versionlock(8)'s list that exclude the release, where that plug-in is,
 * and a list that kuro's own plug-in reads. dnf5: excludes of dnf5.conf(5).
 */
#pragma once

#include "base/root-file.h"
#include "core/transaction.h"
#include "probe/apt-preferences.h"

#define HOLD_MARK_APT    APT_HOLDS
#define HOLD_MARK_DNF    "/etc/dnf/plugins/versionlock.list"
#define HOLD_MARK_PLUGIN "/etc/dnf/plugins/kuro-holds.list"
#define HOLD_MARK_DNF5   "/etc/dnf/libdnf5.conf.d/99-kuro-holds.conf"

/*
 * Mark these and no others; an empty list takes the marks away. What is marked already
 * stays as it is, its version too. A manager that is not on this machine is told nothing.
 * May be repeated.
 */
int hold_marks_write(const struct root *root, const struct hold_list *holds,
		     struct error *err);

/*
 * A hold is on the version that failed. Is the version of the release's packages that is
 * installed (or that comes: version, else NULL) another one than that which is marked?
 * false where nobody knows, and where a release has one version only (rpm).
 */
bool hold_mark_outdated(const struct root *root, const char *release,
			const char *version);
