/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One program of a transaction: run in the machine's root, every line passed on, both
 * outputs in the transaction's log.
 */
#pragma once

#include "act/packages.h"

struct run_program {
	const char *const *argv;
	const char *const *env; /* further NAME=VALUE, or NULL */
	unsigned int timeout;   /* seconds, 0 for none */
	bool outside;           /* of the machine's root: a program of the live system */
	bool tied;              /* as in struct process */
	const char *path_first; /* as in struct process */
	/* Beginnings of lines, NULL-terminated, or NULL: those of noise are for the log
	 * alone; those of stages are shown, and say how far it came. */
	const char *const *stages, *const *noise;
};

/*
 * 0, or negative: -ENOENT (no such program), -ENOSPC, -ERROR_BUSY, -ERROR_PROGRAM; what
 * the program said of it is in the message.
 */
int run_program(const struct package_run *run, const struct run_program *program,
		struct error *err);
