/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inventories and policies made at random, the same ones from the same seed: few releases
 * and few generations, so that much of it meets.
 */
#pragma once

#include "core/retention.h"

#define INVENTORY_MAX 40         /* items */
#define INVENTORY_NOW 2000000000 /* seconds since 1970 */

struct inventory {
	struct retention_set set;
	struct retention_rules rules;
	struct strv keep, remove; /* what the rules point to */
};

void inventory_seed(uint64_t seed);
/* A number from 0 to below - 1. */
unsigned int inventory_any(unsigned int below);
const char *inventory_any_selector(void);
/* Nothing in it, and rules that keep and limit nothing. */
void inventory_init(struct inventory *inventory);
void inventory_make(struct inventory *inventory);
void inventory_done(struct inventory *inventory);
