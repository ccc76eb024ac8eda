/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Recovery: the same rows that carry a transaction out undo it; the block and the
 * manifests are what a lost database is made from, the database what a lost block is.
 */
#include "flow/recover.h"

#include <string.h>
#include <time.h>

#include "act/boot-env.h"
#include "act/generation.h"
#include "base/cleanup.h"
#include "flow/protect.h"
#include "probe/boot-files.h"
#include "probe/this-boot.h"
#include "store/records.h"

/* One generation's row, from what lies on the boot file system. */
static int rebuild_generation(const struct machine *machine, unsigned int number,
			      const struct boot_block *block, struct error *err)
{
	automanifest struct manifest m = {0};
	struct generation_record row = {.generation = number, .present = true};
	struct error local = {0};

	if (boot_files_manifest(machine->root, number, &m, &local) < 0) {
		machine_note(machine, NOTE_WARNING, "generation %u is left out: %s",
			     number, local.message);
		return 0;
	}
	row.release = m.release;
	row.created = m.created;
	row.transaction = m.transaction;
	row.proven = number == block->good || number == block->previous;
	machine_note(machine, NOTE_INFO, "generation %u (%s): %s", number, m.release,
		     row.proven ? "proven, as the block says" : "not known to be proven");
	return generation_put(machine->db, &row, err);
}

static int rebuild_database(const struct machine *machine, struct error *err)
{
	autofree unsigned int *numbers = NULL;
	struct boot_block block = {0};
	size_t count = 0;
	int r;

	if (boot_files_read_block(machine->root, &block, NULL) < 0)
		machine_note(machine, NOTE_WARNING,
			     "the environment block can't be read either: no generation "
			     "counts as proven");
	r = boot_files_generations(machine->root, &numbers, &count, err);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = rebuild_generation(machine, numbers[i], &block, err);
	return r;
}

int recover_open(struct machine *machine, struct error *err)
{
	struct error local = {0};
	autofree char *aside = NULL;
	int r = database_open(machine->root, DATABASE_WRITE, &machine->db, &local);

	if (r != -ERROR_DAMAGED) {
		if (r < 0)
			error_set(err, r, "%s", local.message);
		return r;
	}
	machine_note(machine, NOTE_WARNING, "%s", local.message);
	r = database_set_aside(machine->root, &aside, err);
	if (r == 0)
		r = database_open(machine->root, DATABASE_WRITE, &machine->db, err);
	if (r < 0)
		return r;
	if (str_starts(aside, DATABASE_EVIDENCE_PATH)) {
		machine_note(machine, NOTE_WARNING,
			     "it is kept as %s; evidence from before now is lost, the "
			     "state is whole",
			     aside);
		return 0;
	}
	machine_note(
		machine, NOTE_WARNING,
		"it is kept as %s; a new one is made from the environment block and the "
		"manifests; history, verdicts and holds before now are lost",
		aside);
	return rebuild_database(machine, err);
}

static int transaction_end(const struct machine *machine, struct transaction *t,
			   enum transaction_state state, const char *summary,
			   struct error *err)
{
	t->state = state;
	t->ended = state == TRANSACTION_ARMED ? 0 : (int64_t)time(NULL);
	if (summary) {
		free(t->summary);
		t->summary = str_dup(summary);
	}
	return transaction_update(machine->db, t, err);
}

/* It was cut off: behind the point where the block named it, else before. */
static int recover_running(const struct machine *machine, struct transaction *t,
			   const struct boot_block *block, enum recover_extent extent,
			   struct error *err)
{
	bool trial = t->kind == TRANSACTION_UPGRADE || t->kind == TRANSACTION_TRY;
	bool armed = trial && t->generation != 0 && block->trial == t->generation;
	int r;

	if (!armed && extent == RECOVER_BOOT)
		return 0;
	machine_note(machine, NOTE_WARNING,
		     "transaction %lld (%s%s%s) was interrupted: %s", (long long)t->id,
		     transaction_kind_name(t->kind), t->release ? " " : "",
		     t->release ? t->release : "",
		     armed ? "its trial is armed, so it goes on" : "undoing it");
	if (armed)
		r = transaction_end(machine, t, TRANSACTION_ARMED, NULL, err);
	else
		r = journey_undo(machine, journey_plan_of(t->kind), t, err);
	return r < 0 ? r : 1;
}

static int recover_mark_proven(const struct machine *machine, unsigned int generation,
			       struct error *err)
{
	struct generation_record row = {0};
	int r = generation_get(machine->db, generation, &row, NULL);

	if (r == 0) {
		row.proven = true;
		row.verdict = VERDICT_HEALTHY;
		r = generation_put(machine->db, &row, err);
	}
	generation_record_done(&row);
	return r == -ENOENT ? 0 : r;
}

/* Waits for a trial that the block does not hold any more: what became of it? */
static int recover_armed(const struct machine *machine, struct transaction *t,
			 const struct boot_block *block, struct error *err)
{
	int r;

	if (t->generation == block->trial)
		return 0;
	if (t->generation != block->good) {
		r = transaction_end(machine, t, TRANSACTION_UNDONE,
				    "its trial was disarmed before it had a verdict",
				    err);
		return r < 0 ? r : 1;
	}
	r = recover_mark_proven(machine, t->generation, err);
	if (r == 0)
		r = transaction_end(
			machine, t, TRANSACTION_BLESSED,
			"It was tried, found healthy and is the good one now.", err);
	return r < 0 ? r : 1;
}

static int recover_transactions(const struct machine *machine,
				const struct boot_block *block,
				enum recover_extent extent, struct error *err)
{
	struct transaction_list running = {0}, armed = {0};
	int mended = 0;
	int r = transaction_list_state(machine->db, TRANSACTION_RUNNING, &running, err);

	for (size_t i = 0; r >= 0 && i < running.count; i++) {
		r = recover_running(machine, &running.items[i], block, extent, err);
		mended += r > 0;
	}
	transaction_list_done(&running);
	if (r >= 0)
		r = transaction_list_state(machine->db, TRANSACTION_ARMED, &armed, err);
	for (size_t i = 0; r >= 0 && i < armed.count; i++) {
		r = recover_armed(machine, &armed.items[i], block, err);
		mended += r > 0;
	}
	transaction_list_done(&armed);
	return r < 0 ? r : mended;
}

/* Proven, and its files are whole: fit to be named good. */
static bool recover_fit(const struct machine *machine,
			const struct generation_record *row)
{
	return row->proven &&
	       boot_files_verify(machine->root, row->generation, true, NULL) == 0;
}

/* good: what runs, if it is proven; else the newest proven. previous: the next one. */
static void recover_choose(const struct machine *machine,
			   const struct generation_record_list *known,
			   unsigned int running, struct boot_block *ret)
{
	for (size_t i = 0; i < known->count; i++)
		if (known->items[i].generation == running &&
		    recover_fit(machine, &known->items[i]))
			ret->good = running;
	for (size_t i = 0; i < known->count && !ret->previous; i++) {
		unsigned int number = known->items[i].generation;

		if (number == ret->good || !recover_fit(machine, &known->items[i]))
			continue;
		if (!ret->good)
			ret->good = number;
		else
			ret->previous = number;
	}
}

static int recover_block(const struct machine *machine, const char *problem,
			 struct boot_block *ret, struct error *err)
{
	autofree char *path = boot_files_env_path(machine->root);
	struct generation_record_list known = {0};
	autothisboot struct this_boot boot = {0};
	int r = generation_list(machine->db, &known, err);

	*ret = (struct boot_block){0};
	if (r == 0)
		r = this_boot_probe(machine->root, &boot, err);
	if (r == 0)
		recover_choose(machine, &known, boot.generation, ret);
	generation_record_list_done(&known);
	if (r < 0)
		return r;
	if (ret->good == 0)
		return error_set(
			err, -ERROR_DAMAGED,
			"%s, and no proven generation is known here to put into it; "
			"run: kuro setup",
			problem);
	machine_note(machine, NOTE_WARNING,
		     "%s; made anew: generation %u is the good one, %u the previous (0: "
		     "none), no trial",
		     problem, ret->good, ret->previous);
	return boot_env_create(machine->root, path, ret, err);
}

/* The block as it is, or mended. 1: mended, 0: whole, -ENOENT: kuro is not set up. */
static int recover_read_block(const struct machine *machine, struct boot_block *ret,
			      struct error *err)
{
	struct error local = {0};
	int r = boot_files_read_block(machine->root, ret, &local);

	if (r == -ERROR_DAMAGED) {
		r = recover_block(machine, local.message, ret, err);
		return r < 0 ? r : 1;
	}
	if (r < 0)
		error_set(err, r, "%s", local.message);
	return r;
}

int recover_run(const struct machine *machine, enum recover_extent extent,
		struct error *err)
{
	struct boot_block block = {0};
	struct error local = {0};
	int mended, r = recover_read_block(machine, &block, &local);

	if (r < 0 && r != -ENOENT)
		return error_set(err, r, "%s", local.message);
	mended = r > 0;
	r = recover_transactions(machine, &block, extent, err);
	if (r < 0)
		return r;
	mended += r;
	r = generation_clean(machine->root, err);
	if (extent == RECOVER_ALL)
		protect_refresh(machine);
	return r < 0 ? r : mended;
}
