/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Retention carried out: what goes, through whom, in an order that may be interrupted
 * anywhere. Whoever calls prune_run and prune_emergency holds the lock.
 */
#pragma once

#include "core/retention.h"
#include "flow/journey.h"

/*
 * The inventory and the policy's word about each item. wanted: bytes that must come free,
 * 0: none in particular. Changes nothing. -ERROR_REFUSED: kuro is not set up here;
 * -ERROR_DAMAGED: the block can't be read, so nothing is known to be good.
 */
int prune_plan(const struct machine *machine, uint64_t wanted, struct retention_set *ret,
	       struct error *err);
/* The same for one who holds the lock: what prune_run would do. */
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
 * for itself.
 */
int prune_run(const struct machine *machine, uint64_t wanted, struct retention_set *ret,
	      struct error *err);
/*
 * For a boot file system that is full with packages half-configured: room is made without
 * the package manager until it can go on, then it goes on, then prune_run.
 * -ERROR_BUSY: a package manager is at work; -ENOSPC: all that may go is gone, and it is
 * not enough.
 */
int prune_emergency(const struct machine *machine, struct retention_set *ret,
		    struct error *err);
/*
 * At the end of a transaction, if the policy says so: at once, or by kuro-prune.service
 * where systemd runs. A failure is told, not returned.
 */
void prune_after_verdict(const struct machine *machine);
/* Bytes that are free for root on the file system of /boot. */
int prune_free(const struct machine *machine, uint64_t *ret, struct error *err);
