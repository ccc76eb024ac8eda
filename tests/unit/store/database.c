/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Opening, groups of changes, crashes, versions, and setting a damaged database aside.
 */
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "machine.h"

#define DIRECTORY "/var/lib/kuro"

static mode_t mode_of(const struct machine *m, const char *path)
{
	struct stat st;

	assert_int_equal(root_stat(&m->root, path, &st), 0);
	return st.st_mode & 07777;
}

static size_t count_transactions(struct database *db)
{
	struct transaction_list list = {0};
	size_t count;

	assert_int_equal(transaction_list(db, 0, &list, NULL), 0);
	count = list.count;
	transaction_list_done(&list);
	return count;
}

/* Every name in the database's directory that starts so. */
static size_t count_files(const struct machine *m, const char *prefix)
{
	autostrv struct strv names = {0};
	size_t count = 0;

	assert_int_equal(root_list(&m->root, DIRECTORY, &names, NULL), 0);
	for (size_t i = 0; i < names.count; i++)
		count += str_starts(names.items[i], prefix);
	return count;
}

static void all_may_read_the_state_and_root_the_evidence(void **state)
{
	const struct machine *m = *state;
	mode_t old = umask(077);

	assert_int_equal(machine_try(m, DATABASE_WRITE, NULL), 0);
	(void)umask(old); /* can't fail */
	assert_int_equal(mode_of(m, DATABASE_PATH), 0644);
	assert_int_equal(mode_of(m, DATABASE_EVIDENCE_PATH), 0600);
	assert_int_equal(count_files(m, ""), 2);
}

static void reading_where_there_is_none_writes_nothing(void **state)
{
	const struct machine *m = *state;
	autodatabase struct database *db = machine_open(m, DATABASE_READ);
	struct transaction t = {.kind = TRANSACTION_TRY};
	struct error err = {0};

	assert_int_equal(list_everything(db, NULL), 0);
	assert_int_equal(transaction_last(db, &t, NULL), -ENOENT);
	assert_int_equal(transaction_add(db, &t, NULL, &err), -EROFS);
	assert_false(root_exists(&m->root, DIRECTORY));
}

static void a_reader_cant_write(void **state)
{
	const struct machine *m = *state;
	struct transaction t = {.kind = TRANSACTION_TRY};
	struct database *db = machine_open(m, DATABASE_WRITE);

	database_close(db);
	db = machine_open(m, DATABASE_READ);
	assert_int_equal(transaction_add(db, &t, NULL, NULL), -EROFS);
	database_close(db);
}

static void a_crash_before_the_first_table_is_an_empty_database(void **state)
{
	const struct machine *m = *state;
	struct database *db;

	machine_sql(m, DATABASE_PATH, "");
	assert_int_equal(root_write(&m->root, DATABASE_PATH, 0644, "", 0, NULL), 0);
	db = machine_open(m, DATABASE_READ);
	assert_int_equal(list_everything(db, NULL), 0);
	database_close(db);
	db = machine_open(m, DATABASE_WRITE);
	assert_int_equal(add_transaction(db, "6.1.0"), 1);
	database_close(db);
}

static void a_reader_sees_the_last_commit_beside_a_writer(void **state)
{
	autodatabase struct database *writer = machine_open(*state, DATABASE_WRITE);
	autodatabase struct database *reader = NULL;

	add_transaction(writer, "6.1.0");
	assert_int_equal(database_begin(writer, NULL), 0);
	add_transaction(writer, "6.2.0");
	reader = machine_open(*state, DATABASE_READ);
	assert_int_equal(count_transactions(reader), 1);
	assert_int_equal(count_transactions(writer), 2);
	assert_int_equal(database_commit(writer, NULL), 0);
	assert_int_equal(count_transactions(reader), 2);
}

static void an_abandoned_group_changes_nothing(void **state)
{
	autodatabase struct database *db = machine_open(*state, DATABASE_WRITE);

	assert_int_equal(database_begin(db, NULL), 0);
	assert_int_equal(database_begin(db, NULL), -EINVAL);
	add_transaction(db, "6.1.0");
	database_abandon(db);
	database_abandon(db);
	assert_int_equal(count_transactions(db), 0);
	assert_int_equal(database_commit(db, NULL), -EINVAL);
	assert_int_equal(database_begin(db, NULL), 0);
	add_transaction(db, "6.1.0");
	assert_int_equal(database_commit(db, NULL), 0);
	assert_int_equal(count_transactions(db), 1);
}

static void a_second_writer_waits_and_then_says_busy(void **state)
{
	autodatabase struct database *first = machine_open(*state, DATABASE_WRITE);
	autodatabase struct database *second = machine_open(*state, DATABASE_WRITE);
	struct error err = {0};
	time_t begin;

	assert_int_equal(database_begin(first, NULL), 0);
	begin = time(NULL);
	assert_int_equal(database_begin(second, &err), -ERROR_BUSY);
	assert_true(time(NULL) - begin >= 4); /* of five, in whole seconds */
	assert_non_null(strstr(err.message, DATABASE_PATH));
	database_abandon(first);
	assert_int_equal(database_begin(second, NULL), 0);
	database_abandon(second);
}

/* In the child: groups without end. */
static void write_for_ever(const struct machine *m, int ready)
{
	struct database *db = machine_open(m, DATABASE_WRITE);

	for (;;) {
		if (database_begin(db, NULL) < 0)
			_exit(1);
		add_transaction(db, "6.1.0");
		if (database_commit(db, NULL) < 0 || write(ready, "x", 1) != 1)
			_exit(1);
	}
}

/* Kill a writer microseconds after it told of its n-th commit; returns how many it told.
 */
static size_t kill_a_writer(const struct machine *m, unsigned int microseconds)
{
	int ends[2], status = 0;
	char told[512];
	size_t count = 0;
	ssize_t n;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (child == 0)
		write_for_ever(m, ends[1]);
	assert_int_equal(close(ends[1]), 0);
	assert_int_equal(read(ends[0], told, 1), 1);
	(void)usleep(microseconds); /* to end up at ever other places of a commit */
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	for (count = 1; (n = read(ends[0], told, sizeof(told))) > 0;)
		count += (size_t)n;
	assert_int_equal(close(ends[0]), 0);
	return count;
}

static void assert_whole_groups(struct database *db, size_t least)
{
	struct transaction_list list = {0};

	assert_int_equal(transaction_list(db, 0, &list, NULL), 0);
	assert_true(list.count >= least);
	for (size_t i = 0; i < list.count; i++) {
		struct step_list steps = {0};

		assert_int_equal(step_list(db, list.items[i].id, &steps, NULL), 0);
		assert_int_equal(steps.count, 12);
		step_list_done(&steps);
	}
	transaction_list_done(&list);
}

static void kill_in_a_commit_keeps_whole_groups_and_all_that_was_told(void **state)
{
	const struct machine *m = *state;
	size_t told = 0;

	for (unsigned int i = 0; i < 30; i++) {
		struct database *db;

		told += kill_a_writer(m, i * 211 % 5000);
		db = machine_open(m, i % 2 ? DATABASE_READ : DATABASE_WRITE);
		assert_whole_groups(db, told);
		database_close(db);
	}
}

static void a_half_made_change_is_undone_at_the_next_start(void **state)
{
	const struct machine *m = *state;

	for (int mode = DATABASE_READ; mode <= DATABASE_WRITE; mode++) {
		struct database *db = machine_open(m, DATABASE_WRITE);

		add_transaction(db, "6.1.0");
		database_close(db);
		machine_crash(m, DATABASE_PATH);
		db = machine_open(m, (enum database_mode)mode);
		assert_whole_groups(db, 1);
		database_close(db);
		assert_int_equal(count_files(m, "state.db"), 1);
	}
}

static void a_write_ahead_log_of_another_program_is_taken_in(void **state)
{
	const struct machine *m = *state;

	for (int mode = DATABASE_READ; mode <= DATABASE_WRITE; mode++) {
		struct database *db = machine_open(m, DATABASE_WRITE);

		add_transaction(db, "6.1.0");
		database_close(db);
		machine_sql(m, DATABASE_PATH, "PRAGMA journal_mode=WAL");
		db = machine_open(m, (enum database_mode)mode);
		assert_whole_groups(db, 1);
		database_close(db);
		assert_int_equal(count_files(m, "state.db"), 1);
	}
}

static void evidence_cut_off_is_undone_too(void **state)
{
	const struct machine *m = *state;
	struct database *db = machine_open(m, DATABASE_WRITE);

	add_transaction(db, "6.1.0");
	database_close(db);
	machine_crash(m, DATABASE_EVIDENCE_PATH);
	db = machine_open(m, DATABASE_READ);
	assert_int_equal(list_everything(db, NULL), 0);
	database_close(db);
	assert_int_equal(count_files(m, ""), 2);
}

static void a_newer_schema_is_refused(void **state)
{
	const struct machine *m = *state;
	struct error err = {0};

	assert_int_equal(machine_try(m, DATABASE_WRITE, NULL), 0);
	machine_sql(m, DATABASE_PATH, "PRAGMA user_version=99");
	assert_int_equal(machine_try(m, DATABASE_READ, &err), -ERROR_UNSUPPORTED);
	assert_non_null(strstr(err.message, DATABASE_PATH));
	assert_non_null(strstr(err.message, "99"));
	assert_int_equal(machine_try(m, DATABASE_WRITE, &err), -ERROR_UNSUPPORTED);
}

static void strange_databases_are_damage(void **state)
{
	static const char *const changes[] = {
		"PRAGMA application_id=7",
		"PRAGMA user_version=-3",
		"PRAGMA user_version=0",
		"DROP TABLE holds",
		"ALTER TABLE boots RENAME COLUMN ended_how TO fate",
		"CREATE TRIGGER t AFTER INSERT ON steps BEGIN DELETE FROM holds; END",
		"DROP TABLE holds; CREATE VIEW holds AS SELECT * FROM generations",
	};
	const struct machine *m = *state;

	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		struct error err = {0};

		assert_int_equal(machine_try(m, DATABASE_WRITE, NULL), 0);
		machine_sql(m, DATABASE_PATH, changes[i]);
		if (machine_try(m, DATABASE_READ, &err) != -ERROR_DAMAGED ||
		    machine_try(m, DATABASE_WRITE, &err) != -ERROR_DAMAGED)
			fail_msg("%s: %s", changes[i], err.message);
		assert_int_equal(root_unlink(&m->root, DATABASE_PATH, NULL), 0);
	}
}

static void another_programs_database_is_left_alone(void **state)
{
	const struct machine *m = *state;
	struct error err = {0};

	machine_sql(m, DATABASE_PATH, "CREATE TABLE mail (text TEXT)");
	assert_int_equal(machine_try(m, DATABASE_WRITE, &err), -ERROR_DAMAGED);
	assert_int_equal(machine_try(m, DATABASE_READ, &err), -ERROR_DAMAGED);
	machine_sql(m, DATABASE_PATH, "SELECT text FROM mail");
}

static void links_lead_nowhere(void **state)
{
	const struct machine *m = *state;
	struct error err = {0};

	assert_int_equal(root_mkdirs(&m->root, "/elsewhere", 0755, NULL), 0);
	assert_int_equal(root_symlink(&m->root, "/elsewhere", DIRECTORY), 0);
	assert_int_equal(machine_try(m, DATABASE_WRITE, &err), 0);
	assert_true(root_exists(&m->root, "/elsewhere/state.db"));
	assert_int_equal(root_rename(&m->root, DATABASE_PATH, "/moved.db"), 0);
	assert_int_equal(root_symlink(&m->root, "../moved.db", DATABASE_PATH), 0);
	assert_int_equal(machine_try(m, DATABASE_READ, &err), -ERROR_DAMAGED);
	assert_non_null(strstr(err.message, "not a regular file"));
	assert_int_equal(machine_try(m, DATABASE_WRITE, &err), -ERROR_DAMAGED);
}

static void a_damaged_database_is_set_aside_with_its_journal(void **state)
{
	const struct machine *m = *state;
	autofree char *first = NULL, *second = NULL;
	autofree char *journal = NULL;
	struct error err = {0};

	assert_int_equal(machine_try(m, DATABASE_WRITE, NULL), 0);
	assert_int_equal(root_write(&m->root, DATABASE_PATH, 0644,
				    "not a database at all", 21, NULL),
			 0);
	assert_int_equal(machine_try(m, DATABASE_WRITE, &err), -ERROR_DAMAGED);
	assert_int_equal(machine_try(m, DATABASE_READ, &err), -ERROR_DAMAGED);
	assert_int_equal(root_write(&m->root, DATABASE_PATH "-journal", 0644, "x", 1,
				    NULL),
			 0);
	assert_int_equal(database_set_aside(&m->root, &first, &err), 0);
	assert_true(str_starts(first, DATABASE_PATH ".damaged-2"));
	journal = str_format("%s-journal", first);
	assert_true(root_exists(&m->root, first) && root_exists(&m->root, journal));
	assert_false(root_exists(&m->root, DATABASE_PATH));
	assert_int_equal(machine_try(m, DATABASE_WRITE, NULL), 0);
	assert_int_equal(database_set_aside(&m->root, &second, &err), 0);
	assert_string_not_equal(first, second);
	assert_int_equal(count_files(m, "state.db.damaged-"), 3);
	assert_int_equal(count_files(m, "evidence.db.damaged-"), 2);
}

static void a_journal_that_names_a_further_file_is_not_played(void **state)
{
	const struct machine *m = *state;
	struct error err = {0};
	char bytes[] = "nobody's journal\xd9\xd5\x05\xf9\x20\xa1\x63\xd7";

	assert_int_equal(machine_try(m, DATABASE_WRITE, NULL), 0);
	assert_int_equal(root_write(&m->root, DATABASE_PATH "-journal", 0644, bytes,
				    sizeof(bytes) - 1, NULL),
			 0);
	assert_int_equal(machine_try(m, DATABASE_WRITE, &err), -ERROR_DAMAGED);
	assert_int_equal(machine_try(m, DATABASE_READ, &err), -ERROR_DAMAGED);
	assert_non_null(strstr(err.message, DATABASE_PATH "-journal"));
}

static void nothing_to_set_aside_is_told(void **state)
{
	const struct machine *m = *state;
	autofree char *path = NULL;

	assert_int_equal(database_set_aside(&m->root, &path, NULL), -ENOENT);
	assert_null(path);
}

static void damaged_evidence_leaves_the_state_alone(void **state)
{
	const struct machine *m = *state;
	struct database *db = machine_open(m, DATABASE_WRITE);
	autofree char *path = NULL;
	struct error err = {0};

	add_transaction(db, "6.1.0");
	database_close(db);
	assert_int_equal(root_write(&m->root, DATABASE_EVIDENCE_PATH, 0600,
				    "not a database at all", 21, NULL),
			 0);
	assert_int_equal(machine_try(m, DATABASE_WRITE, &err), -ERROR_DAMAGED);
	assert_non_null(strstr(err.message, DATABASE_EVIDENCE_PATH));
	db = machine_open(m, DATABASE_READ);
	assert_int_equal(count_transactions(db), 1);
	assert_int_equal(list_everything(db, &err), -ERROR_DAMAGED);
	database_close(db);
	assert_int_equal(database_set_aside(&m->root, &path, NULL), 0);
	assert_true(str_starts(path, DATABASE_EVIDENCE_PATH ".damaged-"));
	db = machine_open(m, DATABASE_WRITE);
	assert_int_equal(count_transactions(db), 1);
	database_close(db);
}

static void evidence_without_a_state_goes_aside(void **state)
{
	const struct machine *m = *state;

	assert_int_equal(machine_try(m, DATABASE_WRITE, NULL), 0);
	assert_int_equal(root_unlink(&m->root, DATABASE_PATH, NULL), 0);
	assert_int_equal(machine_try(m, DATABASE_WRITE, NULL), 0);
	assert_int_equal(count_files(m, "evidence.db.damaged-"), 1);
	assert_int_equal(count_files(m, "evidence.db"), 2);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, machine_set_up, machine_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(all_may_read_the_state_and_root_the_evidence),
		TEST(reading_where_there_is_none_writes_nothing),
		TEST(a_reader_cant_write),
		TEST(a_crash_before_the_first_table_is_an_empty_database),
		TEST(a_reader_sees_the_last_commit_beside_a_writer),
		TEST(an_abandoned_group_changes_nothing),
		TEST(a_second_writer_waits_and_then_says_busy),
		TEST(kill_in_a_commit_keeps_whole_groups_and_all_that_was_told),
		TEST(a_half_made_change_is_undone_at_the_next_start),
		TEST(a_write_ahead_log_of_another_program_is_taken_in),
		TEST(evidence_cut_off_is_undone_too),
		TEST(a_newer_schema_is_refused),
		TEST(strange_databases_are_damage),
		TEST(another_programs_database_is_left_alone),
		TEST(links_lead_nowhere),
		TEST(a_damaged_database_is_set_aside_with_its_journal),
		TEST(a_journal_that_names_a_further_file_is_not_played),
		TEST(nothing_to_set_aside_is_told),
		TEST(damaged_evidence_leaves_the_state_alone),
		TEST(evidence_without_a_state_goes_aside),
	};

	return cmocka_run_group_tests_name("database", tests, NULL, NULL);
}
