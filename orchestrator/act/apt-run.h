/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What runs apt-get and dpkg as kuro does (apt.c), for unpacking (apt-unpack.c) and
 * removal (apt-remove.c).
 */
#pragma once

#include "act/packages.h"

/* apt-get with the fixed options and these words; timeout in seconds, 0 for none. */
int apt_get(const struct package_run *run, const struct strv *words, unsigned int timeout,
	    struct error *err);
/*
 * A program of apt's or dpkg's in the environment that they need to work without a
 * person; argv is NULL-terminated. Of run->initramfs_of no hook builds the initramfs.
 */
int apt_run(const struct package_run *run, const char *const *argv, unsigned int timeout,
	    struct error *err);
/* "install" and the plan, name by name; --no-remove where it removes nothing. */
void apt_install_words(const struct package_plan *plan, struct strv *words);
/* Fetch what a run with these words needs; nothing else changes. */
int apt_fetch(const struct package_run *run, const struct strv *words, struct error *err);
/* The row of packages_unpack. */
int apt_unpack(const struct package_run *run, const struct package_plan *plan,
	       struct error *err);
/* Rows of the table in packages.c; see packages_remove. */
int apt_remove_check(const struct package_run *run, const struct strv *names,
		     struct error *err);
int apt_remove(const struct package_run *run, const struct strv *names,
	       struct error *err);
