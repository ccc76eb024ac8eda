/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the hooks of all package managers share.
 */
#pragma once

#include "command.h"
#include "probe/packages.h"

/* kuro drives this run itself, and knows what it does; or it is in charge of nothing. */
bool door_is_closed(const struct command *c);
/* Ask door_removals, then door_incoming with what that needs open; bypassed: what a way
 * around is recorded for. */
int door_ask(struct command *c, struct package_plan *packages, const char *bypassed,
	     struct error *err);
