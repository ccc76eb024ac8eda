/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Opening the state database and its evidence, groups of changes, and setting a damaged
 * one aside. Two files and never one change over both: such a change would hang on a
 * third file whose path SQLite writes down, and that path differs under --root.
 */
#include "store/database.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "parts.h"
#include "place.h"
#include "schema.h"

/* A check of a file this small costs nothing; a larger one is checked after a crash. */
#define CHECK_ALWAYS_BYTES (128 << 10)

struct database {
	struct place place;
	enum database_mode mode;
	struct connection state;
	struct connection evidence; /* closed until needed in read mode */
};

static char *schema_path(const struct schema *schema, const char *suffix)
{
	return str_format("%s/%s%s", PLACE_DIRECTORY, schema->file, suffix);
}

/*
 * Let SQLite undo what a crash left half made. -EUCLEAN stays where this process may not
 * write.
 */
static int file_mend(const struct place *place, const struct schema *schema,
		     struct error *err)
{
	struct connection c = {0};
	int r = connection_open(&c, place, schema->file, CONNECTION_WRITE, NULL);

	if (r == 0)
		r = schema_version(schema, &c, err);
	if (r > 0)
		r = 0;
	else if (r == -EACCES || r == -EROFS)
		r = -EUCLEAN;
	connection_close(&c);
	return r;
}

static int file_open_read(struct connection *c, const struct place *place,
			  const struct schema *schema, struct error *err)
{
	bool journal;
	int r = place_look_at_journal(place, schema->file, &journal, err);

	if (r == 0)
		r = connection_open(c, place, schema->file, CONNECTION_READ, err);
	if (r == 0)
		r = schema_version(schema, c, err);
	if (r != -EUCLEAN)
		return r;
	connection_close(c);
	r = file_mend(place, schema, err);
	if (r == 0)
		r = connection_open(c, place, schema->file, CONNECTION_READ, err);
	return r < 0 ? r : schema_version(schema, c, err);
}

/* Returns the version that was opened: less than this one's is in memory. */
static int file_open_or_stand_in(struct connection *c, const struct place *place,
				 const struct schema *schema, struct error *err)
{
	off_t size = 0;
	int r = place->fd < 0 ? -ENOENT : place_look(place, schema->file, &size, err);
	int version;

	if (r == -ENOENT)
		return connection_open(c, place, schema->file, CONNECTION_MEMORY, err);
	if (r < 0)
		return r;
	version = file_open_read(c, place, schema, err);
	if (version < 0 || version == schema->version)
		return version;
	r = connection_copy_to_memory(c, err);
	return r < 0 ? r : version;
}

/* A file that is missing, empty or older becomes one of this version in memory. */
static int file_read(struct connection *c, const struct place *place,
		     const struct schema *schema, struct error *err)
{
	int r = file_open_or_stand_in(c, place, schema, err);

	if (r >= 0 && r < schema->version) {
		r = schema_migrate(schema, c, err);
		if (r == 0)
			r = connection_run(c, "PRAGMA query_only=ON", err);
	}
	return r < 0 ? r : schema_verify(schema, c, err);
}

static int file_create(const struct root *root, const struct schema *schema,
		       struct error *err)
{
	autofree char *path = schema_path(schema, "");
	autoclose int fd =
		root_openat(root, path, O_RDWR | O_CREAT | O_EXCL, schema->mode);

	if (fd == -EEXIST)
		return 0;
	if (fd < 0)
		return error_errno(err, fd, "creating %s", path);
	if (fchmod(fd, schema->mode) < 0)
		return error_errno(err, -errno, "%s", path);
	return 0;
}

/* What SQLite lets pass: a cut-off last page, a format that it can read only. */
static int file_check_shape(struct connection *c, const struct place *place,
			    const struct schema *schema, struct error *err)
{
	off_t size = 0;
	int r = place_size(place, schema->file, &size, err);

	if (r == 0 && (size % PLACE_PAGE_LEAST != 0 ||
		       sym_sqlite3_db_readonly(c->sql, "main") != 0))
		return error_set(err, -ERROR_DAMAGED,
				 "%s: is damaged (%s): run `kuro recover` as root",
				 c->name,
				 size % PLACE_PAGE_LEAST ? "cut off" : "unknown format");
	return r;
}

static int file_write(struct connection *c, const struct place *place,
		      const struct schema *schema, struct error *err)
{
	off_t size = 0;
	bool crashed = false;
	int r = place_look(place, schema->file, &size, err);

	if (r == 0)
		r = place_look_at_journal(place, schema->file, &crashed, err);
	if (r == 0)
		r = connection_open(c, place, schema->file, CONNECTION_WRITE, err);
	if (r == 0)
		r = schema_migrate(schema, c, err);
	if (r == 0)
		r = schema_verify(schema, c, err);
	if (r == 0)
		r = file_check_shape(c, place, schema, err);
	if (r == 0 && (crashed || size <= CHECK_ALWAYS_BYTES))
		r = connection_check(c, err);
	return r;
}

/* Move a file to a name that is free; ret_path may be NULL. */
static int file_set_aside(const struct root *root, const struct schema *schema,
			  char **ret_path, struct error *err)
{
	autofree char *from = schema_path(schema, "");
	autofree char *journal = schema_path(schema, "-journal");
	autofree char *aside = NULL, *journal_aside = NULL;
	char stamp[32] = "unknown";
	time_t now = time(NULL);
	struct tm utc;
	struct stat st;
	int r;

	if (gmtime_r(&now, &utc))
		(void)strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &utc); /* fits */
	aside = str_format("%s.damaged-%s", from, stamp);
	for (int n = 2; root_lstat(root, aside, &st) == 0; n++) {
		free(aside);
		aside = str_format("%s.damaged-%s-%d", from, stamp, n);
	}
	/* The file first: SQLite throws a journal without one away, not into a new one.
	 */
	r = root_rename(root, from, aside);
	if (r < 0)
		return error_errno(err, r, "moving %s aside", from);
	journal_aside = str_format("%s-journal", aside);
	r = root_rename(root, journal, journal_aside);
	if (r < 0 && r != -ENOENT)
		return error_errno(err, r, "moving %s aside", journal);
	if (ret_path)
		*ret_path = take_ptr(aside);
	return root_sync_dir(root, PLACE_DIRECTORY, err);
}

/*
 * Make what is missing. Evidence without a state speaks of transactions whose numbers
 * will be given again: it goes aside.
 */
static int database_create(const struct root *root, struct error *err)
{
	autofree char *state = schema_path(&state_schema, "");
	autofree char *evidence = schema_path(&evidence_schema, "");
	struct stat st;
	int r = 0;

	if (root_lstat(root, state, &st) == -ENOENT) {
		r = root_mkdirs(root, PLACE_DIRECTORY, 0755, err);
		if (r == 0 && root_lstat(root, evidence, &st) == 0)
			r = file_set_aside(root, &evidence_schema, NULL, err);
		if (r == 0)
			r = file_create(root, &state_schema, err);
		if (r == 0)
			r = root_sync_dir(root, "/var/lib", err);
	}
	if (r == 0 && root_lstat(root, evidence, &st) == -ENOENT)
		r = file_create(root, &evidence_schema, err);
	return r;
}

/* In memory where there still is none. */
static int state_begin(struct connection *c, struct error *err)
{
	struct database *db =
		(struct database *)((char *)c - offsetof(struct database, state));
	int r = file_read(c, &db->place, &state_schema, err);

	if (r < 0) {
		connection_close(c);
		c->begin = state_begin;
	}
	return r;
}

/* A database that is not there yet is made up when somebody asks it: few do. */
static int state_read(struct database *db, struct error *err)
{
	off_t size = 0;

	if (db->place.fd < 0 ||
	    place_look(&db->place, state_schema.file, &size, NULL) == -ENOENT) {
		db->state.begin = state_begin;
		return 0;
	}
	return file_read(&db->state, &db->place, &state_schema, err);
}

static int database_open_parts(struct database *db, const struct root *root,
			       struct error *err)
{
	int r = db->mode == DATABASE_WRITE ? database_create(root, err) : 0;

	if (r == 0)
		r = place_open(&db->place, root, err);
	if (db->mode == DATABASE_READ)
		return r < 0 && r != -ENOENT ? r : state_read(db, err);
	if (r == 0)
		r = file_write(&db->state, &db->place, &state_schema, err);
	if (r == 0)
		r = file_write(&db->evidence, &db->place, &evidence_schema, err);
	return r;
}

int database_open(const struct root *root, enum database_mode mode, struct database **ret,
		  struct error *err)
{
	autodatabase struct database *db = mem_zalloc(sizeof(*db));
	int r;

	db->place.fd = -1;
	db->mode = mode;
	r = database_open_parts(db, root, err);
	if (r < 0)
		return r;
	*ret = take_ptr(db);
	return 0;
}

void database_close(struct database *db)
{
	if (!db)
		return;
	connection_close(&db->state);
	connection_close(&db->evidence);
	place_close(&db->place);
	free(db);
}

struct connection *database_state(struct database *db)
{
	return &db->state;
}

int database_evidence(struct database *db, struct connection **ret, struct error *err)
{
	int r = 0;

	if (!db->evidence.sql)
		r = file_read(&db->evidence, &db->place, &evidence_schema, err);
	if (r < 0) {
		connection_close(&db->evidence);
		return r;
	}
	*ret = &db->evidence;
	return 0;
}

/* Does the file open and pass its check, as far as can be seen? */
static bool file_is_whole(const struct root *root, const struct schema *schema)
{
	autoplace struct place place = {.fd = -1};
	struct connection c = {0};
	int r = place_open(&place, root, NULL);

	if (r == 0)
		r = file_read(&c, &place, schema, NULL);
	if (r == 0)
		r = connection_check(&c, NULL);
	connection_close(&c);
	return r != -ERROR_DAMAGED;
}

int database_set_aside(const struct root *root, char **ret_path, struct error *err)
{
	autofree char *evidence = schema_path(&evidence_schema, "");
	autofree char *path = NULL;
	struct stat st;
	int r = 0;

	if (!file_is_whole(root, &evidence_schema) && file_is_whole(root, &state_schema))
		return file_set_aside(root, &evidence_schema, ret_path, err);
	r = file_set_aside(root, &state_schema, &path, err);
	if (r == 0 && root_lstat(root, evidence, &st) == 0)
		r = file_set_aside(root, &evidence_schema, NULL, err);
	if (r == 0)
		*ret_path = take_ptr(path);
	return r;
}

int database_begin(struct database *db, struct error *err)
{
	struct connection *c = &db->state;
	int r;

	if (c->in_group)
		return error_set(err, -EINVAL, "%s: a group of changes is open already",
				 c->name);
	r = connection_run(c, "BEGIN IMMEDIATE", err);
	c->in_group = r == 0;
	return r;
}

int database_commit(struct database *db, struct error *err)
{
	struct connection *c = &db->state;
	int r;

	if (!c->in_group)
		return error_set(err, -EINVAL, "%s: no group of changes is open",
				 c->name);
	r = connection_usable(c, err);
	if (r == 0)
		r = connection_run(c, "COMMIT", err);
	if (r < 0)
		database_abandon(db);
	c->in_group = false;
	return r;
}

void database_abandon(struct database *db)
{
	if (db->state.in_group && !sym_sqlite3_get_autocommit(db->state.sql))
		(void)connection_run(&db->state, "ROLLBACK", NULL); /* else close does */
	db->state.in_group = false;
}
