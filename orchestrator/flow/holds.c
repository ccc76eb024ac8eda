/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The database says which releases are on hold; everything else is made from it.
 */
#include "flow/holds.h"

#include <time.h>

#include "act/hold-mark.h"
#include "base/cleanup.h"
#include "probe/boot-files.h"
#include "store/records.h"

/* Was it a boot that caused the hold, and is its version gone? */
static bool hold_is_over(const struct machine *machine, const struct hold *hold,
			 const char *version)
{
	return hold->generation > 0 &&
	       hold_mark_outdated(machine->root, hold->release, version);
}

int holds_get(const struct machine *machine, const char *release, const char *version,
	      struct hold *ret, struct error *err)
{
	int r = hold_get(machine->db, release, (int64_t)time(NULL), ret, err);

	if (r < 0 || !hold_is_over(machine, ret, version))
		return r;
	hold_done(ret);
	return error_set(err, -ENOENT, "another version of %s ended its hold", release);
}

/* A hold whose version is gone is lifted for good: true. */
static bool hold_lift(const struct machine *machine, const struct hold *hold)
{
	struct error local = {0};

	if (!hold_is_over(machine, hold, NULL))
		return false;
	if (hold_remove(machine->db, hold->release, &local) < 0) {
		machine_note(machine, NOTE_WARNING, "%s", local.message);
		return false;
	}
	machine_note(machine, NOTE_INFO,
		     "%s is not on hold any more: another version of it is installed",
		     hold->release);
	return true;
}

/* Those in force; none where kuro watches over no boots. */
static int holds_list(const struct machine *machine, struct hold_list *ret,
		      struct error *err)
{
	struct boot_block block;
	int r = boot_files_read_block(machine->root, &block, NULL);

	if (r == -ENOENT || (r == 0 && block.good == 0))
		return 0;
	return hold_list(machine->db, (int64_t)time(NULL), ret, err);
}

void holds_refresh(const struct machine *machine)
{
	struct hold_list holds = {0};
	struct error local = {0};
	size_t kept = 0;
	int r = holds_list(machine, &holds, &local);

	for (size_t i = 0; r == 0 && i < holds.count; i++) {
		if (hold_lift(machine, &holds.items[i]))
			hold_done(&holds.items[i]);
		else
			holds.items[kept++] = holds.items[i];
	}
	if (r == 0) {
		holds.count = kept;
		r = hold_marks_write(machine->root, &holds, &local);
	}
	if (r < 0)
		machine_note(machine, NOTE_WARNING,
			     "the package manager could not be told what is on hold: %s",
			     local.message);
	hold_list_done(&holds);
}
