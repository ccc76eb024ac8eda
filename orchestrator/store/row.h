/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rows and records: a table says which column is which member of a C struct, and the
 * functions here read and write any table by it. Words (enumerations) are kept as their
 * names. What a row holds is checked as it is read: another type, an unknown word, a
 * number out of bounds are -ERROR_DAMAGED.
 */
#pragma once

#include <stddef.h>

#include "connection.h"

/* No list is longer, in rows and in bytes of text; -EFBIG says that one would be. */
#define ROWS_MAX      100000
#define ROWS_TEXT_MAX (128 << 20)

enum field_kind {
	FIELD_INT64,
	FIELD_UNSIGNED,
	FIELD_BOOL,
	FIELD_WORD, /* an enum, by its names */
	FIELD_TEXT,
	FIELD_TEXT_OR_NULL,
};

enum field_role {
	FIELD_PLAIN,
	FIELD_KEY,   /* one of the columns that a row is known by */
	FIELD_FIXED, /* written once, left alone by an update */
};

struct words {
	const char *(*name)(unsigned int value); /* NULL: no such value */
	int (*parse)(const char *name);          /* negative: no such name */
};

struct field {
	const char *column;
	enum field_kind kind;
	enum field_role role;
	size_t offset;             /* of the member in the record */
	const struct words *words; /* of a FIELD_WORD */
};

struct table {
	const char *name;
	const char *noun; /* what a row is, for messages */
	const struct field *fields;
	size_t field_count;
	size_t record_size;
	const char *new_key; /* SQL for the first column of an added row */
};

/* A parameter of a query. */
struct value {
	enum { VALUE_NONE, VALUE_NUMBER, VALUE_TEXT } kind;
	int64_t number;
	const char *text;
};
#define VALUE_OF_NUMBER(n)                          \
	{                                           \
		.kind = VALUE_NUMBER, .number = (n) \
	}
#define VALUE_OF_TEXT(t)                        \
	{                                       \
		.kind = VALUE_TEXT, .text = (t) \
	}

struct query {
	const struct table *table;
	const char *tail; /* WHERE, ORDER BY, LIMIT with ?1, ?2, … */
	struct value values[6];
};

/* Are the table and its columns there? -ERROR_DAMAGED otherwise. */
int row_verify(struct connection *c, const struct table *table, struct error *err);
/* Insert with a new key, which ret_key gets. */
int row_add(struct connection *c, const struct table *table, const void *record,
	    int64_t *ret_key, struct error *err);
/* Insert, or overwrite the row with the same key. */
int row_put(struct connection *c, const struct table *table, const void *record,
	    struct error *err);
/* Overwrite the plain fields of the row with the same key; -ENOENT. */
int row_update(struct connection *c, const struct table *table, const void *record,
	       struct error *err);
/* The first row; -ENOENT. */
int row_get(struct connection *c, const struct query *query, void *ret_record,
	    struct error *err);
/* All rows; ret is the table's RECORD_LIST. */
int row_list(struct connection *c, const struct query *query, void *ret_list,
	     struct error *err);
/* Delete; -ENOENT where no row fits. */
int row_remove(struct connection *c, const struct query *query, struct error *err);
