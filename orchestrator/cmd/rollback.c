/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kuro rollback
 */
#include "flow/rollback.h"

#include "command.h"
#include "core/boot-protocol.h"
#include "flow/upgrade.h"
#include "output.h"
#include "probe/boot-files.h"

static int rollback_argument(const struct command *c, unsigned int *ret,
			     struct error *err)
{
	unsigned long long number = 0;

	if (c->arg_count > 0 &&
	    str_to_u64(c->args[0], 1, BOOT_GENERATION_MAX, &number) < 0)
		return error_set(
			err, -ERROR_USAGE,
			"\"%s\" is not a generation: allowed is a whole number from 1 "
			"to %d; see: kuro list",
			c->args[0], BOOT_GENERATION_MAX);
	*ret = (unsigned int)number;
	return 0;
}

static int rollback_tell(struct command *c, int outcome, bool reboot, bool rebooting,
			 struct error *err)
{
	struct boot_block block;
	json_object *document;
	int r = boot_files_read_block(&c->root, &block, err);

	if (r < 0)
		return r;
	if (c->json) {
		document = json_document();
		json_add_number(document, "good", block.good);
		json_add_flag(document, "changed", outcome == 0);
		json_add_flag(document, "reboot_wanted", reboot);
		json_add_flag(document, "rebooting", rebooting);
		return json_print(document, err);
	}
	say("Generation %u is the good one%s%s", block.good,
	    outcome == 1 ? " already" : "",
	    rebooting ? "; rebooting into it now."
	    : reboot  ? "; reboot to run it."
		      : " and runs.");
	return 0;
}

int cmd_rollback(struct command *c, struct error *err)
{
	unsigned int generation = 0;
	bool reboot = false, rebooting;
	const char *mode = NULL;
	int outcome, r = rollback_argument(c, &generation, err);

	if (r == 0)
		r = command_reboot_mode(c, &mode, err);
	if (r == 0 && c->dry_run)
		r = rollback_preview(&c->machine, &generation, err);
	if (r < 0)
		return r;
	if (c->dry_run) {
		say("Generation %u would be the good one.", generation);
		return 0;
	}
	outcome = rollback_run(&c->machine, generation, &reboot, err);
	if (outcome < 0)
		return outcome;
	rebooting = reboot && str_eq(mode, "now");
	r = rollback_tell(c, outcome, reboot, rebooting, err);
	return r == 0 && rebooting ? upgrade_reboot(&c->machine, "now", &rebooting, err)
				   : r;
}
