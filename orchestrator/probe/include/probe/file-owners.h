/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Does a package own it? dpkg's lists (/var/lib/dpkg/info/PACKAGE.list) are read without
 * a program; rpm is asked.
 */
#pragma once

#include <stdbool.h>

#include "base/root-file.h"
#include "base/text.h"

/*
 * ret[i] (paths->count of them, all false before): a package owns paths[i], an absolute
 * path, or something below it. /usr/lib/modules and /lib/modules are one place. A package
 * manager that does not answer owns everything, since nothing is removed on a guess.
 */
void file_owners_find(const struct root *root, const struct strv *paths, bool *ret);
