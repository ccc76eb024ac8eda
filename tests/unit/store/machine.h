/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A throw-away root for the store's tests, what can be done to its database files
 * behind kuro's back, and records to put in. Every call asserts that it worked.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/root-file.h"
#include "store/records.h"

struct machine {
	char dir[64];
	struct root root;
};

/* cmocka's set-up and tear-down; *state is the struct machine. */
int machine_set_up(void **state);
int machine_tear_down(void **state);

struct database *machine_open(const struct machine *m, enum database_mode mode);
/* What opening answers, everything closed again. */
int machine_try(const struct machine *m, enum database_mode mode, struct error *err);
/* SQL on a file of the machine, created where missing. */
void machine_sql(const struct machine *m, const char *path, const char *sql);
/* The file's path as the test sees it; the caller frees. */
char *machine_path(const struct machine *m, const char *path);
/* Kill -9 in the middle of a write that has reached the file: a hot journal is left. */
void machine_crash(const struct machine *m, const char *path);
/* Run f as nobody in a child; it exits with what f returns. */
int machine_unprivileged(const struct machine *m, int (*f)(const struct machine *m));

/* A transaction with twelve steps; returns its number. */
int64_t add_transaction(struct database *db, const char *release);
/* 0, or the first error: everything that can be listed is listed. */
int list_everything(struct database *db, struct error *err);
