/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The state database: SQLite below /var/lib/kuro, synchronous=EXTRA (FULL, and a told
 * commit outlives a power cut), rollback journal (a reader needs no write anywhere, so
 * that it works on a full and on a read-only disk). Each call is one short SQLite
 * transaction; a reader never waits for a kuro transaction. What it holds is hostile
 * like any file: a damaged database is reported as -ERROR_DAMAGED, never guessed at;
 * flow/recover rebuilds it.
 *
 * Two files: the state, which everyone may read, and the evidence, which only root may
 * (journals and kernel messages can hold secrets).
 */
#pragma once

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/root-file.h"

#define DATABASE_PATH          "/var/lib/kuro/state.db"
#define DATABASE_EVIDENCE_PATH "/var/lib/kuro/evidence.db"
#define DATABASE_SCHEMA        2

struct database; /* one open connection */

enum database_mode {
	/*
	 * Never writes, but to undo what a crash left half made, where it may. Where
	 * there is no database: an empty one in memory.
	 */
	DATABASE_READ,
	DATABASE_WRITE, /* created and migrated where needed */
};

/*
 * Open. -ERROR_DAMAGED: not a database, fails its quick check (write mode: always of a
 * small one, of a large one after a crash), or misses tables; -ERROR_UNSUPPORTED: made
 * by a newer kuro; -EUCLEAN: a crash left a change half made, and it can't be undone
 * from here (unprivileged, or read-only disk); -EACCES, -ENOSPC, -EROFS; -ERROR_BUSY:
 * locked for five seconds. The file is named in the message.
 */
int database_open(const struct root *root, enum database_mode mode, struct database **ret,
		  struct error *err);
void database_close(struct database *db);
static inline void database_close_cleanup(struct database **db)
{
	database_close(*db);
}
#define autodatabase cleanup(database_close_cleanup)

/*
 * Move a damaged database (and its journal) aside to state.db.damaged-UTCTIME; ret_path
 * is the name it has then (caller frees). The next open in write mode makes a new one.
 */
int database_set_aside(const struct root *root, char **ret_path, struct error *err);

/*
 * A group of changes that hold together or not at all. Begin may not be nested; evidence
 * is no part of it. A failed commit has changed nothing and ended the group. After an
 * error that undid the group (a full disk, for one) calls fail with -ECANCELED until it
 * is committed (which fails so too) or abandoned; abandon without a group does nothing.
 */
int database_begin(struct database *db, struct error *err);
int database_commit(struct database *db, struct error *err);
void database_abandon(struct database *db);
