/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A throw-away root for the store's tests.
 */
#include "machine.h"

#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/wait.h>

int machine_set_up(void **state)
{
	struct machine *m = mem_zalloc(sizeof(*m));

	strcpy(m->dir, "/tmp/kuro-store.XXXXXX");
	assert_non_null(mkdtemp(m->dir));
	assert_int_equal(chmod(m->dir, 0755), 0);
	assert_int_equal(root_open(&m->root, m->dir, NULL), 0);
	assert_int_equal(root_mkdirs(&m->root, "/var/lib", 0755, NULL), 0);
	*state = m;
	return 0;
}

int machine_tear_down(void **state)
{
	struct machine *m = *state;
	struct root tmp = {0};

	root_done(&m->root);
	assert_int_equal(root_open(&tmp, "/tmp", NULL), 0);
	assert_int_equal(root_remove_tree(&tmp, m->dir + strlen("/tmp"), NULL), 0);
	root_done(&tmp);
	free(m);
	return 0;
}

struct database *machine_open(const struct machine *m, enum database_mode mode)
{
	struct database *db = NULL;
	struct error err = {0};

	if (database_open(&m->root, mode, &db, &err) < 0)
		fail_msg("%s", err.message);
	return db;
}

int machine_try(const struct machine *m, enum database_mode mode, struct error *err)
{
	autodatabase struct database *db = NULL;

	return database_open(&m->root, mode, &db, err);
}

char *machine_path(const struct machine *m, const char *path)
{
	return root_path(&m->root, path);
}

void machine_sql(const struct machine *m, const char *path, const char *sql)
{
	autofree char *file = machine_path(m, path);
	sqlite3 *db = NULL;

	assert_int_equal(root_mkdirs(&m->root, "/var/lib/kuro", 0755, NULL), 0);
	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* A cache of one page: the change spills into the file long before its commit. */
static void crash_in_a_change(const char *file)
{
	sqlite3 *db = NULL;

	if (sqlite3_open(file, &db) != SQLITE_OK ||
	    sqlite3_exec(db,
			 "PRAGMA cache_size=1; BEGIN; CREATE TABLE half_made (t TEXT);"
			 "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
			 "WHERE i < 500) INSERT INTO half_made "
			 "SELECT hex(randomblob(400)) FROM n;",
			 NULL, NULL, NULL) != SQLITE_OK)
		_exit(1);
	(void)raise(SIGKILL); /* the parent sees how the child ended */
}

void machine_crash(const struct machine *m, const char *path)
{
	autofree char *file = machine_path(m, path);
	autofree char *journal = str_format("%s-journal", path);
	struct stat st;
	int status = 0;
	pid_t child = fork();

	if (child == 0)
		crash_in_a_change(file);
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(root_stat(&m->root, journal, &st), 0);
	assert_true(st.st_size > 0);
}

int machine_unprivileged(const struct machine *m, int (*f)(const struct machine *m))
{
	int status = 0;
	pid_t child = fork();

	if (child == 0)
		_exit(setgid(65534) < 0 || setuid(65534) < 0 ? 99 : f(m));
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

int64_t add_transaction(struct database *db, const char *release)
{
	autofree char *copy = str_dup(release);
	struct transaction t = {.kind = TRANSACTION_UPGRADE,
				.state = TRANSACTION_RUNNING,
				.release = copy,
				.begun = 1000};
	int64_t id = 0;

	assert_int_equal(transaction_add(db, &t, &id, NULL), 0);
	for (int i = 0; i < 12; i++) {
		autofree char *name = str_format("step-%d", i);
		struct step s = {.transaction = id,
				 .name = name,
				 .state = STEP_DONE,
				 .begun = 1000 + i,
				 .ended = 1001 + i};

		assert_int_equal(step_set(db, &s, NULL), 0);
	}
	return id;
}

static int list_steps_and_evidence(struct database *db,
				   const struct transaction_list *list, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->count; i++) {
		struct step_list steps = {0};
		struct evidence_list evidence = {0};

		r = step_list(db, list->items[i].id, &steps, err);
		if (r == 0)
			r = evidence_list(db, list->items[i].id, &evidence, err);
		step_list_done(&steps);
		evidence_list_done(&evidence);
	}
	return r;
}

int list_everything(struct database *db, struct error *err)
{
	cleanup(transaction_list_done) struct transaction_list transactions = {0};
	cleanup(boot_list_done) struct boot_list boots = {0};
	cleanup(generation_record_list_done) struct generation_record_list generations = {
		0};
	cleanup(hold_list_done) struct hold_list holds = {0};
	cleanup(compat_record_list_done) struct compat_record_list records = {0};
	int r = transaction_list(db, 0, &transactions, err);

	if (r == 0)
		r = list_steps_and_evidence(db, &transactions, err);
	if (r == 0)
		r = boot_list(db, 0, &boots, err);
	if (r == 0)
		r = generation_list(db, &generations, err);
	if (r == 0)
		r = hold_list(db, 0, &holds, err);
	if (r == 0)
		r = compat_record_list(db, NULL, &records, err);
	return r;
}
