/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What no package and no generation owns any more. What nobody knows the maker of stays,
 * unless the policy names it.
 */
#include "retention-parts.h"

struct rule {
	bool of_release;    /* of use as long as anything of its release stays */
	const char *reason; /* to go; NULL: none, but that the policy names it */
};
static const struct rule rules[] = {
	[LEFTOVER_NONE] = {false, NULL},
	[LEFTOVER_INITRAMFS] = {true, "it is an initramfs without a kernel"},
	[LEFTOVER_BACKUP] = {false, "it is a copy that something put aside"},
	[LEFTOVER_TREE] = {true, "it is a module tree without a kernel"},
	[LEFTOVER_DKMS] = {true, "it was built for a kernel that is gone"},
	[LEFTOVER_STAGING] = {false, "an interrupted run left it"},
	[LEFTOVER_UNKNOWN] = {false, NULL},
};

static bool release_stays(const struct decision *d, const char *release)
{
	for (size_t i = 0; i < d->item_count; i++) {
		const struct retention_item *item = d->items[i];

		if (!item->removed &&
		    (str_eq(item->release, release) ||
		     (item->kind == RETENTION_KERNEL && str_eq(item->name, release))))
			return true;
	}
	return false;
}

static void judge_unknown(const struct decision *d, struct retention_item *item)
{
	const char *pattern = path_pattern(d->rules->remove, item->name);

	if (pattern)
		item_remove(item, "retention.remove names it: \"%s\"", pattern);
	else
		item_keep(item, "who made it is not known, and retention.remove does not "
				"name it");
}

static void judge(const struct decision *d, struct retention_item *item)
{
	const struct rule *rule = &rules[item->leftover];
	const char *protection = item_protection(item);

	if (protection)
		item_keep(item, "%s", protection);
	else if (item->packaged)
		item_keep(item, "a package owns it");
	else if (!rule->reason || (rule->of_release && !item->release))
		judge_unknown(d, item);
	else if (rule->of_release && release_stays(d, item->release))
		item_keep(item, "it belongs to %s, of which something stays",
			  item->release);
	else
		item_remove(item, "%s", rule->reason);
}

void retention_judge_leftovers(struct decision *d)
{
	for (size_t i = 0; i < d->set->count; i++)
		if (d->set->items[i].kind == RETENTION_LEFTOVER)
			judge(d, &d->set->items[i]);
}
