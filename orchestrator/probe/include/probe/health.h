/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Health checks: the built-in ones and the executables a person or a package wrote.
 * Running them changes nothing of kuro's.
 */
#pragma once

#include "base/root-file.h"
#include "base/text.h"
#include "core/policy.h"
#include "probe/state.h"
#include "probe/this-boot.h"

enum check_result {
	CHECK_PASSED,
	CHECK_FAILED,
	CHECK_TIMED_OUT,
	CHECK_SKIPPED,
	CHECK_RESULTS
};

struct check {
	char *name;    /* "built in: mounts", "/etc/kuro/health.d/required.d/10-web" */
	bool required; /* a wanted one's failure is told, not acted on */
	enum check_result result;
	char *detail; /* why it failed or was skipped: a sentence, or its last lines */
	unsigned int milliseconds;
};

struct health {
	struct check *items;
	size_t count;
};

void health_done(struct health *h);
#define autohealth cleanup(health_done)

/* What the built-in checks compare with. */
struct health_context {
	const struct root *root;
	const struct policy *policy;
	const struct this_boot *boot;
	unsigned int expected; /* generation that this boot was meant to be, 0: any */
	const char *expected_release;         /* or NULL */
	const struct machine_state *baseline; /* or NULL: nothing to compare with */
};

/*
 * One round: every check once, built-in ones first, then executables in the order of
 * their names. A check that is not a regular executable file owned by root, or that
 * others may write, is not run and counts as failed, with the reason.
 */
int health_run(const struct health_context *context, struct health *ret,
	       struct error *err);
/* True when no required check failed or timed out. */
bool health_good(const struct health *h);
/*
 * One sentence on what failed ("ssh.service failed; …"), required checks first, wanted
 * ones marked so (a good boot may have some); NULL where nothing did. Caller frees.
 */
char *health_summary(const struct health *h);
const char *check_result_name(enum check_result result);
/* JSON text, caller frees; and back (-ERROR_DAMAGED). */
char *health_format(const struct health *h);
int health_parse(const char *text, struct health *ret, struct error *err);
