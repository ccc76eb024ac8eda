/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Going back. The order is: remember why (database), then let the block say so, then
 * tell people. Where remembering fails, the block is still made right.
 */
#include "flow/rollback.h"

#include <time.h>

#include "act/boot-env.h"
#include "act/integrate.h"
#include "act/reboot-required.h"
#include "base/cleanup.h"
#include "flow/protect.h"
#include "probe/boot-files.h"
#include "probe/boot-log.h"
#include "probe/kernels.h"
#include "probe/this-boot.h"
#include "store/records.h"

#define ROLLBACK_JOURNAL_LINES 60
#define SECONDS_A_DAY          86400

static const char *const rollback_ends[BOOT_ENDS] = {
	[BOOT_END_UNKNOWN] = "it came up, and ended (power, panic, hang) unjudged",
	[BOOT_END_RUNNING] = "it has no verdict",
	[BOOT_END_ORDERLY] = "it was shut down before it had a verdict",
	[BOOT_END_PANIC] = "its kernel panicked",
	[BOOT_END_HANG] = "it hung",
	[BOOT_END_VERDICT] = "it failed its health checks",
	[BOOT_END_DAMAGED] = "its files are damaged, so the boot loader passed it over",
	[BOOT_END_NO_USERSPACE] = "it never came up (panic, hang or power)",
};

/* What is known of the trial that is to be taken back. */
struct trial {
	struct boot_block block;
	struct transaction transaction; /* id 0: the database knows of none */
	char *release;                  /* from the transaction or the manifest */
	char *sentence;
};

static void trial_done(struct trial *t)
{
	transaction_done(&t->transaction);
	free(t->release);
	free(t->sentence);
}

static int trial_find(const struct machine *machine, struct trial *t, struct error *err)
{
	automanifest struct manifest m = {0};
	int r = boot_files_read_block(machine->root, &t->block, err);

	if (r < 0)
		return r;
	if (t->block.trial == 0)
		return error_set(err, -ENOENT, "no trial is armed");
	if (transaction_get_armed(machine->db, t->block.trial, &t->transaction, NULL) < 0)
		machine_note(machine, NOTE_WARNING,
			     "the state database can't be read; going back without it");
	if (t->transaction.release)
		t->release = str_dup(t->transaction.release);
	else if (boot_files_manifest(machine->root, t->block.trial, &m, NULL) == 0)
		t->release = str_dup(m.release);
	return 0;
}

static void trial_compose(struct trial *t, const struct rollback_cause *cause)
{
	t->sentence =
		str_format("Generation %u (%s) was tried and taken back: %s%s%s. This "
			   "machine stays on "
			   "generation %u.",
			   t->block.trial, t->release ? t->release : "release unknown",
			   rollback_ends[cause->end], cause->reason ? ": " : "",
			   cause->reason ? cause->reason : "", t->block.good);
}

static void trial_evidence(const struct machine *machine, const struct trial *t,
			   const char *kind, const char *boot_id, char *content)
{
	autofree char *owned = content;
	struct evidence row = {
		.transaction = t->transaction.id,
		.boot_id = (char *)(uintptr_t)boot_id,
		.kind = (char *)(uintptr_t)kind,
		.created = (int64_t)time(NULL),
		.content = owned,
	};

	(void)evidence_add(machine->db, &row, NULL); /* the rollback goes on without it */
}

/* What the trial left behind: kept where it can be, missing where it can't. */
static void trial_gather(const struct machine *machine, const struct trial *t)
{
	struct boot_list boots = {0};
	char *content = NULL;

	if (boot_log_pstore(machine->root, t->transaction.begun, &content) == 0)
		trial_evidence(machine, t, "pstore", NULL, content);
	if (boot_list_trials(machine->db, t->transaction.id, &boots, NULL) < 0)
		return;
	for (size_t i = 0; i < boots.count; i++)
		if (boot_log_journal(machine->root, boots.items[i].boot_id,
				     ROLLBACK_JOURNAL_LINES, &content) == 0)
			trial_evidence(machine, t, "journal", boots.items[i].boot_id,
				       content);
	boot_list_done(&boots);
}

/* Each trial boot of this transaction, and how it ended. */
static int trial_boots(const struct machine *machine, const struct trial *t,
		       const struct rollback_cause *cause, struct error *err)
{
	struct boot_list boots = {0};
	int r = boot_list_trials(machine->db, t->transaction.id, &boots, err);

	for (size_t i = 0; r == 0 && i < boots.count; i++) {
		struct boot *b = &boots.items[i];

		if (b->end != BOOT_END_RUNNING && b->end != BOOT_END_UNKNOWN)
			continue;
		b->end = i == 0 ? cause->end : BOOT_END_UNKNOWN;
		if (!b->reason && i == 0)
			b->reason = str_dup(cause->reason);
		r = boot_put(machine->db, b, err);
	}
	boot_list_done(&boots);
	return r;
}

static int trial_hold(const struct machine *machine, const struct trial *t,
		      struct error *err)
{
	long long days = policy_number(machine->policy, POLICY_HOLDS_DAYS);
	struct hold hold = {
		.release = t->release,
		.reason = t->sentence,
		.generation = t->block.trial,
		.created = (int64_t)time(NULL),
	};

	if (!t->release)
		return 0;
	if (days > 0)
		hold.expires = hold.created + days * SECONDS_A_DAY;
	return hold_put(machine->db, &hold, err);
}

static int trial_generation_record(const struct machine *machine, const struct trial *t,
				   struct error *err)
{
	struct generation_record row = {0};
	int r = generation_get(machine->db, t->block.trial, &row, NULL);

	if (r == -ENOENT)
		return 0;
	if (r == 0) {
		row.verdict = VERDICT_FAILED;
		r = generation_put(machine->db, &row, err);
	}
	generation_record_done(&row);
	return r;
}

static int trial_close(const struct machine *machine, struct trial *t, struct error *err)
{
	if (t->transaction.id == 0)
		return 0;
	t->transaction.state = TRANSACTION_ROLLED_BACK;
	t->transaction.ended = (int64_t)time(NULL);
	free(t->transaction.summary);
	t->transaction.summary = str_dup(t->sentence);
	return transaction_update(machine->db, &t->transaction, err);
}

static int trial_remember(const struct machine *machine, struct trial *t,
			  const struct rollback_cause *cause, struct error *err)
{
	int r;

	trial_gather(machine, t);
	r = database_begin(machine->db, err);
	if (r < 0)
		return r;
	r = trial_boots(machine, t, cause, err);
	if (r == 0)
		r = trial_hold(machine, t, err);
	if (r == 0)
		r = trial_generation_record(machine, t, err);
	if (r == 0)
		r = trial_close(machine, t, err);
	if (r == 0)
		return database_commit(machine->db, err);
	database_abandon(machine->db);
	return r;
}

/* Nobody needs to reboot for it any more. */
static void trial_asks_no_reboot(const struct machine *machine, const struct trial *t)
{
	struct error local = {0};

	if (t->release && reboot_required_drop(machine->root, t->release, &local) < 0)
		machine_note(machine, NOTE_WARNING, "%s", local.message);
}

int rollback_trial(const struct machine *machine, const struct rollback_cause *cause,
		   char **ret_sentence, struct error *err)
{
	struct trial t = {0};
	struct error memory = {0};
	int remembered, r = trial_find(machine, &t, err);

	if (r < 0) {
		trial_done(&t);
		return r;
	}
	trial_compose(&t, cause);
	remembered = trial_remember(machine, &t, cause, &memory);
	boot_block_disarm(&t.block);
	r = boot_env_write(machine->root, &t.block, err);
	if (r == 0) {
		protect_refresh(machine);
		trial_asks_no_reboot(machine, &t);
	}
	machine_note(machine, NOTE_WARNING, "%s", t.sentence);
	/* a login message that can't be written takes nothing from the rollback */
	(void)integrate_motd(machine->root, t.sentence, NULL);
	if (r == 0 && remembered < 0)
		r = error_set(
			err, remembered,
			"the trial is taken back, but why could not be recorded: %s",
			memory.message);
	if (r == 0 && ret_sentence)
		*ret_sentence = take_ptr(t.sentence);
	trial_done(&t);
	return r;
}

/* A boot without its modules is not what was proven. A machine whose good kernel has none
 * needs none. */
static int rollback_check_modules(const struct machine *machine,
				  const struct boot_block *block, unsigned int generation,
				  struct error *err)
{
	automanifest struct manifest meant = {0}, good = {0};
	int r = boot_files_manifest(machine->root, generation, &meant, err);

	if (r < 0 || kernel_tree_exists(machine->root, meant.release) ||
	    boot_files_manifest(machine->root, block->good, &good, NULL) < 0 ||
	    (!str_eq(good.release, meant.release) &&
	     !kernel_tree_exists(machine->root, good.release)))
		return r;
	return error_set(
		err, -ERROR_REFUSED,
		"generation %u can't be gone back to: the modules of %s are gone "
		"(/usr/lib/modules/%s); install its package again",
		generation, meant.release, meant.release);
}

/* The generation to go back to was proven here and is whole, or it is refused. */
static int rollback_check(const struct machine *machine, const struct boot_block *block,
			  unsigned int generation, struct error *err)
{
	struct generation_record row = {0};
	bool proven = generation == block->good || generation == block->previous;
	int r;

	if (!proven && generation_get(machine->db, generation, &row, NULL) == 0)
		proven = row.proven;
	generation_record_done(&row);
	r = boot_files_verify(machine->root, generation, true, err);
	if (r < 0)
		return error_prefix(err, r, "generation %u can't be gone back to",
				    generation);
	if (!proven)
		return error_set(
			err, -ERROR_REFUSED,
			"generation %u was never proven on this machine; to try it: "
			"kuro try RELEASE",
			generation);
	return rollback_check_modules(machine, block, generation, err);
}

static int rollback_target(const struct boot_block *block, unsigned int *generation,
			   struct error *err)
{
	if (*generation == 0)
		*generation = block->trial ? block->good : block->previous;
	if (*generation == 0)
		return error_set(
			err, -ENOENT,
			"there is no previous generation to go back to; see: kuro "
			"list");
	return 0;
}

/* A person's word as a transaction of its own, with the left release on hold. */
static int rollback_record(const struct machine *machine, const struct boot_block *block,
			   unsigned int generation, struct error *err)
{
	automanifest struct manifest left = {0}, meant = {0};
	autofree char *summary = NULL;
	struct transaction t = {.kind = TRANSACTION_ROLLBACK, .state = TRANSACTION_DONE};
	struct hold hold = {.reason = (char *)(uintptr_t) "a person went back from it"};
	int64_t id;
	int r = boot_files_manifest(machine->root, generation, &meant, err);

	if (r < 0)
		return r;
	summary = str_format("Went back from generation %u to generation %u (%s).",
			     block->good, generation, meant.release);
	t.begun = t.ended = hold.created = (int64_t)time(NULL);
	t.release = meant.release;
	t.generation = generation;
	t.summary = summary;
	r = transaction_add(machine->db, &t, &id, err);
	if (r < 0 || boot_files_manifest(machine->root, block->good, &left, NULL) < 0)
		return r;
	if (str_eq(left.release, meant.release))
		return 0;
	hold.release = left.release;
	hold.generation = block->good;
	hold.expires = hold.created +
		       policy_number(machine->policy, POLICY_HOLDS_DAYS) * SECONDS_A_DAY;
	if (hold.expires == hold.created)
		hold.expires = 0;
	return hold_put(machine->db, &hold, err);
}

static int rollback_disarm(const struct machine *machine, struct error *err)
{
	static const struct rollback_cause cause = {BOOT_END_RUNNING,
						    "a person took it back"};

	return rollback_trial(machine, &cause, NULL, err);
}

static int rollback_repoint(const struct machine *machine, struct boot_block *block,
			    unsigned int generation, struct error *err)
{
	int r = rollback_record(machine, block, generation, err);

	if (r == 0)
		r = boot_block_roll_back(block, generation, true, err);
	if (r == 0)
		r = boot_env_write(machine->root, block, err);
	if (r == 0)
		protect_refresh(machine);
	return r;
}

int rollback_preview(const struct machine *machine, unsigned int *generation,
		     struct error *err)
{
	struct boot_block block;
	int r = boot_files_read_block(machine->root, &block, err);

	if (r == 0)
		r = rollback_target(&block, generation, err);
	return r < 0 ? r : rollback_check(machine, &block, *generation, err);
}

int rollback_run(const struct machine *machine, unsigned int generation, bool *ret_reboot,
		 struct error *err)
{
	autothisboot struct this_boot boot = {0};
	struct boot_block block;
	bool had_trial;
	int r = boot_files_read_block(machine->root, &block, err);

	if (r == 0)
		r = this_boot_probe(machine->root, &boot, err);
	if (r == 0)
		r = rollback_target(&block, &generation, err);
	if (r == 0)
		r = rollback_check(machine, &block, generation, err);
	if (r < 0)
		return r;
	had_trial = block.trial != 0;
	if (had_trial)
		r = rollback_disarm(machine, err);
	if (r == 0)
		r = boot_files_read_block(machine->root, &block, err);
	if (r == 0 && generation != block.good)
		r = rollback_repoint(machine, &block, generation, err);
	else if (r == 0 && !had_trial)
		r = 1;
	if (r >= 0)
		*ret_reboot = boot.generation != generation;
	return r;
}
