/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rows of the table in packages.c; see packages_remove.
 */
#pragma once

#include "act/packages.h"

int dnf_remove_check(const struct package_run *run, const struct strv *names,
		     struct error *err);
int dnf_remove(const struct package_run *run, const struct strv *names,
	       struct error *err);
