/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kuro history
 */
#include "base/cleanup.h"
#include "command.h"
#include "output.h"
#include "storage-json.h"
#include "store/records.h"

#define HISTORY_LIMIT 20

static int history_json(const struct transaction_list *list, struct error *err)
{
	json_object *document = json_document();
	json_object *transactions = json_object_new_array();

	for (size_t i = 0; i < list->count; i++)
		/* fails without memory only */
		(void)json_object_array_add(transactions,
					    transaction_json(&list->items[i]));
	json_object_object_add(document, "transactions", transactions);
	return json_print(document, err);
}

static int history_text(const struct transaction_list *list, struct error *err)
{
	static const struct column columns[] = {
		{"ID", true, false},         {"WHEN", false, false},
		{"WHAT", false, false},      {"RELEASE", false, false},
		{"GENERATION", true, false}, {"OUTCOME", false, false},
		{"", false, true},           {NULL, false, false},
	};
	struct libscols_table *table;

	if (list->count == 0) {
		say("No transactions yet.");
		return 0;
	}
	table = table_new(columns);
	for (size_t i = 0; i < list->count; i++) {
		const struct transaction *t = &list->items[i];
		autofree char *id = format_id((uint64_t)t->id);
		autofree char *when = format_time(t->begun);
		autofree char *generation = format_id(t->generation);
		const char *values[] = {id,
					when,
					transaction_kind_name(t->kind),
					t->release ? t->release : "-",
					generation,
					transaction_state_name(t->state),
					t->summary};

		table_row(table, values);
	}
	return table_print(table, err);
}

int cmd_history(struct command *c, struct error *err)
{
	unsigned int limit = c->limit_given ? (unsigned int)c->limit : HISTORY_LIMIT;
	struct transaction_list list = {0};
	int r = transaction_list(c->machine.db, limit, &list, err);

	if (r == 0)
		r = c->json ? history_json(&list, err) : history_text(&list, err);
	transaction_list_done(&list);
	return r;
}
