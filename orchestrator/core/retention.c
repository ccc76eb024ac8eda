/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Retention decided: each rule applied in its turn, and what is left explained. Never
 * looks at the machine.
 */
#include "core/retention.h"

#include <stdlib.h>

#include "retention-parts.h"

void retention_set_done(struct retention_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->count; i++) {
		free(set->items[i].name);
		free(set->items[i].release);
		free(set->items[i].reason);
		strv_done(&set->items[i].leaves);
	}
	free(set->items);
	*set = (struct retention_set){0};
}

uint64_t room_add(uint64_t a, uint64_t b)
{
	return a + b < a ? UINT64_MAX : a + b;
}

uint64_t retention_freed(const struct retention_set *set)
{
	uint64_t freed = 0;

	for (size_t i = 0; i < set->count; i++)
		if (set->items[i].removed)
			freed = room_add(freed, set->items[i].room);
	return freed;
}

uint64_t retention_freed_trees(const struct retention_set *set)
{
	uint64_t freed = 0;

	for (size_t i = 0; i < set->count; i++)
		if (set->items[i].removed)
			freed = room_add(freed, set->items[i].tree);
	return freed;
}

static void forget(struct retention_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		free(set->items[i].reason);
		set->items[i].reason = NULL;
		set->items[i].removed = false;
	}
}

static void explain_the_rest(struct retention_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		item_keep(&set->items[i], "%s",
			  set->items[i].kind == RETENTION_KERNEL
				  ? "no limit of the policy is reached"
				  : "its kernel stays");
}

void retention_decide(const struct retention_rules *rules, struct retention_set *set)
{
	struct decision decision cleanup(decision_done);

	forget(set);
	decision_init(&decision, rules, set);
	retention_protect(&decision);
	retention_select(&decision);
	retention_limit(&decision);
	retention_limit_room(&decision);
	retention_judge_leftovers(&decision);
	retention_make_room(&decision);
	explain_the_rest(set);
}
