/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables of /proc, line by line. A line longer than the buffer is no line of such a
 * table and is passed over whole.
 */
#include "proc-table.h"

#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"

#define PROC_LINE_MAX 4096

static void cleanup_file(FILE **file)
{
	if (*file)
		(void)fclose(*file); /* reading only */
}

static void split_line(char *text, struct proc_line *ret)
{
	char *field;

	ret->count = 0;
	while ((field = strsep(&text, " \t\n")) && ret->count < PROC_FIELDS_MAX)
		if (*field)
			ret->fields[ret->count++] = field;
}

/* The next whole line; false at the end. */
static bool next_line(FILE *file, char *text)
{
	bool skipping = false;

	while (fgets(text, PROC_LINE_MAX, file)) {
		bool whole = strchr(text, '\n') != NULL || feof(file);

		if (whole && !skipping)
			return true;
		skipping = !whole;
	}
	return false;
}

int proc_table_each(const struct root *root, const char *path,
		    bool (*take)(void *data, const struct proc_line *line), void *data)
{
	autoclose int fd = root_openat(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	cleanup(cleanup_file) FILE *file = NULL;
	char text[PROC_LINE_MAX];
	struct proc_line line;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	file = fdopen(fd, "re");
	if (!file)
		return -errno;
	(void)take_fd(&fd); /* file owns it now */
	for (size_t i = 0; i < PROC_LINES_MAX && next_line(file, text); i++) {
		split_line(text, &line);
		if (line.count > 0 && !take(data, &line))
			break;
	}
	return 0;
}
