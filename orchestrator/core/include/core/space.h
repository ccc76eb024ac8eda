/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Room on the boot file systems at the peak of a transaction, reckoned before anything is
 * downloaded. Decides only. Sums that would overflow stay at UINT64_MAX, which fits
 * nowhere.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/text.h"

/* A file system as it is now. */
struct space {
	char *mount;
	uint64_t device;      /* st_dev: which one it is */
	uint64_t block;       /* bytes of a block: files take whole ones */
	uint64_t total, free; /* bytes; free as root may fill it, see probe/space.h */
	uint64_t inodes, inodes_free; /* 0 and 0: it has no fixed number */
	uint64_t inode_size; /* bytes that a new inode takes there; 0: made beforehand */
	uint64_t pointers;   /* block numbers that one block holds, where each block of a
				file is mapped by its number (ext2, ext3); 0: extents */
	bool links;          /* has hard links */
	bool shares;         /* copies may share blocks (reflink) */
	bool boot;           /* what a boot reads lies there: /boot, the ESP */
};

/* Something that a transaction puts there. */
struct space_demand {
	char *what;     /* "linux-image-6.1.0-56-amd64", "initramfs" */
	size_t space;   /* index of its file system */
	uint64_t bytes; /* of content; of many files: the sum of their whole blocks */
	uint64_t inodes;
	bool temporary; /* gone at the end: a copy beside the old file, staging */
	bool measured;  /* false: predicted */
	int phase;      /* temporary ones of one phase are there together */
};

struct space_plan {
	struct space *spaces;
	size_t space_count;
	struct space_demand *demands;
	size_t demand_count;
	uint64_t reserve; /* bytes that must stay free where a boot's files are written */
};
void space_plan_done(struct space_plan *plan);
#define autospaceplan cleanup(space_plan_done)

/* Add a copy of the demand; one for nothing (no bytes, no inodes) is left out. */
void space_plan_add(struct space_plan *plan, const struct space_demand *demand);

/* Bytes that must stay free on one of its file systems. */
uint64_t space_reserve(const struct space_plan *plan, size_t space);

struct space_peak {
	uint64_t bytes, inodes; /* taken at the peak */
	uint64_t stays;         /* bytes taken when all is done */
	uint64_t missing;       /* bytes that are not there, 0: it fits */
	uint64_t missing_inodes;
};
/*
 * The peak of one file system of the plan: all that stays and the largest phase, as if
 * that phase came last. Nothing is missing where nothing is written.
 */
void space_peak(const struct space_plan *plan, size_t space, struct space_peak *ret);
/* Is anything missing on any of its file systems? */
bool space_plan_fits(const struct space_plan *plan);

/* content in whole blocks, with the blocks that map them. */
uint64_t space_blocks(const struct space *space, uint64_t content);
/* a + b and a * b, or UINT64_MAX where that is too large. */
uint64_t space_sum(uint64_t a, uint64_t b);
uint64_t space_product(uint64_t a, uint64_t b);
/* value * part / whole, rounded up; value where whole is 0. */
uint64_t space_scale(uint64_t value, uint64_t part, uint64_t whole);
