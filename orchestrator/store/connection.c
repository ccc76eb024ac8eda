/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One SQLite file: opening, settings, errors. Never follows a path itself: SQLite gets
 * /proc/self/fd/N/FILE of a directory that was opened below the machine's root.
 */
#include "connection.h"

#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/text.h"

/* Another writer's commit takes milliseconds; a reader's query likewise. */
#define BUSY_MILLISECONDS 5000
/*
 * A crafted file can send a query round for hours. No query of kuro's needs as many
 * steps of SQLite's machine as this; beyond, it is cut off.
 */
#define TICK_STEPS 1000000
#define TICKS_MAX  20

struct meaning {
	int rc; /* primary or extended; the first that fits counts */
	int code;
	const char *text;
};

static const struct meaning meanings[] = {
	{SQLITE_FULL, -ENOSPC, "no space left: make room on its file system"},
	{SQLITE_READONLY_ROLLBACK, -EUCLEAN,
	 "a crash left a change half made and it can't be undone from here: run `kuro "
	 "recover` as root, with its file system writable"},
	{SQLITE_READONLY, -EROFS, "can't be written"},
	{SQLITE_NOTADB, -ERROR_DAMAGED, "is damaged: run `kuro recover` as root"},
	{SQLITE_CORRUPT, -ERROR_DAMAGED, "is damaged: run `kuro recover` as root"},
	{SQLITE_INTERRUPT, -ERROR_DAMAGED, "is damaged: a query finds no end"},
	{SQLITE_BUSY, -ERROR_BUSY, "another program keeps it locked: try again"},
	{SQLITE_LOCKED, -ERROR_BUSY, "is in use by this program"},
	{SQLITE_IOERR, -EIO, "the disk can't read or write it"},
	{SQLITE_CANTOPEN, -EIO, "can't be opened"},
	{SQLITE_PERM, -EACCES, "permission denied: run as root"},
	{SQLITE_NOMEM, -ENOMEM, "out of memory"},
	{SQLITE_TOOBIG, -EFBIG, "a text is too long to be kept"},
	{SQLITE_CONSTRAINT_FOREIGNKEY, -ENOENT,
	 "the transaction it belongs to is missing"},
	{SQLITE_CONSTRAINT, -EINVAL, "a row was refused"},
	{SQLITE_RANGE, -EINVAL, "a wrong parameter"},
	{SQLITE_MISUSE, -EINVAL, "a wrong call"},
};

/* What errno knows better than SQLite's result, when a file operation failed. */
static const struct meaning errno_meanings[] = {
	{ENOSPC, -ENOSPC, "no space left: make room on its file system"},
	{EDQUOT, -ENOSPC, "disk quota exceeded: make room"},
	{EROFS, -EROFS, "its file system is read-only"},
	{EACCES, -EACCES, "permission denied: run as root"},
	{EPERM, -EACCES, "permission denied: run as root"},
	{ENOENT, -ENOENT, "is not there"},
};

/*
 * Why a file operation failed. A journal that can't be made for want of blocks or inodes
 * leaves ENOENT behind, because SQLite tries to read it then.
 */
static int errno_of(const struct connection *c)
{
	int number = sym_sqlite3_system_errno(c->sql);
	struct statvfs fs;

	if (number != ENOENT || fstatvfs(c->dir, &fs) < 0)
		return number;
	if (fs.f_flag & ST_RDONLY)
		return EROFS;
	return fs.f_bavail == 0 || (fs.f_files > 0 && fs.f_favail == 0) ? ENOSPC : number;
}

static const struct meaning *meaning_of_errno(int number)
{
	for (size_t i = 0; i < ARRAY_LEN(errno_meanings); i++)
		if (errno_meanings[i].rc == number)
			return &errno_meanings[i];
	return NULL;
}

static const struct meaning *meaning_of(const struct connection *c, int rc)
{
	static const struct meaning other = {
		0, -ERROR_DAMAGED, "is not as kuro made it: run `kuro recover` as root"};
	const struct meaning *found = NULL;

	if ((rc & 0xff) == SQLITE_CANTOPEN || (rc & 0xff) == SQLITE_IOERR)
		found = meaning_of_errno(errno_of(c));
	for (size_t i = 0; !found && i < ARRAY_LEN(meanings); i++)
		if (meanings[i].rc == rc || meanings[i].rc == (rc & 0xff))
			found = &meanings[i];
	return found ? found : &other;
}

int connection_error(const struct connection *c, int rc, struct error *err)
{
	const struct meaning *m = meaning_of(c, rc);
	autofree char *said =
		str_printable(c->sql ? sym_sqlite3_errmsg(c->sql) : "no memory");

	return error_set(err, m->code, "%s: %s (SQLite: %s)", c->name, m->text, said);
}

static int connection_tick(void *data)
{
	struct connection *c = data;

	return ++c->ticks > TICKS_MAX;
}

static int connection_configure(struct connection *c, enum connection_mode mode,
				struct error *err)
{
	static const int options[][2] = {
		{SQLITE_DBCONFIG_DEFENSIVE, 1},      {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
		{SQLITE_DBCONFIG_ENABLE_TRIGGER, 0}, {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
		{SQLITE_DBCONFIG_DQS_DML, 0},        {SQLITE_DBCONFIG_DQS_DDL, 0},
		{SQLITE_DBCONFIG_ENABLE_FKEY, 1},
	};

	(void)sym_sqlite3_extended_result_codes(c->sql,
						1); /* can't fail on an open one */
	(void)sym_sqlite3_busy_timeout(c->sql, BUSY_MILLISECONDS); /* likewise */
	sym_sqlite3_progress_handler(c->sql, TICK_STEPS, connection_tick, c);
	sym_sqlite3_limit(c->sql, SQLITE_LIMIT_LENGTH, CONNECTION_TEXT_MAX);
	sym_sqlite3_limit(c->sql, SQLITE_LIMIT_ATTACHED, 0);
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		int rc =
			sym_sqlite3_db_config(c->sql, options[i][0], options[i][1], NULL);

		if (rc != SQLITE_OK)
			return connection_error(c, rc, err);
	}
	/*
	 * EXTRA is FULL with the directory synced after the journal's removal: without
	 * it a power cut can take back a change that was told as done.
	 */
	return connection_run(
		c,
		mode == CONNECTION_WRITE
			? "PRAGMA cell_size_check=ON; PRAGMA mmap_size=0;"
			  "PRAGMA temp_store=MEMORY;"
			  "PRAGMA journal_mode=DELETE; PRAGMA synchronous=EXTRA"
			: "PRAGMA cell_size_check=ON; PRAGMA mmap_size=0;"
			  "PRAGMA temp_store=MEMORY",
		err);
}

/* SQLite opens read-only what it can't write, and says so only when asked. */
static int connection_writable(const struct connection *c, const struct place *place,
			       struct error *err)
{
	struct statvfs fs;

	if (sym_sqlite3_db_readonly(c->sql, NULL) == 0)
		return 0;
	if (fstatvfs(place->fd, &fs) == 0 && (fs.f_flag & ST_RDONLY))
		return error_set(err, -EROFS, "%s: its file system is read-only",
				 c->name);
	return error_set(err, -EACCES, "%s: permission denied: run as root", c->name);
}

/*
 * A reader of a file with a write-ahead log would make files beside it. kuro makes none
 * such; opening to write takes the log in. SQLite's file format, 1.3.3.
 */
static int connection_without_log(const struct connection *c, struct error *err)
{
	sqlite3_file *file = NULL;
	unsigned char versions[2] = {0};
	int rc = sym_sqlite3_file_control(c->sql, "main", SQLITE_FCNTL_FILE_POINTER,
					  &file);

	if (rc == SQLITE_OK && file && file->pMethods)
		rc = file->pMethods->xRead(file, versions, sizeof(versions), 18);
	if (rc != SQLITE_OK && rc != SQLITE_IOERR_SHORT_READ)
		return connection_error(c, rc, err);
	if (versions[0] != 2 && versions[1] != 2)
		return 0;
	return error_set(err, -EUCLEAN,
			 "%s: another program gave it a write-ahead log: run `kuro "
			 "recover` as root, with its file system writable",
			 c->name);
}

int connection_open(struct connection *c, const struct place *place, const char *file,
		    enum connection_mode mode, struct error *err)
{
	static const int flags[] = {
		[CONNECTION_MEMORY] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY,
		[CONNECTION_READ] = SQLITE_OPEN_READONLY,
		[CONNECTION_WRITE] = SQLITE_OPEN_READWRITE,
	};
	autofree char *path =
		mode == CONNECTION_MEMORY
			? str_dup(":memory:")
			: str_format("/proc/self/fd/%d/%s", place->fd, file);
	int rc, r = sqlite_library_load(err);

	if (r < 0)
		return r;
	*c = (struct connection){.name = str_format("%s/%s", place->name, file),
				 .dir = place->fd};
	rc = sym_sqlite3_open_v2(path, &c->sql,
				 flags[mode] | SQLITE_OPEN_NOMUTEX |
					 SQLITE_OPEN_PRIVATECACHE,
				 NULL);
	r = rc == SQLITE_OK ? 0 : connection_error(c, rc, err);
	if (r == 0 && mode == CONNECTION_WRITE)
		r = connection_writable(c, place, err);
	if (r == 0 && mode == CONNECTION_READ)
		r = connection_without_log(c, err);
	if (r == 0)
		r = connection_configure(c, mode, err);
	if (r < 0)
		connection_close(c);
	return r;
}

void connection_close(struct connection *c)
{
	if (c->sql)
		/* every statement is finished: can't be busy */
		(void)sym_sqlite3_close(c->sql);
	free(c->name);
	*c = (struct connection){0};
}

static int backup_run(sqlite3 *to, sqlite3 *from)
{
	sqlite3_backup *backup = sym_sqlite3_backup_init(to, "main", from, "main");

	if (!backup)
		return sym_sqlite3_errcode(to);
	(void)sym_sqlite3_backup_step(backup, -1); /* finish gives its result */
	return sym_sqlite3_backup_finish(backup);
}

int connection_copy_to_memory(struct connection *c, struct error *err)
{
	sqlite3 *memory = NULL, *file = c->sql;
	int rc = sym_sqlite3_open_v2(":memory:", &memory,
				     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

	if (rc == SQLITE_OK)
		rc = backup_run(memory, file);
	c->sql = memory;
	if (rc != SQLITE_OK) {
		(void)connection_error(c, rc, err); /* the code is returned below */
		(void)sym_sqlite3_close(memory);    /* nothing open on it */
		c->sql = file;
		return connection_error(c, rc, NULL);
	}
	(void)sym_sqlite3_close(file); /* every statement is finished */
	return connection_configure(c, CONNECTION_MEMORY, err);
}

int connection_usable(const struct connection *c, struct error *err)
{
	if (!c->in_group || !sym_sqlite3_get_autocommit(c->sql))
		return 0;
	return error_set(err, -ECANCELED,
			 "%s: an earlier error undid this group of changes", c->name);
}

static int connection_begin(struct connection *c, struct error *err)
{
	return !c->sql && c->begin ? c->begin(c, err) : 0;
}

int connection_prepare(struct connection *c, const char *sql, sqlite3_stmt **ret,
		       struct error *err)
{
	int rc = connection_begin(c, err);

	if (rc == 0)
		rc = connection_usable(c, err);
	if (rc < 0)
		return rc;
	c->ticks = 0;
	rc = sym_sqlite3_prepare_v2(c->sql, sql, -1, ret, NULL);
	return rc == SQLITE_OK ? 0 : connection_error(c, rc, err);
}

int connection_step(struct connection *c, sqlite3_stmt *statement, struct error *err)
{
	int rc = sym_sqlite3_step(statement);

	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : connection_error(c, rc, err);
}

int connection_run(struct connection *c, const char *sql, struct error *err)
{
	int rc = connection_begin(c, err);

	if (rc < 0)
		return rc;
	c->ticks = 0;
	rc = sym_sqlite3_exec(c->sql, sql, NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : connection_error(c, rc, err);
}

int connection_number(struct connection *c, const char *sql, int64_t *ret,
		      struct error *err)
{
	autostatement sqlite3_stmt *statement = NULL;
	int r = connection_prepare(c, sql, &statement, err);

	if (r == 0)
		r = connection_step(c, statement, err);
	if (r < 0)
		return r;
	*ret = r > 0 ? sym_sqlite3_column_int64(statement, 0) : 0;
	return 0;
}

int connection_check(struct connection *c, struct error *err)
{
	autostatement sqlite3_stmt *statement = NULL;
	autofree char *found = NULL;
	int r = connection_prepare(c, "PRAGMA quick_check(1)", &statement, err);

	if (r == 0)
		r = connection_step(c, statement, err);
	if (r <= 0)
		return r;
	found = str_dup((const char *)sym_sqlite3_column_text(statement, 0));
	if (str_eq(found, "ok"))
		return 0;
	return error_set(err, -ERROR_DAMAGED,
			 "%s: is damaged (%s): run `kuro recover` as root", c->name,
			 found ? found : "its check gives no answer");
}
