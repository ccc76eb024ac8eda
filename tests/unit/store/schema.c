/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every older schema is brought to the newest with its rows kept, in one change: a step
 * that fails leaves the file as it was.
 */
#include <string.h>

#include "machine.h"
#include "schema.h"
#include "store/records.h"

#define FILE_PATH "/var/lib/kuro/made.db"

static const char *const steps[] = {
	"CREATE TABLE a (x TEXT)",
	"ALTER TABLE a ADD COLUMN y INTEGER NOT NULL DEFAULT 7; CREATE TABLE b (z TEXT)",
	"INSERT INTO b SELECT x FROM a",
};

static const char *const broken_steps[] = {
	"CREATE TABLE a (x TEXT)",
	"ALTER TABLE a ADD COLUMN y INTEGER NOT NULL DEFAULT 7",
	"INSERT INTO nowhere VALUES (1)",
};

static const struct table *const no_tables[] = {NULL};

static struct schema schema_of(const char *const *list, int version)
{
	return (struct schema){.file = "made.db",
			       .steps = list,
			       .version = version,
			       .tables = no_tables};
}

/* What migrating answers; ret_number is what the query gives afterwards. */
static int migrate(const struct machine *m, const struct schema *schema,
		   const char *query, int64_t *ret_number, struct error *err)
{
	autoplace struct place place = {.fd = -1};
	struct connection c = {0};
	int r;

	machine_sql(m, FILE_PATH, ""); /* makes it */
	assert_int_equal(place_open(&place, &m->root, NULL), 0);
	assert_int_equal(connection_open(&c, &place, "made.db", CONNECTION_WRITE, NULL),
			 0);
	r = schema_migrate(schema, &c, err);
	assert_int_equal(connection_number(&c, query, ret_number, NULL), 0);
	connection_close(&c);
	return r;
}

static void rows_of_every_older_version_are_kept(void **state)
{
	const struct machine *m = *state;

	for (int from = 0; from <= 3; from++) {
		const struct schema older = schema_of(steps, from);
		const struct schema newest = schema_of(steps, 3);
		int64_t number = -1;

		assert_int_equal(migrate(m, &older, "PRAGMA user_version", &number, NULL),
				 0);
		assert_int_equal(number, from);
		if (from > 0)
			machine_sql(m, FILE_PATH, "INSERT INTO a (x) VALUES ('kept')");
		assert_int_equal(migrate(m, &newest, "PRAGMA user_version", &number,
					 NULL),
				 0);
		assert_int_equal(number, 3);
		assert_int_equal(
			migrate(m, &newest,
				"SELECT count(*) FROM a WHERE x = 'kept' AND y = 7",
				&number, NULL),
			0);
		assert_int_equal(number, from > 0);
		assert_int_equal(migrate(m, &newest, "SELECT count(*) FROM b", &number,
					 NULL),
				 0);
		assert_int_equal(number, from == 1 || from == 2);
		assert_int_equal(root_unlink(&m->root, FILE_PATH, NULL), 0);
	}
}

static void a_failed_step_changes_nothing(void **state)
{
	const struct machine *m = *state;
	const struct schema first = schema_of(broken_steps, 1);
	const struct schema broken = schema_of(broken_steps, 3);
	struct error err = {0};
	int64_t number = -1;

	assert_int_equal(migrate(m, &first, "PRAGMA user_version", &number, NULL), 0);
	assert_true(migrate(m, &broken, "PRAGMA user_version", &number, &err) < 0);
	assert_int_equal(number, 1);
	assert_non_null(strstr(err.message, "schema 3"));
	assert_non_null(strstr(err.message, FILE_PATH));
	assert_true(
		migrate(m, &broken,
			"SELECT count(*) FROM pragma_table_info('a') WHERE name = 'y'",
			&number, NULL) < 0);
	assert_int_equal(number, 0);
}

/* A machine whose database the first kuro made keeps its history. */
static void the_first_schema_is_brought_to_this_one(void **state)
{
	const struct machine *m = *state;
	struct schema first = state_schema;
	autodatabase struct database *db = NULL;
	cleanup(transaction_done) struct transaction back = {0};
	struct compat_record_list none = {0};
	autoplace struct place place = {.fd = -1};
	struct connection c = {0};

	first.version = 1;
	machine_sql(m, DATABASE_PATH, "");
	assert_int_equal(place_open(&place, &m->root, NULL), 0);
	assert_int_equal(connection_open(&c, &place, first.file, CONNECTION_WRITE, NULL),
			 0);
	assert_int_equal(schema_migrate(&first, &c, NULL), 0);
	connection_close(&c);
	machine_sql(
		m, DATABASE_PATH,
		"INSERT INTO transactions VALUES (3, 'try', 'blessed', '6.1', 2, 1, 5, "
		"6, NULL, NULL)");
	assert_int_equal(database_open(&m->root, DATABASE_READ, &db, NULL), 0);
	assert_int_equal(compat_record_list(db, NULL, &none, NULL), 0);
	assert_int_equal(none.count, 0);
	database_close(db);
	db = NULL;
	assert_int_equal(database_open(&m->root, DATABASE_WRITE, &db, NULL), 0);
	assert_int_equal(transaction_get(db, 3, &back, NULL), 0);
	assert_string_equal(back.release, "6.1");
	assert_int_equal(compat_record_list(db, NULL, &none, NULL), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, machine_set_up, machine_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(rows_of_every_older_version_are_kept),
		TEST(a_failed_step_changes_nothing),
		TEST(the_first_schema_is_brought_to_this_one),
	};

	return cmocka_run_group_tests_name("schema", tests, NULL, NULL);
}
