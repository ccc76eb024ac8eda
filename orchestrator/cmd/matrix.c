/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kuro matrix
 */
#include <string.h>

#include "base/cleanup.h"
#include "command.h"
#include "core/release.h"
#include "output.h"
#include "store/records.h"

/* The releases of the record, oldest first: the columns. */
static int by_release(const void *a, const void *b)
{
	return release_compare(*(char *const *)a, *(char *const *)b);
}

static void matrix_releases(const struct compat_record_list *list, struct strv *ret)
{
	for (size_t i = 0; i < list->count; i++)
		if (!strv_has(ret, list->items[i].release))
			strv_add(ret, list->items[i].release);
	if (ret->count > 1)
		qsort(ret->items, ret->count, sizeof(*ret->items), by_release);
}

/* The same module, of the same version, on the same kind of machine: one row. */
static bool matrix_same_row(const struct compat_record *a, const struct compat_record *b)
{
	return str_eq(a->module, b->module) && str_eq(a->version, b->version) &&
	       str_eq(a->machine, b->machine) && str_eq(a->platform, b->platform) &&
	       str_eq(a->region, b->region);
}

/* What a cell says: "loads, loaded", "fails (vermagic), loaded: WRONG"; caller frees. */
static char *matrix_cell(const struct compat_record *r)
{
	bool wrong = compat_record_wrong(r);
	enum prediction shown = wrong ? r->foretold : r->predicted;
	struct text t = {0};

	text_append(&t, r->vetted ? prediction_name(shown) : "not vetted");
	if (r->codes && !wrong && shown != PREDICTION_LOADS)
		text_appendf(&t, " (%s)", r->codes);
	if (r->observed != OBSERVATION_NONE)
		text_appendf(&t, ", %s", observation_name(r->observed));
	if (wrong)
		text_append(&t, ": WRONG");
	return text_take(&t);
}

/* "QEMU Standard PC, ec2 eu-north-1": told where the record has several kinds. */
static char *matrix_kind(const struct compat_record *r)
{
	bool cloud = *r->platform || *r->region;

	return str_format("%s%s%s%s%s", *r->machine ? r->machine : "unknown",
			  cloud ? ", " : "", r->platform,
			  *r->platform && *r->region ? " " : "", r->region);
}

static bool matrix_several_kinds(const struct compat_record_list *list)
{
	for (size_t i = 1; i < list->count; i++) {
		const struct compat_record *a = &list->items[0], *b = &list->items[i];

		if (!str_eq(a->machine, b->machine) ||
		    !str_eq(a->platform, b->platform) || !str_eq(a->region, b->region))
			return true;
	}
	return false;
}

/* One row from the records [from, to); its cells are in the order of the releases. */
static void matrix_row(struct libscols_table *table, const struct compat_record *row,
		       size_t count, const struct strv *releases, bool kinds)
{
	autofree const char **values =
		mem_zalloc((releases->count + 4) * sizeof(*values));
	autostrv struct strv cells = {0};
	autofree char *kind = matrix_kind(row);
	size_t n = 0;

	values[n++] = row->module;
	values[n++] = *row->version ? row->version : "-";
	if (kinds)
		values[n++] = kind;
	for (size_t i = 0; i < releases->count; i++) {
		char *cell = NULL;

		for (size_t j = 0; j < count && !cell; j++)
			if (str_eq(row[j].release, releases->items[i]))
				cell = matrix_cell(&row[j]);
		strv_add_take(&cells, cell ? cell : str_dup("-"));
	}
	for (size_t i = 0; i < releases->count; i++)
		values[n++] = cells.items[i];
	table_row(table, values);
}

static struct libscols_table *matrix_table(const struct strv *releases, bool kinds)
{
	autofree struct column *columns =
		mem_zalloc((releases->count + 4) * sizeof(*columns));
	size_t n = 0;

	columns[n++].title = "MODULE";
	columns[n++].title = "VERSION";
	if (kinds)
		columns[n++].title = "MACHINE";
	for (size_t i = 0; i < releases->count; i++)
		columns[n++] = (struct column){releases->items[i], false, true};
	return table_new(columns);
}

static size_t matrix_wrong(const struct compat_record_list *list)
{
	size_t wrong = 0;

	for (size_t i = 0; i < list->count; i++)
		wrong += compat_record_wrong(&list->items[i]);
	return wrong;
}

static int matrix_text(const struct compat_record_list *list, struct error *err)
{
	autostrv struct strv releases = {0};
	bool kinds = matrix_several_kinds(list);
	struct libscols_table *table;
	int r;

	if (list->count == 0) {
		say("No third-party module was vetted or seen yet.");
		return 0;
	}
	matrix_releases(list, &releases);
	table = matrix_table(&releases, kinds);
	for (size_t i = 0, end; i < list->count; i = end) {
		for (end = i + 1; end < list->count; end++)
			if (!matrix_same_row(&list->items[i], &list->items[end]))
				break;
		matrix_row(table, &list->items[i], end - i, &releases, kinds);
	}
	r = table_print(table, err);
	if (r == 0 && matrix_wrong(list) > 0)
		say("%zu of %zu predictions proved wrong.", matrix_wrong(list),
		    list->count);
	return r;
}

static json_object *matrix_codes_json(const char *codes)
{
	autostrv struct strv words = {0};
	json_object *list = json_object_new_array();

	strv_split(&words, codes ? codes : "", " ");
	for (size_t i = 0; i < words.count; i++)
		/* fails without memory only */
		(void)json_object_array_add(list, json_object_new_string(words.items[i]));
	return list;
}

static json_object *matrix_record_json(const struct compat_record *r)
{
	json_object *o = json_object_new_object();

	json_add_text(o, "module", r->module);
	json_add_text(o, "version", *r->version ? r->version : NULL);
	json_add_text(o, "release", r->release);
	json_add_text(o, "predicted", r->vetted ? prediction_name(r->predicted) : NULL);
	json_object_object_add(o, "codes", matrix_codes_json(r->codes));
	json_add_time(o, "vetted", r->vetted);
	json_add_text(o, "observed",
		      r->observed == OBSERVATION_NONE ? NULL
						      : observation_name(r->observed));
	json_add_text(o, "foretold",
		      r->foretold == PREDICTION_NONE ? NULL
						     : prediction_name(r->foretold));
	json_add_text(o, "detail", r->detail);
	json_add_time(o, "seen", r->seen);
	json_add_flag(o, "wrong", compat_record_wrong(r));
	json_add_text(o, "machine", *r->machine ? r->machine : NULL);
	json_add_text(o, "platform", *r->platform ? r->platform : NULL);
	json_add_text(o, "region", *r->region ? r->region : NULL);
	return o;
}

static int matrix_json(const struct compat_record_list *list, struct error *err)
{
	json_object *document = json_document();
	json_object *records = json_object_new_array();

	for (size_t i = 0; i < list->count; i++)
		/* fails without memory only */
		(void)json_object_array_add(records, matrix_record_json(&list->items[i]));
	json_object_object_add(document, "records", records);
	json_add_number(document, "wrong", (int64_t)matrix_wrong(list));
	return json_print(document, err);
}

int cmd_matrix(struct command *c, struct error *err)
{
	struct compat_record_list list = {0};
	int r = compat_record_list(c->machine.db, NULL, &list, err);

	if (r == 0)
		r = c->json ? matrix_json(&list, err) : matrix_text(&list, err);
	compat_record_list_done(&list);
	return r;
}
