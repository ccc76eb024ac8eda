/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file that was changed has another identity, whatever was done to hide it; one that
 * changed a moment ago has none, and no file has where times mean nothing.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "file-identity.h"
#include "made-machine.h"

#define FILE_PATH "/boot/vmlinuz"
#define SIZE      ((size_t)256 * 1024)
#define AT_ODDS   ((size_t)5000) /* lies in no sample of SIZE bytes */

static const struct timespec dated = {.tv_sec = 1000000000};

/* SIZE bytes, the file dated back: only its change time is today's. */
static void made_content(const struct made_machine *m, const char *path, size_t at)
{
	autofree char *bytes = mem_zalloc(SIZE), *real = NULL;
	const struct timespec times[2] = {dated, dated};

	bytes[at] = 1;
	made_bytes(&m->root, path, bytes, SIZE);
	real = root_path(&m->root, path);
	assert_int_equal(utimensat(AT_FDCWD, real, times, 0), 0);
}

static struct stat stat_of(const struct made_machine *m)
{
	struct stat st;

	assert_int_equal(root_stat(&m->root, FILE_PATH, &st), 0);
	return st;
}

/* As it would be seen the given seconds after its change. */
static char *identity_after(const struct made_machine *m, time_t seconds)
{
	autoclose int fd = root_openat(&m->root, FILE_PATH, O_RDONLY, 0);
	autofree char *bytes = mem_zalloc(SIZE);
	struct stat st = stat_of(m);
	struct timespec now = {.tv_sec = st.st_ctim.tv_sec + seconds};

	assert_int_equal(read(fd, bytes, SIZE), SIZE);
	return file_identity(fd, &st, bytes, &now);
}

static void the_same_file_stays_the_same(void **state)
{
	const struct made_machine *m = *state;
	autofree char *one = NULL, *again = NULL;

	made_content(m, FILE_PATH, AT_ODDS);
	one = identity_after(m, 10);
	again = identity_after(m, 100000);
	assert_non_null(one);
	assert_string_equal(one, again);
	assert_null(strchr(one, '\n'));
}

/* The file system's clock has ticks: those that see no new time are repeated. */
static void same_size_and_date_hide_no_change(void **state)
{
	const struct made_machine *m = *state;
	autofree char *one = NULL, *other = NULL;
	struct stat before;

	made_content(m, FILE_PATH, AT_ODDS);
	before = stat_of(m);
	one = identity_after(m, 10);
	do {
		autofree char *real = root_path(&m->root, FILE_PATH);
		autoclose int fd = open(real, O_WRONLY);
		const struct timespec times[2] = {dated, dated};

		assert_int_equal(pwrite(fd, "\2", 1, AT_ODDS), 1);
		assert_int_equal(futimens(fd, times), 0);
	} while (stat_of(m).st_ctim.tv_nsec == before.st_ctim.tv_nsec);
	assert_int_equal(stat_of(m).st_size, before.st_size);
	assert_int_equal(stat_of(m).st_ino, before.st_ino);
	assert_int_equal(stat_of(m).st_mtim.tv_sec, before.st_mtim.tv_sec);
	other = identity_after(m, 10);
	assert_string_not_equal(one, other);
}

static void another_file_in_its_place_is_another(void **state)
{
	const struct made_machine *m = *state;
	autofree char *one = NULL, *other = NULL;

	made_content(m, FILE_PATH, AT_ODDS);
	made_content(m, "/boot/new", AT_ODDS);
	one = identity_after(m, 10);
	assert_int_equal(root_rename(&m->root, "/boot/new", FILE_PATH), 0);
	other = identity_after(m, 10);
	assert_string_not_equal(one, other);
}

static void what_changed_a_moment_ago_has_none_yet(void **state)
{
	const struct made_machine *m = *state;
	/* Before it, too: the clock was set back. */
	static const time_t early[] = {0, 1, FILE_IDENTITY_REST, -1, -100000};
	autofree char *late = NULL;

	made_content(m, FILE_PATH, AT_ODDS);
	for (size_t i = 0; i < ARRAY_LEN(early); i++)
		assert_null(identity_after(m, early[i]));
	late = identity_after(m, FILE_IDENTITY_REST + 1);
	assert_non_null(late);
}

/* Images with all times alike, as some tools make them: the bytes tell. */
static void bytes_tell_where_times_are_alike(void **state)
{
	static const size_t seen[] = {0, 4095, SIZE / 7 * 3, SIZE - 4096, SIZE - 1};
	const struct made_machine *m = *state;
	autofree char *bytes = mem_zalloc(SIZE), *one = NULL, *small = NULL;
	autoclose int fd = -1;
	struct timespec now;
	struct stat st;

	made_content(m, FILE_PATH, 0);
	fd = root_openat(&m->root, FILE_PATH, O_RDONLY, 0);
	st = stat_of(m);
	now.tv_sec = st.st_ctim.tv_sec + 10;
	one = file_identity(fd, &st, bytes, &now);
	for (size_t i = 0; i < ARRAY_LEN(seen); i++) {
		autofree char *other = NULL;

		bytes[seen[i]] = 1;
		other = file_identity(fd, &st, bytes, &now);
		assert_string_not_equal(one, other);
		bytes[seen[i]] = 0;
	}
	st.st_size = 1;
	small = file_identity(fd, &st, bytes, &now);
	assert_string_not_equal(one, small);
}

static void times_of_other_file_systems_mean_nothing(void **state)
{
	static const struct stat old = {.st_size = 0};
	const struct timespec now = {.tv_sec = 2000000000};
	autoclose int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_null(file_identity(fd, &old, "", &now));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) \
	cmocka_unit_test_setup_teardown(name, made_machine_set_up, made_machine_tear_down)
		CASE(the_same_file_stays_the_same),
		CASE(same_size_and_date_hide_no_change),
		CASE(another_file_in_its_place_is_another),
		CASE(what_changed_a_moment_ago_has_none_yet),
		CASE(bytes_tell_where_times_are_alike),
		CASE(times_of_other_file_systems_mean_nothing),
#undef CASE
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
