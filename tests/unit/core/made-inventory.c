/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inventories that no machine has, and that a hostile or damaged one might.
 */
#include "made-inventory.h"

#define RELEASES 10
#define DAY      86400

static const char *const releases[RELEASES] = {"5.10.0-9-amd64",       "5.10.0-30-amd64",
					       "6.1.0-49-amd64",       "6.1.0-50-amd64",
					       "6.1.0-51-amd64",       "6.1.0-52-amd64",
					       "6.1.0-52-cloud-amd64", "6.9.0-mine",
					       "6.10.0~rc1-mine",      "6.10.0-mine"};
static const char *const selectors[] = {"running",        "good",   "good-1",
					"good-2",         "latest", "latest-1",
					"latest-3",       "oldest", "oldest+1",
					"oldest+9",       "pinned", "6.1.*",
					"6.1.0-50-amd64", "*mine"};
static const char *const patterns[] = {"/boot/*.old", "/boot/vmlinuz-6.9*", "/boot/?",
				       "/boot/*"};

static uint64_t state;

void inventory_seed(uint64_t seed)
{
	state = seed;
}

unsigned int inventory_any(unsigned int below)
{
	state ^= state << 13; /* xorshift64 */
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned int)(state >> 32) % below;
}

static bool one_in(unsigned int n)
{
	return inventory_any(n) == 0;
}

const char *inventory_any_selector(void)
{
	return selectors[inventory_any(ARRAY_LEN(selectors))];
}

void inventory_init(struct inventory *inventory)
{
	*inventory = (struct inventory){0};
	inventory->set.items = mem_zalloc(INVENTORY_MAX * sizeof(*inventory->set.items));
	inventory->rules = (struct retention_rules){.keep = &inventory->keep,
						    .remove = &inventory->remove,
						    .now = INVENTORY_NOW};
}

void inventory_done(struct inventory *inventory)
{
	retention_set_done(&inventory->set);
	strv_done(&inventory->keep);
	strv_done(&inventory->remove);
}

/* An item that is at random what any item may be; name is taken. One statement a number:
 * within an initialiser their order would be the compiler's. */
static struct retention_item *add(struct inventory *inventory, enum retention_kind kind,
				  const char *release, char *name)
{
	struct retention_item *item = &inventory->set.items[inventory->set.count++];

	*item = (struct retention_item){.kind = kind,
					.name = name,
					.release = str_dup(release)};
	if (!one_in(6))
		item->room = inventory_any(1000);
	if (!one_in(4))
		item->created = INVENTORY_NOW - (int64_t)inventory_any(400) * DAY;
	item->pinned = one_in(20);
	item->held = one_in(25);
	item->needed = kind == RETENTION_KERNEL && one_in(20);
	item->tree = kind != RETENTION_GENERATION && one_in(3) ? inventory_any(1000) : 0;
	item->packaged = kind == RETENTION_KERNEL && !one_in(8);
	item->bare = kind == RETENTION_KERNEL && one_in(6);
	return item;
}

static void make_kernels(struct inventory *inventory)
{
	unsigned int running = inventory_any(RELEASES), there = inventory_any(5);

	for (unsigned int i = 0; i < RELEASES; i++)
		if (inventory_any(4) < there)
			add(inventory, RETENTION_KERNEL, releases[i],
			    str_dup(releases[i]))
				->running = i == running;
}

static void make_generations(struct inventory *inventory)
{
	unsigned int count = inventory_any(10);
	unsigned int good = inventory_any(12), previous = inventory_any(12);
	unsigned int trial = inventory_any(20);

	for (unsigned int n = 1; n <= count; n++) {
		const char *release =
			one_in(30) ? NULL : releases[inventory_any(RELEASES)];
		struct retention_item *item = add(inventory, RETENTION_GENERATION,
						  release, str_format("%u", n));

		item->generation = n;
		item->good = n == good;
		item->previous = n == previous;
		item->trial = n == trial;
		item->running = one_in(15);
		item->proven = n == good || one_in(3);
	}
}

static void make_left_overs(struct inventory *inventory)
{
	unsigned int count = inventory_any(6);

	for (unsigned int i = 0; i < count; i++) {
		const char *release =
			one_in(4) ? NULL : releases[inventory_any(RELEASES)];
		char *name = str_format("/boot/%u%s", i, one_in(2) ? ".old" : "");

		add(inventory, RETENTION_LEFTOVER, release, name)->leftover =
			(enum leftover)inventory_any(LEFTOVER_UNKNOWN + 1);
	}
}

static void make_rules(struct inventory *inventory)
{
	for (size_t i = 0; i < ARRAY_LEN(selectors); i++)
		if (one_in(5))
			strv_add(&inventory->keep, selectors[i]);
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++)
		if (one_in(5))
			strv_add(&inventory->remove, patterns[i]);
	inventory->rules.max_releases = one_in(2) ? 0 : inventory_any(7);
	inventory->rules.max_room = one_in(2) ? 0 : inventory_any(5000);
	inventory->rules.max_days = one_in(2) ? 0 : inventory_any(400);
	inventory->rules.wanted = one_in(2) ? 0 : inventory_any(4000);
	inventory->rules.wanted_trees = one_in(2) ? 0 : inventory_any(4000);
}

void inventory_make(struct inventory *inventory)
{
	inventory_init(inventory);
	make_kernels(inventory);
	make_generations(inventory);
	make_left_overs(inventory);
	make_rules(inventory);
}
