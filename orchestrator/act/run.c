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

#define RUN_WORDS 3 /* lines that explain a failure of which nothing is known */

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
	{"", "more space needed on the ", -ENOSPC, NULL},
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
	const struct run_program *program;
	const struct run_cause *cause;
	char *line;
	char *stage;            /* the last one begun */
	char *words[RUN_WORDS]; /* the last lines that are neither noise nor stage */
	size_t word_count;      /* of all */
};

static void run_lines_done(struct run_lines *lines)
{
	free(lines->line);
	free(lines->stage);
	for (size_t i = 0; i < RUN_WORDS; i++)
		free(lines->words[i]);
}

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

static bool line_begins(const char *line, const char *const *starts)
{
	for (; starts && *starts; starts++)
		if (str_starts(line, *starts))
			return true;
	return false;
}

/* Keeps what may have to explain a failure; false: nobody needs to see the line. */
static bool run_note_line(struct run_lines *lines, const char *line)
{
	const struct run_program *program = lines->program;
	char **slot = &lines->stage;

	if (!line_begins(line, program->stages)) {
		if (line_begins(line, program->noise))
			return false;
		slot = &lines->words[lines->word_count++ % RUN_WORDS];
	}
	free(*slot);
	*slot = str_printable(line);
	return true;
}

static void run_line(void *data, const char *line)
{
	struct run_lines *lines = data;

	for (size_t i = 0; i < ARRAY_LEN(run_causes); i++)
		if (str_starts(line, run_causes[i].start) &&
		    strstr(line, run_causes[i].part))
			run_note_cause(lines, &run_causes[i], line);
	if (run_note_line(lines, line) && lines->run->line)
		lines->run->line(lines->run->line_data, line);
}

static int run_explain(const struct run_lines *lines, const char *name, struct error *err)
{
	const char *advice = lines->cause->advice;

	return error_set(err, lines->cause->code, "%s: %.400s%s%s", name, lines->line,
			 advice ? "; " : "", advice ? advice : "");
}

/* A program that prints much: its last words, and how far it came. */
static int run_tell_words(const struct run_lines *lines,
			  const struct process_result *result, struct error *err)
{
	const char *name = lines->program->argv[0];
	autotext struct text words = {0};
	size_t count = lines->word_count < RUN_WORDS ? lines->word_count : RUN_WORDS;

	for (size_t i = lines->word_count - count; i < lines->word_count; i++)
		text_appendf(&words, "%s%s", words.len ? "; " : "",
			     str_strip(lines->words[i % RUN_WORDS]));
	return error_set(err, -ERROR_PROGRAM, "%s ended with status %d%s%.80s: %.400s",
			 name, result->status, lines->stage ? " after " : "",
			 lines->stage ? str_strip(lines->stage) : "",
			 words.len ? text_str(&words) : "it says not why");
}

int run_program(const struct package_run *run, const struct run_program *program,
		struct error *err)
{
	cleanup(run_lines_done) struct run_lines lines = {.run = run, .program = program};
	struct process process = {
		.argv = program->argv,
		.env = program->env,
		.path_first = program->path_first,
		.root = program->outside ? NULL : run->root,
		.timeout = program->timeout,
		.tied = program->tied,
		.log_fd = run->log_fd,
		.merge_stderr = true,
		.line = run_line,
		.line_data = &lines,
	};
	autoprocess struct process_result result = {0};
	int r = process_check(&process, &result, err);

	if (r == -ERROR_PROGRAM && lines.cause)
		r = run_explain(&lines, program->argv[0], err);
	else if (r == -ERROR_PROGRAM && program->stages && !result.timed_out &&
		 result.status != 0)
		r = run_tell_words(&lines, &result, err);
	return r;
}
