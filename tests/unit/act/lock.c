/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One kuro at a time; who is second learns who is first; a dead holder holds nothing.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "act/lock.h"
#include "base/cleanup.h"

struct lock_test {
	char dir[32];
	struct root root;
};

static int set_up(void **state)
{
	struct lock_test *t = mem_zalloc(sizeof(*t));

	(void)snprintf(t->dir, sizeof(t->dir), "/tmp/kuro-lock-XXXXXX");
	assert_non_null(mkdtemp(t->dir));
	assert_int_equal(root_open(&t->root, t->dir, NULL), 0);
	*state = t;
	return 0;
}

static int tear_down(void **state)
{
	struct lock_test *t = *state;

	assert_int_equal(root_remove_tree(&t->root, "/run", NULL), 0);
	root_done(&t->root);
	assert_int_equal(rmdir(t->dir), 0);
	free(t);
	return 0;
}

static void the_second_is_told_who_is_first(void **state)
{
	struct lock_test *t = *state;
	autolock struct lock first = {0}, second = {0};
	autofree char *pid =
		str_format("kuro upgrade (process %d, since 20", (int)getpid());
	struct error err = {0};

	assert_int_equal(lock_take(&t->root, "upgrade", &first, &err), 0);
	assert_int_equal(lock_take(&t->root, "prune", &second, &err), -ERROR_BUSY);
	assert_int_equal(second.fd, 0);
	assert_non_null(strstr(err.message, pid));
	assert_non_null(strstr(err.message, "UTC"));
	assert_int_equal(error_exit_status(err.code), EXIT_BUSY);
}

static void released_it_can_be_taken_again(void **state)
{
	struct lock_test *t = *state;
	struct lock lock = {0};

	assert_int_equal(lock_take(&t->root, "upgrade", &lock, NULL), 0);
	lock_release(&lock);
	assert_int_equal(lock.fd, -1);
	lock_release(&lock);
	assert_int_equal(lock_take(&t->root, "try", &lock, NULL), 0);
	lock_release(&lock);
}

static void asking_names_the_holder_and_takes_nothing(void **state)
{
	struct lock_test *t = *state;
	autolock struct lock lock = {0};
	autofree char *holder = NULL;

	assert_false(lock_held(&t->root, NULL));
	assert_int_equal(lock_take(&t->root, "upgrade", &lock, NULL), 0);
	assert_true(lock_held(&t->root, NULL));
	assert_true(lock_held(&t->root, &holder));
	assert_true(str_starts(holder, "kuro upgrade (process "));
	lock_release(&lock);
	assert_false(lock_held(&t->root, NULL));
}

/* A child that takes the lock, says so, and sleeps until it is killed. */
static pid_t child_takes(const struct root *root, int *ret_fd)
{
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct lock lock = {0};

		if (lock_take(root, "upgrade", &lock, NULL) == 0)
			(void)!write(ends[1], "y", 1);
		for (;;)
			(void)pause();
	}
	(void)close(ends[1]);
	*ret_fd = ends[0];
	return pid;
}

static void a_killed_holder_holds_nothing(void **state)
{
	struct lock_test *t = *state;
	autolock struct lock lock = {0};
	autoclose int fd = -1;
	pid_t pid = child_takes(&t->root, &fd);
	char answer = 0;

	assert_int_equal(read(fd, &answer, 1), 1);
	assert_int_equal(lock_take(&t->root, "prune", &lock, NULL), -ERROR_BUSY);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_false(lock_held(&t->root, NULL));
	assert_int_equal(lock_take(&t->root, "prune", &lock, NULL), 0);
}

static void strange_words_in_the_file_are_not_repeated(void **state)
{
	static const char *const words[] = {"",
					    "x\n",
					    "1 \033[31mupgrade 5\n",
					    "-4 upgrade 5\n",
					    "1 upgrade 99999999999999999\n",
					    "1 a b c\n"};
	struct lock_test *t = *state;
	autolock struct lock lock = {0};

	assert_int_equal(lock_take(&t->root, "upgrade", &lock, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		autofree char *holder = NULL;

		assert_int_equal(ftruncate(lock.fd, 0), 0);
		assert_int_equal(pwrite(lock.fd, words[i], strlen(words[i]), 0),
				 strlen(words[i]));
		assert_true(lock_held(&t->root, &holder));
		assert_null(strchr(holder, '\033'));
		if (i != 2)
			assert_string_equal(holder, "another kuro");
	}
}

static void a_lock_of_zeroes_releases_nothing(void **state)
{
	struct lock lock = {0};

	(void)state;
	lock_release(&lock);
	assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_second_is_told_who_is_first, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(released_it_can_be_taken_again, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(asking_names_the_holder_and_takes_nothing,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_killed_holder_holds_nothing, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			strange_words_in_the_file_are_not_repeated, set_up, tear_down),
		cmocka_unit_test(a_lock_of_zeroes_releases_nothing),
	};

	return cmocka_run_group_tests_name("lock", tests, NULL, NULL);
}
