/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One error value that travels up: a code, and a sentence which names the object,
 * says what is wrong with it and, where a person can do something, what.
 *
 * Functions that can fail return int: 0 or a documented positive answer on success,
 * the negative code on failure, and take a struct error * as their last parameter.
 * Outputs are left alone on failure. err may be NULL where the caller needs the code
 * only. Nothing here allocates.
 */
#pragma once

#include <errno.h>
#include <stdarg.h>

/* Own codes, above every errno. error_exit_status() maps them. */
enum error_code {
	ERROR_USAGE = 4096, /* the command line or a setting is wrong */
	ERROR_REFUSED,      /* policy or compatibility says no */
	ERROR_UNSUPPORTED,  /* this machine can't do it */
	ERROR_BUSY,         /* another kuro holds the lock */
	ERROR_ROLLED_BACK,  /* the asked-for kernel was tried and taken back */
	ERROR_DAMAGED,      /* something read from disk is not what it must be */
	ERROR_INTERRUPTED,  /* SIGINT or SIGTERM, undone */
	ERROR_PROGRAM,      /* a program that was run failed */
	ERROR_END,
};

/* What the process exits with; a contract with scripts (DESIGN.md, command line). */
enum exit_status {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_REFUSED = 3,
	EXIT_UNSUPPORTED = 4,
	EXIT_BUSY = 5,
	EXIT_ROLLED_BACK = 6,
};

struct error {
	int code; /* 0, or the negative code that was returned */
	char message[768];
};

/*
 * Store a code (given negative: -ENOENT, -ERROR_REFUSED) and a message; returns the
 * code so that callers write `return error_set(err, -ENOENT, …)`. A message that does
 * not fit is cut at its end.
 */
int error_set(struct error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Like error_set, with ": " and the text of -code (strerror) put behind. */
int error_errno(struct error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Put what the caller was doing and ": " before the message; returns code, which is the
 * one that came with it.
 */
int error_prefix(struct error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The exit status for a negative code, or for 0. */
int error_exit_status(int code);

/* A word for a code, for JSON and the database: "ENOENT", "refused". Never NULL. */
const char *error_name(int code);
