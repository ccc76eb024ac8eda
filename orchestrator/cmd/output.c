/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables and JSON.
 */
#include "output.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

json_object *json_document(void)
{
	json_object *o = json_object_new_object();

	json_add_number(o, "schema", 1);
	return o;
}

void json_add_text(json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, value ? json_object_new_string(value) : NULL);
}

void json_add_error(json_object *o, const struct error *err)
{
	json_object *error = json_object_new_object();

	json_add_text(error, "code", error_name(err->code));
	json_add_text(error, "message", err->message);
	json_object_object_add(o, "error", error);
}

json_object *json_strings(const struct strv *strings)
{
	json_object *list = json_object_new_array();

	for (size_t i = 0; i < strings->count; i++)
		/* fails without memory only */
		(void)json_object_array_add(list,
					    json_object_new_string(strings->items[i]));
	return list;
}

void json_add_number(json_object *o, const char *key, int64_t value)
{
	json_object_object_add(o, key, json_object_new_int64(value));
}

void json_add_id(json_object *o, const char *key, uint64_t value)
{
	json_object_object_add(o, key, value ? json_object_new_uint64(value) : NULL);
}

void json_add_flag(json_object *o, const char *key, bool value)
{
	json_object_object_add(o, key, json_object_new_boolean(value));
}

void json_add_time(json_object *o, const char *key, int64_t seconds)
{
	char text[32];
	time_t when = (time_t)seconds;
	struct tm utc;

	if (seconds == 0 || !gmtime_r(&when, &utc) ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
		json_add_text(o, key, NULL);
	else
		json_add_text(o, key, text);
}

static int output_flush(struct error *err)
{
	if (fflush(stdout) != 0 || ferror(stdout))
		return error_errno(err, -(errno ? errno : EIO),
				   "writing to standard output");
	return 0;
}

int json_print(json_object *document, struct error *err)
{
	(void)puts(json_object_to_json_string_ext(
		document, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	(void)json_object_put(document); /* the one reference */
	return output_flush(err);
}

struct libscols_table *table_new(const struct column *columns)
{
	struct libscols_table *table = scols_new_table();

	for (size_t i = 0; columns[i].title; i++) {
		int flags = (columns[i].right ? SCOLS_FL_RIGHT : 0) |
			    (columns[i].wrap ? SCOLS_FL_WRAP : 0);

		(void)scols_table_new_column(table, columns[i].title, 0, flags);
	}
	(void)scols_table_enable_nowrap(table, !isatty(STDOUT_FILENO));
	return table;
}

void table_row(struct libscols_table *table, const char *const *values)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);

	for (size_t i = 0; i < scols_table_get_ncols(table); i++) {
		autofree char *text = values[i] ? str_printable(values[i]) : NULL;

		/* out of memory shows as an empty cell */
		(void)scols_line_set_data(line, i, text ? text : "");
	}
}

int table_print(struct libscols_table *table, struct error *err)
{
	int r = scols_print_table(table);

	scols_unref_table(table);
	return r ? error_errno(err, r < 0 ? r : -EIO, "printing a table")
		 : output_flush(err);
}

char *format_size(uint64_t bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1024 && unit + 1 < ARRAY_LEN(units)) {
		value /= 1024;
		unit++;
	}
	return str_format(unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

char *format_time(int64_t seconds)
{
	char text[32];
	time_t when = (time_t)seconds;
	struct tm local;

	if (seconds == 0 || !localtime_r(&when, &local) ||
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &local) == 0)
		return str_dup("-");
	return str_dup(text);
}

char *format_id(uint64_t id)
{
	return id ? str_format("%llu", (unsigned long long)id) : str_dup("-");
}

void say(const char *format, ...)
{
	autotext struct text line = {0};
	autofree char *printable = NULL;
	va_list args;

	if (*format == '\n')
		(void)putchar(*format++);
	va_start(args, format);
	text_vappendf(&line, format, args);
	va_end(args);
	printable = str_printable(text_str(&line));
	(void)puts(printable); /* a closed output is found by the flush at the end */
}
