/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rows of the state database: each function is its query. Never decides anything.
 */
#include "store/records.h"

#include "parts.h"
#include "tables.h"

/* LIMIT's parameter: SQLite takes a negative one for none. */
static int64_t limit_of(unsigned int limit)
{
	return limit ? (int64_t)limit : -1;
}

int transaction_add(struct database *db, const struct transaction *t, int64_t *ret_id,
		    struct error *err)
{
	return row_add(database_state(db), &transactions_table, t, ret_id, err);
}

int transaction_update(struct database *db, const struct transaction *t,
		       struct error *err)
{
	return row_update(database_state(db), &transactions_table, t, err);
}

int transaction_get(struct database *db, int64_t id, struct transaction *ret,
		    struct error *err)
{
	const struct query query = {&transactions_table,
				    "WHERE id = ?1",
				    {VALUE_OF_NUMBER(id)}};

	return row_get(database_state(db), &query, ret, err);
}

int transaction_last(struct database *db, struct transaction *ret, struct error *err)
{
	const struct query query = {.table = &transactions_table,
				    .tail = "ORDER BY id DESC LIMIT 1"};

	return row_get(database_state(db), &query, ret, err);
}

int transaction_list(struct database *db, unsigned int limit,
		     struct transaction_list *ret, struct error *err)
{
	const struct query query = {&transactions_table,
				    "ORDER BY id DESC LIMIT ?1",
				    {VALUE_OF_NUMBER(limit_of(limit))}};

	return row_list(database_state(db), &query, ret, err);
}

int transaction_list_state(struct database *db, enum transaction_state state,
			   struct transaction_list *ret, struct error *err)
{
	const struct query query = {&transactions_table,
				    "WHERE state = ?1 ORDER BY id DESC",
				    {VALUE_OF_TEXT(transaction_state_name(state))}};

	return row_list(database_state(db), &query, ret, err);
}

int transaction_get_armed(struct database *db, unsigned int generation,
			  struct transaction *ret, struct error *err)
{
	const struct query query = {
		&transactions_table,
		"WHERE state = ?1 AND generation = ?2 ORDER BY id DESC LIMIT 1",
		{VALUE_OF_TEXT(transaction_state_name(TRANSACTION_ARMED)),
		 VALUE_OF_NUMBER(generation)}};
	struct transaction found = {0};
	struct error local = {0};
	int r = row_get(database_state(db), &query, &found, &local);

	if (r < 0 && r != -ENOENT)
		return error_set(err, r, "%s", local.message);
	*ret = found;
	return 0;
}

int step_set(struct database *db, const struct step *s, struct error *err)
{
	return row_put(database_state(db), &steps_table, s, err);
}

int step_list(struct database *db, int64_t transaction, struct step_list *ret,
	      struct error *err)
{
	const struct query query = {&steps_table,
				    "WHERE transaction_id = ?1 ORDER BY begun, rowid",
				    {VALUE_OF_NUMBER(transaction)}};

	return row_list(database_state(db), &query, ret, err);
}

int boot_put(struct database *db, const struct boot *b, struct error *err)
{
	return row_put(database_state(db), &boots_table, b, err);
}

int boot_get(struct database *db, const char *boot_id, struct boot *ret,
	     struct error *err)
{
	const struct query query = {&boots_table,
				    "WHERE boot_id = ?1",
				    {VALUE_OF_TEXT(boot_id)}};

	return row_get(database_state(db), &query, ret, err);
}

int boot_list(struct database *db, unsigned int limit, struct boot_list *ret,
	      struct error *err)
{
	const struct query query = {&boots_table,
				    "ORDER BY rowid DESC LIMIT ?1",
				    {VALUE_OF_NUMBER(limit_of(limit))}};

	return row_list(database_state(db), &query, ret, err);
}

int boot_list_trials(struct database *db, int64_t transaction, struct boot_list *ret,
		     struct error *err)
{
	const struct query query = {&boots_table,
				    "WHERE transaction_id = ?1 AND trial = 1 "
				    "ORDER BY rowid DESC",
				    {VALUE_OF_NUMBER(transaction)}};

	return row_list(database_state(db), &query, ret, err);
}

int generation_put(struct database *db, const struct generation_record *g,
		   struct error *err)
{
	return row_put(database_state(db), &generations_table, g, err);
}

int generation_get(struct database *db, unsigned int generation,
		   struct generation_record *ret, struct error *err)
{
	const struct query query = {&generations_table,
				    "WHERE generation = ?1",
				    {VALUE_OF_NUMBER(generation)}};

	return row_get(database_state(db), &query, ret, err);
}

int generation_list(struct database *db, struct generation_record_list *ret,
		    struct error *err)
{
	const struct query query = {.table = &generations_table,
				    .tail = "ORDER BY generation DESC"};

	return row_list(database_state(db), &query, ret, err);
}

int hold_put(struct database *db, const struct hold *h, struct error *err)
{
	return row_put(database_state(db), &holds_table, h, err);
}

int hold_remove(struct database *db, const char *release, struct error *err)
{
	const struct query query = {&holds_table,
				    "WHERE release = ?1",
				    {VALUE_OF_TEXT(release)}};

	return row_remove(database_state(db), &query, err);
}

int hold_get(struct database *db, const char *release, int64_t now, struct hold *ret,
	     struct error *err)
{
	const struct query query = {
		&holds_table,
		"WHERE release = ?1 AND (expires = 0 OR expires > ?2)",
		{VALUE_OF_TEXT(release), VALUE_OF_NUMBER(now)}};

	return row_get(database_state(db), &query, ret, err);
}

int hold_list(struct database *db, int64_t now, struct hold_list *ret, struct error *err)
{
	const struct query query = {&holds_table,
				    "WHERE expires = 0 OR expires > ?1 "
				    "ORDER BY created DESC, rowid DESC",
				    {VALUE_OF_NUMBER(now)}};

	return row_list(database_state(db), &query, ret, err);
}

int compat_record_put(struct database *db, const struct compat_record *record,
		      struct error *err)
{
	return row_put(database_state(db), &compatibility_table, record, err);
}

int compat_record_get(struct database *db, const struct compat_record *key,
		      struct compat_record *ret, struct error *err)
{
	const struct query query = {
		&compatibility_table,
		"WHERE module = ?1 AND version = ?2 AND release = ?3 AND machine = ?4 "
		"AND platform = ?5 AND region = ?6",
		{VALUE_OF_TEXT(key->module), VALUE_OF_TEXT(key->version),
		 VALUE_OF_TEXT(key->release), VALUE_OF_TEXT(key->machine),
		 VALUE_OF_TEXT(key->platform), VALUE_OF_TEXT(key->region)}};

	return row_get(database_state(db), &query, ret, err);
}

int compat_record_list(struct database *db, const char *release,
		       struct compat_record_list *ret, struct error *err)
{
	const struct query query = {
		&compatibility_table,
		"WHERE ?1 IS NULL OR release = ?1 "
		"ORDER BY module, version, machine, platform, region, release",
		{VALUE_OF_TEXT(release)}};

	return row_list(database_state(db), &query, ret, err);
}

int evidence_add(struct database *db, const struct evidence *e, struct error *err)
{
	struct connection *c;
	int r = database_evidence(db, &c, err);

	return r < 0 ? r : row_add(c, &evidence_table, e, NULL, err);
}

int evidence_list(struct database *db, int64_t transaction, struct evidence_list *ret,
		  struct error *err)
{
	const struct query query = {&evidence_table,
				    "WHERE transaction_id = ?1 ORDER BY id",
				    {VALUE_OF_NUMBER(transaction)}};
	struct connection *c;
	int r = database_evidence(db, &c, err);

	return r < 0 ? r : row_list(c, &query, ret, err);
}
