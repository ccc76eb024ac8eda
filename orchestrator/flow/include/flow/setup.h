/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kuro put in charge of this machine's boots, and taken out again.
 */
#pragma once

#include "flow/journey.h"

extern const struct journey_plan setup_plan;
extern const struct journey_plan disable_plan;

/*
 * Make the first generation from the running boot, the block, GRUB's entries, the
 * units. Repeatable: what is so already stays. -ERROR_UNSUPPORTED: GRUB can't write
 * where the block would lie, or there is no GRUB here.
 */
int setup_run(const struct machine *machine, struct error *err);
/*
 * Leave a machine that boots as its distribution intended, and prove it: ret_proof says
 * which entry GRUB will choose and that its files are whole. Caller frees.
 */
int disable_run(const struct machine *machine, char **ret_proof, struct error *err);
