/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Packages taken away by apt-get for good, and nothing beside them: apt's simulation is
 * asked first, and what it would do besides is a refusal.
 */
#include <string.h>

#include "apt-run.h"
#include "base/cleanup.h"
#include "probe/apt-answers.h"

#define SIMULATION_TIMEOUT 300 /* seconds */

/* Names are given with and without ":arch". */
static bool names_have(const struct strv *names, const char *name)
{
	size_t n = strcspn(name, ":");

	for (size_t i = 0; i < names->count; i++)
		if (strcspn(names->items[i], ":") == n &&
		    strncmp(names->items[i], name, n) == 0)
			return true;
	return false;
}

static int simulate(const struct package_run *run, const struct strv *names,
		    struct package_plan *ret, struct error *err)
{
	autostrv struct strv words = {0};
	struct apt_question question = {.root = run->root,
					.args = &words,
					.timeout = SIMULATION_TIMEOUT};

	strv_add(&words, "purge");
	for (size_t i = 0; i < names->count; i++)
		strv_add(&words, names->items[i]);
	return apt_simulate(&question, ret, err);
}

int apt_remove_check(const struct package_run *run, const struct strv *names,
		     struct error *err)
{
	autoplan struct package_plan outcome = {0};
	int r = simulate(run, names, &outcome, err);

	if (r < 0)
		return r;
	if (outcome.kept_back.count > 0)
		return error_set(err, -ERROR_REFUSED,
				 "%s is on hold; `apt-mark unhold` lifts that",
				 outcome.kept_back.items[0]);
	for (size_t i = 0; i < outcome.count; i++) {
		const struct package_change *change = &outcome.items[i];

		if (change->new_version)
			return error_set(err, -ERROR_REFUSED,
					 "apt would install %s in its stead",
					 change->name);
		if (!names_have(names, change->name))
			return error_set(err, -ERROR_REFUSED, "apt would remove %s too",
					 change->name);
	}
	return 0;
}

/* Are they gone? What apt's exit status says of it is not asked. */
static int verify_gone(const struct package_run *run, const struct strv *names,
		       struct error *err)
{
	autodpkg struct dpkg_list list = {0};
	int r = dpkg_query(run->root, names, &list, err);

	for (size_t i = 0; r == 0 && i < list.count; i++)
		if (!strchr("nc", list.items[i].status))
			return error_set(err, -ERROR_PROGRAM,
					 "package %s is still there after apt-get was to "
					 "remove it",
					 list.items[i].name);
	return r;
}

int apt_remove(const struct package_run *run, const struct strv *names, struct error *err)
{
	autostrv struct strv words = {0};
	int r = apt_remove_check(run, names, err);

	if (r < 0)
		return r;
	strv_add(&words, "purge");
	for (size_t i = 0; i < names->count; i++)
		strv_add(&words, names->items[i]);
	r = apt_get(run, &words, 0, err);
	return r < 0 ? r : verify_gone(run, names, err);
}
