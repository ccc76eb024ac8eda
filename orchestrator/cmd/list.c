/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kuro list
 */
#include <string.h>

#include "base/cleanup.h"
#include "flow/inventory.h"
#include "output.h"
#include "storage-json.h"

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

static json_object *list_kernel_json(const struct kernel *k)
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
	return o;
}

static json_object *list_generation_json(const struct inventory *inv,
					 const struct inventory_generation *g)
{
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
	return o;
}

static int list_json(const struct inventory *inv, struct error *err)
{
	json_object *document = json_document();
	json_object *releases = json_object_new_array();
	json_object *generations = json_object_new_array();

	for (size_t i = 0; i < inv->kernels.count; i++)
		/* fails without memory only, here and below */
		(void)json_object_array_add(releases,
					    list_kernel_json(&inv->kernels.items[i]));
	for (size_t i = 0; i < inv->generation_count; i++)
		(void)json_object_array_add(generations,
					    list_generation_json(inv,
								 &inv->generations[i]));
	json_object_object_add(document, "releases", releases);
	json_object_object_add(document, "generations", generations);
	json_object_object_add(document, "storage", storage_json(&inv->storage));
	json_object_object_add(document, "firmware", firmware_json(&inv->firmware));
	return json_print(document, err);
}

static void list_kernel_row(struct libscols_table *table, const struct kernel *k,
			    bool sizes)
{
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
	};

	table_row(table, values);
}

static int list_kernels(const struct inventory *inv, bool sizes, struct error *err)
{
	static const struct column columns[] = {
		{"RELEASE", false, false}, {"", false, false},
		{"IMAGE", true, false},    {"INITRAMFS", true, false},
		{"MODULES", true, false},  {"CONFIG", false, false},
		{"PACKAGE", false, true},  {NULL, false, false},
	};
	struct libscols_table *table = table_new(columns);

	for (size_t i = 0; i < inv->kernels.count; i++)
		list_kernel_row(table, &inv->kernels.items[i], sizes);
	return table_print(table, err);
}

static void list_generation_row(struct libscols_table *table, const struct inventory *inv,
				const struct inventory_generation *g)
{
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
	};

	table_row(table, values);
}

static int list_generations(const struct inventory *inv, struct error *err)
{
	static const struct column columns[] = {
		{"GENERATION", true, false}, {"RELEASE", false, false},
		{"ROLE", false, false},      {"VERDICT", false, false},
		{"ROOM", true, false},       {"MADE", false, false},
		{NULL, false, false},
	};
	struct libscols_table *table;

	if (inv->generation_count == 0) {
		say("\nNo generations: kuro is not set up here; run: kuro setup");
		return 0;
	}
	say("%s", "");
	table = table_new(columns);
	for (size_t i = 0; i < inv->generation_count; i++)
		list_generation_row(table, inv, &inv->generations[i]);
	return table_print(table, err);
}

int cmd_list(struct command *c, struct error *err)
{
	unsigned int want = INVENTORY_KERNELS | INVENTORY_PACKAGES | INVENTORY_MANIFESTS |
			    (c->sizes ? INVENTORY_SIZES : 0);
	autoinventory struct inventory inv = {0};
	int r = inventory_gather(&c->machine, want, &inv, err);

	if (r < 0)
		return r;
	if (c->json)
		return list_json(&inv, err);
	r = list_kernels(&inv, c->sizes, err);
	return r < 0 ? r : list_generations(&inv, err);
}
