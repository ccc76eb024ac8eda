/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What was interrupted or damaged, put right; nothing is guessed silently.
 */
#pragma once

#include "flow/journey.h"

/*
 * Open the database in write mode; a damaged one is set aside and made anew from the
 * block and the manifests, and the listener is told. machine->db is filled.
 */
int recover_open(struct machine *machine, struct error *err);

enum recover_extent {
	RECOVER_BOOT, /* early at boot: no program is run, what would need one waits */
	RECOVER_ALL,
};

/*
 * Finish or undo interrupted transactions, remove half-made generations, mend a
 * damaged block from what is proven. Returns the number of things put right.
 * May be repeated: the second time there is nothing left.
 */
int recover_run(const struct machine *machine, enum recover_extent extent,
		struct error *err);
