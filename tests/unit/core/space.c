/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files take whole blocks, what stays adds up, temporary files count with those that are
 * there at the same time, and no size is too large to be refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/space.h"

#define KIB ((uint64_t)1024)

static void files_take_whole_blocks(void **state)
{
	static const struct space four = {.block = 4 * KIB}, odd = {.block = 3};
	static const struct {
		uint64_t content, blocks;
	} cases[] = {{0, 0}, {1, 4096}, {4095, 4096}, {4096, 4096}, {4097, 8192}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(space_blocks(&four, cases[i].content), cases[i].blocks);
	assert_int_equal(space_blocks(&odd, 7), 9);
}

/* 35 MiB in blocks of 1 KiB are 35,840: 140 blocks of 256 numbers, one above, the top
 * being the inode's. */
static void numbers_of_blocks_take_blocks(void **state)
{
	static const struct space one = {.block = KIB, .pointers = 256};
	static const struct space four = {.block = 4 * KIB, .pointers = 1024};

	(void)state;
	assert_int_equal(space_blocks(&one, 35 * KIB * KIB), (35840 + 140 + 1) * KIB);
	assert_int_equal(space_blocks(&four, 4 * KIB), 4 * KIB);
	assert_int_equal(space_blocks(&four, 35 * KIB * KIB), (8960 + 9 + 1) * 4 * KIB);
}

static void sums_stay_at_the_largest_number(void **state)
{
	static const struct space space = {.block = 4096};
	static const struct space mapped = {.block = 2, .pointers = 2};

	(void)state;
	assert_int_equal(space_sum(UINT64_MAX - 1, 1), UINT64_MAX);
	assert_int_equal(space_sum(UINT64_MAX, 1), UINT64_MAX);
	assert_int_equal(space_product(UINT64_MAX / 2, 3), UINT64_MAX);
	assert_int_equal(space_product(UINT64_MAX, 0), 0);
	assert_int_equal(space_blocks(&space, UINT64_MAX), UINT64_MAX);
	assert_true(space_blocks(&mapped, UINT64_MAX) > UINT64_MAX / 2);
}

static void scaling_rounds_up(void **state)
{
	(void)state;
	assert_int_equal(space_scale(10, 1, 3), 4);
	assert_int_equal(space_scale(10, 3, 1), 30);
	assert_int_equal(space_scale(10, 4, 3), 14);
	assert_int_equal(space_scale(10, 7, 0), 10);
	assert_int_equal(space_scale(0, 7, 3), 0);
	assert_int_equal(space_scale(UINT64_MAX, 3, 2), UINT64_MAX);
	assert_int_equal(space_scale(UINT64_MAX, 3, 3), UINT64_MAX);
	assert_true(space_scale(1, UINT64_MAX - 1, UINT64_MAX) <= 2);
	assert_true(space_scale((uint64_t)1 << 40, ((uint64_t)1 << 40) + 1,
				(uint64_t)1 << 41) >= (uint64_t)1 << 39);
}

/* A plan of two file systems of 4 KiB blocks, 100 of them free, 10 inodes. */
static void plan_begin(struct space_plan *plan)
{
	*plan = (struct space_plan){.space_count = 2};
	plan->spaces = mem_zalloc(2 * sizeof(*plan->spaces));
	for (size_t i = 0; i < 2; i++)
		plan->spaces[i] = (struct space){.mount = str_dup(i ? "/" : "/boot"),
						 .block = 4 * KIB,
						 .boot = i == 0,
						 .free = 400 * KIB,
						 .inodes = 20,
						 .inodes_free = 10};
}

static void put(struct space_plan *plan, size_t space, uint64_t blocks, int phase)
{
	const struct space_demand demand = {
		.what = (char *)(uintptr_t) "file",
		.space = space,
		.bytes = blocks * 4 * KIB,
		.inodes = 1,
		.temporary = phase >= 0,
		.phase = phase,
	};

	space_plan_add(plan, &demand);
}

static struct space_peak peak_of(const struct space_plan *plan, size_t space)
{
	struct space_peak peak;

	space_peak(plan, space, &peak);
	return peak;
}

static void peak_is_what_stays_and_the_largest_phase(void **state)
{
	autospaceplan struct space_plan plan = {0};
	struct space_peak peak;

	(void)state;
	plan_begin(&plan);
	put(&plan, 0, 10, -1);
	put(&plan, 0, 20, -1);
	put(&plan, 0, 5, 1); /* with the next one, 12 */
	put(&plan, 0, 7, 1);
	put(&plan, 0, 11, 0);
	put(&plan, 1, 90, 2); /* another file system's */
	peak = peak_of(&plan, 0);
	assert_int_equal(peak.bytes, 42 * 4 * KIB);
	assert_int_equal(peak.stays, 30 * 4 * KIB);
	assert_int_equal(peak.inodes, 4);
	assert_int_equal(peak.missing, 0);
	assert_int_equal(peak_of(&plan, 1).bytes, 90 * 4 * KIB);
	assert_true(space_plan_fits(&plan));
}

static void one_block_too_many_is_missing(void **state)
{
	autospaceplan struct space_plan plan = {0};

	(void)state;
	plan_begin(&plan);
	put(&plan, 0, 60, -1);
	put(&plan, 0, 40, 0);
	assert_int_equal(peak_of(&plan, 0).missing, 0);
	plan.reserve = 1;
	assert_int_equal(peak_of(&plan, 0).missing, 1);
	plan.reserve = 0;
	put(&plan, 0, 1, 0);
	assert_int_equal(peak_of(&plan, 0).missing, 4 * KIB);
	assert_false(space_plan_fits(&plan));
}

/* A file system that nothing is written to may be as full as it is, and one that no boot
 * reads may become full. */
static void reserve_is_wanted_where_a_boots_files_are_written(void **state)
{
	autospaceplan struct space_plan plan = {0};

	(void)state;
	plan_begin(&plan);
	plan.reserve = 1000 * KIB;
	assert_true(space_plan_fits(&plan));
	put(&plan, 1, 1, -1);
	assert_int_equal(peak_of(&plan, 0).missing, 0);
	assert_int_equal(peak_of(&plan, 1).missing, 0);
	put(&plan, 0, 1, -1);
	assert_int_equal(peak_of(&plan, 0).missing, 604 * KIB);
}

static void inodes_run_out_by_themselves(void **state)
{
	autospaceplan struct space_plan plan = {0};

	(void)state;
	plan_begin(&plan);
	for (size_t i = 0; i < 11; i++)
		put(&plan, 0, 1, i < 4 ? (int)i % 2 : -1);
	assert_int_equal(peak_of(&plan, 0).missing_inodes, 0);
	put(&plan, 0, 1, 1);
	put(&plan, 0, 1, -1);
	assert_int_equal(peak_of(&plan, 0).missing_inodes, 1);
	assert_int_equal(peak_of(&plan, 0).missing, 0);
	assert_false(space_plan_fits(&plan));
	plan.spaces[0].inodes = plan.spaces[0].inodes_free = 0; /* FAT */
	assert_true(space_plan_fits(&plan));
}

/* XFS makes inodes of free blocks. */
static void inodes_that_are_made_take_room(void **state)
{
	autospaceplan struct space_plan plan = {0};

	(void)state;
	plan_begin(&plan);
	plan.spaces[0].inode_size = 512;
	put(&plan, 0, 1, -1);
	plan.demands[0].inodes = 64;
	assert_int_equal(peak_of(&plan, 0).bytes, 4 * KIB + 32 * KIB);
}

static void what_overflows_fits_nowhere(void **state)
{
	autospaceplan struct space_plan plan = {0};

	(void)state;
	plan_begin(&plan);
	put(&plan, 0, 1, -1);
	put(&plan, 0, 1, -1);
	plan.demands[0].bytes = plan.demands[1].bytes = UINT64_MAX - 4096;
	plan.demands[0].inodes = plan.demands[1].inodes = UINT64_MAX;
	plan.reserve = UINT64_MAX;
	plan.spaces[0].free = UINT64_MAX - 1;
	assert_int_equal(peak_of(&plan, 0).bytes, UINT64_MAX);
	assert_int_equal(peak_of(&plan, 0).missing, 1);
	assert_int_equal(peak_of(&plan, 0).inodes, UINT64_MAX);
}

static void demand_for_nothing_is_none(void **state)
{
	autospaceplan struct space_plan plan = {0};
	const struct space_demand nothing = {.what = (char *)(uintptr_t) "x"};

	(void)state;
	plan_begin(&plan);
	space_plan_add(&plan, &nothing);
	assert_int_equal(plan.demand_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_take_whole_blocks),
		cmocka_unit_test(numbers_of_blocks_take_blocks),
		cmocka_unit_test(sums_stay_at_the_largest_number),
		cmocka_unit_test(scaling_rounds_up),
		cmocka_unit_test(peak_is_what_stays_and_the_largest_phase),
		cmocka_unit_test(one_block_too_many_is_missing),
		cmocka_unit_test(reserve_is_wanted_where_a_boots_files_are_written),
		cmocka_unit_test(inodes_run_out_by_themselves),
		cmocka_unit_test(inodes_that_are_made_take_room),
		cmocka_unit_test(what_overflows_fits_nowhere),
		cmocka_unit_test(demand_for_nothing_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
