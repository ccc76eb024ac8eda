/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The databases' schemas. A step that was released is never changed: a new version is
 * a new step at the end.
 *
 * Evidence (journals, kernel messages) may hold what only root should read; it lies in
 * a file of its own, so that everyone may read the state.
 */
#include "schema.h"

#include "base/text.h"
#include "store/database.h"
#include "tables.h"

static const char *const state_steps[] = {
	"CREATE TABLE transactions ("
	" id INTEGER PRIMARY KEY, kind TEXT NOT NULL, state TEXT NOT NULL, release TEXT,"
	" generation INTEGER NOT NULL, tries INTEGER NOT NULL, begun INTEGER NOT NULL,"
	" ended INTEGER NOT NULL, summary TEXT, detail TEXT);"
	"CREATE INDEX transactions_by_state ON transactions (state);"
	"CREATE TABLE steps ("
	" transaction_id INTEGER NOT NULL REFERENCES transactions (id),"
	" name TEXT NOT NULL, state TEXT NOT NULL, begun INTEGER NOT NULL,"
	" ended INTEGER NOT NULL, detail TEXT, PRIMARY KEY (transaction_id, name));"
	"CREATE TABLE boots ("
	" boot_id TEXT PRIMARY KEY NOT NULL, release TEXT NOT NULL,"
	" generation INTEGER NOT NULL, trial INTEGER NOT NULL,"
	" transaction_id INTEGER NOT NULL, begun INTEGER NOT NULL,"
	" ended INTEGER NOT NULL, verdict TEXT NOT NULL, ended_how TEXT NOT NULL,"
	" reason TEXT);"
	"CREATE INDEX boots_by_transaction ON boots (transaction_id);"
	"CREATE TABLE generations ("
	" generation INTEGER PRIMARY KEY, release TEXT NOT NULL,"
	" created INTEGER NOT NULL, transaction_id INTEGER NOT NULL,"
	" verdict TEXT NOT NULL, proven INTEGER NOT NULL, pinned INTEGER NOT NULL,"
	" present INTEGER NOT NULL);"
	"CREATE TABLE holds ("
	" release TEXT PRIMARY KEY NOT NULL, reason TEXT NOT NULL, generation INTEGER "
	"NOT NULL,"
	" created INTEGER NOT NULL, expires INTEGER NOT NULL);",

	"CREATE TABLE compatibility ("
	" module TEXT NOT NULL, version TEXT NOT NULL, release TEXT NOT NULL,"
	" machine TEXT NOT NULL, platform TEXT NOT NULL, region TEXT NOT NULL,"
	" predicted TEXT NOT NULL, codes TEXT, vetted INTEGER NOT NULL,"
	" observed TEXT NOT NULL, foretold TEXT NOT NULL, detail TEXT,"
	" seen INTEGER NOT NULL,"
	" PRIMARY KEY (module, version, release, machine, platform, region));",
};
_Static_assert(ARRAY_LEN(state_steps) == DATABASE_SCHEMA, "a step for each version");

static const char *const evidence_steps[] = {
	"CREATE TABLE evidence ("
	" id INTEGER PRIMARY KEY, transaction_id INTEGER NOT NULL, boot_id TEXT,"
	" kind TEXT NOT NULL, created INTEGER NOT NULL, content TEXT NOT NULL);"
	"CREATE INDEX evidence_by_transaction ON evidence (transaction_id);",
};

static const struct table *const state_tables[] = {
	&transactions_table, &steps_table,         &boots_table, &generations_table,
	&holds_table,        &compatibility_table, NULL,
};

static const struct table *const evidence_tables[] = {&evidence_table, NULL};

const struct schema state_schema = {
	.file = "state.db",
	.mode = 0644,
	.steps = state_steps,
	.version = ARRAY_LEN(state_steps),
	.tables = state_tables,
};

const struct schema evidence_schema = {
	.file = "evidence.db",
	.mode = 0600,
	.steps = evidence_steps,
	.version = ARRAY_LEN(evidence_steps),
	.tables = evidence_tables,
};

/* A file without version must be empty, one with a version must bear kuro's mark. */
static int schema_recognise(struct connection *c, int64_t version, struct error *err)
{
	int64_t found = 0;
	int r = connection_number(c,
				  version == 0 ? "SELECT count(*) FROM sqlite_master"
					       : "PRAGMA application_id",
				  &found, err);

	if (r < 0 || found == (version == 0 ? 0 : SCHEMA_APPLICATION_ID))
		return r;
	return error_set(err, -ERROR_DAMAGED,
			 "%s: is a database, but not one of kuro's: move it away or run "
			 "`kuro recover` as root",
			 c->name);
}

int schema_version(const struct schema *schema, struct connection *c, struct error *err)
{
	int64_t version = 0;
	int r = connection_number(c, "PRAGMA user_version", &version, err);

	if (r < 0)
		return r;
	if (version > schema->version)
		return error_set(
			err, -ERROR_UNSUPPORTED,
			"%s: was made by a newer kuro (its schema is %d, this kuro "
			"knows up to %d): install that version again",
			c->name, (int)version, schema->version);
	if (version < 0)
		return error_set(err, -ERROR_DAMAGED,
				 "%s: is damaged (schema %d): run `kuro recover` as root",
				 c->name, (int)version);
	r = schema_recognise(c, version, err);
	return r < 0 ? r : (int)version;
}

static int schema_step(const struct schema *schema, struct connection *c, int version,
		       struct error *err)
{
	autofree char *mark =
		str_format("PRAGMA user_version=%d; PRAGMA application_id=%d",
			   version + 1, SCHEMA_APPLICATION_ID);
	int r = connection_run(c, schema->steps[version], err);

	return r < 0 ? r : connection_run(c, mark, err);
}

int schema_migrate(const struct schema *schema, struct connection *c, struct error *err)
{
	int version = schema_version(schema, c, err);
	int r;

	if (version < 0 || version == schema->version)
		return version < 0 ? version : 0;
	r = connection_run(c, "BEGIN EXCLUSIVE", err);
	if (r < 0)
		return r;
	/* Another kuro may have done it between the look and the lock. */
	version = schema_version(schema, c, err);
	r = version < 0 ? version : 0;
	for (; r == 0 && version < schema->version; version++)
		r = schema_step(schema, c, version, err);
	if (r == 0)
		r = connection_run(c, "COMMIT", err);
	if (r < 0) {
		(void)connection_run(c, "ROLLBACK", NULL); /* the first error counts */
		return error_prefix(err, r, "bringing the database to schema %d",
				    schema->version);
	}
	return 0;
}

int schema_verify(const struct schema *schema, struct connection *c, struct error *err)
{
	int64_t strange = 0;
	/* Views, triggers and virtual tables have no pages of their own. */
	int r = connection_number(
		c, "SELECT count(*) FROM sqlite_master WHERE coalesce(rootpage, 0) = 0",
		&strange, err);

	if (r == 0 && strange > 0)
		return error_set(err, -ERROR_DAMAGED,
				 "%s: holds views or triggers, which kuro never makes: "
				 "run `kuro recover` as root",
				 c->name);
	for (size_t i = 0; r == 0 && schema->tables[i]; i++)
		r = row_verify(c, schema->tables[i], err);
	return r;
}
