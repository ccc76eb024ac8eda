/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Everything is done once, whatever the number of CPUs, and with no more threads than
 * there are.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/parallel.h"

#define COUNT 5000

struct done {
	unsigned char times[COUNT];
	pthread_t by[COUNT];
	atomic_int unblocked; /* helpers that would take signals */
	pthread_t caller;
};

static void note(void *data, size_t i)
{
	struct done *done = data;
	sigset_t blocked;

	done->times[i]++;
	done->by[i] = pthread_self();
	(void)pthread_sigmask(SIG_BLOCK, NULL, &blocked);
	if (!pthread_equal(done->by[i], done->caller) && !sigismember(&blocked, SIGTERM))
		done->unblocked++;
	(void)sched_yield();
}

static size_t threads_of(const struct done *done, size_t count)
{
	pthread_t seen[PARALLEL_MAX + 1];
	size_t threads = 0;

	for (size_t i = 0; i < count; i++) {
		size_t at = 0;

		while (at < threads && !pthread_equal(seen[at], done->by[i]))
			at++;
		if (at == threads) {
			assert_true(threads < PARALLEL_MAX);
			seen[threads++] = done->by[i];
		}
	}
	return threads;
}

static void each_is_done_once(void **state)
{
	static const size_t counts[] = {0, 1, 2, 3, 100, COUNT};

	(void)state;
	for (size_t c = 0; c < sizeof(counts) / sizeof(*counts); c++) {
		struct done done = {.caller = pthread_self()};

		parallel_each(counts[c], 1, note, &done);
		for (size_t i = 0; i < COUNT; i++)
			assert_int_equal(done.times[i], i < counts[c]);
		assert_int_equal(done.unblocked, 0);
	}
}

static void little_work_stays_in_one_thread(void **state)
{
	struct done done = {.caller = pthread_self()};

	(void)state;
	parallel_each(31, 16, note, &done);
	assert_int_equal(threads_of(&done, 31), 1);
	assert_true(pthread_equal(done.by[0], done.caller));
}

static void no_more_threads_than_allowed_cpus(void **state)
{
	struct done done = {.caller = pthread_self()};
	cpu_set_t before, one;
	int cpu = 0;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	parallel_each(COUNT, 1, note, &done);
	assert_true(threads_of(&done, COUNT) <= (size_t)CPU_COUNT(&before));
	while (!CPU_ISSET(cpu, &before))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	parallel_each(COUNT, 1, note, &done);
	assert_int_equal(threads_of(&done, COUNT), 1);
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
}

struct told {
	pthread_t by;
	int times;
};

static void tell(void *data)
{
	struct told *told = data;

	told->by = pthread_self();
	told->times++;
}

static void work_aside_is_done_at_its_end(void **state)
{
	struct told told = {0};
	struct aside aside;

	(void)state;
	aside_begin(&aside, tell, &told);
	aside_end(&aside);
	assert_false(aside_works(&aside));
	assert_int_equal(told.times, 1);
	assert_false(pthread_equal(told.by, pthread_self()));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_done_once),
		cmocka_unit_test(little_work_stays_in_one_thread),
		cmocka_unit_test(no_more_threads_than_allowed_cpus),
		cmocka_unit_test(work_aside_is_done_at_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
