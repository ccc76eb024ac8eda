/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables of /proc, line by line, as far as the reader wants them: a router's routes or
 * a busy server's sockets are never read to their end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/root-file.h"

#define PROC_FIELDS_MAX 16
#define PROC_LINES_MAX  65536

/* One line's fields, split at blanks; those beyond PROC_FIELDS_MAX are left away. */
struct proc_line {
	char *fields[PROC_FIELDS_MAX];
	size_t count;
};

/*
 * Give each line to take until it says false, at most PROC_LINES_MAX of them. A missing
 * file has no lines. 0 or -errno.
 */
int proc_table_each(const struct root *root, const char *path,
		    bool (*take)(void *data, const struct proc_line *line), void *data);
