/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The package managers told what a proven boot needs (act/protection.h), whenever that
 * changes.
 */
#pragma once

#include "flow/journey.h"

/*
 * Make the protection files say what is so now: the releases that run, of the good, the
 * previous and the trial generation, of pinned ones and of the two newest proven. Without
 * a boot block they go. What is on hold is told too (flow/holds.h). A failure is told,
 * not returned: no boot hangs on it.
 */
void protect_refresh(const struct machine *machine);

/*
 * Those releases, sorted, for who would take one away. Empty where there is no block, or
 * it names nothing good. machine->db may be NULL, and the block damaged: what the other
 * one still knows counts, and where neither does, each generation that lies there. That
 * is told.
 */
void protect_releases(const struct machine *machine, struct strv *ret);
