/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What dnf says a transaction will do, as a JSON object. From dnf 4 by kuro's plug-in
 * (hooks/dnf/kuro.py): {"packages": […]}; from dnf5 by its actions plug-in, an answer to
 * a request of trans_packages: {"return": {"trans_packages": […]}}. The members of a
 * package are dnf5's (libdnf5-actions(8), "Getting … transaction packages"); dnf 4's
 * have besides "path", where its archive lies, "reason", dnf's word for why it is there,
 * "provides", those names that say which kernel it is of, and "security": does a security
 * advisory name this version?
 */
#pragma once

#include "probe/packages.h"

/*
 * Read it. ret gets one change a package: one that changes under its name and
 * architecture ("linux-firmware.noarch"), one that comes or goes by itself under all of
 * it ("kernel-core-6.5.6-300.fc39.x86_64"), as dnf takes both for a package. Versions
 * are "[EPOCH:]VERSION-RELEASE". -ERROR_DAMAGED: it is neither, or names what can't be a
 * package.
 */
int dnf_incoming_parse(const char *text, struct package_plan *ret, struct error *err);

/* Is this dnf5's answer to a request, and the only value in it a text? The text; caller
 * frees; NULL: it is none. */
char *dnf_incoming_value(const char *text);

/*
 * dnf5 tells no paths: find the archives of what comes in its cache
 * (CACHE/REPOSITORY-…/packages). Those that are not there stay without.
 */
void dnf_incoming_find_archives(const struct root *root, const char *cache,
				struct package_plan *plan);
