/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What goes for its room: beyond the limit of room, and while wanted bytes are not free.
 * Oldest first, of one release the largest first, and only what is still open.
 */
#include <stdlib.h>

#include "retention-parts.h"

/* What goes as one: an open kernel with all it has, or one generation of a kernel that
 * stays. */
struct unit {
	struct group *group;
	struct retention_item *generation; /* NULL: the whole group */
	struct bytes {
		uint64_t room, tree;
	} frees;
	bool taken;
};
struct units {
	struct unit *items;
	size_t count;
};

static void units_done(struct units *units)
{
	free(units->items);
}

static struct bytes bytes_add(struct bytes a, struct bytes b)
{
	return (struct bytes){room_add(a.room, b.room), room_add(a.tree, b.tree)};
}

static struct bytes group_bytes(const struct group *group)
{
	struct bytes sum = {0};

	for (size_t i = 0; i < group->count; i++)
		if (!group->items[i]->removed)
			sum = bytes_add(sum, (struct bytes){group->items[i]->room,
							    group->items[i]->tree});
	return sum;
}

static int oldest_first(const void *a, const void *b)
{
	const struct unit *x = a, *y = b;
	int result = (x->group < y->group) - (x->group > y->group);

	if (result == 0)
		result =
			(x->frees.room < y->frees.room) - (x->frees.room > y->frees.room);
	if (result == 0 && x->generation && y->generation)
		result = (x->generation->generation > y->generation->generation) -
			 (x->generation->generation < y->generation->generation);
	return result;
}

static void add_unit(struct units *units, struct group *group,
		     struct retention_item *generation, struct bytes frees)
{
	if (frees.room > 0 || frees.tree > 0)
		units->items[units->count++] = (struct unit){.group = group,
							     .generation = generation,
							     .frees = frees};
}

static void collect(const struct decision *d, struct units *units)
{
	units->items = mem_zalloc((d->item_count + 1) * sizeof(*units->items));
	for (size_t g = 0; g < d->group_count; g++) {
		struct group *group = &d->groups[g];

		if (group_is_open(group)) {
			add_unit(units, group, NULL, group_bytes(group));
			continue;
		}
		for (size_t i = 0; i < group->count; i++)
			if (!group->items[i]->reason)
				add_unit(units, group, group->items[i],
					 (struct bytes){.room = group->items[i]->room});
	}
	qsort(units->items, units->count, sizeof(*units->items), oldest_first);
}

static void remove_unit(const struct unit *unit, const char *reason)
{
	if (unit->generation)
		item_remove(unit->generation, "%s", reason);
	else
		group_remove(unit->group, reason);
}

void retention_limit_room(struct decision *d)
{
	struct units units cleanup(units_done) = {0};
	autofree char *reason = str_format("kernels and generations take more than "
					   "retention.max_room = %llu MiB, and nothing "
					   "keeps it",
					   (unsigned long long)d->rules->max_room >> 20);
	uint64_t taken = 0;

	if (!d->rules->max_room)
		return;
	for (size_t g = 0; g < d->group_count; g++)
		taken = room_add(taken, group_bytes(&d->groups[g]).room);
	collect(d, &units);
	for (size_t i = 0; i < units.count && taken > d->rules->max_room; i++) {
		if (units.items[i].frees.room == 0)
			continue;
		remove_unit(&units.items[i], reason);
		taken -= units.items[i].frees.room;
	}
}

static bool bytes_suffice(struct bytes freed, struct bytes wanted)
{
	return freed.room >= wanted.room && freed.tree >= wanted.tree;
}

/* Does it help where something is still missing? */
static bool unit_helps(const struct unit *unit, struct bytes freed, struct bytes wanted)
{
	return (unit->frees.room > 0 && freed.room < wanted.room) ||
	       (unit->frees.tree > 0 && freed.tree < wanted.tree);
}

/* Take what is needed, oldest first; then leave what the later ones made superfluous. */
static void take_units(struct units *units, struct bytes freed, struct bytes wanted)
{
	for (size_t i = 0; i < units->count; i++) {
		if (!unit_helps(&units->items[i], freed, wanted))
			continue;
		units->items[i].taken = true;
		freed = bytes_add(freed, units->items[i].frees);
	}
	if (!bytes_suffice(freed, wanted))
		return;
	for (size_t i = units->count; i > 0; i--) {
		struct unit *unit = &units->items[i - 1];
		const struct bytes without = {freed.room - unit->frees.room,
					      freed.tree - unit->frees.tree};

		if (!unit->taken || !bytes_suffice(without, wanted))
			continue;
		unit->taken = false;
		freed = without;
	}
}

void retention_make_room(struct decision *d)
{
	struct units units cleanup(units_done) = {0};
	const struct bytes freed = {retention_freed(d->set),
				    retention_freed_trees(d->set)};
	const struct bytes wanted = {d->rules->wanted, d->rules->wanted_trees};

	collect(d, &units);
	take_units(&units, freed, wanted);
	for (size_t i = 0; i < units.count; i++)
		if (units.items[i].taken)
			remove_unit(&units.items[i],
				    "its room is needed, and nothing keeps it");
}
