/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One program of a transaction. Package managers and generators have one exit status
 * for every failure; why they failed stands in a line of their output, and those that
 * a caller treats in its own way are known here.
 */
#include "run.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/process.h"

/* What a line of output says about the failure, should the program fail. */
static const struct run_cause {
	const char *start; /* of the line, or "" */
	const char *part;  /* in the line */
	int code;
	const char *advice; /* for people, or NULL */
} run_causes[] = {
	{"", "No space left on device", -ENOSPC, NULL},
	{"", "You don't have enough free space in", -ENOSPC, NULL},
	{"", "Disk quota exceeded", -ENOSPC, NULL},
	{"E: ", "dpkg was interrupted", -ERROR_PROGRAM,
	 "`kuro recover` or `dpkg --configure -a` finishes it"},
	{"E: Could not get lock", "", -ERROR_BUSY,
	 "another package manager is at work; try again when it has ended"},
	{"E: Unable to acquire the dpkg", "", -ERROR_BUSY,
	 "another package manager is at work; try again when it has ended"},
	{"dpkg: error: dpkg frontend lock", "", -ERROR_BUSY,
	 "another package manager is at work; try again when it has ended"},
	{"E: Held packages were changed", "", -ERROR_REFUSED,
	 "a package that must change is on hold; `apt-mark showhold` lists them"},
	{"run-parts: ", " exited with return code ", -ERROR_PROGRAM, NULL},
	{"dpkg: error processing ", "", -ERROR_PROGRAM, NULL},
};

/*
 * Lines on their way. The first that names a cause is kept; one with a code of its own
 * takes the place of one without.
 */
struct run_lines {
	const struct package_run *run;
	const struct run_cause *cause;
	char *line;
};

static void run_note_cause(struct run_lines *lines, const struct run_cause *cause,
			   const char *line)
{
	if (lines->cause &&
	    (lines->cause->code != -ERROR_PROGRAM || cause->code == -ERROR_PROGRAM))
		return;
	free(lines->line);
	lines->cause = cause;
	lines->line = str_printable(line);
}

static void run_line(void *data, const char *line)
{
	struct run_lines *lines = data;

	for (size_t i = 0; i < ARRAY_LEN(run_causes); i++)
		if (str_starts(line, run_causes[i].start) &&
		    strstr(line, run_causes[i].part))
			run_note_cause(lines, &run_causes[i], line);
	if (lines->run->line)
		lines->run->line(lines->run->line_data, line);
}

static int run_explain(const struct run_lines *lines, const char *name, struct error *err)
{
	const char *advice = lines->cause->advice;

	return error_set(err, lines->cause->code, "%s: %.400s%s%s", name, lines->line,
			 advice ? "; " : "", advice ? advice : "");
}

int run_program(const struct package_run *run, const struct run_program *program,
		struct error *err)
{
	struct run_lines lines = {.run = run};
	struct process process = {
		.argv = program->argv,
		.env = program->env,
		.root = program->outside ? NULL : run->root,
		.timeout = program->timeout,
		.log_fd = run->log_fd,
		.merge_stderr = true,
		.line = run_line,
		.line_data = &lines,
	};
	autoprocess struct process_result result = {0};
	int r = process_check(&process, &result, err);

	if (r == -ERROR_PROGRAM && lines.cause)
		r = run_explain(&lines, program->argv[0], err);
	free(lines.line);
	return r;
}
