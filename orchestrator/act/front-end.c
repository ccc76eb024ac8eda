/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The noted process counts only while it is an ancestor of the one that asks: another one
 * that has its number by now is not.
 */
#include "act/front-end.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define NOTE_DIRECTORY "/run/kuro"
#define NOTE           NOTE_DIRECTORY "/front-end"
#define NOTE_MAX       64
#define STAT_MAX       4096
#define ANCESTORS_MAX  64
#define PID_LIMIT      (1ULL << 31)

int front_end_announce(const struct root *root, struct error *err)
{
	autofree char *line = str_format("%lld\n", (long long)getppid());
	int r = root_mkdirs(root, NOTE_DIRECTORY, 0755, err);

	return r < 0 ? r : root_write(root, NOTE, 0644, line, strlen(line), err);
}

/* proc_pid_stat(5): "PID (NAME) STATE PARENT …"; a name may hold anything. 0: none. */
static unsigned long long parent_of(const struct root *root, unsigned long long pid)
{
	autofree char *path = str_format("/proc/%llu/stat", pid), *text = NULL;
	autostrv struct strv words = {0};
	unsigned long long parent = 0;
	const char *end;

	if (root_read(root, path, STAT_MAX, &text, NULL, NULL) < 0)
		return 0;
	end = strrchr(text, ')');
	if (end)
		strv_split(&words, end + 1, " ");
	if (words.count < 2 || str_to_u64(words.items[1], 0, PID_LIMIT, &parent) < 0)
		return 0;
	return parent;
}

/* DPKG_FRONTEND_LOCKED: dpkg(1). */
bool front_end_works(const struct root *root)
{
	unsigned long long noted = 0, pid = (unsigned long long)getppid();
	autofree char *line = NULL;

	if (getenv("DPKG_FRONTEND_LOCKED"))
		return true;
	if (root_read_line(root, NOTE, &line, NULL) < 0 ||
	    str_to_u64(line, 1, PID_LIMIT, &noted) < 0)
		return false;
	for (int i = 0; i < ANCESTORS_MAX && pid > 1; i++) {
		if (pid == noted)
			return true;
		pid = parent_of(root, pid);
	}
	return false;
}
