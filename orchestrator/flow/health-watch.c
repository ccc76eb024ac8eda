/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * When to believe the health checks.
 */
#include "health-watch.h"

#include <time.h>

#include "base/cleanup.h"
#include "base/process.h"

/* Seconds since some start, that no clock change moves. */
static int64_t verdict_clock(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* always there on Linux */
	return now.tv_sec;
}

/* How long the checks have said the same. */
struct watch {
	const struct policy *policy;
	bool settle;
	int64_t began, good_since;
	bool was_good;
	long long failures; /* rounds in a row */
};

/* Is this round's answer believed? */
static bool watch_believes(struct watch *w, bool good)
{
	int64_t now = verdict_clock();

	if (now - w->began >= policy_number(w->policy, POLICY_HEALTH_DEADLINE))
		return true;
	if (!good) {
		w->was_good = false;
		w->failures++;
		return !w->settle ||
		       w->failures >= policy_number(w->policy, POLICY_HEALTH_ATTEMPTS);
	}
	if (!w->was_good)
		w->good_since = now;
	w->was_good = true;
	w->failures = 0;
	return !w->settle ||
	       now - w->good_since >= policy_number(w->policy, POLICY_HEALTH_SETTLE);
}

static void watch_wait(const struct watch *w)
{
	int64_t wait = policy_number(w->policy, POLICY_HEALTH_INTERVAL);
	int64_t left = w->good_since + policy_number(w->policy, POLICY_HEALTH_SETTLE) -
		       verdict_clock();
	struct timespec time = {0};

	if (w->was_good && left < wait)
		wait = left;
	time.tv_sec = wait > 0 ? wait : 0;
	(void)nanosleep(&time, NULL); /* a signal ends it early, and is asked for after */
}

int health_watch(const struct health_context *context, bool settle, struct health *ret,
		 struct error *err)
{
	struct watch watch = {.policy = context->policy,
			      .settle = settle,
			      .began = verdict_clock()};

	for (;;) {
		autohealth struct health round = {0};
		int r = health_run(context, &round, err);

		if (r < 0)
			return r;
		if (process_interrupted())
			return error_set(err, -ERROR_INTERRUPTED,
					 "interrupted while the checks were watched");
		if (watch_believes(&watch, health_good(&round))) {
			*ret = round;
			round = (struct health){0};
			return 0;
		}
		watch_wait(&watch);
	}
}
