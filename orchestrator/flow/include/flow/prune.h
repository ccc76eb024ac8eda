/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Retention carried out: what goes, through whom, in an order that may be interrupted
 * anywhere. Whoever calls prune_run and prune_emergency holds the lock.
 */
#pragma once

#include "core/retention.h"
#include "flow/journey.h"

/* What a transaction needs of it. */
struct prune_need {
	const char *release; /* that it is about: its kernel stays; NULL: none */
	/* bytes that must come free on the file system of /boot, and on that of module
	 * trees where it is another one; 0: none in particular */
	uint64_t boot, trees;
	bool locked; /* for prune_plan: the caller holds the lock, as for prune_run */
};

/*
 * The inventory and the policy's word about each item. need: or NULL, for the policy
 * alone. Changes nothing. -ERROR_REFUSED: kuro is not set up here; -ERROR_DAMAGED: the
 * block can't be read, so nothing is known to be good.
 */
int prune_plan(const struct machine *machine, const struct prune_need *need,
	       struct retention_set *ret, struct error *err);
/* The same with what the package manager says of it: what prune_run would do. */
int prune_preview(const struct machine *machine, struct retention_set *ret,
		  struct error *err);
/*
 * May a person or the timer prune now? -ERROR_BUSY: a transaction was interrupted, or a
 * trial waits for its boot or its verdict.
 */
int prune_allowed(const struct machine *machine, struct error *err);
/*
 * Remove what the plan says: generations first (never one that the block names), then
 * left-overs, then packages through their manager, then what these left. What can't go
 * stays and its item in ret says why. ret says what went also on failure. May be
 * repeated after an interruption. Does not ask prune_allowed: a transaction makes room
 * for itself. need: as for prune_plan.
 */
int prune_run(const struct machine *machine, const struct prune_need *need,
	      struct retention_set *ret, struct error *err);
/*
 * For a boot file system that is full with packages half-configured: they are finished,
 * and as long as that fails for room it is made without the package manager; then
 * prune_run, where kuro is set up. Kernels without an initramfs get one again, whoever
 * took it. -ERROR_BUSY: a package manager is at work; -ENOSPC: all that may go is gone,
 * and it is not enough; another code: it fails for something else than room.
 */
int prune_emergency(const struct machine *machine, struct retention_set *ret,
		    struct error *err);
/*
 * At the end of a transaction, if the policy says so: at once, or by kuro-prune.service
 * where systemd runs. A failure is told, not returned.
 */
void prune_after_verdict(const struct machine *machine);
