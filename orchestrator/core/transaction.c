/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The words of transactions, and the ownership of their records. A word here is in
 * databases and in JSON that others read: add, never change.
 */
#include "core/transaction.h"

#include <stdlib.h>

#include "base/cleanup.h"

static const char *const kind_names[] = {
	[TRANSACTION_SETUP] = "setup",     [TRANSACTION_UPGRADE] = "upgrade",
	[TRANSACTION_TRY] = "try",         [TRANSACTION_ROLLBACK] = "rollback",
	[TRANSACTION_DISABLE] = "disable", [TRANSACTION_PACKAGES] = "packages",
};
_Static_assert(ARRAY_LEN(kind_names) == TRANSACTION_KINDS, "a name for each kind");

static const char *const state_names[] = {
	[TRANSACTION_RUNNING] = "running", [TRANSACTION_ARMED] = "armed",
	[TRANSACTION_BLESSED] = "blessed", [TRANSACTION_ROLLED_BACK] = "rolled-back",
	[TRANSACTION_DONE] = "done",       [TRANSACTION_UNDONE] = "undone",
	[TRANSACTION_FAILED] = "failed",
};
_Static_assert(ARRAY_LEN(state_names) == TRANSACTION_STATES, "a name for each state");

static const char *const step_names[] = {
	[STEP_BEGUN] = "begun",
	[STEP_DONE] = "done",
	[STEP_UNDONE] = "undone",
	[STEP_FAILED] = "failed",
};
_Static_assert(ARRAY_LEN(step_names) == STEP_STATES, "a name for each step state");

static const char *const verdict_names[] = {
	[VERDICT_NONE] = "none",
	[VERDICT_HEALTHY] = "healthy",
	[VERDICT_FAILED] = "failed",
};
_Static_assert(ARRAY_LEN(verdict_names) == VERDICTS, "a name for each verdict");

static const char *const boot_end_names[] = {
	[BOOT_END_UNKNOWN] = "unknown", [BOOT_END_RUNNING] = "running",
	[BOOT_END_ORDERLY] = "orderly", [BOOT_END_PANIC] = "panic",
	[BOOT_END_HANG] = "hang",       [BOOT_END_VERDICT] = "verdict",
	[BOOT_END_DAMAGED] = "damaged", [BOOT_END_NO_USERSPACE] = "no-userspace",
};
_Static_assert(ARRAY_LEN(boot_end_names) == BOOT_ENDS, "a name for each end");

static const char *name_of(const char *const *names, size_t count, unsigned int value)
{
	return value < count ? names[value] : "unknown";
}

static int value_of(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(names[i], name))
			return (int)i;
	return -1;
}

/* Both directions of one table of names. */
#define NAMES(noun, type, names)                                \
	const char *noun##_name(type value)                     \
	{                                                       \
		return name_of(names, ARRAY_LEN(names), value); \
	}                                                       \
	int noun##_parse(const char *name)                      \
	{                                                       \
		return value_of(names, ARRAY_LEN(names), name); \
	}

NAMES(transaction_kind, enum transaction_kind, kind_names)
NAMES(transaction_state, enum transaction_state, state_names)
NAMES(step_state, enum step_state, step_names)
NAMES(verdict, enum verdict, verdict_names)
NAMES(boot_end, enum boot_end, boot_end_names)

void transaction_done(struct transaction *t)
{
	if (!t)
		return;
	free(t->release);
	free(t->summary);
	free(t->detail);
	*t = (struct transaction){0};
}

void step_done(struct step *s)
{
	if (!s)
		return;
	free(s->name);
	free(s->detail);
	*s = (struct step){0};
}

void boot_done(struct boot *b)
{
	if (!b)
		return;
	free(b->boot_id);
	free(b->release);
	free(b->reason);
	*b = (struct boot){0};
}

void hold_done(struct hold *h)
{
	if (!h)
		return;
	free(h->release);
	free(h->reason);
	*h = (struct hold){0};
}

void evidence_done(struct evidence *e)
{
	if (!e)
		return;
	free(e->boot_id);
	free(e->kind);
	free(e->content);
	*e = (struct evidence){0};
}

void generation_record_done(struct generation_record *g)
{
	if (!g)
		return;
	free(g->release);
	*g = (struct generation_record){0};
}

#define RECORD_LIST_DONE(type)                           \
	void type##_list_done(struct type##_list *list)  \
	{                                                \
		if (!list)                               \
			return;                          \
		for (size_t i = 0; i < list->count; i++) \
			type##_done(&list->items[i]);    \
		free(list->items);                       \
		*list = (struct type##_list){0};         \
	}

RECORD_LIST_DONE(transaction)
RECORD_LIST_DONE(step)
RECORD_LIST_DONE(boot)
RECORD_LIST_DONE(hold)
RECORD_LIST_DONE(evidence)
RECORD_LIST_DONE(generation_record)
