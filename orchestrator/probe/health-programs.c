/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Checks that a person or a package wrote: executables in kuro's own directories and in
 * greenboot's (github.com/fedora-iot/greenboot). A file in /etc takes the place of one
 * of the same name in /usr/lib; a link to /dev/null masks it. They run as root, so
 * nothing is run that anyone else could have put there.
 */
#include "health-parts.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/process.h"

#define PROGRAM_OUTPUT_MAX ((size_t)256 * 1024)
#define PROGRAM_TAIL_LINES 3
#define PROGRAM_LINE_SHOWN 200
#define PROGRAMS_MAX       512

struct program_place {
	const char *directories[2]; /* the first one's files win */
	bool required;
	const char *suffix; /* of names that count, or NULL for all */
};

static const struct program_place places[] = {
	{{"/etc/kuro/health.d/required.d", "/usr/lib/kuro/health.d/required.d"},
	 true,
	 NULL},
	{{"/etc/greenboot/check/required.d", "/usr/lib/greenboot/check/required.d"},
	 true,
	 ".sh"},
	{{"/etc/kuro/health.d/wanted.d", "/usr/lib/kuro/health.d/wanted.d"}, false, NULL},
	{{"/etc/greenboot/check/wanted.d", "/usr/lib/greenboot/check/wanted.d"},
	 false,
	 ".sh"},
};

/* Left by editors and package managers, or written for people. */
static bool name_passed_over(const char *name, const char *suffix)
{
	static const char *const suffixes[] = {"~",         ".bak",      ".swp",
					       ".dpkg-old", ".dpkg-new", ".dpkg-dist",
					       ".dpkg-tmp", ".rpmsave",  ".rpmnew",
					       ".rpmorig",  ".ucf-dist"};

	if (name[0] == '.' || str_eq(name, "README") || str_starts(name, "README."))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
		if (str_ends(name, suffixes[i]))
			return true;
	return suffix && !str_ends(name, suffix);
}

/* Where a descriptor's file really lies, as the machine sees it; NULL outside the root.
 */
static char *real_path(const struct root *root, int fd)
{
	char links[2][PATH_MAX];
	const int fds[2] = {root->fd, fd};
	size_t n;

	for (size_t i = 0; i < 2; i++) {
		autofree char *self = str_format("/proc/self/fd/%d", fds[i]);
		ssize_t got = readlink(self, links[i], sizeof(links[i]) - 1);

		if (got <= 0)
			return NULL;
		links[i][got] = '\0';
	}
	n = strlen(links[0]);
	if (n == 1)
		return str_dup(links[1]);
	if (strncmp(links[1], links[0], n) != 0 || (links[1][n] && links[1][n] != '/'))
		return NULL;
	return str_dup(links[1][n] ? links[1] + n : "/");
}

/* root's, or that of the person who runs kuro; and nobody else may write. */
static bool owner_trusted(const struct stat *st, const char *path, char **ret_why)
{
	if (st->st_uid != 0 && st->st_uid != geteuid()) {
		*ret_why = str_format("%s belongs to user %u, not to root", path,
				      (unsigned int)st->st_uid);
		return false;
	}
	if (st->st_mode & (S_IWGRP | S_IWOTH)) {
		*ret_why = str_format("%s may be written by others than root", path);
		return false;
	}
	return true;
}

/* Can nobody but root change what this path leads to? Every directory above counts. */
static bool path_trusted(const struct root *root, const char *path, struct stat *ret_st,
			 char **ret_why)
{
	autoclose int fd = root_openat(root, path, O_PATH, 0);
	autofree char *real = fd < 0 ? NULL : real_path(root, fd);
	struct stat st;

	if (!real || fstat(fd, ret_st) < 0) {
		*ret_why = str_format("%s can't be reached", path);
		return false;
	}
	if (!owner_trusted(ret_st, path, ret_why))
		return false;
	for (char *slash = strrchr(real, '/'); slash; slash = strrchr(real, '/')) {
		*slash = '\0';
		if (root_stat(root, *real ? real : "/", &st) < 0 ||
		    !owner_trusted(&st, *real ? real : "/", ret_why))
			break;
		if (!*real)
			return true;
	}
	if (!*ret_why)
		*ret_why = str_format("%s can't be reached", path);
	return false;
}

static bool program_may_run(const struct root *root, const char *path, char **ret_why)
{
	struct stat st;

	if (!path_trusted(root, path, &st, ret_why))
		return false;
	if (!S_ISREG(st.st_mode))
		*ret_why = str_format("%s is not a file", path);
	else if (!(st.st_mode & 0111))
		*ret_why = str_format("%s is not executable", path);
	return !*ret_why;
}

static bool program_masked(const struct root *root, const char *path)
{
	autofree char *target = NULL;

	return root_readlink(root, path, &target) == 0 && str_eq(target, "/dev/null");
}

/* The last lines it printed, on one line. Caller frees. */
static char *output_tail(const struct process_result *result)
{
	autostrv struct strv lines = {0};
	struct text tail = {0};
	size_t first;

	strv_split(&lines, text_str(&result->out), "\r\n");
	first = lines.count > PROGRAM_TAIL_LINES ? lines.count - PROGRAM_TAIL_LINES : 0;
	for (size_t i = first; i < lines.count; i++)
		text_appendf(&tail, "%s%.*s", tail.len > 0 ? " / " : "",
			     PROGRAM_LINE_SHOWN, str_strip(lines.items[i]));
	return text_take(&tail);
}

static void program_environment(const struct this_boot *boot, struct strv *env)
{
	strv_add_take(env, str_format("KURO_GENERATION=%u", boot->generation));
	strv_add_take(env,
		      str_format("KURO_RELEASE=%s", boot->release ? boot->release : ""));
	strv_add_take(env, str_format("KURO_TRIAL=%d", boot->trial));
}

static void judge_program(const struct process *process,
			  const struct process_result *result, struct check *check)
{
	autofree char *tail = output_tail(result);
	const char *joint = *tail ? ": " : "";

	if (result->timed_out)
		check_end(check, CHECK_TIMED_OUT, "no end within %u seconds%s%s",
			  process->timeout, joint, tail);
	else if (result->status > 128)
		check_end(check, CHECK_FAILED, "ended by signal %d%s%s",
			  result->status - 128, joint, tail);
	else if (result->status != 0)
		check_end(check, CHECK_FAILED, "exit status %d%s%s", result->status,
			  joint, tail);
}

static void run_program(const struct health_context *context, const char *path,
			struct check *check)
{
	const char *const argv[] = {path, NULL};
	autostrv struct strv env = {0};
	autoprocess struct process_result result = {0};
	autofree char *why = NULL;
	struct process process = {
		.argv = argv,
		.root = context->root,
		.timeout = (unsigned int)policy_number(context->policy,
						       POLICY_HEALTH_TIMEOUT),
		.output_max = PROGRAM_OUTPUT_MAX,
		.merge_stderr = true,
	};
	struct error err = {0};

	if (!program_may_run(context->root, path, &why)) {
		check_end(check, CHECK_FAILED, "not run: %s", why);
		return;
	}
	program_environment(context->boot, &env);
	process.env = (const char *const *)env.items;
	if (process_run(&process, &result, &err) < 0)
		check_end(check, CHECK_FAILED, "not run: %s", err.message);
	else
		judge_program(&process, &result, check);
}

struct programs {
	struct strv names; /* sorted, each once */
	struct strv bad;   /* why a directory was not looked into */
};

static void programs_done(struct programs *p)
{
	strv_done(&p->names);
	strv_done(&p->bad);
}

static void list_directory(const struct root *root, const char *directory,
			   const char *suffix, struct programs *ret)
{
	autostrv struct strv names = {0};
	char *why = NULL;
	struct stat st;

	if (!root_exists(root, directory))
		return;
	if (!path_trusted(root, directory, &st, &why)) {
		strv_add_take(&ret->bad, why);
		return;
	}
	if (root_list(root, directory, &names, NULL) < 0)
		strv_add_take(&ret->bad, str_format("%s can't be read", directory));
	for (size_t i = 0; i < names.count && ret->names.count < PROGRAMS_MAX; i++)
		if (!name_passed_over(names.items[i], suffix) &&
		    !strv_has(&ret->names, names.items[i]))
			strv_add(&ret->names, names.items[i]);
}

/* The file of that name in the first directory that has one. Caller frees. */
static char *program_path(const struct root *root, const struct program_place *place,
			  const char *name)
{
	struct stat st;

	for (size_t i = 0; i < ARRAY_LEN(place->directories); i++) {
		autofree char *path = str_format("%s/%s", place->directories[i], name);

		if (root_lstat(root, path, &st) == 0)
			return take_ptr(path);
	}
	return NULL;
}

static void run_one(const struct health_context *context,
		    const struct program_place *place, const char *name, struct health *h)
{
	autofree char *path = program_path(context->root, place, name);
	int64_t begun = health_clock();
	struct check *check;

	if (!path || program_masked(context->root, path))
		return;
	check = health_add(h, str_printable(path), place->required);
	run_program(context, path, check);
	check->milliseconds = (unsigned int)(health_clock() - begun);
}

static int run_place(const struct health_context *context,
		     const struct program_place *place, struct health *h,
		     struct error *err)
{
	cleanup(programs_done) struct programs programs = {0};

	for (size_t i = 0; i < ARRAY_LEN(place->directories); i++)
		list_directory(context->root, place->directories[i], place->suffix,
			       &programs);
	strv_sort(&programs.names);
	for (size_t i = 0; i < programs.bad.count; i++)
		check_end(health_add(h, str_dup(place->directories[0]), place->required),
			  CHECK_FAILED, "not looked into: %s", programs.bad.items[i]);
	for (size_t i = 0; i < programs.names.count; i++) {
		if (process_interrupted())
			return error_set(err, -ERROR_INTERRUPTED,
					 "interrupted between two health checks");
		run_one(context, place, programs.names.items[i], h);
	}
	return 0;
}

int health_run_programs(const struct health_context *context, struct health *h,
			struct error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		int r = run_place(context, &places[i], h, err);

		if (r < 0)
			return r;
	}
	return 0;
}
