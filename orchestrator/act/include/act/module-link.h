/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A third-party module of one release made known to another that would load it as it is,
 * as weak-modules(8) does: a link below weak-updates, and depmod.
 */
#pragma once

#include "act/packages.h"

#define MODULE_LINK_DIR "weak-updates/kuro" /* below the release's module tree */

/*
 * Link each path (as the machine sees it) into release's tree: a hard link where the file
 * system allows it, so that it outlives the release that it comes from, else a symbolic
 * one. May be repeated.
 */
int module_link_all(const struct package_run *run, const struct strv *paths,
		    const char *release, struct error *err);
/* Take the links of these paths out of that release's tree again; what is gone already is
 * success. */
int module_link_undo(const struct package_run *run, const struct strv *paths,
		     const char *release, struct error *err);
