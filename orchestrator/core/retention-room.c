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
	uint64_t room;
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

static uint64_t group_room(const struct group *group)
{
	uint64_t room = 0;

	for (size_t i = 0; i < group->count; i++)
		if (!group->items[i]->removed)
			room = room_add(room, group->items[i]->room);
	return room;
}

static int oldest_first(const void *a, const void *b)
{
	const struct unit *x = a, *y = b;
	int result = (x->group < y->group) - (x->group > y->group);

	if (result == 0)
		result = (x->room < y->room) - (x->room > y->room);
	if (result == 0 && x->generation && y->generation)
		result = (x->generation->generation > y->generation->generation) -
			 (x->generation->generation < y->generation->generation);
	return result;
}

static void add_unit(struct units *units, struct group *group,
		     struct retention_item *generation, uint64_t room)
{
	if (room > 0)
		units->items[units->count++] = (struct unit){.group = group,
							     .generation = generation,
							     .room = room};
}

static void collect(const struct decision *d, struct units *units)
{
	units->items = mem_zalloc((d->item_count + 1) * sizeof(*units->items));
	for (size_t g = 0; g < d->group_count; g++) {
		struct group *group = &d->groups[g];

		if (group_is_open(group)) {
			add_unit(units, group, NULL, group_room(group));
			continue;
		}
		for (size_t i = 0; i < group->count; i++)
			if (!group->items[i]->reason)
				add_unit(units, group, group->items[i],
					 group->items[i]->room);
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
		taken = room_add(taken, group_room(&d->groups[g]));
	collect(d, &units);
	for (size_t i = 0; i < units.count && taken > d->rules->max_room; i++) {
		remove_unit(&units.items[i], reason);
		taken -= units.items[i].room;
	}
}

/* Take what is needed, oldest first; then leave what the later ones made superfluous. */
static void take_units(struct units *units, uint64_t freed, uint64_t wanted)
{
	for (size_t i = 0; i < units->count && freed < wanted; i++) {
		units->items[i].taken = true;
		freed = room_add(freed, units->items[i].room);
	}
	for (size_t i = units->count; i > 0; i--) {
		struct unit *unit = &units->items[i - 1];

		if (!unit->taken || freed < wanted || freed - wanted < unit->room)
			continue;
		unit->taken = false;
		freed -= unit->room;
	}
}

void retention_make_room(struct decision *d)
{
	struct units units cleanup(units_done) = {0};

	collect(d, &units);
	take_units(&units, retention_freed(d->set), d->rules->wanted);
	for (size_t i = 0; i < units.count; i++)
		if (units.items[i].taken)
			remove_unit(&units.items[i],
				    "its room is needed, and nothing keeps it");
}
