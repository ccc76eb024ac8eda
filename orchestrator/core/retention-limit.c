/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What goes without any need for room: generations that have no use any more, and kernels
 * beyond the limits of age and number. Oldest first, and only what is still open.
 */
#include "retention-parts.h"

#define DAY 86400

/* The newest generation of a kernel stays with it, and the newest proven one. */
static void retire_replaced(struct group *group)
{
	const struct retention_item *newest = NULL, *proven = NULL;

	for (size_t i = 0; i < group->count; i++) {
		struct retention_item *item = group->items[i];

		if (item->kind != RETENTION_GENERATION)
			continue;
		newest = newest ? newest : item;
		proven = proven || !item->proven ? proven : item;
		if (item != newest && item != proven)
			item_remove(item, "generation %u of the same kernel replaced it",
				    newest->generation);
	}
}

static void retire_orphans(struct group *group)
{
	for (size_t i = 0; i < group->count; i++)
		item_remove(group->items[i], "%s",
			    group->release ? "its kernel is not installed any more"
					   : "it does not say which kernel it is of");
}

/* A generation that is made anew makes its kernel young again. 0: not known. */
static int64_t newest_of(const struct group *group)
{
	int64_t newest = 0;

	for (size_t i = 0; i < group->count; i++)
		if (group->items[i]->created > newest)
			newest = group->items[i]->created;
	return newest;
}

static void limit_age(struct decision *d, struct group *group)
{
	int64_t created = newest_of(group), days;
	autofree char *reason = NULL;

	if (!d->rules->max_days || !group_is_open(group) || created == 0)
		return;
	days = (d->rules->now - created) / DAY;
	if (days < d->rules->max_days)
		return;
	reason = str_format("it is %lld days old, retention.max_days is %u, and nothing "
			    "keeps it",
			    (long long)days, d->rules->max_days);
	group_remove(group, reason);
}

static bool can_boot(const struct group *group)
{
	return group->bootable && group_has_kernel(group);
}

/* What is left of kernels without an image. What is newer than the newest that has one
 * may be of a kernel that is just coming. */
static void limit_bare(struct decision *d)
{
	bool older = false;

	for (size_t g = 0; g < d->group_count; g++) {
		struct group *group = &d->groups[g];

		if (older && group_is_open(group) && !group->bootable)
			group_remove(group, "it has no image, and nothing keeps it");
		older |= can_boot(group);
	}
}

static void limit_number(struct decision *d)
{
	autofree char *reason =
		str_format("there are more kernels than retention.max_releases = %u, "
			   "and nothing keeps it",
			   d->rules->max_releases);
	size_t staying = 0;

	for (size_t g = 0; g < d->group_count; g++)
		staying += can_boot(&d->groups[g]);
	for (size_t g = d->group_count; g > 0 && staying > d->rules->max_releases; g--) {
		if (!group_is_open(&d->groups[g - 1]) || !can_boot(&d->groups[g - 1]))
			continue;
		group_remove(&d->groups[g - 1], reason);
		staying--;
	}
	if (staying >= d->rules->max_releases)
		limit_bare(d);
}

void retention_limit(struct decision *d)
{
	for (size_t g = 0; g < d->group_count; g++) {
		if (d->groups[g].installed)
			retire_replaced(&d->groups[g]);
		else
			retire_orphans(&d->groups[g]);
		limit_age(d, &d->groups[g]);
	}
	if (d->rules->max_releases)
		limit_number(d);
}
