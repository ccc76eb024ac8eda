/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Owners of files and directories, of which a handful is asked about: each list is gone
 * through once, and only lines below the places that kernels have are compared.
 */
#include "probe/file-owners.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/process.h"
#include "dpkg-lists.h"

#define RPM_TIMEOUT 120 /* seconds */
#define RPM_OUTPUT  ((size_t)64 * 1024 * 1024)

struct question {
	const struct strv *paths;
	bool *owned;
};

static const char *below_usr(const char *path)
{
	return str_starts(path, "/usr/lib/") ? path + strlen("/usr") : path;
}

/* A line of a list, or of rpm's answer: the path of one file or directory. */
static void take_line(const struct question *q, const char *line, size_t len)
{
	const char *owned = below_usr(line);

	len -= (size_t)(owned - line);
	for (size_t i = 0; i < q->paths->count; i++) {
		const char *path = below_usr(q->paths->items[i]);
		size_t n = strlen(path);

		if (len >= n && memcmp(owned, path, n) == 0 &&
		    (len == n || owned[n] == '/'))
			q->owned[i] = true;
	}
}

static void take_text(const struct question *q, const char *text)
{
	static const char *const places[] = {"/boot/", "/lib/modules/", "/var/lib/"};
	const char *end;

	for (const char *line = text; *line; line = *end ? end + 1 : end) {
		const char *path = below_usr(line);

		end = strchrnul(line, '\n');
		for (size_t i = 0; i < ARRAY_LEN(places); i++)
			if (str_starts(path, places[i]))
				take_line(q, line, (size_t)(end - line));
	}
}

/* false: there are no lists, or one can't be read. */
static bool ask_dpkg(const struct root *root, const struct question *q)
{
	autodir DIR *dir = dpkg_lists_open(root);
	autotext struct text text = {0};
	const struct dirent *entry;
	size_t read = 0;

	while (dir && (entry = readdir(dir))) {
		if (!str_ends(entry->d_name, ".list"))
			continue;
		if (!dpkg_list_read(dirfd(dir), entry->d_name, &text))
			return false;
		take_text(q, text.data);
		read++;
	}
	return read > 0;
}

/*
 * One run for all: each answer is the whole list of the owner's files, so that it tells
 * which question it answers, whatever rpm says of files without an owner.
 */
static bool ask_rpm(const struct root *root, const struct question *q)
{
	static const char *const words[] = {"rpm", "-qf", "--qf", "[%{FILENAMES}\\n]"};
	autofree const char **argv =
		mem_zalloc((ARRAY_LEN(words) + q->paths->count + 1) * sizeof(*argv));
	struct process process = {.argv = argv,
				  .root = root,
				  .timeout = RPM_TIMEOUT,
				  .output_max = RPM_OUTPUT};
	autoprocess struct process_result result = {0};

	memcpy(argv, words, sizeof(words));
	for (size_t i = 0; i < q->paths->count; i++)
		argv[ARRAY_LEN(words) + i] = q->paths->items[i];
	if (process_run(&process, &result, NULL) < 0 || result.timed_out ||
	    result.status > 126 || result.out.len >= RPM_OUTPUT)
		return false;
	take_text(q, text_str(&result.out));
	return true;
}

void file_owners_find(const struct root *root, const struct strv *paths, bool *ret)
{
	const struct question q = {paths, ret};
	bool answered = true;

	if (paths->count == 0)
		return;
	if (root_exists(root, "/var/lib/dpkg/status"))
		answered = ask_dpkg(root, &q);
	else if (root_exists(root, "/usr/lib/sysimage/rpm") ||
		 root_exists(root, "/var/lib/rpm"))
		answered = ask_rpm(root, &q);
	for (size_t i = 0; !answered && i < paths->count; i++)
		ret[i] = true;
}
