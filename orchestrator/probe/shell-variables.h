/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files of shell assignments (/etc/default/grub, os-release), read without a shell:
 * nothing in them is ever run.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"

struct shell_variable {
	char *name;
	char *value; /* NULL: only a shell could tell */
};

struct shell_variables {
	struct shell_variable *items; /* each name once */
	size_t count;
};

void shell_variables_done(struct shell_variables *variables);
#define autovariables cleanup(shell_variables_done)

/*
 * Take a file's assignments over, the last one of a name wins. $NAME and ${NAME} are
 * followed for names assigned before; a name not assigned yet is empty in its own value
 * (X="$X more") and makes any other value unreadable, as command substitutions do.
 * -ERROR_UNSUPPORTED where the text holds anything but assignments, "export" and
 * comments; the message says in which line.
 */
int shell_variables_read(struct shell_variables *variables, const char *text,
			 struct error *err);

/*
 * A variable's value, "" where it is not assigned; borrowed. -ERROR_UNSUPPORTED where
 * only a shell could tell.
 */
int shell_variables_get(const struct shell_variables *variables, const char *name,
			const char **ret, struct error *err);
