/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Third-party modules found, built and taken back, for tests/integration/modules/run.
 *
 *   tool ROOT modules RELEASE            a line for each, fields between tabs
 *   tool ROOT rebuild RELEASE TARGET     the same, what can be made of them for TARGET
 *   tool ROOT build RELEASE TARGET FILE  build RELEASE's for TARGET, record into FILE
 *   tool ROOT undo TARGET FILE
 *   tool ROOT time RELEASE COUNT         probe so often; microseconds of each
 *
 * FILE is outside of ROOT. Prints the answer; exit status as kuro's.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "act/module-build.h"
#include "base/cleanup.h"
#include "base/process.h"
#include "probe/third-party.h"

static void show(void *data, const char *line)
{
	(void)data;
	(void)printf("| %s\n", line); /* a test's own output */
}

static const char *shown(const char *text)
{
	return text ? text : "-";
}

static int modules(const struct package_run *run, const char *release, struct error *err)
{
	autothirdparty struct third_party_list list = {0};
	int r = third_party_probe(run->root, release, &list, err);

	for (size_t i = 0; i < list.count; i++) {
		const struct third_party *known = &list.items[i];

		(void)printf("%s\t%s\t%s\t%s\t%s\t%s\t%s\n", known->name,
			     module_provider_name(known->provider), shown(known->package),
			     shown(known->version), shown(known->built_for),
			     shown(known->path),
			     known->file && known->file->signature.present
				     ? shown(known->file->signature.signer)
				     : "unsigned"); /* as above */
	}
	return r;
}

static int rebuild(const struct package_run *run, const char *release, const char *target,
		   struct error *err)
{
	autothirdparty struct third_party_list list = {0};
	int r = third_party_probe(run->root, release, &list, err);

	for (size_t i = 0; r == 0 && i < list.count; i++) {
		autorebuild struct rebuild answer = {0};

		r = third_party_rebuild(run->root, &list.items[i], target, &answer, err);
		if (r == 0)
			(void)printf("%s\t%s\t%s\t%s\n", list.items[i].name,
				     answer.source && answer.headers && !answer.excluded
					     ? "yes"
					     : "no",
				     shown(answer.why),
				     shown(answer.command)); /* as above */
	}
	return r;
}

static int build(const struct package_run *run, char **words, struct error *err)
{
	autothirdparty struct third_party_list list = {0};
	autobuilds struct module_build_list builds = {0};
	autofree char *text = NULL;
	struct root live;
	int r = third_party_probe(run->root, words[0], &list, err);

	if (r == 0)
		r = module_build_all(run, &list, NULL, words[1], &builds, err);
	if (r == 0)
		r = root_open(&live, "/", err);
	if (r < 0)
		return r;
	text = module_build_format(&builds);
	r = root_write(&live, words[2], 0644, text, strlen(text), err);
	root_done(&live);
	return r;
}

static int undo(const struct package_run *run, const char *release, const char *path,
		struct error *err)
{
	autobuilds struct module_build_list builds = {0};
	autofree char *text = NULL;
	struct root live;
	int r = root_open(&live, "/", err);

	if (r < 0)
		return r;
	r = root_read(&live, path, 1 << 20, &text, NULL, err);
	root_done(&live);
	if (r == 0)
		r = module_build_parse(text, &builds, err);
	return r < 0 ? r : module_build_undo(run, &builds, release, err);
}

static int measure(const struct package_run *run, const char *release, const char *count,
		   struct error *err)
{
	unsigned long long times;
	int r = str_to_u64(count, 1, 10000, &times);

	for (; r == 0 && times > 0; times--) {
		autothirdparty struct third_party_list list = {0};
		struct timespec begin, end;

		(void)clock_gettime(CLOCK_MONOTONIC, &begin); /* always there */
		r = third_party_probe(run->root, release, &list, err);
		(void)clock_gettime(CLOCK_MONOTONIC, &end);
		(void)printf("%ld\n",
			     (end.tv_sec - begin.tv_sec) * 1000000 +
				     (end.tv_nsec - begin.tv_nsec) / 1000); /* as above */
	}
	return r;
}

static int carry_out(const struct package_run *run, int count, char **words,
		     struct error *err)
{
	if (count == 2 && str_eq(words[0], "modules"))
		return modules(run, words[1], err);
	if (count == 3 && str_eq(words[0], "rebuild"))
		return rebuild(run, words[1], words[2], err);
	if (count == 4 && str_eq(words[0], "build"))
		return build(run, words + 1, err);
	if (count == 3 && str_eq(words[0], "undo"))
		return undo(run, words[1], words[2], err);
	if (count == 3 && str_eq(words[0], "time"))
		return measure(run, words[1], words[2], err);
	return error_set(err, -ERROR_USAGE, "see the head of tool.c");
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
	process_catch_signals();
	policy_init(&policy);
	r = root_open(&root, argv[1], &err);
	if (r == 0)
		r = carry_out(&run, argc - 2, argv + 2, &err);
	root_done(&root);
	if (r < 0)
		(void)printf("error %s: %s\n", error_name(r), err.message); /* as above */
	return error_exit_status(r < 0 ? r : 0);
}
