/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Holds in force: what ends one beside its day and a person's word, and the package
 * managers told of it (act/hold-mark.h).
 */
#pragma once

#include "flow/journey.h"

/*
 * Lift the holds that another version of their release has ended, and make the marks of
 * the others true; without a boot block there are none. Failures are told, not returned.
 */
void holds_refresh(const struct machine *machine);

/*
 * The hold that keeps a release from being tried: -ENOENT for none. version: of the
 * packages that come with it; NULL: of those that are installed. What failed here was one
 * version; another one is tried.
 */
int holds_get(const struct machine *machine, const char *release, const char *version,
	      struct hold *ret, struct error *err);
