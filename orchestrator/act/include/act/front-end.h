/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A package manager that calls kuro again when its run has ended, so that hooks within
 * that run have nothing to deal with. dpkg tells its scripts by itself; rpm does not:
 * dnf is noted when it announces its transaction.
 */
#pragma once

#include "base/root-file.h"

/* The process that called kuro is one. May be repeated. */
int front_end_announce(const struct root *root, struct error *err);
/* Is kuro called from below one that still runs? */
bool front_end_works(const struct root *root);
