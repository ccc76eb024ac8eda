/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Answers on standard output: tables (libsmartcols) and JSON documents (json-c).
 */
#pragma once

#include <json-c/json.h>
#include <libsmartcols/libsmartcols.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

/* A new document with its "schema": 1. */
json_object *json_document(void);
/* Add a string, or null. */
void json_add_text(json_object *o, const char *key, const char *value);
/* Add a number where it is not 0, else null. */
void json_add_id(json_object *o, const char *key, uint64_t value);
void json_add_number(json_object *o, const char *key, int64_t value);
void json_add_flag(json_object *o, const char *key, bool value);
/* A time as RFC 3339 in UTC, or null for 0. */
void json_add_time(json_object *o, const char *key, int64_t seconds);
/* What failed, as the document's "error". */
void json_add_error(json_object *o, const struct error *err);
/* A list of them. */
json_object *json_strings(const struct strv *strings);
/* Print and free; -EIO when standard output can't take it. */
int json_print(json_object *document, struct error *err);

struct column {
	const char *title;
	bool right; /* numbers */
	bool wrap;  /* long text: wrapped on a terminal */
};

/* A table with these columns, ended by one without a title. */
struct libscols_table *table_new(const struct column *columns);
/* The next row; values in the order of the columns, NULL is empty; control characters are
 * made visible. */
void table_row(struct libscols_table *table, const char *const *values);
/* Print and free. */
int table_print(struct libscols_table *table, struct error *err);

/* "33.1 MiB"; static storage is not used: the caller frees. */
char *format_size(uint64_t bytes);
/* Local time "2026-11-23 03:04", or "-" for 0; caller frees. */
char *format_time(int64_t seconds);
/* "7", or "-" for 0; caller frees. */
char *format_id(uint64_t id);

/*
 * One line of text on standard output, control characters made visible; a format that
 * begins with a line break puts an empty line before it.
 */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
