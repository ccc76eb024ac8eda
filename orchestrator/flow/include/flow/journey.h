/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What every flow works with, and the one way in which steps are carried out: each is
 * a row with a check, an apply and an undo; begin and end are in the state database
 * before and after the effect, so that what was interrupted is finished or undone by
 * the same rows (DESIGN.md, A transaction's steps).
 */
#pragma once

#include <stdbool.h>

#include "act/module-build.h"
#include "base/error.h"
#include "base/root-file.h"
#include "core/policy.h"
#include "core/transaction.h"
#include "probe/package-list.h"
#include "probe/packages.h"
#include "store/database.h"

enum note { NOTE_STEP, NOTE_INFO, NOTE_WARNING, NOTE_OUTPUT };

/* Who is told what goes on; any may be NULL. text is one line, borrowed. */
struct listener {
	void (*note)(void *data, enum note kind, const char *text);
	void *data;
};

/* The machine and kuro's memory of it, opened by cmd/. */
struct machine {
	const struct root *root;
	const struct policy *policy;
	struct database *db;
	const struct listener *listener;
};

void machine_note(const struct machine *machine, enum note kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* One transaction under way. What undo needs lies in transaction (and so on disk). */
struct journey {
	const struct machine *machine;
	struct transaction transaction;
	const char *to_release; /* asked for by a person, or NULL */
	/* What undo needs of packages and modules; in transaction.detail too. */
	struct package_plan plan;
	struct module_build_list builds;
	struct strv links; /* present modules that were linked into the release's tree */
	char *proven;      /* the initramfs that was proven, and which of its kind */
	struct package_lists lists; /* what is in those packages that were vetted */
	int log_fd;                 /* programs' output; 0 for none */
	bool finished;              /* a step found that nothing is left to do */
};

struct journey_step {
	const char *name;  /* in the database; never changes */
	const char *doing; /* for people: "installing packages" */
	/* 1: already so; 0: to be applied; negative: can't be told. NULL: always apply.
	 */
	int (*check)(struct journey *j, struct error *err);
	int (*apply)(struct journey *j, struct error *err);
	/* NULL: nothing to undo. Must work from what the database holds alone. */
	int (*undo)(struct journey *j, struct error *err);
};

struct journey_plan {
	enum transaction_kind kind;
	const struct journey_step *steps;
	size_t count;
	enum transaction_state success; /* state after the last step */
};

/*
 * Open a transaction and carry out the steps. A failed or interrupted one is undone,
 * newest step first, and its state says so; the error is the step's. ret_transaction
 * (may be NULL) is the number, also on failure (0 if none was opened).
 */
int journey_run(const struct machine *machine, const struct journey_plan *plan,
		const char *to_release, int64_t *ret_transaction, struct error *err);
/* The same with packages that are known from the start: *packages is taken over. */
int journey_run_packages(const struct machine *machine, const struct journey_plan *plan,
			 struct package_plan *packages, struct error *err);

/* Undo what an interrupted transaction had begun. May be repeated. */
int journey_undo(const struct machine *machine, const struct journey_plan *plan,
		 const struct transaction *transaction, struct error *err);

/* Write the transaction's row after a step changed it. */
int journey_save(struct journey *j, struct error *err);
/* The plan of a kind, for recovery. Never NULL. */
const struct journey_plan *journey_plan_of(enum transaction_kind kind);
