/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which versions come from an archive of security updates, by what the archive's own
 * Release file says, never by a host's name: apt's simulation shows one of several
 * archives that have a version (Ubuntu's -updates hides its -security), its policy all.
 *
 * Formats: apt-cache(8), policy, without names (archives with their release lines) and
 * with them (versions with the archives that have them); apt_preferences(5).
 */
#pragma once

#include "probe/apt-answers.h"

/*
 * Preferences by which apt takes the kernel's packages from these archives where they
 * have newer ones than are installed: above a default release, below a downgrade.
 */
extern const char apt_security_pins[];

/*
 * "NAME=VERSION" of each version of these packages that such an archive has: label
 * Debian-Security, or a suite whose name ends in "-security". -ERROR_PROGRAM: apt can't.
 */
int apt_security_versions(const struct root *root, const struct strv *names,
			  struct strv *ret, struct error *err);
/* The same from the two answers; lines that are none are left out. */
void apt_security_parse(const char *archives, const char *versions, struct strv *ret);
