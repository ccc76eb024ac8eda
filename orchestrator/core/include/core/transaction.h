/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Words of a transaction: its kinds, states and steps, and the records that the state
 * database keeps. Names here are what JSON and the database hold; they never change.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum transaction_kind {
	TRANSACTION_SETUP,
	TRANSACTION_UPGRADE,
	TRANSACTION_TRY,
	TRANSACTION_ROLLBACK,
	TRANSACTION_DISABLE,
	TRANSACTION_PACKAGES, /* a package manager that a person drives brings a kernel */
	TRANSACTION_KINDS,
};

enum transaction_state {
	TRANSACTION_RUNNING, /* steps are being carried out, or were interrupted */
	TRANSACTION_ARMED,   /* waits for its trial boot and verdict */
	TRANSACTION_BLESSED,
	TRANSACTION_ROLLED_BACK,
	TRANSACTION_DONE,   /* nothing to try was left: finished */
	TRANSACTION_UNDONE, /* refused, failed or interrupted; nothing of it is left */
	TRANSACTION_FAILED, /* it could not even be undone wholly; the summary says what
			       is left */
	TRANSACTION_STATES,
};

enum step_state { STEP_BEGUN, STEP_DONE, STEP_UNDONE, STEP_FAILED, STEP_STATES };

enum verdict { VERDICT_NONE, VERDICT_HEALTHY, VERDICT_FAILED, VERDICTS };

/* How a boot ended, as far as evidence goes. */
enum boot_end {
	BOOT_END_UNKNOWN,
	BOOT_END_RUNNING,
	BOOT_END_ORDERLY,
	BOOT_END_PANIC,
	BOOT_END_HANG,         /* dead-man or watchdog */
	BOOT_END_VERDICT,      /* kuro rebooted it after "failed" */
	BOOT_END_DAMAGED,      /* GRUB refused the generation's files */
	BOOT_END_NO_USERSPACE, /* never came as far as kuro: panic, hang or power */
	BOOT_ENDS,
};

const char *transaction_kind_name(enum transaction_kind kind);
const char *transaction_state_name(enum transaction_state state);
const char *step_state_name(enum step_state state);
const char *verdict_name(enum verdict verdict);
const char *boot_end_name(enum boot_end end);
/* Back from a name; -1 where there is no such. */
int transaction_kind_parse(const char *name);
int transaction_state_parse(const char *name);
int step_state_parse(const char *name);
int verdict_parse(const char *name);
int boot_end_parse(const char *name);

struct transaction {
	int64_t id;
	enum transaction_kind kind;
	enum transaction_state state;
	char *release;           /* target, or NULL */
	unsigned int generation; /* made or meant, 0 for none */
	unsigned int tries;      /* boots it was armed for */
	int64_t begun, ended;    /* seconds since 1970; ended 0 while open */
	char *summary;           /* one sentence, or NULL */
	char *detail;            /* JSON: packages and what else undo needs, or NULL */
};

struct step {
	int64_t transaction;
	char *name;
	enum step_state state;
	int64_t begun, ended;
	char *detail; /* what happened, or the error's text; NULL */
};

struct boot {
	char *boot_id; /* /proc/sys/kernel/random/boot_id */
	char *release;
	unsigned int generation; /* 0: not one of kuro's entries */
	bool trial;
	int64_t transaction; /* a trial's: the one that armed it; 0: none known */
	int64_t begun, ended;
	enum verdict verdict;
	enum boot_end end;
	char *reason; /* of the verdict, or NULL */
};

struct hold {
	char *release;
	char *reason;
	unsigned int generation;
	int64_t created, expires; /* expires 0: until lifted */
};

struct evidence {
	int64_t id;
	int64_t transaction;
	char *boot_id; /* or NULL */
	char *kind;    /* "baseline", "journal", "pstore", "health", "packages" */
	int64_t created;
	char *content; /* text or JSON */
};

/* What the database knows of a generation besides its manifest. */
struct generation_record {
	unsigned int generation;
	char *release;
	int64_t created, transaction;
	enum verdict verdict; /* of its last judged boot */
	bool proven;          /* was blessed once */
	bool pinned;
	bool present; /* its files are there, as far as kuro knows */
};

void transaction_done(struct transaction *t);
void step_done(struct step *s);
void boot_done(struct boot *b);
void hold_done(struct hold *h);
void evidence_done(struct evidence *e);
void generation_record_done(struct generation_record *g);

#define RECORD_LIST(type)           \
	struct type##_list {        \
		struct type *items; \
		size_t count;       \
	};                          \
	void type##_list_done(struct type##_list *list)

RECORD_LIST(transaction);
RECORD_LIST(step);
RECORD_LIST(boot);
RECORD_LIST(hold);
RECORD_LIST(evidence);
RECORD_LIST(generation_record);
