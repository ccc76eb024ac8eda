/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kuro setup, disable and recover
 */
#include "flow/setup.h"

#include "base/cleanup.h"
#include "command.h"
#include "core/boot-protocol.h"
#include "flow/door.h"
#include "flow/recover.h"
#include "output.h"
#include "probe/boot-files.h"

static void setup_steps_tell(const struct journey_plan *plan)
{
	say("This would be done:");
	for (size_t i = 0; i < plan->count; i++)
		say("  %s", plan->steps[i].doing);
}

int cmd_setup(struct command *c, struct error *err)
{
	struct boot_block block;
	int r;

	if (c->dry_run) {
		setup_steps_tell(&setup_plan);
		return 0;
	}
	(void)recover_run(&c->machine, RECOVER_ALL,
			  NULL); /* what it can't mend, setup makes anew */
	r = setup_run(&c->machine, err);
	if (r == 0)
		r = boot_files_read_block(&c->root, &block, err);
	if (r == 0)
		say("kuro watches over this machine's boots: generation %u is the good "
		    "one. "
		    "See: kuro doctor",
		    block.good);
	return r;
}

int cmd_disable(struct command *c, struct error *err)
{
	autofree char *proof = NULL;
	int r;

	if (c->dry_run) {
		setup_steps_tell(&disable_plan);
		return 0;
	}
	r = disable_run(&c->machine, &proof, err);
	if (r == 0)
		say("kuro does not watch over this machine's boots any more. %s",
		    proof ? proof : "");
	return r;
}

int cmd_recover(struct command *c, struct error *err)
{
	int r = recover_run(&c->machine, RECOVER_ALL, err);

	if (r < 0)
		return r;
	door_settle(&c->machine);
	if (r == 0)
		say("Nothing was interrupted or damaged.");
	else
		say("%d %s put right.", r, r == 1 ? "thing was" : "things were");
	return 0;
}
