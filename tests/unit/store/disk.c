/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Full disks, read-only disks, unprivileged readers: readers go on, writers say what is
 * wrong. The mounts are in a namespace of the test's own; without root all is skipped.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "machine.h"

#define DIRECTORY "/var/lib/kuro"

static int disk_tear_down(void **state)
{
	struct machine *m = *state;

	while (true) {
		autofree char *directory = machine_path(m, DIRECTORY);

		if (umount2(directory, MNT_DETACH) < 0)
			break;
	}
	return machine_tear_down(state);
}

static void mount_small(const struct machine *m, const char *options)
{
	autofree char *directory = machine_path(m, DIRECTORY);

	assert_int_equal(root_mkdirs(&m->root, DIRECTORY, 0755, NULL), 0);
	assert_int_equal(mount("tmpfs", directory, "tmpfs", 0, options), 0);
}

static void mount_read_only(const struct machine *m)
{
	autofree char *directory = machine_path(m, DIRECTORY);

	assert_int_equal(mount(directory, directory, NULL, MS_BIND, NULL), 0);
	assert_int_equal(mount(NULL, directory, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY,
			       NULL),
			 0);
}

/* Blocks that fill() does not get, to be given back by removing the file. */
static void spare(const struct machine *m)
{
	autofree char *zeroes = mem_zalloc(65536);

	assert_int_equal(root_write(&m->root, DIRECTORY "/spare", 0600, zeroes, 65536,
				    NULL),
			 0);
}

/* Take every block that is left. */
static void fill(const struct machine *m)
{
	autoclose int fd =
		root_openat(&m->root, DIRECTORY "/filler", O_WRONLY | O_CREAT, 0600);
	static const char block[4096];

	assert_true(fd >= 0);
	while (write(fd, block, sizeof(block)) > 0)
		continue;
	assert_int_equal(errno, ENOSPC);
}

static size_t count_transactions(const struct machine *m)
{
	autodatabase struct database *db = machine_open(m, DATABASE_READ);
	struct transaction_list list = {0};
	size_t count;

	assert_int_equal(transaction_list(db, 0, &list, NULL), 0);
	count = list.count;
	transaction_list_done(&list);
	return count;
}

static int add_large(struct database *db, struct error *err)
{
	char detail[8192];
	struct transaction t = {.kind = TRANSACTION_TRY, .detail = detail};

	memset(detail, 'd', sizeof(detail) - 1);
	detail[sizeof(detail) - 1] = '\0';
	return transaction_add(db, &t, NULL, err);
}

static void a_full_disk_stops_writers_and_not_readers(void **state)
{
	const struct machine *m = *state;
	autodatabase struct database *db = NULL;
	struct transaction t = {.id = 1, .state = TRANSACTION_DONE};
	struct error err = {0};
	size_t added = 0;

	mount_small(m, "size=512k");
	spare(m);
	db = machine_open(m, DATABASE_WRITE);
	while (add_large(db, &err) == 0)
		added++;
	assert_int_equal(err.code, -ENOSPC);
	assert_non_null(strstr(err.message, DATABASE_PATH));
	assert_true(added > 10);
	assert_int_equal(count_transactions(m), added);
	fill(m);
	assert_int_equal(transaction_update(db, &t, &err), -ENOSPC);
	assert_int_equal(count_transactions(m), added);
	if (machine_try(m, DATABASE_WRITE, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(root_unlink(&m->root, DIRECTORY "/spare", NULL), 0);
	assert_int_equal(transaction_update(db, &t, &err), 0);
}

static void a_full_disk_in_a_group_undoes_the_group(void **state)
{
	const struct machine *m = *state;
	autodatabase struct database *db = NULL;
	struct transaction t = {.kind = TRANSACTION_TRY};
	struct error err = {0};
	int r = 0;

	mount_small(m, "size=512k");
	db = machine_open(m, DATABASE_WRITE);
	add_transaction(db, "6.1.0");
	assert_int_equal(database_begin(db, NULL), 0);
	/* Up to SQLite's cache (2 MB) it is memory alone: the commit is what fails. */
	for (int i = 0; r == 0 && i < 300; i++)
		r = add_large(db, &err);
	if (r == 0)
		r = database_commit(db, &err);
	else
		assert_int_equal(transaction_add(db, &t, NULL, &err), -ECANCELED);
	database_abandon(db);
	assert_true(r == -ENOSPC);
	assert_int_equal(count_transactions(m), 1);
	assert_int_equal(transaction_add(db, &t, NULL, &err), 0);
}

static void no_database_can_be_made_on_a_full_disk(void **state)
{
	const struct machine *m = *state;
	struct error err = {0};

	mount_small(m, "size=192k");
	fill(m);
	assert_int_equal(machine_try(m, DATABASE_WRITE, &err), -ENOSPC);
	assert_int_equal(count_transactions(m), 0);
	assert_int_equal(root_unlink(&m->root, DIRECTORY "/filler", NULL), 0);
	assert_int_equal(machine_try(m, DATABASE_WRITE, &err), 0);
}

static void no_inode_for_the_journal_is_a_full_disk(void **state)
{
	const struct machine *m = *state;
	autodatabase struct database *db = NULL;
	struct error err = {0};

	mount_small(m, "size=1m,nr_inodes=4");
	db = machine_open(m, DATABASE_WRITE);
	add_transaction(db, "6.1.0");
	fill(m); /* the fourth inode: /, two databases, this */
	assert_int_equal(root_write(&m->root, DIRECTORY "/filler", 0600, "", 0, NULL),
			 -ENOSPC);
	assert_int_equal(add_large(db, &err), -ENOSPC);
	assert_int_equal(count_transactions(m), 1);
}

static void a_read_only_disk_is_read(void **state)
{
	const struct machine *m = *state;
	struct database *db = machine_open(m, DATABASE_WRITE);
	struct error err = {0};

	add_transaction(db, "6.1.0");
	database_close(db);
	mount_read_only(m);
	assert_int_equal(count_transactions(m), 1);
	db = machine_open(m, DATABASE_READ);
	assert_int_equal(list_everything(db, &err), 0);
	database_close(db);
	assert_int_equal(machine_try(m, DATABASE_WRITE, &err), -EROFS);
	assert_non_null(strstr(err.message, DATABASE_PATH));
}

static void a_read_only_disk_without_database_is_empty(void **state)
{
	const struct machine *m = *state;

	assert_int_equal(root_mkdirs(&m->root, DIRECTORY, 0755, NULL), 0);
	mount_read_only(m);
	assert_int_equal(count_transactions(m), 0);
	assert_int_equal(machine_try(m, DATABASE_WRITE, NULL), -EROFS);
}

static void a_half_made_change_on_a_read_only_disk_is_told(void **state)
{
	const struct machine *m = *state;
	struct error err = {0};

	assert_int_equal(machine_try(m, DATABASE_WRITE, NULL), 0);
	machine_crash(m, DATABASE_PATH);
	mount_read_only(m);
	assert_int_equal(machine_try(m, DATABASE_READ, &err), -EUCLEAN);
	assert_non_null(strstr(err.message, "kuro recover"));
	assert_non_null(strstr(err.message, DATABASE_PATH));
}

static void a_write_ahead_log_on_a_read_only_disk_is_told(void **state)
{
	const struct machine *m = *state;
	struct error err = {0};

	assert_int_equal(machine_try(m, DATABASE_WRITE, NULL), 0);
	machine_sql(m, DATABASE_PATH, "PRAGMA journal_mode=WAL");
	mount_read_only(m);
	assert_int_equal(machine_try(m, DATABASE_READ, &err), -EUCLEAN);
	assert_non_null(strstr(err.message, "write-ahead log"));
}

/* In the child, as nobody: 0, or which expectation failed. */
static int read_as_nobody(const struct machine *m)
{
	autodatabase struct database *db = NULL;
	struct transaction_list list = {0};
	struct evidence_list evidence = {0};
	struct error err = {0};

	if (database_open(&m->root, DATABASE_READ, &db, &err) < 0)
		return 1;
	if (transaction_list(db, 0, &list, &err) < 0 || list.count != 1)
		return 2;
	transaction_list_done(&list);
	if (evidence_list(db, 1, &evidence, &err) != -EACCES)
		return 3;
	if (!strstr(err.message, DATABASE_EVIDENCE_PATH) || !strstr(err.message, "root"))
		return 4;
	if (machine_try(m, DATABASE_WRITE, &err) != -EACCES)
		return 5;
	return strstr(err.message, DATABASE_PATH) ? 0 : 6;
}

static int open_as_nobody(const struct machine *m)
{
	return machine_try(m, DATABASE_READ, NULL) == -EUCLEAN ? 0 : 1;
}

static void everyone_reads_the_state_and_not_the_evidence(void **state)
{
	const struct machine *m = *state;
	struct database *db = machine_open(m, DATABASE_WRITE);

	add_transaction(db, "6.1.0");
	database_close(db);
	assert_int_equal(machine_unprivileged(m, read_as_nobody), 0);
	machine_crash(m, DATABASE_PATH);
	assert_int_equal(machine_unprivileged(m, open_as_nobody), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, machine_set_up, disk_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_full_disk_stops_writers_and_not_readers),
		TEST(a_full_disk_in_a_group_undoes_the_group),
		TEST(no_database_can_be_made_on_a_full_disk),
		TEST(no_inode_for_the_journal_is_a_full_disk),
		TEST(a_read_only_disk_is_read),
		TEST(a_read_only_disk_without_database_is_empty),
		TEST(a_half_made_change_on_a_read_only_disk_is_told),
		TEST(a_write_ahead_log_on_a_read_only_disk_is_told),
		TEST(everyone_reads_the_state_and_not_the_evidence),
	};

	/* cmocka's skip() says "not ok", which meson takes for a failure. */
	if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		puts("1..0 # SKIP needs root and mount namespaces");
		return 0;
	}
	return cmocka_run_group_tests_name("disk", tests, NULL, NULL);
}
