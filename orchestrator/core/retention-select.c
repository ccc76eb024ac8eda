/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The selectors of retention.keep applied: which kernels and generations they choose.
 */
#include <fnmatch.h>

#include "retention-parts.h"

/* Keep a kernel, and where there is none what is left of the release. */
static void keep_release(struct group *group, const char *reason)
{
	group_keep_kernels(group, reason);
	for (size_t i = 0; i < group->count && !group->installed; i++)
		item_keep(group->items[i], "%s", reason);
}

/* What runs and what is pinned stays always. */
static void select_nothing(struct decision *d, const struct selector *selector,
			   const char *reason)
{
	(void)d; /* the same function for each word */
	(void)selector;
	(void)reason;
}

static void select_good(struct decision *d, const struct selector *selector,
			const char *reason)
{
	struct retention_item *item = NULL;

	for (size_t i = 0; i < d->item_count; i++)
		if (d->items[i]->kind == RETENTION_GENERATION && d->items[i]->good)
			item = d->items[i];
	for (unsigned int i = 0; i < selector->steps && item; i++)
		item = proven_below(d, item->generation, false);
	if (item)
		item_keep(item, "%s", reason);
}

static void select_from(struct decision *d, const struct selector *selector,
			const char *reason)
{
	unsigned int left = selector->steps;

	for (size_t i = 0; i < d->group_count; i++) {
		bool newest = selector->kind == SELECTOR_LATEST;
		struct group *group = &d->groups[newest ? i : d->group_count - 1 - i];

		if (!group->bootable)
			continue;
		if (left == 0) {
			group_keep_kernels(group, reason);
			return;
		}
		left--;
	}
}

static void select_pattern(struct decision *d, const struct selector *selector,
			   const char *reason)
{
	for (size_t i = 0; i < d->group_count; i++)
		if (d->groups[i].release &&
		    fnmatch(selector->pattern, d->groups[i].release, 0) == 0)
			keep_release(&d->groups[i], reason);
}

typedef void select_function(struct decision *d, const struct selector *selector,
			     const char *reason);

static select_function *const functions[] = {
	[SELECTOR_RUNNING] = select_nothing, [SELECTOR_GOOD] = select_good,
	[SELECTOR_LATEST] = select_from,     [SELECTOR_OLDEST] = select_from,
	[SELECTOR_PINNED] = select_nothing,  [SELECTOR_PATTERN] = select_pattern,
};

void retention_select(struct decision *d)
{
	for (size_t i = 0; i < d->rules->keep->count; i++) {
		autofree char *reason = str_format("retention.keep selects it: \"%s\"",
						   d->rules->keep->items[i]);
		struct selector selector;

		/* one that can't be read was refused with its file and line */
		if (selector_parse(d->rules->keep->items[i], &selector, NULL) == 0)
			functions[selector.kind](d, &selector, reason);
	}
	decision_keep_kernels(d);
}
