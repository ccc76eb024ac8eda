/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Everything that `status` and `list` show, gathered once. Reads only.
 */
#pragma once

#include "core/boot-protocol.h"
#include "core/kernel.h"
#include "core/manifest.h"
#include "flow/journey.h"
#include "probe/this-boot.h"

enum inventory_want {
	INVENTORY_KERNELS = 1,
	INVENTORY_SIZES = 2,
	INVENTORY_PACKAGES = 4,
	INVENTORY_MANIFESTS = 8,
};

struct inventory_generation {
	unsigned int number;
	bool readable; /* its manifest could be read */
	struct manifest manifest;
	uint64_t room; /* bytes of its own on the boot file system (links counted once) */
	struct generation_record record; /* zero where the database has none */
};

struct inventory {
	struct this_boot boot;
	bool block_present;
	bool block_damaged;
	char *block_problem; /* why, or NULL */
	struct boot_block block;
	enum boot_state state;
	struct storage_map storage;
	struct firmware firmware;
	struct kernel_list kernels;
	struct inventory_generation *generations; /* newest first */
	size_t generation_count;
	struct transaction_list transactions; /* the newest, at most one */
	struct hold_list holds;
	struct boot this_record; /* this boot's row; boot_id NULL where there is none */
};

/* Gather; want is of enum inventory_want, and what it leaves out stays empty. */
int inventory_gather(const struct machine *machine, unsigned int want,
		     struct inventory *ret, struct error *err);
void inventory_done(struct inventory *inventory);
#define autoinventory cleanup(inventory_done)
/* "good", "previous", "trial", or "" of a generation. */
const char *inventory_role(const struct inventory *inventory, unsigned int generation);
