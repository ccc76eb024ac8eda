/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kuro list
 */
#include <string.h>

#include "base/cleanup.h"
#include "flow/inventory.h"
#include "flow/prune.h"
#include "output.h"
#include "prune.h"
#include "storage-json.h"

/* What list shows: the inventory, and what the policy makes of it. */
struct listing {
	struct inventory inv;
	struct retention_set
		set; /* empty: nothing can be decided, and problem says why */
	struct share_list shares; /* of /boot */
	struct share_list esp;    /* mount NULL: it has none of its own */
	struct error problem;
};

static void listing_done(struct listing *l)
{
	inventory_done(&l->inv);
	retention_set_done(&l->set);
	share_list_done(&l->shares);
	share_list_done(&l->esp);
}

/* Keep or go, and why: null where nothing is decided. */
static void list_add_decision(json_object *o, const struct retention_item *item)
{
	if (item)
		json_add_flag(o, "kept", !item->removed);
	else
		json_object_object_add(o, "kept", NULL);
	json_add_text(o, "reason", item ? item->reason : NULL);
}

/* The same for people. */
static char *list_decision(const struct retention_item *item)
{
	if (!item)
		return str_dup("");
	return str_format("%s: %s", item->removed ? "goes" : "stays", item->reason);
}

static json_object *list_file_json(const struct kernel_file *file)
{
	json_object *o;

	if (!file->path)
		return NULL;
	o = json_object_new_object();
	json_add_text(o, "path", file->path);
	json_add_number(o, "size", (int64_t)file->size);
	json_add_number(o, "room", (int64_t)file->room);
	return o;
}

static json_object *list_kernel_json(const struct listing *l, const struct kernel *k)
{
	json_object *o = json_object_new_object();

	json_add_text(o, "release", k->release);
	json_add_flag(o, "running", k->running);
	json_object_object_add(o, "image", list_file_json(&k->image));
	json_object_object_add(o, "initramfs", list_file_json(&k->initramfs));
	json_object_object_add(o, "config", list_file_json(&k->config));
	json_add_text(o, "modules", k->modules);
	json_add_id(o, "modules_room", k->modules_room);
	json_add_text(o, "package", k->package);
	json_add_text(o, "loader_entry", k->loader_entry);
	list_add_decision(o, retention_find(&l->set, RETENTION_KERNEL, k->release));
	return o;
}

static const struct retention_item *list_find_generation(
	const struct listing *l, const struct inventory_generation *g)
{
	autofree char *number = str_format("%u", g->number);

	return retention_find(&l->set, RETENTION_GENERATION, number);
}

static json_object *list_generation_json(const struct listing *l,
					 const struct inventory_generation *g)
{
	const struct inventory *inv = &l->inv;
	json_object *o = json_object_new_object();
	const struct generation_record *row = &g->record;

	json_add_number(o, "generation", g->number);
	json_add_text(o, "release", g->readable ? g->manifest.release : NULL);
	json_add_text(o, "role", inventory_role(inv, g->number));
	json_add_flag(o, "running", inv->boot.generation == g->number);
	json_add_text(o, "verdict", verdict_name(row->verdict));
	json_add_flag(o, "proven", row->proven);
	json_add_flag(o, "pinned", row->pinned);
	json_add_number(o, "room", (int64_t)g->room);
	json_add_time(o, "created", g->readable ? g->manifest.created : 0);
	json_add_id(o, "transaction", (uint64_t)row->transaction);
	json_add_text(o, "command_line", g->readable ? g->manifest.command_line : NULL);
	list_add_decision(o, list_find_generation(l, g));
	return o;
}

static json_object *list_left_overs_json(const struct listing *l)
{
	json_object *list = json_object_new_array();

	for (size_t i = 0; i < l->set.count; i++)
		if (l->set.items[i].kind == RETENTION_LEFTOVER)
			/* fails without memory only */
			(void)json_object_array_add(list, retention_item_json(
								  &l->set.items[i]));
	return list;
}

static int list_json(const struct listing *l, struct error *err)
{
	const struct inventory *inv = &l->inv;
	json_object *document = json_document();
	json_object *releases = json_object_new_array();
	json_object *generations = json_object_new_array();

	for (size_t i = 0; i < inv->kernels.count; i++)
		/* fails without memory only, here and below */
		(void)json_object_array_add(releases,
					    list_kernel_json(l, &inv->kernels.items[i]));
	for (size_t i = 0; i < inv->generation_count; i++)
		(void)json_object_array_add(generations,
					    list_generation_json(l,
								 &inv->generations[i]));
	json_object_object_add(document, "releases", releases);
	json_object_object_add(document, "generations", generations);
	json_object_object_add(document, "left_overs", list_left_overs_json(l));
	json_object_object_add(document, "boot_room",
			       l->shares.mount ? shares_json(&l->shares) : NULL);
	json_object_object_add(document, "esp_room",
			       l->esp.mount ? shares_json(&l->esp) : NULL);
	json_object_object_add(document, "storage", storage_json(&inv->storage));
	json_object_object_add(document, "firmware", firmware_json(&inv->firmware));
	return json_print(document, err);
}

static void list_kernel_row(struct libscols_table *table, const struct listing *l,
			    const struct kernel *k, bool sizes)
{
	autofree char *decision =
		list_decision(retention_find(&l->set, RETENTION_KERNEL, k->release));
	autofree char *image = k->image.path ? format_size(k->image.room) : NULL;
	autofree char *initramfs =
		k->initramfs.path ? format_size(k->initramfs.room) : NULL;
	autofree char *tree = sizes ? format_size(k->modules_room) : NULL;
	const char *values[] = {
		k->release,
		k->running ? "running" : "",
		image ? image : "missing",
		initramfs ? initramfs : "missing",
		!k->modules ? "missing"
		: tree      ? tree
			    : "yes",
		k->config.path ? "yes" : "missing",
		k->package ? k->package : "none",
		decision,
	};

	table_row(table, values);
}

static int list_kernels(const struct listing *l, bool sizes, struct error *err)
{
	static const struct column columns[] = {
		{"RELEASE", false, false}, {"", false, false},
		{"IMAGE", true, false},    {"INITRAMFS", true, false},
		{"MODULES", true, false},  {"CONFIG", false, false},
		{"PACKAGE", false, true},  {"RETENTION", false, true},
		{NULL, false, false},
	};
	struct libscols_table *table = table_new(columns);

	for (size_t i = 0; i < l->inv.kernels.count; i++)
		list_kernel_row(table, l, &l->inv.kernels.items[i], sizes);
	return table_print(table, err);
}

static void list_generation_row(struct libscols_table *table, const struct listing *l,
				const struct inventory_generation *g)
{
	const struct inventory *inv = &l->inv;
	autofree char *decision = list_decision(list_find_generation(l, g));
	autofree char *number = format_id(g->number);
	autofree char *room = format_size(g->room);
	autofree char *made = format_time(g->readable ? g->manifest.created : 0);
	autofree char *role =
		str_format("%s%s%s", inventory_role(inv, g->number),
			   inv->boot.generation == g->number ? " running" : "",
			   g->record.pinned ? " pinned" : "");
	const char *values[] = {
		number,
		g->readable ? g->manifest.release : "manifest can't be read",
		str_strip(role),
		g->record.proven ? "proven" : verdict_name(g->record.verdict),
		room,
		made,
		decision,
	};

	table_row(table, values);
}

static int list_generations(const struct listing *l, struct error *err)
{
	const struct inventory *inv = &l->inv;
	static const struct column columns[] = {
		{"GENERATION", true, false}, {"RELEASE", false, false},
		{"ROLE", false, false},      {"VERDICT", false, false},
		{"ROOM", true, false},       {"MADE", false, false},
		{"RETENTION", false, true},  {NULL, false, false},
	};
	struct libscols_table *table;

	if (inv->generation_count == 0) {
		say("\nNo generations: kuro is not set up here; run: kuro setup");
		return 0;
	}
	say("%s", "");
	table = table_new(columns);
	for (size_t i = 0; i < inv->generation_count; i++)
		list_generation_row(table, l, &inv->generations[i]);
	return table_print(table, err);
}

static int list_left_overs(const struct listing *l, struct error *err)
{
	static const struct column columns[] = {{"LEFT-OVER", false, true},
						{"ROOM", true, false},
						{"RETENTION", false, true},
						{NULL, false, false}};
	struct libscols_table *table = NULL;

	for (size_t i = 0; i < l->set.count; i++) {
		const struct retention_item *item = &l->set.items[i];
		autofree char *room = format_size(item->room);
		autofree char *decision = list_decision(item);
		const char *values[] = {item->name, room, decision};

		if (item->kind != RETENTION_LEFTOVER)
			continue;
		if (!table) {
			say("%s", "");
			table = table_new(columns);
		}
		table_row(table, values);
	}
	return table ? table_print(table, err) : 0;
}

static int list_text(const struct listing *l, bool sizes, struct error *err)
{
	int r = list_kernels(l, sizes, err);

	if (r == 0)
		r = list_generations(l, err);
	if (r == 0)
		r = list_left_overs(l, err);
	if (r == 0 && l->shares.mount)
		shares_say(&l->shares);
	if (r == 0 && l->esp.mount)
		shares_say(&l->esp);
	if (r == 0 && l->inv.generation_count && l->problem.code)
		say("What the policy would remove can't be told: %s", l->problem.message);
	return r;
}

int cmd_list(struct command *c, struct error *err)
{
	unsigned int want = INVENTORY_KERNELS | INVENTORY_PACKAGES | INVENTORY_MANIFESTS |
			    (c->sizes ? INVENTORY_SIZES : 0);
	cleanup(listing_done) struct listing l = {0};
	int r = inventory_gather(&c->machine, want, &l.inv, err);

	if (r < 0)
		return r;
	/* not set up, or not readable for this person: the rest can be told */
	(void)prune_plan(&c->machine, NULL, &l.set, &l.problem);
	(void)shares_measure(&c->root, &l.inv, &l.set, &l.shares, NULL);
	shares_measure_esp(&l.inv.storage, &l.esp);
	return c->json ? list_json(&l, err) : list_text(&l, c->sizes, err);
}
