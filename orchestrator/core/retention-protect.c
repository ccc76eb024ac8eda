/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What stays whatever the policy says: what a boot stands on or may have to go back to,
 * what a person or the package manager keeps, what neither kuro nor a package made.
 */
#include <fnmatch.h>

#include "retention-parts.h"

#define PROVEN_MIN 2

struct mark {
	size_t offset; /* of a bool in struct retention_item */
	const char *reason;
};
static const struct mark marks[] = {
	{offsetof(struct retention_item, running), "it runs now"},
	{offsetof(struct retention_item, needed), "this transaction is for it"},
	{offsetof(struct retention_item, good), "it is the known good one"},
	{offsetof(struct retention_item, previous), "it is the previous good one"},
	{offsetof(struct retention_item, trial), "it is on trial"},
	{offsetof(struct retention_item, pinned), "it is pinned"},
	{offsetof(struct retention_item, held), "its package is held"},
};

const char *item_protection(const struct retention_item *item)
{
	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (*(const bool *)((const char *)item + marks[i].offset))
			return marks[i].reason;
	return NULL;
}

const char *path_pattern(const struct strv *patterns, const char *path)
{
	for (size_t i = 0; i < patterns->count; i++)
		if (fnmatch(patterns->items[i], path, FNM_PATHNAME) == 0)
			return patterns->items[i];
	return NULL;
}

static void keep_marked(struct decision *d)
{
	for (size_t i = 0; i < d->item_count; i++) {
		const char *reason = item_protection(d->items[i]);

		if (reason)
			item_keep(d->items[i], "%s", reason);
	}
}

/* Returns how many there are, up to the number that stays. */
static unsigned int keep_proven(struct decision *d, bool bootable)
{
	struct retention_item *item = proven_below(d, UINT32_MAX, bootable);
	unsigned int count = 0;

	for (; item && count < PROVEN_MIN; count++) {
		item_keep(item, "it is one of the two newest proven generations");
		item = proven_below(d, item->generation, bootable);
	}
	return count;
}

/* What a person would go back to while nothing, or too little, is proven. */
static void keep_newest_kernels(struct decision *d)
{
	static const char *const reasons[] = {
		"it is the newest kernel, and fewer than two generations are proven",
		"it is the second newest kernel, and fewer than two generations are "
		"proven",
	};
	size_t kept = 0;

	for (size_t g = 0; g < d->group_count && kept < ARRAY_LEN(reasons); g++)
		if (d->groups[g].bootable)
			group_keep_kernels(&d->groups[g], reasons[kept++]);
}

/* A kernel that no package owns is named through its image. */
static bool may_go(const struct decision *d, const struct retention_item *kernel)
{
	autofree char *image = str_format("/boot/vmlinuz-%s", kernel->name);

	return kernel->packaged || path_pattern(d->rules->remove, image);
}

static void keep_hand_made(struct decision *d, struct group *group)
{
	for (size_t i = 0; i < group->count; i++)
		if (group->items[i]->kind == RETENTION_KERNEL &&
		    !may_go(d, group->items[i]))
			group_keep_kernels(group, "no package owns it, and "
						  "retention.remove does not name it");
}

void retention_protect(struct decision *d)
{
	keep_marked(d);
	/* Without its kernel's modules a generation boots, but to little: such ones stay,
	 * and don't count. */
	(void)keep_proven(d, false);
	if (keep_proven(d, true) < PROVEN_MIN)
		keep_newest_kernels(d);
	decision_keep_kernels(d);
	for (size_t g = 0; g < d->group_count; g++)
		keep_hand_made(d, &d->groups[g]);
}
