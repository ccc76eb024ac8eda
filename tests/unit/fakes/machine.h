/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A machine of fake programs: a root of its own file system in which every program is
 * tests/unit/fakes/program.c. Needs to be root, or user name spaces; without either
 * tests that use it are skipped.
 */
#pragma once

#include "act/packages.h"

struct fake_machine {
	char dir[64];
	struct root root;
	struct policy policy;
	struct package_run run;
	struct text lines; /* what was passed on while programs ran */
};

/* cmocka's fixtures: *state is a struct fake_machine, NULL where there can be none. */
int fake_machine_set_up(void **state);
int fake_machine_tear_down(void **state);
/* The machine, or the end of the test: skipped. */
struct fake_machine *fake_machine(void **state);

/* A program of that name is there. */
void fake_program(struct fake_machine *m, const char *name);
/* A file with its directories. */
void fake_file(struct fake_machine *m, const char *path, const char *text);
/* What programs answer from now on; see program.c. */
void fake_rules(struct fake_machine *m, const char *rules);
/* The content of a file; the test fails where there is none. Caller frees. */
char *fake_read(struct fake_machine *m, const char *path);
/* Was a program run with this among its words? And forget what was run. */
bool fake_ran(struct fake_machine *m, const char *words);
void fake_forget(struct fake_machine *m);
