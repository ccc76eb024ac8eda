/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Carrying out a transaction's steps, and undoing them. The database is told before
 * and after each effect; what a step does it must be able to do again.
 */
#include "flow/journey.h"

#include <fcntl.h>
#include <stdarg.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/process.h"
#include "flow/door.h"
#include "flow/setup.h"
#include "flow/upgrade.h"
#include "step-detail.h"
#include "store/records.h"

#define JOURNEY_LOGS "/var/lib/kuro/log"

void machine_note(const struct machine *machine, enum note kind, const char *format, ...)
{
	autotext struct text text = {0};
	va_list args;

	if (!machine->listener || !machine->listener->note)
		return;
	va_start(args, format);
	text_vappendf(&text, format, args);
	va_end(args);
	machine->listener->note(machine->listener->data, kind, text_str(&text));
}

int journey_save(struct journey *j, struct error *err)
{
	return transaction_update(j->machine->db, &j->transaction, err);
}

static int64_t journey_now(void)
{
	return (int64_t)time(NULL);
}

/* Record where a step stands; text is its detail, or NULL. */
static int journey_mark(struct journey *j, const struct journey_step *step,
			enum step_state state, const char *text, struct error *err)
{
	struct step row = {
		.transaction = j->transaction.id,
		.name = (char *)(uintptr_t)step->name,
		.state = state,
		.begun = journey_now(),
		.ended = state == STEP_BEGUN ? 0 : journey_now(),
		.detail = (char *)(uintptr_t)text,
	};

	return step_set(j->machine->db, &row, err);
}

static int journey_step_run(struct journey *j, const struct journey_step *step,
			    struct error *err)
{
	int already = 0, r;

	machine_note(j->machine, NOTE_STEP, "%s", step->doing);
	r = journey_mark(j, step, STEP_BEGUN, NULL, err);
	if (r < 0)
		return r;
	if (step->check)
		already = step->check(j, err);
	r = already < 0 ? already : already ? 0 : step->apply(j, err);
	if (r < 0) {
		/* the step's error is the one to tell, whatever the record says */
		(void)journey_mark(j, step, STEP_FAILED, err ? err->message : NULL, NULL);
		return r;
	}
	return journey_mark(j, step, STEP_DONE, already ? "it was so already" : NULL,
			    err);
}

static int journey_step_undo(struct journey *j, const struct journey_step *step,
			     struct error *err)
{
	int r;

	if (!step->undo)
		return 0;
	machine_note(j->machine, NOTE_STEP, "undoing: %s", step->doing);
	r = step->undo(j, err);
	/* best effort: an undo that is not recorded is undone again */
	(void)journey_mark(j, step, r < 0 ? STEP_FAILED : STEP_UNDONE,
			   r < 0 && err ? err->message : NULL, NULL);
	return r;
}

static const struct step *journey_row(const struct step_list *rows, const char *name)
{
	for (size_t i = 0; i < rows->count; i++)
		if (str_eq(rows->items[i].name, name))
			return &rows->items[i];
	return NULL;
}

/* Undo every step that has a row and is not undone, newest first; go on past a failure.
 */
static int journey_steps_undo(struct journey *j, const struct journey_plan *plan,
			      struct error *err)
{
	struct step_list rows = {0};
	int r = step_list(j->machine->db, j->transaction.id, &rows, err), first = r;

	for (size_t i = plan->count; r == 0 && i-- > 0;) {
		const struct step *row = journey_row(&rows, plan->steps[i].name);
		struct error own = {0};
		int undone;

		if (!row || row->state == STEP_UNDONE)
			continue;
		undone = journey_step_undo(j, &plan->steps[i], &own);
		if (undone < 0 && first == 0) {
			first = undone;
			error_set(err, undone, "%s", own.message);
		}
	}
	step_list_done(&rows);
	return first;
}

/* Close the transaction with a state and a sentence. */
static int journey_close(struct journey *j, enum transaction_state state,
			 const char *summary, struct error *err)
{
	j->transaction.state = state;
	if (state != TRANSACTION_ARMED)
		j->transaction.ended = journey_now();
	if (summary) {
		free(j->transaction.summary);
		j->transaction.summary = str_dup(summary);
	}
	return journey_save(j, err);
}

/* A step failed: undo, and say in the transaction's row how that ended. */
static int journey_fail(struct journey *j, const struct journey_plan *plan,
			struct error *err)
{
	autofree char *summary = NULL;
	struct error undo = {0};
	int r = journey_steps_undo(j, plan, &undo);

	if (r < 0) {
		summary = str_format("%s; not wholly undone: %s", err->message,
				     undo.message);
		machine_note(j->machine, NOTE_WARNING, "not wholly undone: %s",
			     undo.message);
	} else {
		summary = str_dup(err->message);
	}
	/* the step's error is the one to tell */
	(void)journey_close(j, r < 0 ? TRANSACTION_FAILED : TRANSACTION_UNDONE, summary,
			    NULL);
	return err->code;
}

static int journey_steps_run(struct journey *j, const struct journey_plan *plan,
			     struct error *err)
{
	for (size_t i = 0; i < plan->count && !j->finished; i++) {
		int r;

		if (process_interrupted())
			return error_set(err, -ERROR_INTERRUPTED,
					 "interrupted before: %s", plan->steps[i].doing);
		r = journey_step_run(j, &plan->steps[i], err);
		if (r < 0)
			return r;
	}
	if (process_interrupted() && !j->finished)
		return error_set(err, -ERROR_INTERRUPTED, "interrupted");
	return 0;
}

/* The programs' log of this transaction; without one (a full disk) it goes on. */
static int journey_open_log(const struct machine *machine, int64_t id)
{
	autofree char *path = str_format(JOURNEY_LOGS "/%lld.log", (long long)id);
	int fd;

	if (root_mkdirs(machine->root, JOURNEY_LOGS, 0755, NULL) < 0)
		return 0;
	fd = root_openat(machine->root, path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW,
			 0640);
	return fd < 0 ? 0 : fd;
}

static int journey_begin(struct journey *j, const struct journey_plan *plan,
			 struct error *err)
{
	int r;

	j->transaction.kind = plan->kind;
	j->transaction.state = TRANSACTION_RUNNING;
	j->transaction.begun = journey_now();
	j->transaction.release = str_dup(j->to_release);
	r = transaction_add(j->machine->db, &j->transaction, &j->transaction.id, err);
	if (r == 0)
		j->log_fd = journey_open_log(j->machine, j->transaction.id);
	return r;
}

static void journey_done(struct journey *j)
{
	if (j->log_fd > 0)
		(void)close(j->log_fd); /* a log: a lost last line is no loss */
	package_plan_done(&j->plan);
	module_build_list_done(&j->builds);
	strv_done(&j->links);
	package_lists_done(&j->lists);
	free(j->proven);
	transaction_done(&j->transaction);
}

static int journey_carry_out(struct journey *j, const struct journey_plan *plan,
			     struct error *err)
{
	struct error local = {0};
	int r = journey_begin(j, plan, &local);

	if (r == 0) {
		r = journey_steps_run(j, plan, &local);
		if (r < 0)
			r = journey_fail(j, plan, &local);
		else
			r = journey_close(j,
					  j->finished ? TRANSACTION_DONE : plan->success,
					  NULL, &local);
	}
	return r < 0 ? error_set(err, r, "%s", local.message) : j->finished;
}

int journey_run(const struct machine *machine, const struct journey_plan *plan,
		const char *to_release, int64_t *ret_transaction, struct error *err)
{
	struct journey j = {.machine = machine, .to_release = to_release};
	int r = journey_carry_out(&j, plan, err);

	if (ret_transaction)
		*ret_transaction = j.transaction.id;
	journey_done(&j);
	return r;
}

int journey_run_packages(const struct machine *machine, const struct journey_plan *plan,
			 struct package_plan *packages, struct error *err)
{
	struct journey j = {.machine = machine, .plan = *packages};
	int r;

	*packages = (struct package_plan){0};
	j.to_release = j.plan.release;
	r = journey_carry_out(&j, plan, err);
	journey_done(&j);
	return r;
}

/* A journey that goes on from what the database holds. */
static int journey_reopen(struct journey *j, const struct transaction *t,
			  struct error *err)
{
	j->transaction = (struct transaction){
		.id = t->id,
		.kind = t->kind,
		.state = t->state,
		.release = str_dup(t->release),
		.generation = t->generation,
		.tries = t->tries,
		.begun = t->begun,
		.ended = t->ended,
		.summary = str_dup(t->summary),
		.detail = str_dup(t->detail),
	};
	j->log_fd = journey_open_log(j->machine, t->id);
	return t->detail ? step_detail_parse(t->detail, j, err) : 0;
}

int journey_undo(const struct machine *machine, const struct journey_plan *plan,
		 const struct transaction *transaction, struct error *err)
{
	struct journey j = {.machine = machine};
	struct error local = {0};
	int r = journey_reopen(&j, transaction, &local);

	if (r == 0)
		r = journey_steps_undo(&j, plan, &local);
	if (r == 0)
		r = journey_close(&j, TRANSACTION_UNDONE, "interrupted, and undone",
				  &local);
	else
		(void)journey_close(&j, TRANSACTION_FAILED, local.message, NULL);
	if (r < 0)
		error_set(err, r, "%s", local.message);
	journey_done(&j);
	return r;
}

const struct journey_plan *journey_plan_of(enum transaction_kind kind)
{
	static const struct journey_plan nothing = {.kind = TRANSACTION_ROLLBACK};

	switch (kind) {
	case TRANSACTION_SETUP:
		return &setup_plan;
	case TRANSACTION_UPGRADE:
		return &upgrade_plan;
	case TRANSACTION_TRY:
		return &try_plan;
	case TRANSACTION_DISABLE:
		return &disable_plan;
	case TRANSACTION_PACKAGES:
		return &packages_plan;
	case TRANSACTION_ROLLBACK:
	case TRANSACTION_KINDS:
		break;
	}
	return &nothing;
}
