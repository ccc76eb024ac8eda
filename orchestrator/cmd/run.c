/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One call of kuro from the command line to the exit status.
 */
#include "cmd/verbs.h"

#include <stdio.h>

#include "base/log.h"
#include "base/process.h"
#include "options.h"
#include "output.h"

/* An error as JSON where JSON was asked for, so that scripts need not read prose. */
static void run_tell_error(const struct command *c, const struct error *err)
{
	json_object *document;

	log_error("%s", err->message);
	if (!c->json || c->answered)
		return;
	document = json_document();
	json_add_error(document, err);
	(void)json_print(document, NULL); /* the error above was told already */
}

int verbs_main(int argc, char **argv)
{
	struct command command = {.root_path = "/"};
	struct error err = {0};
	autostrv struct strv args = {0};
	int r;

	mem_prepare();
	log_set_level(LOG_LEVEL_INFO);
	process_catch_signals();
	r = options_parse(argc, argv, &command, &args, &err);
	if (r > 0)
		return EXIT_DONE;
	if (r == 0)
		r = command_open(&command, &err);
	if (r == 0)
		r = command.verb->run(&command, &err);
	if (r < 0)
		run_tell_error(&command, &err);
	command_close(&command);
	if (fflush(stdout) != 0 && r >= 0) {
		log_error("writing to standard output failed");
		return EXIT_FAILED;
	}
	return r > 0 ? r : error_exit_status(r);
}
