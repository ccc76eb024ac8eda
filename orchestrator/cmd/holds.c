/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kuro hold, unhold, pin and unpin
 */
#include <time.h>

#include "base/cleanup.h"
#include "command.h"
#include "core/boot-protocol.h"
#include "core/release.h"
#include "flow/holds.h"
#include "flow/protect.h"
#include "output.h"
#include "probe/boot-files.h"
#include "store/records.h"

#define SECONDS_A_DAY 86400

int cmd_hold(struct command *c, struct error *err)
{
	unsigned long long days =
		c->days_given ? c->days
			      : (unsigned long long)policy_number(&c->policy,
								  POLICY_HOLDS_DAYS);
	autofree char *until = NULL;
	struct hold hold = {
		.release = (char *)(uintptr_t)c->args[0],
		.reason = (char *)(uintptr_t)(c->reason ? c->reason
							: "a person put it on hold"),
		.created = (int64_t)time(NULL),
	};
	int r;

	if (!release_valid(hold.release))
		return error_set(err, -ERROR_USAGE, "\"%s\" is not a kernel release",
				 hold.release);
	hold.expires = days ? hold.created + (int64_t)days * SECONDS_A_DAY : 0;
	r = hold_put(c->machine.db, &hold, err);
	if (r < 0)
		return r;
	holds_refresh(&c->machine);
	until = format_time(hold.expires);
	say("%s is on hold until %s.", hold.release,
	    hold.expires ? until : "it is lifted");
	return 0;
}

int cmd_unhold(struct command *c, struct error *err)
{
	struct error local = {0};
	int r = hold_remove(c->machine.db, c->args[0], &local);

	if (r == -ENOENT)
		return error_set(err, r, "%s is not on hold; see: kuro status",
				 c->args[0]);
	if (r < 0)
		return error_set(err, r, "%s", local.message);
	holds_refresh(&c->machine);
	say("%s is not on hold any more.", c->args[0]);
	return 0;
}

/* The generation's row; made from its manifest where the database has none. */
static int pin_row(struct command *c, unsigned int number, struct generation_record *ret,
		   struct error *err)
{
	automanifest struct manifest m = {0};
	struct error local = {0};
	int r = generation_get(c->machine.db, number, ret, &local);

	if (r == 0)
		return 0;
	if (r != -ENOENT)
		return error_set(err, r, "%s", local.message);
	r = boot_files_manifest(&c->root, number, &m, err);
	if (r < 0)
		return r;
	*ret = (struct generation_record){.generation = number,
					  .release = str_dup(m.release),
					  .created = m.created,
					  .present = true};
	return 0;
}

static int pin_set(struct command *c, bool pinned, struct error *err)
{
	struct generation_record row = {0};
	unsigned long long number;
	int r;

	if (str_to_u64(c->args[0], 1, BOOT_GENERATION_MAX, &number) < 0)
		return error_set(
			err, -ERROR_USAGE,
			"\"%s\" is not a generation: allowed is a whole number from 1 "
			"to %d; see: kuro list",
			c->args[0], BOOT_GENERATION_MAX);
	r = pin_row(c, (unsigned int)number, &row, err);
	if (r == 0) {
		row.pinned = pinned;
		r = generation_put(c->machine.db, &row, err);
	}
	generation_record_done(&row);
	if (r == 0)
		protect_refresh(&c->machine);
	if (r == 0)
		say("Generation %llu is %s.", number, pinned ? "pinned" : "not pinned");
	return r;
}

int cmd_pin(struct command *c, struct error *err)
{
	return pin_set(c, true, err);
}

int cmd_unpin(struct command *c, struct error *err)
{
	return pin_set(c, false, err);
}
