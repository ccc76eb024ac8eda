/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the parts of pruning share.
 */
#pragma once

#include "act/packages.h"
#include "flow/inventory.h"
#include "flow/prune.h"
#include "probe/kernel-packages.h"
#include "probe/left-overs.h"

enum prune_view {
	PRUNE_LOOKING, /* another kuro may be at work */
	PRUNE_LOCKED,  /* this one holds the lock: staging is nobody's */
	PRUNE_URGENT,  /* and no package manager is at work: nor is what is young */
};

/* Everything that retention decides on, and what it was made from. */
struct prune {
	const struct machine *machine;
	struct inventory inv;
	struct kernel_package_list packages;
	struct left_over_list left_overs;
	struct retention_set set;
	enum prune_view view;
	struct prune_need need;
};

/* Fill it, whose machine, view and need are set; decides nothing. -ERROR_REFUSED: kuro is
 * not set up here, but where it is urgent; -ERROR_DAMAGED. */
int prune_gather(struct prune *prune, struct error *err);
void prune_done(struct prune *prune);
/* Is kuro set up here? */
bool prune_in_charge(const struct prune *prune);
#define autoprune cleanup(prune_done)

/* Decide by the policy and the need. */
void prune_decide(struct prune *prune);
/* Decide as if the policy kept nothing: what goes is all that no proven boot needs. */
void prune_decide_strictly(struct prune *prune);
/* Take what was decided out of it. */
void prune_take_set(struct prune *prune, struct retention_set *ret);

/* How programs are run for it, without a log of their own. */
struct package_run prune_package_run(const struct machine *machine);

/* Decisions carried out; each may be repeated. They tell of what they remove. */
int prune_generations(struct prune *prune, struct error *err);
/* kinds: a mask of 1 << enum leftover. */
int prune_left_overs(struct prune *prune, unsigned int kinds, struct error *err);
/* What the package manager would not remove alone stays, and its item says why: that is
 * asked beforehand, and nothing done. */
void prune_kernels_check(struct prune *prune);
/* Tell of each kernel that goes what its packages will leave (item's leaves). */
void prune_foretell(struct prune *prune);
/* What the package manager would not remove alone stays, and its item says why. */
int prune_kernels(struct prune *prune, struct error *err);
/* Half-configured packages finished (packages_repair). The hooks of a run of kuro's own
 * say nothing: kernels that it finishes are noted as ones to be tried. */
int prune_repair(const struct prune *prune, struct error *err);
/* One generation, if it is not named by the block as it is now. 1: removed, 0: it stays.
 */
int prune_generation(const struct machine *machine, unsigned int number,
		     struct error *err);

/* The item stays after all. reason: caller's no more. */
void prune_item_stays(struct retention_item *item, char *reason);
/* Names of a release's packages. */
void prune_package_names(const struct prune *prune, const char *release,
			 struct strv *ret);
/* Remember in the history what went and why; nothing went: nothing. */
int prune_record(const struct machine *machine, const struct retention_set *set,
		 const char *how, struct error *err);
