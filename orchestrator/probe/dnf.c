/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dnf 4's answers. What it would do it tells kuro's plug-in (hooks/dnf/kuro.py), which
 * says it as a line of JSON: any of dnf's verbs can be asked so, with all that plug-ins
 * and settings (versionlock, excludes) make of it. rpm has no half-configured packages.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/process.h"
#include "core/release.h"
#include "package-backend.h"
#include "probe/dnf-incoming.h"
#include "probe/dnf-words.h"

#define ANSWER "kuro's plan: "
/* What dnf says of packages that are all excluded, instead of resolving. */
#define NOTHING     "No packages marked for upgrade"
#define OUTPUT_MAX  ((size_t)64 * 1024 * 1024)
#define RPM_TIMEOUT 120 /* seconds */
#define RPM_ANSWER  "%{NAME}\\t%{EPOCHNUM}\\t%{VERSION}-%{RELEASE}\\t%{ARCH}\\n"
#define FIELDS      4
#define NAMES_MAX   64
#define TOLD_OF_DNF 300 /* characters */

const char *const dnf_options[2] = {"dnf", "--setopt=installonly_limit=0"};

/* Which of dnf's verbs is asked, of what. */
struct dnf_question {
	const struct root *root;
	unsigned int timeout;
	const char *const *words; /* options and the verb, NULL-terminated */
	const struct strv *specs;
	bool unlocked; /* what kuro's plug-in keeps away is told, too */
};

/* The line that the plug-in said, without what it begins with; NULL: none. */
static char *answer_line(char *output)
{
	char *line = output;

	while (line && !str_starts(line, ANSWER)) {
		line = strchr(line, '\n');
		line += line != NULL;
	}
	if (!line)
		return NULL;
	line[strcspn(line, "\n")] = '\0';
	return line + strlen(ANSWER);
}

static int dnf_run(const struct dnf_question *question, struct process_result *result,
		   struct error *err)
{
	static const char *const locked[] = {DNF_PLAN_VARIABLE "=1", NULL};
	static const char *const unlocked[] = {DNF_PLAN_VARIABLE "=unlocked", NULL};
	size_t words = 0, n = 0;
	autofree const char **argv = NULL;
	struct process process = {.env = question->unlocked ? unlocked : locked,
				  .root = question->root,
				  .timeout = question->timeout,
				  .output_max = OUTPUT_MAX};

	while (question->words[words])
		words++;
	argv = mem_zalloc((ARRAY_LEN(dnf_options) + words + question->specs->count + 2) *
			  sizeof(*argv));
	for (size_t i = 0; i < ARRAY_LEN(dnf_options); i++)
		argv[n++] = dnf_options[i];
	argv[n++] = "--assumeno";
	for (size_t i = 0; i < words; i++)
		argv[n++] = question->words[i];
	for (size_t i = 0; i < question->specs->count; i++)
		argv[n++] = question->specs->items[i];
	process.argv = argv;
	return process_run(&process, result, err);
}

static int dnf_ask(const struct dnf_question *question, struct package_plan *ret,
		   struct error *err)
{
	autoprocess struct process_result result = {0};
	autofree char *told = NULL;
	const char *answer;
	int r = dnf_run(question, &result, err);

	if (r < 0)
		return r;
	if (result.timed_out)
		return error_set(err, -ERROR_PROGRAM, "dnf did not answer in %u s",
				 question->timeout);
	/* it ends with 1 where there is something to do and nobody agreed to it */
	answer = result.out.data ? answer_line(result.out.data) : NULL;
	if (answer)
		return dnf_incoming_parse(answer, ret, err);
	if (strstr(text_str(&result.err), NOTHING))
		return 0;
	told = str_printable(text_str(&result.err));
	if (result.status == 0)
		return error_set(
			err, -ERROR_UNSUPPORTED,
			"dnf does not tell kuro what it would do: kuro's plug-in "
			"for dnf 4 is not installed, or plug-ins are switched "
			"off");
	return error_set(err, -ERROR_PROGRAM, "dnf ended with status %d: %.*s",
			 result.status, TOLD_OF_DNF, str_strip(told));
}

/* The newest kernel whose image comes. */
static void plan_find_release(struct package_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct package_change *change = &plan->items[i];

		if (!change->image || !change->new_version || !change->release)
			continue;
		if (plan->release && release_compare(change->release, plan->release) <= 0)
			continue;
		free(plan->release);
		plan->release = str_dup(change->release);
	}
}

/* A line of RPM_ANSWER; false: it is none, such as "package … is not installed". */
static bool rpm_fields(const char *line, struct strv *ret)
{
	strv_split(ret, line, "\t");
	return ret->count == FIELDS && package_name_valid(ret->items[0]);
}

static int rpm_query(const struct root *root, const char *mode, const struct strv *names,
		     struct strv *ret, struct error *err)
{
	autofree const char **argv = mem_zalloc((names->count + 6) * sizeof(*argv));
	autoprocess struct process_result result = {0};
	struct process process = {.argv = argv,
				  .root = root,
				  .timeout = RPM_TIMEOUT,
				  .output_max = OUTPUT_MAX};
	size_t n = 0;
	int r;

	argv[n++] = "rpm";
	argv[n++] = mode;
	argv[n++] = "--qf";
	argv[n++] = RPM_ANSWER;
	for (size_t i = 0; i < names->count; i++)
		argv[n++] = names->items[i];
	r = process_run(&process, &result, err);
	if (r < 0)
		return r;
	/* other statuses count the names that are not installed */
	if (result.timed_out || (result.status != 0 && result.err.len > 0))
		return error_set(err, -ERROR_PROGRAM, "rpm -q failed: %.*s", TOLD_OF_DNF,
				 text_str(&result.err));
	strv_split(ret, text_str(&result.out), "\n");
	return 0;
}

/* The names of all packages of kernels that are here, each once: those of headers to
 * build with too, but not those of which there is one for all kernels. */
static int kernel_names(const struct root *root, struct strv *ret, struct error *err)
{
	static const char *const others[] = {"-headers", "-tools", "-doc",  "-srpm",
					     "-rpm",     "-abi",   "-cross"};
	autostrv struct strv patterns = {0}, lines = {0};
	int r;

	strv_add(&patterns, "kernel");
	strv_add(&patterns, "kernel-*");
	r = rpm_query(root, "-qa", &patterns, &lines, err);
	for (size_t i = 0; r == 0 && i < lines.count && ret->count < NAMES_MAX; i++) {
		autostrv struct strv fields = {0};
		bool other = !rpm_fields(lines.items[i], &fields);

		for (size_t k = 0; !other && k < ARRAY_LEN(others); k++)
			other = str_starts(fields.items[0] + strlen("kernel"), others[k]);
		if (!other && !strv_has(ret, fields.items[0]))
			strv_add(ret, fields.items[0]);
	}
	if (r == 0 && ret->count == 0)
		return error_set(err, -ERROR_UNSUPPORTED,
				 "no kernel is installed as a package of rpm; name a "
				 "release with --to when one is");
	return r;
}

#define UNLOCKED "--disableplugin=versionlock", "--disableexcludes=all"

/* `upgrade --security` brings the newest of all versions that hold what an advisory
 * mends; this the newest that an advisory names, as long as that can be had. */
static const char *const newest_words[2][3] = {{"upgrade", NULL},
					       {"upgrade-minimal", "--security", NULL}};
static const char *const unlocked_words[2][5] = {{UNLOCKED, "upgrade", NULL},
						 {UNLOCKED, "upgrade-minimal",
						  "--security", NULL}};

/* A plan whose kernel no advisory names brings nothing. */
static void plan_need_advisory(struct package_plan *plan)
{
	for (size_t i = 0; plan->release && i < plan->count; i++)
		if (plan->items[i].image && plan->items[i].security &&
		    str_eq(plan->items[i].release, plan->release))
			return;
	package_plan_done(plan);
}

/* The newest of all, where that is no security update. */
static int find_passed_over(const struct dnf_question *question, struct package_plan *ret,
			    struct error *err)
{
	autoplan struct package_plan all = {0};
	struct dnf_question again = *question;
	int r;

	again.words = newest_words[false];
	r = dnf_ask(&again, &all, err);
	plan_find_release(&all);
	if (all.release &&
	    (!ret->release || release_compare(all.release, ret->release) > 0))
		ret->passed_over = take_ptr(all.release);
	return r;
}

static int resolve_newest(struct dnf_question *question, bool security,
			  struct package_plan *ret, struct error *err)
{
	autoplan struct package_plan unlocked = {0};
	struct dnf_question again = *question;
	int r;

	question->words = newest_words[security];
	r = dnf_ask(question, ret, err);
	plan_find_release(ret);
	if (r == 0 && security) {
		plan_need_advisory(ret);
		r = find_passed_over(question, ret, err);
	}
	if (r < 0 || ret->release)
		return r;
	/* what else than a person's word, or kuro's, keeps a newer kernel away? */
	again.words = unlocked_words[security];
	again.unlocked = true;
	if (dnf_ask(&again, &unlocked, NULL) < 0)
		return 0;
	plan_find_release(&unlocked);
	if (security)
		plan_need_advisory(&unlocked);
	ret->kept_release = take_ptr(unlocked.release);
	for (size_t i = 0; i < unlocked.count; i++)
		if (unlocked.items[i].image && unlocked.items[i].new_version)
			strv_add(&ret->kept_back, unlocked.items[i].name);
	return 0;
}

/* "6.5.6-300.fc39.x86_64+debug" is kernel-debug-core-6.5.6-300.fc39.x86_64. */
static int resolve_release(struct dnf_question *question, const char *release,
			   struct package_plan *ret, struct error *err)
{
	static const char *const words[] = {"--setopt=strict=False", "install", NULL};
	autofree char *version = str_ndup(release, strcspn(release, "+"));
	autostrv struct strv specs = {0};
	int r;

	for (size_t i = 0; i < question->specs->count; i++)
		strv_add_take(&specs,
			      str_format("%s-%s", question->specs->items[i], version));
	question->specs = &specs;
	question->words = words;
	r = dnf_ask(question, ret, err);
	if (r < 0)
		return r;
	plan_find_release(ret);
	if (!ret->release) {
		autofree char *tree = str_format("/usr/lib/modules/%s", release);

		if (!root_exists(question->root, tree))
			return error_set(err, -ENOENT,
					 "dnf knows no kernel %s that can be installed; "
					 "see: dnf list --showduplicates kernel-core",
					 release);
	} else if (!str_eq(ret->release, release)) {
		return error_set(err, -ENOENT, "dnf would install %s for %s",
				 ret->release, release);
	}
	return 0;
}

static int dnf_resolve(const struct root *root, const struct policy *policy,
		       const char *to_release, struct package_plan *ret,
		       struct error *err)
{
	autostrv struct strv names = {0};
	struct dnf_question question = {
		.root = root,
		.timeout = (unsigned int)policy_number(policy, POLICY_PACKAGES_TIMEOUT),
		.specs = &names,
	};
	int r = kernel_names(root, &names, err);

	if (r < 0)
		return r;
	r = to_release ? resolve_release(&question, to_release, ret, err)
		       : resolve_newest(&question,
					policy_bool(policy, POLICY_PACKAGES_SECURITY),
					ret, err);
	free(ret->manager); /* the caller names it */
	ret->manager = NULL;
	return r;
}

bool dnf_lines_have(const struct strv *lines, const struct package_change *change,
		    const char *version)
{
	for (size_t i = 0; i < lines->count; i++) {
		autostrv struct strv f = {0};
		autofree char *alone = NULL, *changing = NULL, *evr = NULL;

		if (!rpm_fields(lines->items[i], &f))
			continue;
		alone = str_format("%s-%s.%s", f.items[0], f.items[2], f.items[3]);
		changing = str_format("%s.%s", f.items[0], f.items[3]);
		evr = str_eq(f.items[1], "0")
			      ? str_dup(f.items[2])
			      : str_format("%s:%s", f.items[1], f.items[2]);
		if ((str_eq(change->name, alone) || str_eq(change->name, changing)) &&
		    (!version || str_eq(version, evr)))
			return true;
	}
	return false;
}

int dnf_installed_lines(const struct root *root, const struct package_plan *plan,
			struct strv *ret, struct error *err)
{
	autostrv struct strv names = {0};

	for (size_t i = 0; i < plan->count; i++)
		strv_add(&names, plan->items[i].name);
	return names.count ? rpm_query(root, "-q", &names, ret, err) : 0;
}

static int dnf_installed(const struct root *root, const struct package_plan *plan,
			 struct error *err)
{
	autostrv struct strv lines = {0};
	int r = dnf_installed_lines(root, plan, &lines, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < plan->count; i++)
		if (dnf_lines_have(&lines, &plan->items[i], plan->items[i].new_version) !=
		    (plan->items[i].new_version != NULL))
			return 0;
	return 1;
}

/* A transaction of rpm's that was cut leaves packages that are there, or are not. */
static int dnf_unfinished(const struct root *root, struct error *err)
{
	(void)root, (void)err;
	return 0;
}

const struct package_backend dnf_backend = {
	.name = "dnf",
	.program = "dnf",
	.security = true,
	.database = {"/usr/lib/sysimage/rpm", "/var/lib/rpm"},
	.resolve = dnf_resolve,
	.installed = dnf_installed,
	.unfinished = dnf_unfinished,
};
