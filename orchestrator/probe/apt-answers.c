/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What dpkg and apt answer. Their lines are taken apart by position, and only what can
 * be a name or a version is believed: the rest of a line (origins, labels) is text from
 * an archive.
 */
#include "probe/apt-answers.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/process.h"
#include "probe/apt-preferences.h"

#define APT_QUESTION_TIMEOUT 300 /* seconds; a slow card and a large dpkg database */
#define DPKG_UPDATES         "/var/lib/dpkg/updates"
#define APT_OUTPUT_MAX       (16 * 1024 * 1024)
#define DPKG_FORMAT          "-f=${Package}\\t${Version}\\t${db:Status-Abbrev}\\t${Depends}\\n"

void dpkg_list_done(struct dpkg_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].name);
		free(list->items[i].version);
		free(list->items[i].depends);
	}
	free(list->items);
	*list = (struct dpkg_list){0};
}

const struct dpkg_package *dpkg_find(const struct dpkg_list *list, const char *name)
{
	size_t n = strcspn(name, ":");

	for (size_t i = 0; i < list->count; i++)
		if (strlen(list->items[i].name) == n &&
		    strncmp(list->items[i].name, name, n) == 0)
			return &list->items[i];
	return NULL;
}

bool dpkg_is_installed(const struct dpkg_list *list, const char *name,
		       const char *version)
{
	const struct dpkg_package *package = dpkg_find(list, name);

	return package && package->status == 'i' && package->broken == ' ' &&
	       (!version || str_eq(package->version, version));
}

/* Cut the next field off at a tab; "" when there is none left. */
static char *next_field(char **rest)
{
	char *field = strsep(rest, "\t");
	static char none[1];

	return field ? field : none;
}

static void dpkg_take_line(char *line, struct dpkg_list *ret)
{
	const char *name = next_field(&line), *version = next_field(&line);
	const char *status = next_field(&line), *depends = next_field(&line);

	if (!package_name_valid(name) || strlen(status) < 2 ||
	    (*version && !package_version_valid(version)))
		return;
	ret->items = mem_regrow(ret->items, ret->count + 1, sizeof(*ret->items));
	ret->items[ret->count++] = (struct dpkg_package){
		.name = str_dup(name),
		.version = str_dup(version),
		.depends = str_dup(depends),
		.wanted = status[0],
		.status = status[1],
		.broken = (char)(status[2] ? status[2] : ' '),
	};
}

void dpkg_query_parse(const char *text, struct dpkg_list *ret)
{
	autostrv struct strv lines = {0};

	strv_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.count; i++)
		dpkg_take_line(lines.items[i], ret);
}

int dpkg_query(const struct root *root, const struct strv *patterns,
	       struct dpkg_list *ret, struct error *err)
{
	autofree const char **argv = mem_zalloc((patterns->count + 5) * sizeof(*argv));
	autoprocess struct process_result result = {0};
	struct process process = {.argv = argv,
				  .root = root,
				  .timeout = APT_QUESTION_TIMEOUT,
				  .output_max = APT_OUTPUT_MAX};
	size_t n = 0;
	int r;

	argv[n++] = "dpkg-query";
	argv[n++] = "-W";
	argv[n++] = DPKG_FORMAT;
	argv[n++] = "--";
	for (size_t i = 0; i < patterns->count; i++)
		argv[n++] = patterns->items[i];
	r = process_run(&process, &result, err);
	if (r < 0)
		return r;
	/* 1: a pattern matched nothing; the others' lines count */
	if (result.status > 1 || result.timed_out)
		return error_set(err, -ERROR_PROGRAM, "dpkg-query failed: %.400s",
				 text_str(&result.err));
	dpkg_query_parse(text_str(&result.out), ret);
	return 0;
}

bool dpkg_stopped(const struct root *root)
{
	autostrv struct strv names = {0};

	if (root_list(root, DPKG_UPDATES, &names, NULL) < 0)
		return false;
	for (size_t i = 0; i < names.count; i++)
		if (strspn(names.items[i], "0123456789") == strlen(names.items[i]))
			return true;
	return false;
}

/* The word at s without its bracket; NULL where it does not begin with it. */
static char *bracketed(const char *s, char open, const char *ends)
{
	if (!s || *s != open)
		return NULL;
	return str_ndup(s + 1, strcspn(s + 1, ends));
}

/*
 * One line "Inst NAME [OLD] (NEW …", "Remv NAME [OLD]", "Purg NAME [OLD]". A package
 * that is removed and comes back within one run counts as changed.
 */
static int simulation_take_line(struct package_plan *plan, const char *line,
				struct error *err)
{
	bool inst = str_starts(line, "Inst ");
	autostrv struct strv words = {0};
	autofree char *old = NULL, *new = NULL;
	struct package_change *change;
	size_t at = 2;

	strv_split(&words, line, " ");
	/* removed before: its settings alone go, and it has no version here */
	if (words.count == 2 && str_starts(line, "Purg ") &&
	    package_name_valid(words.items[1]))
		return 0;
	if (words.count < 3 || !package_name_valid(words.items[1]))
		return error_set(err, -ERROR_DAMAGED, "apt-get answered: %.200s", line);
	old = bracketed(words.items[at], '[', "]");
	at += old ? 1 : 0;
	new = inst ? bracketed(words.items[at], '(', ") ") : NULL;
	if ((old && !package_version_valid(old)) ||
	    (inst ? !new || !package_version_valid(new) : !old))
		return error_set(err, -ERROR_DAMAGED, "apt-get answered: %.200s", line);
	change = package_plan_add(plan, words.items[1]);
	if (!change->old_version)
		change->old_version = take_ptr(old);
	free(change->new_version);
	change->new_version = take_ptr(new);
	return 0;
}

/* Names, indented, below "The following held packages will be changed:". */
static bool simulation_take_held(struct package_plan *plan, const char *line)
{
	autostrv struct strv names = {0};

	if (*line != ' ')
		return false;
	strv_split(&names, line, " ");
	for (size_t i = 0; i < names.count; i++)
		if (package_name_valid(names.items[i]))
			strv_add(&plan->kept_back, names.items[i]);
	return true;
}

int apt_simulate_parse(const char *text, struct package_plan *ret, struct error *err)
{
	autostrv struct strv lines = {0};
	bool held = false;

	strv_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.count; i++) {
		const char *line = lines.items[i];
		int r = 0;

		held = held && simulation_take_held(ret, line);
		if (str_starts(line, "The following held packages will be changed"))
			held = true;
		else if (str_starts(line, "Inst ") || str_starts(line, "Remv ") ||
			 str_starts(line, "Purg "))
			r = simulation_take_line(ret, line, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int apt_simulate(const struct apt_question *question, struct package_plan *ret,
		 struct error *err)
{
	/* Nothing that only a person or a timer's policy may remove goes with it. */
	static const char *const fixed[] = {
		"apt-get",
		"-q",
		"--simulate",
		"-o",
		"APT::Get::Show-User-Simulation-Note=no",
		"-o",
		"APT::Get::AutomaticRemove=false",
		"-o",
		"APT::Get::AutomaticRemove::Kernels=false",
		"-o",
		"Debug::NoLocking=true",
	};
	static const char *const others[] = {APT_OTHERS_OPTIONS};
	const struct strv *args = question->args;
	autofree const char **argv = mem_zalloc(
		(ARRAY_LEN(fixed) + ARRAY_LEN(others) + args->count + 1) * sizeof(*argv));
	autoclose int preferences =
		question->despite_holds
			? apt_preferences_others(question->root, question->pins, NULL)
			: -1;
	size_t n = ARRAY_LEN(fixed);
	autoprocess struct process_result result = {0};
	struct process process = {.argv = argv,
				  .root = question->root,
				  .timeout = question->timeout,
				  .stdin_fd = preferences > 0 ? preferences : 0,
				  .output_max = APT_OUTPUT_MAX};
	int r;

	memcpy(argv, fixed, sizeof(fixed));
	for (size_t i = 0; preferences > 0 && i < ARRAY_LEN(others); i++)
		argv[n++] = others[i];
	for (size_t i = 0; i < args->count; i++)
		argv[n++] = args->items[i];
	r = process_check(&process, &result, err);
	if (r < 0)
		return r;
	if (result.out.len >= APT_OUTPUT_MAX)
		return error_set(err, -ERROR_DAMAGED,
				 "apt-get's simulation prints more than %d bytes",
				 APT_OUTPUT_MAX);
	return apt_simulate_parse(text_str(&result.out), ret, err);
}

/* " NAME | VERSION | ARCHIVE Packages"; source packages' lines end otherwise. */
static void madison_take_line(const char *line, struct strv *ret)
{
	autostrv struct strv fields = {0};
	const char *name, *version;

	strv_split(&fields, line, "|");
	if (fields.count != 3 || !str_ends(str_strip(fields.items[2]), " Packages"))
		return;
	name = str_strip(fields.items[0]);
	version = str_strip(fields.items[1]);
	if (package_name_valid(name) && package_version_valid(version))
		strv_add_take(ret, str_format("%s=%s", name, version));
}

int apt_versions(const struct root *root, const struct strv *names, struct strv *ret,
		 struct error *err)
{
	autofree const char **argv = mem_zalloc((names->count + 3) * sizeof(*argv));
	autoprocess struct process_result result = {0};
	autostrv struct strv lines = {0};
	struct process process = {.argv = argv,
				  .root = root,
				  .timeout = APT_QUESTION_TIMEOUT,
				  .output_max = APT_OUTPUT_MAX};
	int r;

	argv[0] = "apt-cache";
	argv[1] = "madison";
	for (size_t i = 0; i < names->count; i++)
		argv[2 + i] = names->items[i];
	r = process_check(&process, &result, err);
	if (r < 0)
		return r;
	strv_split(&lines, text_str(&result.out), "\n");
	for (size_t i = 0; i < lines.count; i++)
		madison_take_line(lines.items[i], ret);
	return 0;
}

int apt_automatic(const struct root *root, struct strv *ret, struct error *err)
{
	static const char *const argv[] = {"apt-mark", "showauto", NULL};
	autoprocess struct process_result result = {0};
	struct process process = {.argv = argv,
				  .root = root,
				  .timeout = APT_QUESTION_TIMEOUT,
				  .output_max = APT_OUTPUT_MAX};
	int r = process_check(&process, &result, err);

	if (r < 0)
		return r;
	strv_split(ret, text_str(&result.out), "\n");
	return 0;
}
