/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is known of a release brought together, and decided together: a generation is of
 * little use without the module tree that goes with its kernel.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/release.h"
#include "retention-parts.h"

static bool is_generation(const struct retention_item *item)
{
	return item->kind == RETENTION_GENERATION;
}

static const char *release_of(const struct retention_item *item)
{
	return is_generation(item) ? item->release : item->name;
}

/* Two that the version order does not tell apart are in the order of their letters. */
static int compare_releases(const char *a, const char *b)
{
	int result;

	if (!a || !b)
		return (a != NULL) - (b != NULL);
	result = release_compare(a, b);
	return result ? result : strcmp(a, b);
}

static int newer_first(const void *a, const void *b)
{
	const struct retention_item *x = *(struct retention_item *const *)a;
	const struct retention_item *y = *(struct retention_item *const *)b;
	int result = compare_releases(release_of(y), release_of(x));

	if (result == 0)
		result = (x->kind > y->kind) - (x->kind < y->kind);
	if (result == 0)
		result =
			(x->generation < y->generation) - (x->generation > y->generation);
	return result;
}

static void add_to_group(struct decision *d, struct retention_item **item)
{
	const char *release = release_of(*item);
	struct group *group;

	if (d->group_count == 0 ||
	    !str_eq(d->groups[d->group_count - 1].release, release))
		d->groups[d->group_count++] =
			(struct group){.release = release, .items = item};
	group = &d->groups[d->group_count - 1];
	group->count++;
	group->installed |= !is_generation(*item);
	group->bootable |= !is_generation(*item) && !(*item)->bare;
}

void decision_init(struct decision *d, const struct retention_rules *rules,
		   struct retention_set *set)
{
	*d = (struct decision){.rules = rules, .set = set};
	d->items = mem_zalloc((set->count + 1) * sizeof(struct retention_item *));
	d->groups = mem_zalloc((set->count + 1) * sizeof(*d->groups));
	for (size_t i = 0; i < set->count; i++)
		if (set->items[i].kind != RETENTION_LEFTOVER)
			d->items[d->item_count++] = &set->items[i];
	qsort(d->items, d->item_count, sizeof(struct retention_item *), newer_first);
	for (size_t i = 0; i < d->item_count; i++)
		add_to_group(d, &d->items[i]);
}

void decision_done(struct decision *d)
{
	free(d->items);
	free(d->groups);
	*d = (struct decision){0};
}

__attribute__((format(printf, 3, 0))) static void decide(struct retention_item *item,
							 bool removed, const char *format,
							 va_list args)
{
	struct text reason = {0};

	text_vappendf(&reason, format, args);
	item->reason = text_take(&reason);
	item->removed = removed;
}

void item_keep(struct retention_item *item, const char *format, ...)
{
	va_list args;

	if (item->reason)
		return;
	va_start(args, format);
	decide(item, false, format, args);
	va_end(args);
}

void item_remove(struct retention_item *item, const char *format, ...)
{
	va_list args;

	if (item->reason)
		return;
	va_start(args, format);
	decide(item, true, format, args);
	va_end(args);
}

void group_keep_kernels(struct group *group, const char *reason)
{
	for (size_t i = 0; i < group->count; i++)
		if (!is_generation(group->items[i]))
			item_keep(group->items[i], "%s", reason);
}

void group_remove(struct group *group, const char *reason)
{
	for (size_t i = 0; i < group->count; i++)
		item_remove(group->items[i], "%s",
			    is_generation(group->items[i]) ? "its kernel goes" : reason);
}

bool group_is_open(const struct group *group)
{
	/* its kernels come first, and are decided together */
	return group->installed && !group->items[0]->reason;
}

bool group_has_kernel(const struct group *group)
{
	return group->installed && !group->items[0]->removed;
}

static void keep_kernels_of(struct group *group)
{
	for (size_t i = 0; i < group->count; i++) {
		const struct retention_item *item = group->items[i];
		autofree char *reason = NULL;

		if (!item->reason)
			continue;
		/* a release that is listed twice is one all the same */
		reason = is_generation(item) ? str_format("generation %u needs it: %s",
							  item->generation, item->reason)
					     : str_dup(item->reason);
		group_keep_kernels(group, reason);
	}
}

void decision_keep_kernels(struct decision *d)
{
	for (size_t g = 0; g < d->group_count; g++)
		keep_kernels_of(&d->groups[g]);
}

static struct retention_item *later(struct retention_item *a, struct retention_item *b)
{
	return !a || b->generation > a->generation ? b : a;
}

struct retention_item *proven_below(const struct decision *d, unsigned int below,
				    bool bootable)
{
	struct retention_item *found = NULL;

	for (size_t g = 0; g < d->group_count; g++) {
		const struct group *group = &d->groups[g];

		for (size_t i = 0; i < group->count; i++)
			if (is_generation(group->items[i]) && group->items[i]->proven &&
			    group->items[i]->generation < below &&
			    (group->bootable || !bootable))
				found = later(found, group->items[i]);
	}
	return found;
}
