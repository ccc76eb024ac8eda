/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The same work on many things, on as many CPUs as this process may use. Who calls keeps
 * a place for each thing's answer, so that what comes out never depends on the threads.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define PARALLEL_MAX 16 /* threads */

/*
 * Call each(data, i) once for every i below count, from this thread and from others, and
 * return when all are done. few: fewer things than this are not worth a thread. each must
 * not touch what another call of it may touch; errors are kept by i, like answers.
 */
void parallel_each(size_t count, size_t few, void (*each)(void *data, size_t i),
		   void *data);

/*
 * One piece of work beside what the caller goes on with. Begin, then end, once each and
 * by the same thread; between them nobody else touches what work does. Where no thread
 * can be had, end does it.
 */
struct aside {
	void (*work)(void *data);
	void *data;
	pthread_t thread;
	bool threaded;
	atomic_bool done;
};
void aside_begin(struct aside *aside, void (*work)(void *data), void *data);
/* Is it still at work, so that there is time for other things before the end? */
bool aside_works(const struct aside *aside);
void aside_end(struct aside *aside);
