/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The package functions, one a call, for tests/integration/packages/run. Plans go
 * through files as they go through the database.
 *
 *   tool ROOT manager | unfinished | refresh | repair
 *   tool ROOT resolve PLAN [RELEASE]
 *   tool ROOT installed | install | undo PLAN
 *   tool ROOT unpack | configure PLAN     as an upgrade does it, around its initramfs
 *   tool ROOT initramfs | stale RELEASE
 *
 * Prints the answer; exit status as kuro's.
 */
#include <stdio.h>
#include <string.h>

#include "act/initramfs.h"
#include "act/packages.h"
#include "base/cleanup.h"
#include "base/process.h"

static void show(void *data, const char *line)
{
	(void)data;
	(void)printf("| %s\n", line); /* a test's own output */
}

static int read_plan(const char *path, struct package_plan *ret, struct error *err)
{
	struct root live;
	autofree char *text = NULL;
	int r = root_open(&live, "/", err);

	if (r == 0)
		r = root_read(&live, path, 1 << 20, &text, NULL, err);
	if (r == 0)
		r = package_plan_parse(text, ret, err);
	root_done(&live);
	return r;
}

static int resolve(const struct package_run *run, const char *path, const char *release,
		   struct error *err)
{
	autoplan struct package_plan plan = {0};
	int r = packages_resolve(run->root, run->policy, release, &plan, err);
	autofree char *text = r < 0 ? NULL : package_plan_format(&plan);
	struct root live;

	if (r == 0)
		r = root_open(&live, "/", err);
	if (r < 0)
		return r;
	r = root_write(&live, path, 0644, text, strlen(text), err);
	root_done(&live);
	(void)printf("%s\n", text); /* a test's own output */
	return r;
}

static int with_plan(const struct package_run *run, const char *verb, const char *path,
		     struct error *err)
{
	autoplan struct package_plan plan = {0};
	struct package_run covered = *run;
	int r = read_plan(path, &plan, err);

	if (r < 0)
		return r;
	covered.initramfs_of = plan.release;
	if (str_eq(verb, "unpack"))
		return packages_unpack(&covered, &plan, err);
	if (str_eq(verb, "configure"))
		return packages_install(&covered, &plan, err);
	if (str_eq(verb, "install"))
		return packages_install(run, &plan, err);
	if (str_eq(verb, "undo"))
		return packages_undo(run, &plan, err);
	return packages_installed(run->root, &plan, err);
}

static int carry_out(const struct package_run *run, char **words, struct error *err)
{
	const char *manager = packages_manager(run->root);

	if (str_eq(words[0], "manager"))
		(void)printf("%s\n", manager ? manager : "none"); /* as above */
	else if (str_eq(words[0], "unfinished"))
		return packages_unfinished(run->root, err);
	else if (str_eq(words[0], "refresh"))
		return packages_refresh(run, err);
	else if (str_eq(words[0], "repair"))
		return packages_repair(run, err);
	else if (words[1] && str_eq(words[0], "initramfs"))
		return initramfs_build(run, words[1], err);
	else if (words[1] && str_eq(words[0], "stale"))
		return initramfs_is_stale(run->root, words[1], err);
	else if (words[1] && str_eq(words[0], "resolve"))
		return resolve(run, words[1], words[2], err);
	else if (words[1])
		return with_plan(run, words[0], words[1], err);
	return 0;
}

int main(int argc, char **argv)
{
	autopolicy struct policy policy = {0};
	struct root root = {.fd = -1};
	struct error err = {0};
	struct package_run run = {.root = &root, .policy = &policy, .line = show};
	int r;

	if (argc < 3)
		return EXIT_USAGE;
	(void)setvbuf(stdout, NULL, _IOLBF, 0); /* lines come as they are said */
	if (getenv("TOOL_CATCHES"))
		process_catch_signals();
	policy_init(&policy);
	if (getenv("TOOL_LIMIT"))
		policy.values[POLICY_INITRAMFS_BUILD_LIMIT].number = 1;
	r = root_open(&root, argv[1], &err);
	if (r == 0)
		r = carry_out(&run, argv + 2, &err);
	root_done(&root);
	if (r < 0)
		(void)printf("error %s: %s\n", error_name(r), err.message); /* as above */
	else
		(void)printf("answer %d\n", r); /* as above */
	return error_exit_status(r < 0 ? r : 0);
}
