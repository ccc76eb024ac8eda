/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Messages for people, on standard error.
 */
#include "base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

static enum log_level log_limit = LOG_LEVEL_INFO;

static const struct {
	int priority; /* syslog(3)'s number */
	const char *word;
} log_levels[] = {
	[LOG_LEVEL_ERROR] = {3, "kuro: "},
	[LOG_LEVEL_WARNING] = {4, "kuro: warning: "},
	[LOG_LEVEL_INFO] = {6, ""},
	[LOG_LEVEL_DEBUG] = {7, "kuro: debug: "},
};

void log_set_level(enum log_level level)
{
	log_limit = level;
}

enum log_level log_level(void)
{
	return log_limit;
}

/* systemd.exec(5): JOURNAL_STREAM is "device:inode" of the stream to the journal. */
static bool log_goes_to_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char *own;
	struct stat st;
	bool same;

	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return false;
	own = str_format("%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	same = str_eq(own, stream);
	free(own);
	return same;
}

void log_at(enum log_level level, const char *format, ...)
{
	autotext struct text line = {0};
	autofree char *printable = NULL;
	va_list args;

	if (level > log_limit)
		return;
	va_start(args, format);
	text_vappendf(&line, format, args);
	va_end(args);
	printable = str_printable(text_str(&line));
	if (log_goes_to_journal())
		(void)fprintf(stderr, "<%d>%s\n", log_levels[level].priority, printable);
	else
		(void)fprintf(stderr, "%s%s\n", log_levels[level].word, printable);
}
