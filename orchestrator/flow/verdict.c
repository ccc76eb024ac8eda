/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The verdict. A boot has one: what is in the database already is not judged again.
 * The database is told before the block is, so that a cut in between is finished by
 * the next boot (flow/boot-record.c).
 */
#include "flow/verdict.h"

#include <string.h>
#include <time.h>

#include "act/boot-env.h"
#include "act/integrate.h"
#include "base/cleanup.h"
#include "flow/boot-record.h"
#include "flow/protect.h"
#include "flow/prune.h"
#include "flow/rollback.h"
#include "flow/vet.h"
#include "health-watch.h"
#include "probe/boot-files.h"
#include "store/records.h"

#define HEALTH_FILE_MAX (1024 * 1024)

/* What this boot is judged by. */
struct judgement {
	const struct machine *machine;
	struct this_boot boot;
	struct boot row;
	struct boot_block block;
	struct transaction transaction; /* that armed this trial; id 0: none */
	struct health health;
	char *reason; /* of a failed verdict */
};

static void judgement_done(struct judgement *j)
{
	this_boot_done(&j->boot);
	boot_done(&j->row);
	transaction_done(&j->transaction);
	health_done(&j->health);
	free(j->reason);
}

void verdict_result_done(struct verdict_result *result)
{
	free(result->sentence);
	*result = (struct verdict_result){0};
}

/* A machine without a block can be judged too: nothing follows from it then. */
static int judgement_block(struct judgement *j, struct error *err)
{
	struct error local = {0};
	int r = boot_files_read_block(j->machine->root, &j->block, &local);

	if (r == 0 || r == -ENOENT)
		return 0;
	machine_note(j->machine, NOTE_WARNING, "%s; run: kuro recover", local.message);
	(void)err; /* a damaged block does not keep a boot from being judged */
	return 0;
}

/* The boot's row; one that can't be kept (a full disk) does not keep it from its verdict.
 */
static void judgement_row(struct judgement *j)
{
	struct error local = {0};

	if (boot_record_get(j->machine, &j->boot, &j->row, &local) == 0)
		return;
	machine_note(j->machine, NOTE_WARNING, "%s", local.message);
	j->row = (struct boot){.boot_id = str_dup(j->boot.boot_id),
			       .release = str_dup(j->boot.release),
			       .generation = j->boot.generation,
			       .trial = j->boot.trial,
			       .begun = j->boot.begun,
			       .end = BOOT_END_RUNNING};
}

/* Without record nothing is written: the boot's own row is left out. */
static int judgement_open(const struct machine *machine, bool record, struct judgement *j,
			  struct error *err)
{
	int r;

	j->machine = machine;
	r = this_boot_probe(machine->root, &j->boot, err);
	if (r == 0 && record)
		judgement_row(j);
	if (r == 0)
		r = judgement_block(j, err);
	if (r == 0 && j->boot.trial) /* its baseline is what the checks compare with */
		r = transaction_get_armed(machine->db, j->boot.generation,
					  &j->transaction, err);
	return r;
}

/* The baseline that the transaction took, or nothing to compare with. */
static bool judgement_baseline(const struct machine *machine, int64_t transaction,
			       struct machine_state *ret)
{
	struct evidence_list evidence = {0};
	bool found = false;

	if (transaction == 0 ||
	    evidence_list(machine->db, transaction, &evidence, NULL) < 0)
		return false;
	for (size_t i = 0; i < evidence.count && !found; i++)
		if (str_eq(evidence.items[i].kind, "baseline") &&
		    evidence.items[i].content)
			found = machine_state_parse(evidence.items[i].content, ret,
						    NULL) == 0;
	evidence_list_done(&evidence);
	return found;
}

static int health_save(const struct machine *machine, const struct health *health,
		       struct error *err)
{
	autofree char *text = health_format(health);
	int r = root_mkdirs(machine->root, "/run/kuro", 0755, err);

	return r < 0 ? r
		     : root_write(machine->root, VERDICT_HEALTH_FILE, 0644, text,
				  strlen(text), err);
}

static int judgement_watch(struct judgement *j, bool settle, struct health *ret,
			   struct error *err)
{
	autostate struct machine_state baseline = {0};
	bool compared = judgement_baseline(j->machine, j->transaction.id, &baseline);
	struct health_context context = {
		.root = j->machine->root,
		.policy = j->machine->policy,
		.boot = &j->boot,
		.expected = j->boot.trial ? j->block.trial : 0,
		.expected_release = j->transaction.release,
		.baseline = compared ? &baseline : NULL,
	};

	return health_watch(&context, settle, ret, err);
}

int verdict_health(const struct machine *machine, bool settle, bool save,
		   struct health *ret, struct error *err)
{
	struct judgement j = {0};
	int r = judgement_open(machine, false, &j, err);

	if (r == 0)
		r = judgement_watch(&j, settle, ret, err);
	judgement_done(&j);
	if (r == 0 && save)
		r = health_save(machine, ret, err);
	return r;
}

/*
 * What kuro-health.service found in this boot (/run does not outlive one), or run now.
 * A boot that failed without leaving any is not checked again: kuro's own check may be
 * what hung.
 */
static int judgement_health(struct judgement *j, bool boot_failed, struct error *err)
{
	autofree char *text = NULL;

	if (root_read(j->machine->root, VERDICT_HEALTH_FILE, HEALTH_FILE_MAX, &text, NULL,
		      NULL) == 0 &&
	    health_parse(text, &j->health, NULL) == 0)
		return 0;
	return boot_failed ? 0 : judgement_watch(j, true, &j->health, err);
}

static int judgement_evidence(struct judgement *j, struct error *err)
{
	autofree char *text = health_format(&j->health);
	struct evidence row = {
		.transaction = j->transaction.id,
		.boot_id = j->boot.boot_id,
		.kind = (char *)(uintptr_t) "health",
		.created = (int64_t)time(NULL),
		.content = text,
	};

	return evidence_add(j->machine->db, &row, err);
}

static int judgement_record(struct judgement *j, enum verdict verdict, struct error *err)
{
	struct error local = {0};

	if (judgement_evidence(j, &local) < 0) /* the verdict counts without it */
		machine_note(j->machine, NOTE_WARNING, "%s", local.message);
	j->row.verdict = verdict;
	free(j->row.reason);
	j->row.reason = str_dup(j->reason);
	return boot_put(j->machine->db, &j->row, err);
}

static int generation_proven(const struct machine *machine, const struct this_boot *boot,
			     struct error *err)
{
	struct generation_record row = {0};
	int r = generation_get(machine->db, boot->generation, &row, NULL);

	if (r == -ENOENT) {
		row.generation = boot->generation;
		row.release = str_dup(boot->release);
		row.created = boot->begun;
		row.present = true;
		r = 0;
	}
	row.proven = true;
	row.verdict = VERDICT_HEALTHY;
	if (r == 0)
		r = generation_put(machine->db, &row, err);
	generation_record_done(&row);
	return r;
}

static int transaction_bless(struct judgement *j, struct error *err)
{
	struct transaction *t = &j->transaction;

	if (t->id == 0)
		return 0;
	t->state = TRANSACTION_BLESSED;
	t->ended = (int64_t)time(NULL);
	free(t->summary);
	t->summary =
		str_format("Generation %u (%s) was tried, found healthy and is the good "
			   "one now.",
			   t->generation, j->boot.release);
	return transaction_update(j->machine->db, t, err);
}

static int bless_trial(struct judgement *j, struct verdict_result *ret, struct error *err)
{
	struct error memory = {0};
	int r = boot_block_bless(&j->block, j->boot.generation, err);

	if (r == 0)
		r = boot_env_write(j->machine->root, &j->block, err);
	if (r < 0)
		return r;
	/* what can't be recorded now, recovery finds in the block at the next boot */
	if (generation_proven(j->machine, &j->boot, &memory) < 0 ||
	    transaction_bless(j, &memory) < 0)
		machine_note(j->machine, NOTE_WARNING, "%s", memory.message);
	/* an older rollback is history now; its message may stay if /run can't be written
	 */
	(void)integrate_motd(j->machine->root, NULL, NULL);
	ret->blessed = true;
	ret->sentence =
		str_format("Generation %u (%s) is healthy: it is the good one now.",
			   j->boot.generation, j->boot.release);
	return 0;
}

/* The good one did not come up, again and again: the previous one takes its place. */
static int promote_previous(struct judgement *j, struct verdict_result *ret,
			    struct error *err)
{
	struct transaction t = {
		.kind = TRANSACTION_ROLLBACK,
		.state = TRANSACTION_DONE,
		.generation = j->boot.generation,
		.release = j->boot.release,
		.begun = (int64_t)time(NULL),
	};
	int64_t id;
	int r;

	ret->sentence =
		str_format("Generation %u did not come up %u times in a row; "
			   "generation %u (%s) is healthy and is the good one now.",
			   j->block.good, j->block.miss, j->boot.generation,
			   j->boot.release);
	t.summary = ret->sentence;
	t.ended = t.begun;
	r = transaction_add(j->machine->db, &t, &id, err);
	if (r == 0)
		r = boot_block_roll_back(&j->block, j->boot.generation, false, err);
	if (r == 0)
		r = boot_env_write(j->machine->root, &j->block, err);
	if (r == 0)
		(void)integrate_motd(j->machine->root, ret->sentence,
				     NULL); /* told below too */
	return r;
}

static int confirm_good(struct judgement *j, struct verdict_result *ret,
			struct error *err)
{
	int r = generation_proven(j->machine, &j->boot, err);

	j->block.miss = 0;
	if (r == 0)
		r = boot_env_write(j->machine->root, &j->block, err);
	if (r == 0)
		ret->sentence = str_format("Generation %u (%s) is healthy.",
					   j->boot.generation, j->boot.release);
	return r;
}

static int judge_healthy(struct judgement *j, struct verdict_result *ret,
			 struct error *err)
{
	unsigned int running = j->boot.generation;
	long long limit = policy_number(j->machine->policy, POLICY_BOOT_MISS_LIMIT);

	ret->verdict = VERDICT_HEALTHY;
	if (boot_state_of(&j->block, this_boot_trying(&j->boot)) == BOOT_TRYING)
		return bless_trial(j, ret, err);
	if (running && running == j->block.good)
		return confirm_good(j, ret, err);
	if (running && running == j->block.previous && j->block.miss >= limit)
		return promote_previous(j, ret, err);
	ret->sentence =
		str_format("This boot (%s) is healthy; it is not one that kuro chose, "
			   "so nothing follows from it.",
			   j->boot.release);
	return 0;
}

static int judge_failed(struct judgement *j, struct verdict_result *ret,
			struct error *err)
{
	struct rollback_cause cause = {BOOT_END_VERDICT, j->reason};

	ret->verdict = VERDICT_FAILED;
	if (boot_state_of(&j->block, this_boot_trying(&j->boot)) == BOOT_TRYING) {
		ret->rolled_back = true;
		return rollback_trial(j->machine, &cause, &ret->sentence, err);
	}
	ret->sentence =
		str_format("This boot (%s) failed its health checks: %s. It is not a "
			   "trial, so it goes on.",
			   j->boot.release, j->reason);
	return 0;
}

/* The units in state failed now, on one line; "none" where systemd names none. */
static char *judgement_failed_units(const struct judgement *j)
{
	autostate struct machine_state now = {0};

	if (machine_state_probe(j->machine->root, &now, NULL) < 0 ||
	    now.failed_units.count == 0)
		return str_dup("none");
	return strv_join(&now.failed_units, ", ");
}

static void judgement_reason(struct judgement *j)
{
	autofree char *units = NULL;

	if (!health_good(&j->health)) {
		j->reason = health_summary(&j->health);
		return;
	}
	units = judgement_failed_units(j);
	j->reason = str_format("boot-complete.target was not reached; failed units: %s",
			       units);
}

/*
 * Tells kuro-deadman.service that this boot needs it no more. A trial that is taken
 * back goes on needing it: its reboot could hang.
 */
static int verdict_announce(const struct machine *machine, enum verdict verdict,
			    struct error *err)
{
	autofree char *word = str_format("%s\n", verdict_name(verdict));
	int r = root_mkdirs(machine->root, "/run/kuro", 0755, err);

	return r < 0 ? r
		     : root_write(machine->root, VERDICT_FILE, 0644, word, strlen(word),
				  err);
}

/* What modules did in this boot, for the record: no verdict hangs on it. */
static void verdict_observe(const struct machine *machine)
{
	struct error local = {0};

	if (vet_observe(machine, &local) < 0)
		machine_note(machine, NOTE_WARNING, "%s", local.message);
}

static int verdict_judge(struct judgement *j, bool boot_failed,
			 struct verdict_result *ret, struct error *err)
{
	enum verdict verdict;
	struct error memory = {0};
	int r = judgement_health(j, boot_failed, err);

	if (r < 0)
		return r;
	verdict = health_good(&j->health) && !boot_failed ? VERDICT_HEALTHY
							  : VERDICT_FAILED;
	if (verdict == VERDICT_FAILED)
		judgement_reason(j);
	/* even where the disk is full a trial is blessed or taken back */
	if (judgement_record(j, verdict, &memory) < 0)
		machine_note(j->machine, NOTE_WARNING, "%s", memory.message);
	return verdict == VERDICT_HEALTHY ? judge_healthy(j, ret, err)
					  : judge_failed(j, ret, err);
}

int verdict_run(const struct machine *machine, bool boot_failed,
		struct verdict_result *ret, struct error *err)
{
	struct judgement j = {0};
	int r = judgement_open(machine, true, &j, err);

	if (r == 0 && j.row.verdict != VERDICT_NONE) {
		ret->verdict = j.row.verdict;
		ret->sentence = str_format("This boot has its verdict already: %s.",
					   verdict_name(j.row.verdict));
	} else if (r == 0) {
		r = verdict_judge(&j, boot_failed, ret, err);
		verdict_observe(machine);
	}
	if (r == 0 && ret->verdict == VERDICT_HEALTHY)
		protect_refresh(machine);
	if (r == 0 && !ret->rolled_back)
		r = verdict_announce(machine, ret->verdict, err);
	if (r == 0 && ret->blessed)
		prune_after_verdict(machine);
	judgement_done(&j);
	return r;
}
