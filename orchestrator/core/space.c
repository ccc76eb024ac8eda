/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How much a transaction takes of each file system when it takes most. Reckons upwards:
 * a byte too many costs nothing, one too few breaks an upgrade in its middle.
 */
#include "core/space.h"

uint64_t space_sum(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

uint64_t space_product(uint64_t a, uint64_t b)
{
	return b != 0 && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

static uint64_t divided_up(uint64_t value, uint64_t by)
{
	return value / by + (value % by != 0);
}

uint64_t space_scale(uint64_t value, uint64_t part, uint64_t whole)
{
	uint64_t times, rest;

	if (whole == 0)
		return value;
	times = space_product(value, part / whole);
	rest = part % whole;
	/* the product of two that are both large loses nothing but precision, upwards */
	while (rest != 0 && value > UINT64_MAX / rest) {
		rest = divided_up(rest, 2);
		whole /= 2;
	}
	return space_sum(times, whole == 0 ? value : divided_up(value * rest, whole));
}

/* Blocks that hold the numbers of so many blocks: one level, those above it, the top. */
static uint64_t mapping_blocks(uint64_t blocks, uint64_t pointers)
{
	uint64_t count = 0;

	while (blocks > 1 && pointers > 1) {
		blocks = divided_up(blocks, pointers);
		count += blocks;
	}
	return count;
}

uint64_t space_blocks(const struct space *space, uint64_t content)
{
	uint64_t size = space->block ? space->block : 1;
	uint64_t blocks = divided_up(content, size);

	if (space->pointers)
		blocks += mapping_blocks(blocks, space->pointers);
	return space_product(blocks, size);
}

void space_plan_done(struct space_plan *plan)
{
	for (size_t i = 0; i < plan->space_count; i++)
		free(plan->spaces[i].mount);
	for (size_t i = 0; i < plan->demand_count; i++)
		free(plan->demands[i].what);
	free(plan->spaces);
	free(plan->demands);
	*plan = (struct space_plan){0};
}

void space_plan_add(struct space_plan *plan, const struct space_demand *demand)
{
	struct space_demand *added;

	if (demand->bytes == 0 && demand->inodes == 0)
		return;
	plan->demands =
		mem_regrow(plan->demands, plan->demand_count + 1, sizeof(*plan->demands));
	added = &plan->demands[plan->demand_count++];
	*added = *demand;
	added->what = str_dup(demand->what);
}

/* What there is at one time. */
struct taking {
	uint64_t bytes, inodes;
};

static void taking_add(struct taking *taking, const struct space *space,
		       const struct space_demand *demand)
{
	uint64_t inodes = space_product(demand->inodes, space->inode_size);
	uint64_t bytes = space_sum(space_blocks(space, demand->bytes),
				   space_blocks(space, inodes));

	taking->bytes = space_sum(taking->bytes, bytes);
	taking->inodes = space_sum(taking->inodes, demand->inodes);
}

/* What stays (phase NULL), or the temporary ones of a phase. */
static struct taking taking_of(const struct space_plan *plan, size_t space,
			       const int *phase)
{
	struct taking taking = {0};

	for (size_t i = 0; i < plan->demand_count; i++) {
		const struct space_demand *demand = &plan->demands[i];

		if (demand->space == space && demand->temporary == (phase != NULL) &&
		    (!phase || demand->phase == *phase))
			taking_add(&taking, &plan->spaces[space], demand);
	}
	return taking;
}

static uint64_t lacking(uint64_t wanted, uint64_t there)
{
	return wanted > there ? wanted - there : 0;
}

uint64_t space_reserve(const struct space_plan *plan, size_t space)
{
	return plan->spaces[space].boot ? plan->reserve : 0;
}

void space_peak(const struct space_plan *plan, size_t space, struct space_peak *ret)
{
	const struct space *s = &plan->spaces[space];
	struct taking stays = taking_of(plan, space, NULL), largest = {0};
	struct space_peak peak = {.stays = stays.bytes};

	for (size_t i = 0; i < plan->demand_count; i++) {
		struct taking phase;

		if (!plan->demands[i].temporary || plan->demands[i].space != space)
			continue;
		phase = taking_of(plan, space, &plan->demands[i].phase);
		if (phase.bytes > largest.bytes)
			largest.bytes = phase.bytes;
		if (phase.inodes > largest.inodes)
			largest.inodes = phase.inodes;
	}
	peak.bytes = space_sum(stays.bytes, largest.bytes);
	peak.inodes = space_sum(stays.inodes, largest.inodes);
	if (peak.bytes > 0)
		peak.missing = lacking(space_sum(peak.bytes, space_reserve(plan, space)),
				       s->free);
	if (s->inodes > 0)
		peak.missing_inodes = lacking(peak.inodes, s->inodes_free);
	*ret = peak;
}

bool space_plan_fits(const struct space_plan *plan)
{
	for (size_t i = 0; i < plan->space_count; i++) {
		struct space_peak peak;

		space_peak(plan, i, &peak);
		if (peak.missing > 0 || peak.missing_inodes > 0)
			return false;
	}
	return true;
}
