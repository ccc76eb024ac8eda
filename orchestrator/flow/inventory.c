/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The inventory: every probe asked once, nothing changed.
 */
#include "flow/inventory.h"

#include <time.h>

#include "base/cleanup.h"
#include "probe/boot-files.h"
#include "probe/firmware.h"
#include "probe/kernels.h"
#include "probe/storage.h"
#include "store/records.h"

static void inventory_generations_done(struct inventory *inv)
{
	for (size_t i = 0; i < inv->generation_count; i++) {
		manifest_done(&inv->generations[i].manifest);
		generation_record_done(&inv->generations[i].record);
	}
	free(inv->generations);
}

void inventory_done(struct inventory *inv)
{
	this_boot_done(&inv->boot);
	free(inv->block_problem);
	storage_map_done(&inv->storage);
	kernel_list_done(&inv->kernels);
	inventory_generations_done(inv);
	transaction_list_done(&inv->transactions);
	hold_list_done(&inv->holds);
	boot_done(&inv->this_record);
	*inv = (struct inventory){0};
}

const char *inventory_role(const struct inventory *inv, unsigned int generation)
{
	if (generation == 0 || !inv->block_present || inv->block_damaged)
		return "";
	if (generation == inv->block.good)
		return "good";
	if (generation == inv->block.previous)
		return "previous";
	return generation == inv->block.trial ? "trial" : "";
}

static void inventory_block(const struct machine *machine, struct inventory *inv)
{
	struct error local = {0};
	int r = boot_files_read_block(machine->root, &inv->block, &local);

	inv->block_present = r != -ENOENT;
	inv->block_damaged = r < 0 && r != -ENOENT;
	if (inv->block_damaged)
		inv->block_problem = str_dup(local.message);
	inv->state = r < 0 ? BOOT_UNSET
			   : boot_state_of(&inv->block, this_boot_trying(&inv->boot));
}

/* Bytes that a generation alone holds: what other names share costs nothing here. */
static uint64_t generation_room(const struct root *root, unsigned int number)
{
	autofree char *directory = str_format(BOOT_GENERATIONS "/%u", number);
	autostrv struct strv names = {0};
	uint64_t room = 0;

	if (root_list(root, directory, &names, NULL) < 0)
		return 0;
	for (size_t i = 0; i < names.count; i++) {
		autofree char *path = str_format("%s/%s", directory, names.items[i]);
		struct stat st;

		if (root_lstat(root, path, &st) == 0 && st.st_nlink == 1)
			room += (uint64_t)st.st_blocks * 512;
	}
	return room;
}

static int inventory_generation(const struct machine *machine, unsigned int number,
				struct inventory_generation *ret)
{
	int r;

	ret->number = number;
	ret->room = generation_room(machine->root, number);
	ret->readable =
		boot_files_manifest(machine->root, number, &ret->manifest, NULL) == 0;
	r = generation_get(machine->db, number, &ret->record, NULL);
	return r == -ENOENT ? 0 : r;
}

static int inventory_generations(const struct machine *machine, struct inventory *inv,
				 struct error *err)
{
	autofree unsigned int *numbers = NULL;
	size_t count = 0;
	int r = boot_files_generations(machine->root, &numbers, &count, err);

	if (r < 0 || count == 0)
		return r;
	inv->generations = mem_zalloc(count * sizeof(*inv->generations));
	inv->generation_count = count;
	for (size_t i = 0; r == 0 && i < count; i++) {
		r = inventory_generation(machine, numbers[count - 1 - i],
					 &inv->generations[i]);
		if (r < 0)
			error_set(err, r, "generation %u in the state database",
				  numbers[count - 1 - i]);
	}
	return r;
}

static int inventory_records(const struct machine *machine, struct inventory *inv,
			     struct error *err)
{
	struct error local = {0};
	int r = transaction_list(machine->db, 1, &inv->transactions, err);

	if (r == 0)
		r = hold_list(machine->db, (int64_t)time(NULL), &inv->holds, err);
	if (r < 0 || !inv->boot.boot_id)
		return r;
	r = boot_get(machine->db, inv->boot.boot_id, &inv->this_record, &local);
	return r == -ENOENT ? 0 : r < 0 ? error_set(err, r, "%s", local.message) : 0;
}

static int inventory_machine(const struct machine *machine, unsigned int want,
			     struct inventory *inv, struct error *err)
{
	int r = this_boot_probe(machine->root, &inv->boot, err);

	if (r == 0)
		r = storage_probe(machine->root, &inv->storage, err);
	if (r == 0)
		r = firmware_probe(machine->root, &inv->firmware, err);
	if (r == 0 && want & INVENTORY_KERNELS)
		r = kernels_probe(machine->root, want & INVENTORY_SIZES, &inv->kernels,
				  err);
	if (r == 0 && want & INVENTORY_PACKAGES)
		r = kernels_probe_packages(machine->root, &inv->kernels, err);
	return r;
}

int inventory_gather(const struct machine *machine, unsigned int want,
		     struct inventory *ret, struct error *err)
{
	struct inventory inv = {0};
	int r = inventory_machine(machine, want, &inv, err);

	if (r == 0)
		inventory_block(machine, &inv);
	if (r == 0 && want & INVENTORY_MANIFESTS)
		r = inventory_generations(machine, &inv, err);
	if (r == 0)
		r = inventory_records(machine, &inv, err);
	if (r < 0) {
		inventory_done(&inv);
		return r;
	}
	*ret = inv;
	return 0;
}
