/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a proven boot needs, made known to the package managers, so that a person's
 * `apt autoremove` or dnf's installonly_limit does not take it.
 *
 * apt: APT::NeverAutoRemove, a list of regular expressions of package names (apt.conf(5),
 *   apt-pkg/depcache.cc), as the distribution's own 01autoremove-kernels was written.
 * dnf: protected.d, names of packages without version (dnf.conf(5), protected_packages):
 *   with a kernel's name there dnf removes none of them, not even to install a newer one.
 *   So it is there only while dnf would take one that is needed.
 */
#pragma once

#include "base/root-file.h"
#include "base/text.h"

#define PROTECTION_APT "/etc/apt/apt.conf.d/99kuro-protected"
#define PROTECTION_DNF "/etc/dnf/protected.d/kuro.conf"

/*
 * Protect the packages of these releases. from_limit: dnf would take one of them when the
 * next kernel comes. A manager that is not on this machine is told nothing. What is so
 * already is not written again.
 */
int protection_write(const struct root *root, const struct strv *releases,
		     bool from_limit, struct error *err);
/* Take it all back; what is gone already is success. */
int protection_clear(const struct root *root, struct error *err);
