/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A kernel's package went all the same: by the way around, or by force. What its
 * generations were good for is not so any more.
 */
#include "act/boot-env.h"
#include "base/cleanup.h"
#include "flow/door.h"
#include "flow/protect.h"
#include "probe/boot-files.h"
#include "probe/kernels.h"
#include "store/records.h"

static bool is_of(const struct machine *machine, unsigned int generation,
		  const char *release)
{
	automanifest struct manifest m = {0};

	return generation &&
	       boot_files_manifest(machine->root, generation, &m, NULL) == 0 &&
	       str_eq(m.release, release);
}

bool door_removed_concerns(const struct machine *machine, const char *release)
{
	autofree unsigned int *numbers = NULL;
	size_t count = 0;

	if (kernel_tree_exists(machine->root, release) ||
	    boot_files_generations(machine->root, &numbers, &count, NULL) < 0)
		return false;
	for (size_t i = 0; i < count; i++)
		if (is_of(machine, numbers[i], release))
			return true;
	return false;
}

static int removed_unproven(const struct machine *machine, const char *release,
			    struct error *err)
{
	struct generation_record_list known = {0};
	int r = generation_list(machine->db, &known, err);

	for (size_t i = 0; r == 0 && i < known.count; i++) {
		struct generation_record *g = &known.items[i];

		if (!g->present || !g->proven || !str_eq(g->release, release))
			continue;
		g->proven = false;
		machine_note(machine, NOTE_WARNING,
			     "generation %u counts as proven no more: the modules of %s "
			     "are gone",
			     g->generation, release);
		r = generation_put(machine->db, g, err);
	}
	generation_record_list_done(&known);
	return r;
}

/* The good one stays named: nothing better is known here. */
static int removed_unnamed(const struct machine *machine, const char *release,
			   struct error *err)
{
	struct boot_block block;
	int r = boot_files_read_block(machine->root, &block, err);
	bool previous, trial;

	if (r < 0)
		return r;
	if (is_of(machine, block.good, release))
		machine_note(machine, NOTE_WARNING,
			     "the modules of the good kernel %s are gone: install its "
			     "package again, or another kernel, before the next boot",
			     release);
	previous = is_of(machine, block.previous, release);
	trial = is_of(machine, block.trial, release);
	if (previous)
		block.previous = 0;
	if (trial)
		boot_block_disarm(&block);
	return previous || trial ? boot_env_write(machine->root, &block, err) : 0;
}

int door_removed(const struct machine *machine, const char *release, struct error *err)
{
	int r = removed_unproven(machine, release, err);

	if (r == 0)
		r = removed_unnamed(machine, release, err);
	if (r == 0)
		protect_refresh(machine);
	return r;
}
