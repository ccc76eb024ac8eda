/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Words on standard error for the person or the journal that runs kuro. Only cmd/ and
 * main.c call it; what lies below returns errors and reports through its caller.
 * Where standard error is the journal (JOURNAL_STREAM), lines carry its <N> priority.
 */
#pragma once

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Print messages up to this level; the one piece of state in the program. */
void log_set_level(enum log_level level);
enum log_level log_level(void);

void log_at(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define log_error(...)   log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_at(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)    log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)
