/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whatever the inventory and whatever the policy: what runs, the good, the previous, the
 * trial and what is pinned or held stays with its kernel, and two proven boots stay. Told
 * of tens of thousands of made machines; what goes and why of chosen ones is
 * tests/cases/retention.
 */
#include <fnmatch.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/release.h"
#include "made-inventory.h"

#define MACHINES 20000
#define DAY      86400

/* What was decided, as one text; and each item's fate as it was before. */
static char *answer(const struct retention_set *set)
{
	struct text t = {0};

	for (size_t i = 0; i < set->count; i++)
		text_appendf(&t, "%s %d: %s\n", set->items[i].name, set->items[i].removed,
			     set->items[i].reason);
	return text_take(&t);
}

static void remember(const struct retention_set *set, bool removed[INVENTORY_MAX])
{
	for (size_t i = 0; i < set->count; i++)
		removed[i] = set->items[i].removed;
}

static const struct retention_item *kernel_of(const struct retention_set *set,
					      const struct retention_item *item)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->items[i].kind == RETENTION_KERNEL &&
		    str_eq(set->items[i].name, item->release))
			return &set->items[i];
	return NULL;
}

static bool is_protected(const struct retention_item *item)
{
	return item->running || item->good || item->previous || item->trial ||
	       item->pinned || item->held || item->needed;
}

static bool can_boot(const struct retention_item *kernel)
{
	return kernel && kernel->kind == RETENTION_KERNEL && !kernel->bare;
}

/* How many proven generations are newer than this one: all, or those with a kernel. */
static unsigned int proven_after(const struct retention_set *set,
				 const struct retention_item *item, bool bootable)
{
	unsigned int count = 0;

	for (size_t i = 0; i < set->count; i++)
		count += set->items[i].kind == RETENTION_GENERATION &&
			 set->items[i].proven &&
			 set->items[i].generation > item->generation &&
			 (!bootable || can_boot(kernel_of(set, &set->items[i])));
	return count;
}

static unsigned int kernels_after(const struct retention_set *set,
				  const struct retention_item *item)
{
	unsigned int count = 0;

	for (size_t i = 0; i < set->count; i++)
		count += can_boot(&set->items[i]) &&
			 release_compare(set->items[i].name, item->name) > 0;
	return count;
}

static bool must_stay(const struct retention_set *set, const struct retention_item *item)
{
	static const struct retention_item before_all = {.generation = 0};

	if (is_protected(item))
		return true;
	if (item->kind == RETENTION_GENERATION && item->proven)
		return proven_after(set, item, false) < 2 ||
		       (can_boot(kernel_of(set, item)) &&
			proven_after(set, item, true) < 2);
	if (can_boot(item) && proven_after(set, &before_all, true) < 2)
		return kernels_after(set, item) < 2;
	return false;
}

static bool is_named(const struct inventory *made, const char *path)
{
	for (size_t i = 0; i < made->remove.count; i++)
		if (fnmatch(made->remove.items[i], path, FNM_PATHNAME) == 0)
			return true;
	return false;
}

static void check_kernel(const struct inventory *made, const struct retention_item *item)
{
	autofree char *image = str_format("/boot/vmlinuz-%s", item->name);

	if (item->removed && !item->packaged && !is_named(made, image))
		fail_msg("nobody named %s", item->name);
}

static void check_generation(const struct inventory *made,
			     const struct retention_item *item)
{
	const struct retention_item *kernel = kernel_of(&made->set, item);

	if (kernel && kernel->removed && !item->removed)
		fail_msg("generation %s stays without its kernel", item->name);
}

static void check_left_over(const struct inventory *made,
			    const struct retention_item *item)
{
	bool unknown =
		item->leftover == LEFTOVER_NONE || item->leftover == LEFTOVER_UNKNOWN;

	if (item->removed && unknown && !is_named(made, item->name))
		fail_msg("nobody named %s", item->name);
}

static void check_item(const struct inventory *made, const struct retention_item *item)
{
	static void (*const checks[])(const struct inventory *,
				      const struct retention_item *) = {
		[RETENTION_KERNEL] = check_kernel,
		[RETENTION_GENERATION] = check_generation,
		[RETENTION_LEFTOVER] = check_left_over,
	};

	assert_non_null(item->reason);
	assert_true(item->reason[0]);
	if (item->removed && must_stay(&made->set, item))
		fail_msg("%s goes: %s", item->name, item->reason);
	checks[item->kind](made, item);
}

static void what_is_needed_stays(void **state)
{
	size_t gone = 0, stayed = 0;

	(void)state;
	inventory_seed(1);
	for (int n = 0; n < MACHINES; n++) {
		struct inventory made cleanup(inventory_done);
		bool there = false, left = false; /* a kernel with an image */

		inventory_make(&made);
		retention_decide(&made.rules, &made.set);
		for (size_t i = 0; i < made.set.count; i++) {
			check_item(&made, &made.set.items[i]);
			gone += made.set.items[i].removed;
			stayed += !made.set.items[i].removed;
			there |= can_boot(&made.set.items[i]);
			left |= can_boot(&made.set.items[i]) &&
				!made.set.items[i].removed;
		}
		assert_true(left == there);
	}
	/* else it would say little */
	assert_true(gone > MACHINES && stayed > MACHINES);
}

static void shuffle(struct retention_set *set)
{
	for (size_t i = set->count; i > 1; i--) {
		size_t j = inventory_any((unsigned int)i);
		struct retention_item item = set->items[i - 1];

		set->items[i - 1] = set->items[j];
		set->items[j] = item;
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct retention_item *)a)->name,
		      ((const struct retention_item *)b)->name);
}

static void the_same_is_decided_again(void **state)
{
	(void)state;
	inventory_seed(2);
	for (int n = 0; n < MACHINES; n++) {
		struct inventory made cleanup(inventory_done);
		autofree char *first = NULL, *second = NULL, *third = NULL;

		inventory_make(&made);
		qsort(made.set.items, made.set.count, sizeof(*made.set.items), by_name);
		retention_decide(&made.rules, &made.set);
		first = answer(&made.set);
		retention_decide(&made.rules, &made.set);
		second = answer(&made.set);
		assert_string_equal(first, second);
		shuffle(&made.set);
		retention_decide(&made.rules, &made.set);
		qsort(made.set.items, made.set.count, sizeof(*made.set.items), by_name);
		third = answer(&made.set);
		assert_string_equal(first, third);
	}
}

static unsigned int kernels_removed(const struct retention_set *set)
{
	unsigned int count = 0;

	for (size_t i = 0; i < set->count; i++)
		count += can_boot(&set->items[i]) && set->items[i].removed;
	return count;
}

/*
 * A limit of number leaves the same number, so that another that is kept may cost one
 * that only the limit had left room for, never one more. Without such a limit nothing
 * goes that had stayed.
 */
static void another_selector_removes_no_more(void **state)
{
	unsigned int saved = 0;

	(void)state;
	inventory_seed(3);
	for (int n = 0; n < MACHINES; n++) {
		struct inventory made cleanup(inventory_done);
		bool before[INVENTORY_MAX];
		unsigned int count;

		inventory_make(&made);
		made.rules.max_room = made.rules.wanted = 0;
		made.rules.wanted_trees = 0;
		retention_decide(&made.rules, &made.set);
		remember(&made.set, before);
		count = kernels_removed(&made.set);
		strv_add(&made.keep, inventory_any_selector());
		retention_decide(&made.rules, &made.set);
		assert_true(kernels_removed(&made.set) <= count);
		saved += kernels_removed(&made.set) < count;
		for (size_t i = 0; i < made.set.count && !made.rules.max_releases; i++)
			assert_true(before[i] || !made.set.items[i].removed);
	}
	assert_true(saved > MACHINES / 100);
}

/* Is this what went for the wanted room, counted once for what goes together? */
static bool went_for_room(const struct retention_set *set, size_t i,
			  const bool before[INVENTORY_MAX])
{
	const struct retention_item *item = &set->items[i];
	const struct retention_item *kernel = kernel_of(set, item);

	if (before[i] || !item->removed)
		return false;
	return item->kind == RETENTION_KERNEL || !kernel || !kernel->removed;
}

static uint64_t room_with_generations(const struct retention_set *set, size_t i,
				      const bool before[INVENTORY_MAX])
{
	uint64_t room = set->items[i].room;

	for (size_t j = 0; j < set->count && set->items[i].kind == RETENTION_KERNEL; j++)
		if (set->items[j].kind == RETENTION_GENERATION && !before[j] &&
		    str_eq(set->items[j].release, set->items[i].name))
			room += set->items[j].room;
	return room;
}

/* Everything that may go goes only where all of it is needed, or more than it. */
static uint64_t most(struct inventory *made, uint64_t *least, bool before[INVENTORY_MAX])
{
	uint64_t freed;

	made->rules.wanted = UINT64_MAX;
	retention_decide(&made->rules, &made->set);
	freed = retention_freed(&made->set);
	made->rules.wanted = 0;
	retention_decide(&made->rules, &made->set);
	remember(&made->set, before);
	*least = retention_freed(&made->set);
	return freed;
}

static void wanted_room_is_made_and_no_more(void **state)
{
	unsigned int reached = 0, lacking = 0;

	(void)state;
	inventory_seed(4);
	for (int n = 0; n < MACHINES; n++) {
		struct inventory made cleanup(inventory_done);
		uint64_t wanted, least, limit, freed;
		bool before[INVENTORY_MAX];

		inventory_make(&made);
		wanted = made.rules.wanted;
		made.rules.wanted_trees = 0;
		limit = most(&made, &least, before);
		made.rules.wanted = wanted;
		retention_decide(&made.rules, &made.set);
		freed = retention_freed(&made.set);
		assert_true(freed >= least && (freed >= wanted || freed == limit));
		reached += least < wanted && freed >= wanted;
		lacking += freed < wanted;
		for (size_t i = 0; i < made.set.count; i++) {
			assert_true(!before[i] || made.set.items[i].removed);
			if (went_for_room(&made.set, i, before))
				assert_true(freed - room_with_generations(&made.set, i,
									  before) <
					    wanted);
		}
	}
	assert_true(reached > MACHINES / 100 && lacking > MACHINES / 100);
}

static bool only_limits_keep(const struct retention_item *item)
{
	return str_eq(item->reason, "no limit of the policy is reached");
}

/* The limit of number holds, and takes the oldest. */
static void limit_of_number_takes_the_oldest(void **state)
{
	unsigned int pairs = 0;

	(void)state;
	inventory_seed(5);
	for (int n = 0; n < MACHINES; n++) {
		struct inventory made cleanup(inventory_done);
		const struct retention_item *oldest = NULL;
		unsigned int staying = 0;

		inventory_make(&made);
		made.rules.max_room = made.rules.max_days = made.rules.wanted = 0;
		made.rules.wanted_trees = 0;
		made.rules.max_releases = 1 + inventory_any(6);
		retention_decide(&made.rules, &made.set);
		for (size_t i = 0; i < made.set.count; i++) {
			const struct retention_item *item = &made.set.items[i];

			staying += can_boot(item) && !item->removed;
			if (can_boot(item) && only_limits_keep(item) &&
			    (!oldest || release_compare(item->name, oldest->name) < 0))
				oldest = item;
		}
		assert_true(staying <= made.rules.max_releases || !oldest);
		for (size_t i = 0; i < made.set.count && oldest; i++) {
			const struct retention_item *item = &made.set.items[i];

			if (!can_boot(item) || !item->removed)
				continue;
			assert_true(release_compare(item->name, oldest->name) < 0);
			pairs++;
		}
	}
	assert_true(pairs > MACHINES / 100);
}

static void an_age_in_the_future_is_none(void **state)
{
	static const char *const releases[] = {"6.1.0-1", "6.1.0-2", "6.1.0-3", "6.1.0-4",
					       "6.1.0-5"};
	static const int64_t created[] = {INT64_MIN, INT64_MAX, INVENTORY_NOW + 1, 1,
					  INVENTORY_NOW - DAY};
	struct inventory made cleanup(inventory_done);

	(void)state;
	inventory_init(&made);
	made.rules.max_days = 1;
	for (size_t i = 0; i < ARRAY_LEN(releases); i++) {
		made.set.items[i] = (struct retention_item){.name = str_dup(releases[i]),
							    .packaged = true,
							    .created = created[i]};
		made.set.count++;
	}
	retention_decide(&made.rules, &made.set);
	assert_int_equal(kernels_removed(&made.set), 0); /* the newest two stay anyway */
	made.set.items[0].created = INVENTORY_NOW - DAY;
	retention_decide(&made.rules, &made.set);
	assert_int_equal(kernels_removed(&made.set), 1);
	assert_true(made.set.items[0].removed);
}

static void room_beyond_all_bounds_is_a_lot(void **state)
{
	struct retention_item items[] = {{.room = UINT64_MAX, .removed = true},
					 {.room = 5, .removed = true},
					 {.room = UINT64_MAX, .removed = false}};
	const struct retention_set set = {.items = items, .count = ARRAY_LEN(items)};

	(void)state;
	assert_true(retention_freed(&set) == UINT64_MAX);
}

static void an_empty_set_is_decided(void **state)
{
	const struct strv none = {0};
	const struct retention_rules rules = {.keep = &none,
					      .remove = &none,
					      .wanted = UINT64_MAX};
	struct retention_set set = {0};

	(void)state;
	retention_decide(&rules, &set);
	assert_true(retention_freed(&set) == 0);
	retention_set_done(&set);
	retention_set_done(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_needed_stays),
		cmocka_unit_test(the_same_is_decided_again),
		cmocka_unit_test(another_selector_removes_no_more),
		cmocka_unit_test(wanted_room_is_made_and_no_more),
		cmocka_unit_test(limit_of_number_takes_the_oldest),
		cmocka_unit_test(an_age_in_the_future_is_none),
		cmocka_unit_test(room_beyond_all_bounds_is_a_lot),
		cmocka_unit_test(an_empty_set_is_decided),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
