/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Programs: the only place that runs one. An argument vector, a fixed environment, a
 * time limit, both outputs captured (and copied to a log); never a shell string.
 *
 * The program gets its own session, so that Ctrl-C reaches kuro alone: package
 * managers are let finish and undone after, not killed half-way.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/root-file.h"
#include "base/text.h"

/* Set for every program that kuro runs: hooks of its own know by it who drives them. */
#define PROCESS_MARK "KURO_RUNNING"

struct process {
	const char *const *argv; /* NULL-terminated; argv[0] is looked up on PATH */
	const char *const *env;  /* further NAME=VALUE, NULL-terminated, or NULL */
	/* A directory that the program's own PATH begins with, or NULL; argv[0] is not
	 * looked up there. */
	const char *path_first;
	const struct root
		*root;        /* chroot into it where it is not the live one; NULL: no */
	unsigned int timeout; /* seconds, 0 for none; then SIGTERM, 5 s later SIGKILL */
	size_t output_max; /* bytes of output kept, 0: 1 MiB; the rest is read and dropped
			    */
	int log_fd;        /* copy both outputs there, or 0 for none */
	int stdin_fd;      /* its standard input, or 0: /dev/null */
	bool tied;         /* killed when kuro is: it must not go on by itself */
	bool merge_stderr; /* stderr goes into out, in order */
	/* Called with each whole line of output as it comes, or NULL. */
	void (*line)(void *data, const char *line);
	void *line_data;
};

struct process_result {
	int status; /* exit status, or 128 + signal */
	bool timed_out;
	struct text out; /* standard output (with stderr where merged) */
	struct text err;
};

void process_result_done(struct process_result *result);
#define autoprocess cleanup(process_result_done)

/*
 * Run and wait. Returns 0 when the program ran, whatever it exited with;
 * -ENOENT: no such program on PATH; -ERROR_PROGRAM: it could not be started.
 */
int process_run(const struct process *process, struct process_result *ret,
		struct error *err);

/*
 * Run and wait; an exit status other than 0, or a time-out, is -ERROR_PROGRAM and err
 * holds the program's name, how it ended and the last lines it printed.
 */
int process_check(const struct process *process, struct process_result *ret,
		  struct error *err);

/* Is there such a program on the PATH (below root where it is not the live one)? */
bool process_exists(const struct root *root, const char *name);

/*
 * SIGINT and SIGTERM are noted, not obeyed at once. process_interrupted says whether
 * one has come; journeys ask between steps and undo.
 */
void process_catch_signals(void);
bool process_interrupted(void);
