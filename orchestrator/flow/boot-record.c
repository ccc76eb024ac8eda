/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Boots, recorded. A trial that is spent without a verdict is judged here by what it
 * left behind.
 */
#include "flow/boot-record.h"

#include <string.h>
#include <time.h>

#include "act/boot-env.h"
#include "act/integrate.h"
#include "base/cleanup.h"
#include "core/boot-protocol.h"
#include "flow/holds.h"
#include "flow/recover.h"
#include "flow/rollback.h"
#include "flow/vet.h"
#include "probe/boot-files.h"
#include "probe/boot-log.h"
#include "store/records.h"

#define GIVE_BACK_MAX                                                    \
	2 /* orderly reboots without a verdict that cost a trial nothing \
	   */

static int boot_record_new(const struct machine *machine, const struct this_boot *boot,
			   struct boot *ret, struct error *err)
{
	struct transaction armed = {0};
	int r = boot->trial ? transaction_get_armed(machine->db, boot->generation, &armed,
						    err)
			    : 0;

	if (r < 0)
		return r;
	*ret = (struct boot){
		.boot_id = str_dup(boot->boot_id),
		.release = str_dup(boot->release),
		.generation = boot->generation,
		.trial = boot->trial,
		.transaction = armed.id,
		.begun = boot->begun,
		.end = BOOT_END_RUNNING,
	};
	transaction_done(&armed);
	r = boot_put(machine->db, ret, err);
	if (r < 0)
		boot_done(ret);
	return r;
}

int boot_record_get(const struct machine *machine, const struct this_boot *boot,
		    struct boot *ret, struct error *err)
{
	struct error local = {0};
	int r = boot_get(machine->db, boot->boot_id, ret, &local);

	if (r == 0)
		return 0;
	if (r != -ENOENT)
		return error_set(err, r, "%s", local.message);
	return boot_record_new(machine, boot, ret, err);
}

/* Boots whose end nobody recorded did not end in order. */
static int boot_record_close_older(const struct machine *machine, const char *running,
				   struct error *err)
{
	struct boot_list boots = {0};
	int r = boot_list(machine->db, 16, &boots, err);

	for (size_t i = 0; r == 0 && i < boots.count; i++) {
		struct boot *b = &boots.items[i];

		if (b->end != BOOT_END_RUNNING || str_eq(b->boot_id, running))
			continue;
		b->end = BOOT_END_UNKNOWN;
		r = boot_put(machine->db, b, err);
	}
	boot_list_done(&boots);
	return r;
}

/* What the newest trial boot, the kernel's last words and the watchdog say. */
static void spent_cause(const struct machine *machine, const struct boot_list *boots,
			int64_t since, struct rollback_cause *cause, char **ret_reason)
{
	const struct boot *last = boots->count > 0 ? &boots->items[0] : NULL;
	autofree char *kernel_log = NULL;

	if (boot_log_pstore(machine->root, since, &kernel_log) == 0) {
		cause->end = BOOT_END_PANIC;
		*ret_reason = boot_log_cause(kernel_log);
	} else if (last && last->end != BOOT_END_RUNNING &&
		   last->end != BOOT_END_UNKNOWN) {
		cause->end = last->end;
		*ret_reason = str_dup(last->reason);
	} else if (boot_log_watchdog_reset(machine->root)) {
		cause->end = BOOT_END_HANG;
		*ret_reason = str_dup("the watchdog reset the machine");
	} else {
		cause->end = last ? BOOT_END_UNKNOWN : BOOT_END_NO_USERSPACE;
	}
	cause->reason = *ret_reason;
}

static int spent_roll_back(const struct machine *machine, unsigned int trial,
			   const struct boot_list *boots, int64_t since,
			   struct error *err)
{
	struct rollback_cause cause = {.end = BOOT_END_UNKNOWN};
	struct error damage = {0};
	autofree char *reason = NULL;

	if (boots->count == 0 &&
	    boot_files_verify(machine->root, trial, true, &damage) < 0) {
		cause.end = BOOT_END_DAMAGED;
		cause.reason = damage.message;
	} else {
		spent_cause(machine, boots, since, &cause, &reason);
	}
	return rollback_trial(machine, &cause, NULL, err);
}

/* Its verdict was healthy and the block was not told any more: do that now. */
static int spent_bless(const struct machine *machine, struct boot_block *block,
		       struct error *err)
{
	int r = boot_block_bless(block, block->trial, err);

	if (r == 0)
		r = boot_env_write(machine->root, block, err);
	return r < 0 ? r : recover_run(machine, RECOVER_BOOT, err);
}

static int boot_record_spent(const struct machine *machine, struct boot_block *block,
			     struct error *err)
{
	struct transaction armed = {0};
	struct boot_list boots = {0};
	int r = transaction_get_armed(machine->db, block->trial, &armed, err);

	if (r == 0 && armed.id)
		r = boot_list_trials(machine->db, armed.id, &boots, err);
	if (r == 0 && boots.count > 0 && boots.items[0].verdict == VERDICT_HEALTHY)
		r = spent_bless(machine, block, err);
	else if (r == 0)
		r = spent_roll_back(machine, block->trial, &boots, armed.begun, err);
	boot_list_done(&boots);
	transaction_done(&armed);
	return r < 0 ? r : 0;
}

/* Tries are left, yet the good one boots: did GRUB refuse the trial's files? */
static int boot_record_armed(const struct machine *machine,
			     const struct boot_block *block, struct error *err)
{
	struct rollback_cause cause = {.end = BOOT_END_DAMAGED};
	struct error damage = {0};

	if (boot_files_verify(machine->root, block->trial, true, &damage) == 0)
		return 0;
	cause.reason = damage.message;
	return rollback_trial(machine, &cause, NULL, err);
}

static int boot_record_judge(const struct machine *machine, unsigned int trying,
			     struct error *err)
{
	struct boot_block block;
	struct error local = {0};
	int r = boot_files_read_block(machine->root, &block, &local);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return error_set(err, r, "%s", local.message);
	switch (boot_state_of(&block, trying)) {
	case BOOT_SPENT:
		return boot_record_spent(machine, &block, err);
	case BOOT_ARMED:
		return boot_record_armed(machine, &block, err);
	case BOOT_UNSET:
	case BOOT_STEADY:
	case BOOT_TRYING:
		break;
	}
	return 0;
}

/* A rollback is told at every login until its hold ends or something newer happens. */
static void boot_record_tell(const struct machine *machine)
{
	struct transaction last = {0};
	struct hold hold = {0};

	if (transaction_last(machine->db, &last, NULL) < 0)
		return;
	if (last.state == TRANSACTION_ROLLED_BACK && last.release &&
	    hold_get(machine->db, last.release, (int64_t)time(NULL), &hold, NULL) == 0)
		/* without a login message the database still says it */
		(void)integrate_motd(machine->root, last.summary, NULL);
	hold_done(&hold);
	transaction_done(&last);
}

int boot_record_begin(const struct machine *machine, struct error *err)
{
	autothisboot struct this_boot boot = {0};
	struct boot row = {0};
	int r = this_boot_probe(machine->root, &boot, err);

	if (r == 0)
		r = boot_record_get(machine, &boot, &row, err);
	boot_done(&row);
	if (r == 0)
		r = boot_record_close_older(machine, boot.boot_id, err);
	if (r == 0)
		r = recover_run(machine, RECOVER_BOOT, err);
	if (r >= 0)
		r = boot_record_judge(machine, this_boot_trying(&boot), err);
	if (r == 0)
		boot_record_tell(machine);
	holds_refresh(machine);
	return r;
}

static bool boot_record_may_give_back(const struct machine *machine,
				      const struct boot *row)
{
	struct boot_list boots = {0};
	size_t orderly = 0;

	if (!row->trial)
		return true;
	if (boot_list_trials(machine->db, row->transaction, &boots, NULL) < 0)
		return false;
	for (size_t i = 0; i < boots.count; i++)
		orderly += boots.items[i].end == BOOT_END_ORDERLY;
	boot_list_done(&boots);
	return orderly < GIVE_BACK_MAX;
}

static int boot_record_give_back(const struct machine *machine, const struct boot *row,
				 struct error *err)
{
	struct boot_block block;
	int r;

	if (row->verdict != VERDICT_NONE || row->generation == 0 ||
	    !boot_record_may_give_back(machine, row))
		return 0;
	r = boot_files_read_block(machine->root, &block, err);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	boot_block_give_back(&block, row->generation, row->trial);
	return boot_env_write(machine->root, &block, err);
}

int boot_record_end(const struct machine *machine, struct error *err)
{
	autothisboot struct this_boot boot = {0};
	struct boot row = {0};
	int r = this_boot_probe(machine->root, &boot, err);

	if (r == 0)
		r = boot_record_get(machine, &boot, &row, err);
	if (r == 0 && row.end == BOOT_END_RUNNING) {
		r = boot_record_give_back(machine, &row, err);
		row.end = row.verdict == VERDICT_FAILED && row.trial ? BOOT_END_VERDICT
								     : BOOT_END_ORDERLY;
		row.ended = (int64_t)time(NULL);
		if (r == 0)
			r = boot_put(machine->db, &row, err);
	}
	boot_done(&row);
	return r;
}

int boot_record_dead_man(const struct machine *machine, struct error *err)
{
	autothisboot struct this_boot boot = {0};
	struct boot row = {0};
	int r = this_boot_probe(machine->root, &boot, err);

	if (r == 0)
		r = boot_record_get(machine, &boot, &row, err);
	if (r == 0 && row.verdict == VERDICT_NONE) {
		row.end = BOOT_END_HANG;
		row.ended = (int64_t)time(NULL);
		row.reason =
			str_format("no verdict within %lld seconds, so the dead-man's "
				   "timer rebooted it",
				   policy_number(machine->policy,
						 POLICY_HEALTH_DEADLINE));
		r = boot_put(machine->db, &row, err);
		/* what hung may be a module: the record is a help, not a duty */
		(void)vet_observe(machine, NULL);
	}
	boot_done(&row);
	return r;
}
