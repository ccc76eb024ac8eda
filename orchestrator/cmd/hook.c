/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kuro hook …: what units call, and what the build makes documents from.
 */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/process.h"
#include "command.h"
#include "core/policy.h"
#include "flow/boot-record.h"
#include "options.h"
#include "output.h"

int cmd_hook_boot_begin(struct command *c, struct error *err)
{
	return boot_record_begin(&c->machine, err);
}

/* systemctl stop, or an upgrade of kuro's package, is not a shutdown. */
static bool hook_shutting_down(const struct root *root)
{
	static const char *const argv[] = {"systemctl", "is-system-running", NULL};
	struct process process = {.argv = argv, .root = root, .timeout = 10};
	autoprocess struct process_result result = {0};

	return process_run(&process, &result, NULL) == 0 &&
	       str_starts(text_str(&result.out), "stopping");
}

int cmd_hook_boot_end(struct command *c, struct error *err)
{
	if (!hook_shutting_down(&c->root))
		return 0;
	return boot_record_end(&c->machine, err);
}

int cmd_hook_deadman(struct command *c, struct error *err)
{
	return boot_record_dead_man(&c->machine, err);
}

int cmd_hook_man_verbs(struct command *c, struct error *err)
{
	(void)c, (void)err; /* tables only */
	for (const struct verb *v = verbs; v->name; v++) {
		(void)printf("*%s*%s%s\n", v->name, *v->arguments ? " " : "",
			     v->arguments);
		(void)printf("\t%s\n\n", v->help);
		for (const struct option_row *row = option_rows; row->name; row++)
			if (row->verbs & v->options)
				(void)printf("\t*--%s*%s%s: %s.\n\n", row->name,
					     row->argument ? "=" : "",
					     row->argument ? row->argument : "",
					     row->summary);
	}
	return 0;
}

int cmd_hook_policy_document(struct command *c, struct error *err)
{
	autofree char *document = policy_document();

	(void)c, (void)err; /* a table only */
	(void)fputs(document, stdout);
	return 0;
}
