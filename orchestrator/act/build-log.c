/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The line of a build's log that tells why it failed. A compiler's first error causes
 * those behind it; make's own words ("*** Error 2") come last and say least.
 */
#include <string.h>

#include "act/module-build.h"
#include "base/cleanup.h"

#define LINE_MAX_SHOWN 400

/* The classes, best first: in the best that a log has, its first line counts. */
static const char *const words[][8] = {
	{"No space left on device", "Disk quota exceeded", "Cannot allocate memory",
	 "internal compiler error"},
	{": error:", " fatal error:", "error: ", "ERROR: modpost:",
	 ": undefined reference", "undefined symbol"},
	{"command not found", ": not found", "No such file or directory",
	 "Permission denied", "No rule to make target", "Killed", "syntax error"},
	{"ERROR:", "Error:", "Error!", "error:", "FAILED"},
	{"*** "},
};

/* Compilers tell what an option turned into an error with the option's name. */
static bool line_is_quiet(const char *line)
{
	return strstr(line, ": warning:") || strstr(line, ": note:") ||
	       str_starts(line, "+ ");
}

static size_t line_class(const char *line)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		for (size_t j = 0; j < ARRAY_LEN(words[i]) && words[i][j]; j++)
			if (strstr(line, words[i][j]) ||
			    (words[i][j][0] == ' ' && str_starts(line, words[i][j] + 1)))
				return i;
	return ARRAY_LEN(words);
}

char *module_build_first_error(const char *log_text)
{
	autofree char *copy = str_dup(log_text), *found = NULL;
	size_t best = ARRAY_LEN(words);
	char *rest = copy, *line;

	while (best > 0 && (line = strsep(&rest, "\r\n"))) {
		size_t class;

		line = str_strip(line);
		class = *line && !line_is_quiet(line) ? line_class(line) : best;
		if (class >= best)
			continue;
		best = class;
		free(found);
		found = str_ndup(line, strnlen(line, LINE_MAX_SHOWN));
	}
	return found ? str_printable(found) : NULL;
}
