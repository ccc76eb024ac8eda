/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rows and records: SQL is put together from a table's description, members are bound
 * and read by it. Only constants of this library become SQL; values are parameters.
 */
#include "row.h"

#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "base/text.h"

/* The shape that every RECORD_LIST has. */
struct rows {
	void *items;
	size_t count;
};

static int field_bind(sqlite3_stmt *s, int at, const struct field *f, const void *record)
{
	const void *member = (const char *)record + f->offset;

	switch (f->kind) {
	case FIELD_INT64:
		return sym_sqlite3_bind_int64(s, at, *(const int64_t *)member);
	case FIELD_UNSIGNED:
		return sym_sqlite3_bind_int64(s, at, *(const unsigned int *)member);
	case FIELD_BOOL:
		return sym_sqlite3_bind_int64(s, at, *(const bool *)member);
	case FIELD_WORD:
		return sym_sqlite3_bind_text(s, at,
					     f->words->name(
						     *(const unsigned int *)member),
					     -1, SQLITE_STATIC);
	case FIELD_TEXT:
	case FIELD_TEXT_OR_NULL:
	default:
		return sym_sqlite3_bind_text(s, at, *(char *const *)member, -1,
					     SQLITE_STATIC);
	}
}

static bool number_read(sqlite3_stmt *s, int at, enum field_kind kind, void *member)
{
	int64_t number = sym_sqlite3_column_int64(s, at);

	if (sym_sqlite3_column_type(s, at) != SQLITE_INTEGER)
		return false;
	if (kind == FIELD_INT64) {
		*(int64_t *)member = number;
		return true;
	}
	if (number < 0 || number > (kind == FIELD_BOOL ? 1 : (int64_t)UINT_MAX))
		return false;
	if (kind == FIELD_BOOL)
		*(bool *)member = number != 0;
	else
		*(unsigned int *)member = (unsigned int)number;
	return true;
}

/* The text of a column, owned by the statement; NULL for one that is not plain text. */
static const char *text_read(sqlite3_stmt *s, int at)
{
	const char *text = NULL;

	if (sym_sqlite3_column_type(s, at) == SQLITE_TEXT)
		text = (const char *)sym_sqlite3_column_text(s, at);
	if (text && strlen(text) != (size_t)sym_sqlite3_column_bytes(s, at))
		return NULL;
	return text;
}

static bool field_read(sqlite3_stmt *s, int at, const struct field *f, void *record)
{
	void *member = (char *)record + f->offset;
	const char *text;
	int word;

	if (f->kind < FIELD_WORD)
		return number_read(s, at, f->kind, member);
	if (f->kind == FIELD_TEXT_OR_NULL &&
	    sym_sqlite3_column_type(s, at) == SQLITE_NULL)
		return true;
	text = text_read(s, at);
	if (!text)
		return false;
	if (f->kind != FIELD_WORD) {
		*(char **)member = str_dup(text);
		return true;
	}
	word = f->words->parse(text);
	if (word < 0)
		return false;
	*(unsigned int *)member = (unsigned int)word;
	return true;
}

static void record_done(const struct table *table, void *record)
{
	for (size_t i = 0; i < table->field_count; i++)
		if (table->fields[i].kind >= FIELD_TEXT)
			free(*(char **)((char *)record + table->fields[i].offset));
}

/* Read the row that a statement stands on into a record of zeroes. */
static int record_read(struct connection *c, sqlite3_stmt *s, const struct table *table,
		       void *record, struct error *err)
{
	for (size_t i = 0; i < table->field_count; i++) {
		if (field_read(s, (int)i, &table->fields[i], record))
			continue;
		record_done(table, record);
		return error_set(
			err, -ERROR_DAMAGED,
			"%s: is damaged (%s.%s holds what kuro never writes): run "
			"`kuro recover` as root",
			c->name, table->name, table->fields[i].column);
	}
	return 0;
}

/* The columns of those fields whose role has its bit in roles, each in a format of %s. */
static void columns_append(struct text *sql, const struct table *table,
			   unsigned int roles, bool assign)
{
	const char *separator = "";

	for (size_t i = 0; i < table->field_count; i++) {
		if (!(roles & 1U << table->fields[i].role))
			continue;
		text_appendf(sql, "%s%s", separator, table->fields[i].column);
		if (assign)
			text_appendf(sql, " = ?%zu", i + 1);
		separator = ", ";
	}
}

#define ROLES_ALL     (1U << FIELD_PLAIN | 1U << FIELD_KEY | 1U << FIELD_FIXED)
#define ROLES_KEY     (1U << FIELD_KEY)
#define ROLES_PLAIN   (1U << FIELD_PLAIN)
#define ROLES_NOT_KEY (ROLES_PLAIN | 1U << FIELD_FIXED)

/* INSERT with parameter N for column N; first stands in the first column's place. */
static void insert_append(struct text *sql, const struct table *table, const char *first)
{
	text_appendf(sql, "INSERT INTO %s (", table->name);
	columns_append(sql, table, ROLES_ALL, false);
	text_appendf(sql, ") VALUES (%s", first);
	for (size_t i = 1; i < table->field_count; i++)
		text_appendf(sql, ", ?%zu", i + 1);
	text_append(sql, ")");
}

/* Carry out a statement whose parameters are a record's fields. */
static int record_write(struct connection *c, const struct text *sql,
			const struct table *table, const void *record, struct error *err)
{
	autostatement sqlite3_stmt *statement = NULL;
	int r = connection_prepare(c, text_str(sql), &statement, err);

	for (size_t i = 0; r == 0 && i < table->field_count; i++) {
		int rc = field_bind(statement, (int)i + 1, &table->fields[i], record);

		if (rc != SQLITE_OK)
			r = connection_error(c, rc, err);
	}
	return r < 0 ? r : connection_step(c, statement, err);
}

int row_add(struct connection *c, const struct table *table, const void *record,
	    int64_t *ret_key, struct error *err)
{
	autotext struct text sql = {0};
	int r;

	insert_append(&sql, table, table->new_key);
	r = record_write(c, &sql, table, record, err);
	if (r == 0 && ret_key)
		*ret_key = sym_sqlite3_last_insert_rowid(c->sql);
	return r;
}

int row_put(struct connection *c, const struct table *table, const void *record,
	    struct error *err)
{
	autotext struct text sql = {0};

	insert_append(&sql, table, "?1");
	text_append(&sql, " ON CONFLICT (");
	columns_append(&sql, table, ROLES_KEY, false);
	text_append(&sql, ") DO UPDATE SET ");
	columns_append(&sql, table, ROLES_NOT_KEY, true);
	return record_write(c, &sql, table, record, err);
}

int row_update(struct connection *c, const struct table *table, const void *record,
	       struct error *err)
{
	autotext struct text sql = {0};
	int r;

	text_appendf(&sql, "UPDATE %s SET ", table->name);
	columns_append(&sql, table, ROLES_PLAIN, true);
	text_append(&sql, " WHERE ");
	columns_append(&sql, table, ROLES_KEY, true);
	r = record_write(c, &sql, table, record, err);
	if (r == 0 && sym_sqlite3_changes(c->sql) == 0)
		return error_set(err, -ENOENT, "%s: there is no such %s", c->name,
				 table->noun);
	return r;
}

static int value_bind(sqlite3_stmt *s, int at, const struct value *value)
{
	if (value->kind == VALUE_NUMBER)
		return sym_sqlite3_bind_int64(s, at, value->number);
	return sym_sqlite3_bind_text(s, at, value->text, -1, SQLITE_STATIC);
}

/* Prepare VERB TABLE TAIL with its parameters. */
static int query_start(struct connection *c, const char *verb, const struct query *query,
		       sqlite3_stmt **ret, struct error *err)
{
	autotext struct text sql = {0};
	int r;

	text_append(&sql, verb);
	if (str_eq(verb, "SELECT "))
		columns_append(&sql, query->table, ROLES_ALL, false);
	text_appendf(&sql, " FROM %s %s", query->table->name, query->tail);
	r = connection_prepare(c, text_str(&sql), ret, err);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(query->values); i++) {
		int rc = SQLITE_OK;

		if (query->values[i].kind != VALUE_NONE)
			rc = value_bind(*ret, (int)i + 1, &query->values[i]);
		if (rc != SQLITE_OK)
			r = connection_error(c, rc, err);
	}
	return r;
}

static int query_missed(const struct query *query, struct error *err)
{
	const struct value *key = &query->values[0];
	autofree char *text = NULL;

	if (key->kind == VALUE_NUMBER)
		return error_set(err, -ENOENT, "there is no %s %" PRId64,
				 query->table->noun, key->number);
	if (key->kind != VALUE_TEXT || !key->text)
		return error_set(err, -ENOENT, "there is no %s", query->table->noun);
	text = str_printable(key->text);
	return error_set(err, -ENOENT, "there is no %s %s", query->table->noun, text);
}

int row_verify(struct connection *c, const struct table *table, struct error *err)
{
	const struct query query = {.table = table, .tail = "LIMIT 0"};
	autostatement sqlite3_stmt *statement = NULL;

	return query_start(c, "SELECT ", &query, &statement, err);
}

int row_get(struct connection *c, const struct query *query, void *ret_record,
	    struct error *err)
{
	autofree void *record = mem_zalloc(query->table->record_size);
	autostatement sqlite3_stmt *statement = NULL;
	int r = query_start(c, "SELECT ", query, &statement, err);

	if (r == 0)
		r = connection_step(c, statement, err);
	if (r < 0)
		return r;
	if (r == 0)
		return query_missed(query, err);
	r = record_read(c, statement, query->table, record, err);
	if (r == 0)
		memcpy(ret_record, record, query->table->record_size);
	return r;
}

static void rows_done(const struct table *table, struct rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		record_done(table, (char *)rows->items + i * table->record_size);
	free(rows->items);
}

/* A place of zeroes behind the last row. */
static void *rows_grow(const struct table *table, struct rows *rows)
{
	size_t count = rows->count;
	void *place;

	if ((count & (count - 1)) == 0)
		rows->items = mem_regrow(rows->items, count ? count * 2 : 1,
					 table->record_size);
	place = (char *)rows->items + count * table->record_size;
	memset(place, 0, table->record_size);
	return place;
}

static size_t row_text_size(sqlite3_stmt *s, const struct table *table)
{
	size_t size = 0;

	for (size_t i = 0; i < table->field_count; i++)
		if (table->fields[i].kind >= FIELD_TEXT)
			size += (size_t)sym_sqlite3_column_bytes(s, (int)i);
	return size;
}

static int rows_read(struct connection *c, sqlite3_stmt *s, const struct table *table,
		     struct rows *rows, struct error *err)
{
	size_t size = 0;
	int r;

	while ((r = connection_step(c, s, err)) > 0) {
		size += row_text_size(s, table);
		if (rows->count == ROWS_MAX || size > ROWS_TEXT_MAX)
			return error_set(err, -EFBIG,
					 "%s: %s holds too much to be listed", c->name,
					 table->name);
		r = record_read(c, s, table, rows_grow(table, rows), err);
		if (r < 0)
			return r;
		rows->count++;
	}
	return r;
}

int row_list(struct connection *c, const struct query *query, void *ret_list,
	     struct error *err)
{
	autostatement sqlite3_stmt *statement = NULL;
	struct rows rows = {0};
	int r = query_start(c, "SELECT ", query, &statement, err);

	if (r == 0)
		r = rows_read(c, statement, query->table, &rows, err);
	if (r < 0)
		rows_done(query->table, &rows);
	else
		memcpy(ret_list, &rows, sizeof(rows));
	return r;
}

int row_remove(struct connection *c, const struct query *query, struct error *err)
{
	autostatement sqlite3_stmt *statement = NULL;
	int r = query_start(c, "DELETE", query, &statement, err);

	if (r == 0)
		r = connection_step(c, statement, err);
	if (r == 0 && sym_sqlite3_changes(c->sql) == 0)
		return query_missed(query, err);
	return r;
}
