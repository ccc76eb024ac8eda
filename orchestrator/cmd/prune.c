/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kuro prune
 */
#include "prune.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "command.h"
#include "flow/door.h"
#include "flow/prune.h"
#include "output.h"

static const char *const kind_names[] = {
	[RETENTION_KERNEL] = "kernel",
	[RETENTION_GENERATION] = "generation",
	[RETENTION_LEFTOVER] = "left-over",
};

static const char *const left_over_names[] = {
	[LEFTOVER_NONE] = NULL,         [LEFTOVER_INITRAMFS] = "initramfs",
	[LEFTOVER_BACKUP] = "backup",   [LEFTOVER_TREE] = "modules",
	[LEFTOVER_DKMS] = "dkms",       [LEFTOVER_STAGING] = "staging",
	[LEFTOVER_UNKNOWN] = "unknown",
};

const struct retention_item *retention_find(const struct retention_set *set,
					    enum retention_kind kind, const char *name)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->items[i].kind == kind && str_eq(set->items[i].name, name))
			return &set->items[i];
	return NULL;
}

json_object *retention_item_json(const struct retention_item *item)
{
	json_object *o = json_object_new_object();

	json_add_text(o, "kind", kind_names[item->kind]);
	json_add_text(o, "left_over", left_over_names[item->leftover]);
	json_add_text(o, "name", item->name);
	json_add_text(o, "release", item->release);
	json_add_id(o, "generation", item->generation);
	json_add_number(o, "room", (int64_t)item->room);
	json_add_flag(o, "removed", item->removed);
	json_add_text(o, "reason", item->reason);
	if (item->leaves.count > 0)
		json_object_object_add(o, "leaves", json_strings(&item->leaves));
	return o;
}

/* failure: what the run ended with, or NULL; the document tells of it, too. */
static int prune_json(struct command *c, const struct retention_set *set,
		      const struct error *failure, struct error *err)
{
	json_object *document = json_document();
	json_object *items = json_object_new_array();

	for (size_t i = 0; i < set->count; i++)
		/* fails without memory only */
		(void)json_object_array_add(items, retention_item_json(&set->items[i]));
	json_add_flag(document, "dry_run", c->dry_run);
	json_object_object_add(document, "items", items);
	json_add_number(document, "freed", (int64_t)retention_freed(set));
	if (failure)
		json_add_error(document, failure);
	c->answered = failure != NULL;
	return json_print(document, err);
}

/* The reason, with what goes after the item. Caller frees. */
static char *item_why(const struct retention_item *item)
{
	struct text why = {0};

	text_append(&why, item->reason);
	for (size_t i = 0; i < item->leaves.count; i++)
		text_appendf(&why, "%s%s",
			     i == 0 ? "; and what it leaves behind: " : ", ",
			     item->leaves.items[i]);
	return text_take(&why);
}

static int prune_table(const struct command *c, const struct retention_set *set,
		       struct error *err)
{
	static const struct column columns[] = {
		{"", false, false},    {"NAME", false, false}, {"", false, false},
		{"ROOM", true, false}, {"WHY", false, true},   {NULL, false, false},
	};
	struct libscols_table *table = table_new(columns);

	for (size_t i = 0; i < set->count; i++) {
		const struct retention_item *item = &set->items[i];
		autofree char *room = format_size(item->room);
		autofree char *why = item_why(item);
		const char *values[] = {kind_names[item->kind], item->name,
					!item->removed ? "stays"
					: c->dry_run   ? "goes"
						       : "gone",
					room, why};

		table_row(table, values);
	}
	return table_print(table, err);
}

static int prune_tell(struct command *c, const struct retention_set *set,
		      const struct error *failure, struct error *err)
{
	autofree char *freed = format_size(retention_freed(set));
	size_t gone = 0;
	int r;

	if (c->json)
		return prune_json(c, set, failure, err);
	for (size_t i = 0; i < set->count; i++)
		gone += set->items[i].removed;
	r = set->count ? prune_table(c, set, err) : 0;
	if (r < 0)
		return r;
	if (gone == 0)
		say("Nothing is to be removed.");
	else
		say("%zu %s %s, %s of the boot file system.", gone,
		    gone == 1 ? "thing" : "things",
		    c->dry_run  ? "would go"
		    : gone == 1 ? "is gone"
				: "are gone",
		    freed);
	return 0;
}

static int prune_now(struct command *c, struct retention_set *set, struct error *err)
{
	int r;

	if (c->emergency)
		return prune_emergency(&c->machine, set, err);
	r = prune_allowed(&c->machine, err);
	if (r == 0 && c->dry_run)
		return prune_preview(&c->machine, set, err);
	return r < 0 ? r : prune_run(&c->machine, NULL, set, err);
}

int cmd_prune(struct command *c, struct error *err)
{
	autoretention struct retention_set set = {0};
	struct error local = {0};
	int r, told;

	if (c->emergency && c->dry_run)
		return error_set(err, -ERROR_USAGE,
				 "--emergency removes until packages can be finished, "
				 "which --dry-run can't foretell");
	r = prune_now(c, &set, &local);
	/* what went is told also where the rest failed */
	told = r == 0 || set.count > 0 ? prune_tell(c, &set, r < 0 ? &local : NULL, err)
				       : 0;
	return r < 0 ? error_set(err, r, "%s", local.message) : told;
}

/* For kuro-prune.service: beside a transaction or a trial it is a line and no failure. */
int cmd_hook_prune(struct command *c, struct error *err)
{
	struct error local = {0};
	int r;

	if (!policy_bool(&c->policy, POLICY_RETENTION_AUTOMATIC)) {
		log_info("retention.automatic is off: nothing is removed");
		return 0;
	}
	r = prune_allowed(&c->machine, &local);
	if (r == -ERROR_BUSY) {
		log_info("%s", local.message);
		return 0;
	}
	if (r < 0)
		return error_set(err, r, "%s", local.message);
	r = cmd_prune(c, &local);
	if (r == -ERROR_REFUSED || r == -ERROR_BUSY) {
		log_info("%s", local.message);
		return 0;
	}
	if (r < 0)
		return error_set(err, r, "%s", local.message);
	/* what did not fit may fit now */
	if (!door_bypassed(&c->machine, NULL))
		door_settle(&c->machine);
	return r;
}
