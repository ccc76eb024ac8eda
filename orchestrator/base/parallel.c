/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Threads that take the next thing until there is none. Where no thread can be had, the
 * one that is there does all of it.
 */
#include "base/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

struct work {
	atomic_size_t next;
	size_t count;
	void (*each)(void *data, size_t i);
	void *data;
};

static void *work_on(void *data)
{
	struct work *work = data;
	size_t i;

	while ((i = atomic_fetch_add(&work->next, 1)) < work->count)
		work->each(work->data, i);
	return NULL;
}

/* Those of the affinity mask: a container or taskset may leave fewer than there are. */
static size_t usable_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1; /* more than the set has room for, or forbidden */
	return (size_t)CPU_COUNT(&set);
}

static size_t threads_for(size_t count, size_t few)
{
	size_t threads = usable_cpus(), worth = few ? count / few : count;

	if (threads > PARALLEL_MAX)
		threads = PARALLEL_MAX;
	return threads < worth ? threads : worth;
}

/* Signals are for the thread that all others know: the helpers take none. How many were
 * begun. */
static size_t helpers_begin(pthread_t *helpers, size_t count, void *(*work)(void *data),
			    void *data)
{
	sigset_t all, before;
	size_t begun = 0;

	(void)sigfillset(&all); /* knows no failure */
	if (count == 0 || pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
		return 0;
	while (begun < count && pthread_create(&helpers[begun], NULL, work, data) == 0)
		begun++;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL); /* it was taken from there */
	return begun;
}

void parallel_each(size_t count, size_t few, void (*each)(void *data, size_t i),
		   void *data)
{
	struct work work = {.count = count, .each = each, .data = data};
	size_t threads = threads_for(count, few);
	pthread_t helpers[PARALLEL_MAX];
	size_t begun = helpers_begin(helpers, threads ? threads - 1 : 0, work_on, &work);

	(void)work_on(&work);
	for (size_t i = 0; i < begun; i++)
		(void)pthread_join(helpers[i], NULL); /* fails for no thread only */
}

static void *work_aside(void *data)
{
	struct aside *aside = data;

	aside->work(aside->data);
	atomic_store(&aside->done, true);
	return NULL;
}

void aside_begin(struct aside *aside, void (*work)(void *data), void *data)
{
	aside->work = work;
	aside->data = data;
	atomic_init(&aside->done, false);
	aside->threaded = helpers_begin(&aside->thread, 1, work_aside, aside) == 1;
}

bool aside_works(const struct aside *aside)
{
	return aside->threaded && !atomic_load(&aside->done);
}

void aside_end(struct aside *aside)
{
	if (aside->threaded)
		(void)pthread_join(aside->thread, NULL); /* fails for no thread only */
	else
		aside->work(aside->data);
}
