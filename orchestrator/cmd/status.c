/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kuro status
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "flow/inventory.h"
#include "flow/vet.h"
#include "output.h"
#include "storage-json.h"

static json_object *status_running_json(const struct inventory *inv)
{
	json_object *o = json_object_new_object();

	json_add_text(o, "release", inv->boot.release);
	json_add_id(o, "generation", inv->boot.generation);
	json_add_flag(o, "trial", inv->boot.trial);
	json_add_text(o, "boot_id", inv->boot.boot_id);
	json_add_text(o, "verdict", verdict_name(inv->this_record.verdict));
	return o;
}

static const char *status_state(const struct inventory *inv)
{
	return inv->block_damaged ? "damaged" : boot_state_name(inv->state);
}

static json_object *status_boot_json(const struct inventory *inv)
{
	json_object *o = json_object_new_object();

	json_add_text(o, "state", status_state(inv));
	json_add_id(o, "good", inv->block.good);
	json_add_id(o, "previous", inv->block.previous);
	json_add_id(o, "trial", inv->block.trial);
	json_add_number(o, "tries", inv->block.tries);
	json_add_number(o, "miss", inv->block.miss);
	if (inv->block_damaged)
		json_add_text(o, "problem", inv->block_problem);
	return o;
}

json_object *transaction_json(const struct transaction *t)
{
	json_object *o = json_object_new_object();

	json_add_number(o, "id", t->id);
	json_add_text(o, "kind", transaction_kind_name(t->kind));
	json_add_text(o, "release", t->release);
	json_add_id(o, "generation", t->generation);
	json_add_text(o, "state", transaction_state_name(t->state));
	json_add_time(o, "begun", t->begun);
	json_add_time(o, "ended", t->ended);
	json_add_text(o, "summary", t->summary);
	return o;
}

static json_object *status_holds_json(const struct inventory *inv)
{
	json_object *list = json_object_new_array();

	for (size_t i = 0; i < inv->holds.count; i++) {
		json_object *o = json_object_new_object();

		json_add_text(o, "release", inv->holds.items[i].release);
		json_add_text(o, "reason", inv->holds.items[i].reason);
		json_add_time(o, "expires", inv->holds.items[i].expires);
		(void)json_object_array_add(list, o); /* fails without memory only */
	}
	return list;
}

/* What is armed, or was taken back while the trial still runs, waits for a reboot. */
static bool status_reboot_wanted(const struct inventory *inv)
{
	return inv->state == BOOT_ARMED ||
	       (inv->boot.generation != 0 && inv->block.good != 0 &&
		inv->state == BOOT_STEADY && inv->boot.generation != inv->block.good);
}

static json_object *status_drift_json(const struct strv *drift)
{
	json_object *list = json_object_new_array();

	for (size_t i = 0; i < drift->count; i++)
		/* fails without memory only */
		(void)json_object_array_add(list,
					    json_object_new_string(drift->items[i]));
	return list;
}

static int status_json(const struct inventory *inv, const struct strv *drift,
		       struct error *err)
{
	json_object *document = json_document();
	const struct transaction_list *last = &inv->transactions;

	json_object_object_add(document, "running", status_running_json(inv));
	json_object_object_add(document, "boot", status_boot_json(inv));
	json_object_object_add(document, "last_transaction",
			       last->count > 0 ? transaction_json(&last->items[0])
					       : NULL);
	json_add_flag(document, "reboot_wanted", status_reboot_wanted(inv));
	json_object_object_add(document, "storage", storage_json(&inv->storage));
	json_object_object_add(document, "firmware", firmware_json(&inv->firmware));
	json_object_object_add(document, "holds", status_holds_json(inv));
	json_object_object_add(document, "drift", status_drift_json(drift));
	return json_print(document, err);
}

static const char *status_release(const struct inventory *inv, unsigned int generation)
{
	for (size_t i = 0; i < inv->generation_count; i++)
		if (inv->generations[i].number == generation)
			return inv->generations[i].readable
				       ? inv->generations[i].manifest.release
				       : "its manifest can't be read";
	return "its files are missing";
}

static void status_pointer(const struct inventory *inv, const char *name,
			   unsigned int generation, const char *behind)
{
	if (generation == 0)
		say("%-10s -", name);
	else
		say("%-10s generation %u (%s)%s", name, generation,
		    status_release(inv, generation), behind);
}

static void status_running(const struct inventory *inv)
{
	static const char *const words[] = {
		[VERDICT_NONE] = "no verdict yet",
		[VERDICT_HEALTHY] = "healthy",
		[VERDICT_FAILED] = "failed its health checks",
	};
	const char *release = inv->boot.release ? inv->boot.release : "nothing known";

	if (inv->boot.generation)
		say("%-10s %s, generation %u%s, %s", "running", release,
		    inv->boot.generation, inv->boot.trial ? " (trial)" : "",
		    words[inv->this_record.verdict]);
	else
		say("%-10s %s, not started from an entry of kuro's", "running", release);
}

static void status_block(const struct inventory *inv)
{
	autofree char *tries = str_format(", %u %s left", inv->block.tries,
					  inv->block.tries == 1 ? "try" : "tries");

	if (inv->block_damaged) {
		say("%-10s %s; run: kuro recover", "block", inv->block_problem);
		return;
	}
	if (!inv->block_present) {
		say("%-10s kuro is not set up on this machine; run: kuro setup", "block");
		return;
	}
	status_pointer(inv, "good", inv->block.good, "");
	status_pointer(inv, "previous", inv->block.previous, "");
	status_pointer(inv, "trial", inv->block.trial, tries);
	if (inv->block.miss > 1)
		say("%-10s the good generation had no verdict in its last %u boots",
		    "attention", inv->block.miss);
}

static void status_room(const struct inventory *inv)
{
	const struct storage *boot = storage_of_boot(&inv->storage);
	autofree char *available = format_size(boot->free);
	autofree char *total = format_size(boot->total);

	say("%-10s %s of %s free on %s (%s), %llu of %llu inodes", "room", available,
	    total, boot->mount ? boot->mount : "/", boot->type ? boot->type : "?",
	    (unsigned long long)boot->inodes_free, (unsigned long long)boot->inodes);
}

static void status_last(const struct inventory *inv)
{
	const struct transaction *t;

	if (inv->transactions.count == 0)
		return;
	t = &inv->transactions.items[0];
	say("%-10s %lld, %s%s%s: %s%s%s", "last", (long long)t->id,
	    transaction_kind_name(t->kind), t->release ? " " : "",
	    t->release ? t->release : "", transaction_state_name(t->state),
	    t->summary ? ". " : "", t->summary ? t->summary : "");
}

/* One line: kuro check tells the rest. */
static void status_drift(const struct strv *drift)
{
	if (drift->count == 1)
		say("%-10s the way back has changed: %s", "drift", drift->items[0]);
	else if (drift->count > 1)
		say("%-10s the way back has changed: %s (and %zu more; see: kuro check)",
		    "drift", drift->items[0], drift->count - 1);
}

static int status_text(const struct inventory *inv, const struct strv *drift)
{
	status_running(inv);
	status_block(inv);
	status_drift(drift);
	status_room(inv);
	status_last(inv);
	for (size_t i = 0; i < inv->holds.count; i++) {
		autofree char *until = format_time(inv->holds.items[i].expires);

		say("%-10s %s, until %s", "hold", inv->holds.items[i].release,
		    inv->holds.items[i].expires ? until : "it is lifted");
	}
	if (status_reboot_wanted(inv))
		say("%-10s %s", "reboot",
		    inv->state == BOOT_ARMED
			    ? "wanted: the next boot tries the trial"
			    : "wanted: another generation is the good one");
	return 0;
}

int cmd_status(struct command *c, struct error *err)
{
	autoinventory struct inventory inv = {0};
	autostrv struct strv drift = {0};
	struct error local = {0};
	int r = inventory_gather(&c->machine, INVENTORY_MANIFESTS, &inv, err);

	if (r < 0)
		return r;
	/* status answers also where the way back can't be vetted; check says why */
	if (vet_drift(&c->machine, &drift, &local) < 0)
		log_debug("the way back could not be vetted: %s", local.message);
	return c->json ? status_json(&inv, &drift, err) : status_text(&inv, &drift);
}
