/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Going back, by a person's word or because a trial failed.
 */
#pragma once

#include "flow/journey.h"

/*
 * Back to a generation (0: from a trial to the good one, from a good one to the
 * previous). Only to one that was proven here and whose files are whole. Returns 1
 * when it is the good one already and no trial stands, 0 done. ret_reboot: another
 * generation runs now. -ENOENT, -ERROR_REFUSED, -ERROR_DAMAGED.
 */
int rollback_run(const struct machine *machine, unsigned int generation, bool *ret_reboot,
		 struct error *err);

/*
 * Where rollback_run would go, checked the same way, nothing done: *generation is filled
 * in where it is 0.
 */
int rollback_preview(const struct machine *machine, unsigned int *generation,
		     struct error *err);

/* How a trial ended and why, as far as is known. */
struct rollback_cause {
	enum boot_end end;
	const char *reason; /* a sentence, or NULL */
};

/*
 * Take the trial back: evidence kept, release held, transaction closed, block steady.
 * The block is made steady even where the database can't be written.
 * ret_sentence (may be NULL): for people; caller frees.
 */
int rollback_trial(const struct machine *machine, const struct rollback_cause *cause,
		   char **ret_sentence, struct error *err);
