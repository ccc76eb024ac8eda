/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One SQLite file: opened with the settings that keep it whole over a power cut and
 * harmless when its content is hostile, and SQLite's results told as kuro's errors.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "place.h"
#include "sqlite-library.h"

/* The longest text that a row may hold, in bytes. */
#define CONNECTION_TEXT_MAX (16 << 20)

enum connection_mode {
	CONNECTION_MEMORY, /* a new, empty database that goes with the connection */
	CONNECTION_READ,
	CONNECTION_WRITE, /* the file is there */
};

/* Stays where it was opened (SQLite holds its address). Zero-initialised is closed. */
struct connection {
	sqlite3 *sql;
	char *name;         /* the file, as messages name it */
	int dir;            /* its directory, borrowed */
	bool in_group;      /* between begin and commit */
	unsigned int ticks; /* work of the statement that runs */
	/* Where sql is NULL: opens it when it is first used. */
	int (*begin)(struct connection *c, struct error *err);
};

/*
 * Open a file of a place. -EACCES, -EROFS (write mode), -ENOENT; damage is found by the
 * first statement.
 */
int connection_open(struct connection *c, const struct place *place, const char *file,
		    enum connection_mode mode, struct error *err);
void connection_close(struct connection *c);
/* Replace an open connection by one to a copy of its content in memory. */
int connection_copy_to_memory(struct connection *c, struct error *err);

/*
 * SQLite's result as an error: -ENOSPC, -EROFS, -EACCES, -ERROR_DAMAGED, -ERROR_BUSY,
 * -EIO, -EUCLEAN (a half-made change that this connection may not undo), …
 */
int connection_error(const struct connection *c, int rc, struct error *err);

/*
 * Some errors make SQLite roll back a group of changes by itself; what comes after must
 * not stand alone: -ECANCELED.
 */
int connection_usable(const struct connection *c, struct error *err);
int connection_prepare(struct connection *c, const char *sql, sqlite3_stmt **ret,
		       struct error *err);
/* 1: a row is there; 0: done. */
int connection_step(struct connection *c, sqlite3_stmt *statement, struct error *err);
/* Carry out statements that give no rows. */
int connection_run(struct connection *c, const char *sql, struct error *err);
/* The one number that a query or a pragma answers. */
int connection_number(struct connection *c, const char *sql, int64_t *ret,
		      struct error *err);
/* SQLite's quick check over the whole file; -ERROR_DAMAGED says what it found. */
int connection_check(struct connection *c, struct error *err);

static inline void statement_finish(sqlite3_stmt **statement)
{
	if (*statement)
		/* repeats the error that step gave */
		(void)sym_sqlite3_finalize(*statement);
}
#define autostatement cleanup(statement_finish)
