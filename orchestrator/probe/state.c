/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The machine's state: its lists, gathered, and as JSON for the state database. The
 * questions themselves are in state-devices.c, state-network.c and failed-units.c.
 */
#include "probe/state.h"

#include <json-c/json.h>

#include "base/cleanup.h"
#include "json-document.h"
#include "state-probes.h"

#define STATE_ITEMS_MAX 65536
#define STATE_JSON_MAX  ((size_t)16 * 1024 * 1024)

static int probe_drivers(const struct root *root, struct strv *ret)
{
	return state_drivers(root, ret, NULL);
}

struct state_list {
	const char *name; /* in JSON; never changes */
	size_t offset;
	int (*probe)(const struct root *root, struct strv *ret);
	bool unique;
};

#define STATE_LIST(member) #member, offsetof(struct machine_state, member)

static const struct state_list state_lists[] = {
	{STATE_LIST(modules), state_modules, true},
	{STATE_LIST(drivers), probe_drivers, false}, /* two of a kind are two devices */
	{STATE_LIST(mounts), state_mounts, true},
	{STATE_LIST(failed_units), state_failed_units, true},
	{STATE_LIST(links), state_links, true},
	{STATE_LIST(listening), state_listening, true},
};

static struct strv *list_of(struct machine_state *s, const struct state_list *list)
{
	return (struct strv *)(void *)((char *)s + list->offset);
}

static const struct strv *list_in(const struct machine_state *s,
				  const struct state_list *list)
{
	return (const struct strv *)(const void *)((const char *)s + list->offset);
}

void machine_state_done(struct machine_state *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < ARRAY_LEN(state_lists); i++)
		strv_done(list_of(s, &state_lists[i]));
}

void state_unique(struct strv *v)
{
	size_t kept = 0;

	strv_sort(v);
	for (size_t i = 0; i < v->count; i++) {
		if (kept > 0 && str_eq(v->items[kept - 1], v->items[i]))
			free(v->items[i]);
		else
			v->items[kept++] = v->items[i];
	}
	v->count = kept;
	if (v->items)
		v->items[kept] = NULL;
}

int machine_state_probe(const struct root *root, struct machine_state *ret,
			struct error *err)
{
	struct machine_state s = {0};

	(void)err; /* nothing in here is an error of the caller's journey */
	for (size_t i = 0; i < ARRAY_LEN(state_lists); i++) {
		struct strv *list = list_of(&s, &state_lists[i]);

		(void)state_lists[i].probe(root, list); /* what can't be read is empty */
		if (state_lists[i].unique)
			state_unique(list);
		else
			strv_sort(list);
	}
	*ret = s;
	return 0;
}

char *machine_state_format(const struct machine_state *s)
{
	autojson json_object *document = json_document_new();

	for (size_t i = 0; i < ARRAY_LEN(state_lists); i++)
		json_add_strings(document, state_lists[i].name,
				 list_in(s, &state_lists[i]));
	return json_document_text(document);
}

int machine_state_parse(const char *text, struct machine_state *ret, struct error *err)
{
	autojson json_object *document = NULL;
	autostate struct machine_state s = {0};
	int r;

	r = json_document_parse(text, STATE_JSON_MAX, &document, err);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(state_lists); i++)
		r = json_get_strings(document, state_lists[i].name, STATE_ITEMS_MAX,
				     list_of(&s, &state_lists[i]), err);
	if (r < 0)
		return error_prefix(err, r, "machine state");
	*ret = s;
	s = (struct machine_state){0};
	return 0;
}
