/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The policy in force, from its files in rising order.
 */
#pragma once

#include "base/root-file.h"
#include "core/policy.h"

/*
 * Shipped files, /etc/kuro/kuro.conf, /etc/kuro/kuro.conf.d; then extra (--policy FILE,
 * a path outside any root; NULL for none). A file that others than root may write is
 * refused. -ERROR_USAGE with file:line.
 */
int policy_files_load(const struct root *root, const char *extra, struct policy *ret,
		      struct error *err);
