/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kuro plan, upgrade and try
 */
#include "flow/upgrade.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "output.h"
#include "report.h"
#include "room-report.h"
#include "storage-json.h"
#include "store/records.h"

/* What a plan brings, whether it is compatible, and whether it fits. */
struct preview {
	struct package_plan plan;
	struct vet_report vet;
	bool vetted; /* its packages were at hand */
	struct room_report room;
};

static void preview_done(struct preview *preview)
{
	package_plan_done(&preview->plan);
	vet_report_done(&preview->vet);
	room_report_done(&preview->room);
}

static int plan_json(const struct preview *preview, struct error *err)
{
	const struct package_plan *plan = &preview->plan;
	const struct strv no_drift = {0};
	json_object *document = json_document();
	json_object *packages = json_object_new_array();

	for (size_t i = 0; i < plan->count; i++) {
		json_object *o = json_object_new_object();

		json_add_text(o, "name", plan->items[i].name);
		json_add_text(o, "old", plan->items[i].old_version);
		json_add_text(o, "new", plan->items[i].new_version);
		(void)json_object_array_add(packages, o); /* fails without memory only */
	}
	json_add_text(document, "manager", plan->manager);
	json_add_text(document, "release", plan->release);
	json_add_text(document, "passed_over", plan->passed_over);
	json_object_object_add(document, "packages", packages);
	json_object_object_add(document, "room",
			       plan->release ? room_json(&preview->room) : NULL);
	json_object_object_add(document, "vetting",
			       preview->vetted ? report_document(&preview->vet, &no_drift)
					       : NULL);
	return json_print(document, err);
}

static int plan_vetting(const struct preview *preview, struct error *err)
{
	const struct strv no_drift = {0};

	say("%s", "");
	if (preview->vetted)
		return report_text(&preview->vet, &no_drift, err);
	say("It is vetted when its packages are fetched, before they are unpacked.");
	return 0;
}

static int plan_text(const struct preview *preview, struct error *err)
{
	const struct package_plan *plan = &preview->plan;
	int r;

	static const struct column columns[] = {{"PACKAGE", false, false},
						{"INSTALLED", false, false},
						{"NEW", false, false},
						{NULL, false, false}};
	struct libscols_table *table;

	if (!plan->release) {
		autofree char *why = upgrade_nothing_newer(plan);

		say("Nothing to do: %s.", why);
		return 0;
	}
	if (plan->passed_over)
		say("%s could be had, but no archive calls it a security update.",
		    plan->passed_over);
	say("%s would bring %s, and the next boot would try it:", plan->manager,
	    plan->release);
	table = table_new(columns);
	for (size_t i = 0; i < plan->count; i++) {
		const char *values[] = {plan->items[i].name,
					plan->items[i].old_version
						? plan->items[i].old_version
						: "-",
					plan->items[i].new_version
						? plan->items[i].new_version
						: "removed"};

		table_row(table, values);
	}
	r = table_print(table, err);
	if (r == 0)
		r = room_text(&preview->room, err);
	return r < 0 ? r : plan_vetting(preview, err);
}

static int preview_gather(struct command *c, struct preview *ret, struct error *err)
{
	int r = upgrade_preview(&c->machine, c->to, &ret->plan, err);
	const struct room_task task = {.release = ret->plan.release, .plan = &ret->plan};

	if (r == 0 && ret->plan.release)
		r = room_preview(&c->machine, &task, &ret->room, err);
	if (r == 0)
		r = upgrade_preview_vet(&c->machine, &ret->plan, &ret->vet, err);
	ret->vetted = r > 0;
	return r < 0 ? r : 0;
}

/* --security is packages.security for one call. */
static int take_security(struct command *c, struct error *err)
{
	if (!c->security)
		return 0;
	if (c->to)
		return error_set(err, -ERROR_USAGE,
				 "--to names a kernel and --security picks one: give one "
				 "of them");
	return policy_set(&c->policy, POLICY_PACKAGES_SECURITY, "true", err);
}

int cmd_plan(struct command *c, struct error *err)
{
	cleanup(preview_done) struct preview preview = {0};
	int r = take_security(c, err);

	if (r == 0)
		r = preview_gather(c, &preview, err);
	if (r == 0)
		r = c->json ? plan_json(&preview, err) : plan_text(&preview, err);
	if (r < 0)
		return r;
	return (preview.vetted && !preview.vet.compatible) ||
			       (preview.plan.release && !preview.room.fits_pruned)
		       ? EXIT_REFUSED
		       : r;
}

/* The sentence after a transaction was armed, or found nothing to do. */
static int armed_tell(struct command *c, int64_t id, bool rebooting, struct error *err)
{
	struct transaction t = {0};
	int r = transaction_get(c->machine.db, id, &t, err);

	if (r < 0)
		return r;
	if (c->json) {
		json_object *document = json_document();

		json_object_object_add(document, "transaction", transaction_json(&t));
		json_add_flag(document, "rebooting", rebooting);
		r = json_print(document, err);
	} else if (t.state == TRANSACTION_ARMED) {
		say("Generation %u (%s) is armed for %u %s: %s.", t.generation, t.release,
		    t.tries, t.tries == 1 ? "try" : "tries",
		    rebooting ? "rebooting now" : "the next boot tries it");
	} else {
		say("Nothing to do: %s.", t.summary ? t.summary : "it is so already");
	}
	transaction_done(&t);
	return r;
}

static int armed_finish(struct command *c, int r, int64_t id, struct error *err)
{
	bool rebooting = false;
	const char *mode;

	if (r == 0)
		r = command_reboot_mode(c, &mode, err);
	if (r == 0)
		rebooting = str_eq(mode, "now");
	if (r >= 0)
		r = armed_tell(c, id, rebooting, err);
	return r == 0 && rebooting ? upgrade_reboot(&c->machine, "now", &rebooting, err)
				   : r;
}

int cmd_upgrade(struct command *c, struct error *err)
{
	int64_t id = 0;
	int r;

	if (c->dry_run)
		return cmd_plan(c, err);
	r = take_security(c, err);
	if (r == 0)
		r = upgrade_run(&c->machine, c->to, &id, err);
	return r < 0 ? r : armed_finish(c, r, id, err);
}

/* What a try would begin with. What has a remedy is made before it is judged. */
static int try_preview(struct command *c, struct error *err)
{
	const struct strv no_drift = {0};
	autovet struct vet_report report = {0};
	autoroom struct room_report room = {0};
	const struct room_task task = {.release = c->args[0]};
	int r = try_check(&c->machine, c->args[0], err);

	if (r == 0)
		r = room_preview(&c->machine, &task, &room, err);
	if (r == 0)
		r = vet_release(&c->machine, c->args[0], VET_WHOLE, &report, err);
	if (r < 0)
		return r;
	if (c->json) {
		json_object *document = report_document(&report, &no_drift);

		json_object_object_add(document, "room", room_json(&room));
		return json_print(document, err);
	}
	r = room_text(&room, err);
	if (r < 0)
		return r;
	say("\nA generation of %s would be made and tried at the next boot, once modules "
	    "that can be rebuilt or linked were made and the policy does not refuse it. "
	    "As it is now:",
	    c->args[0]);
	return report_text(&report, &no_drift, err);
}

int cmd_try(struct command *c, struct error *err)
{
	int64_t id = 0;
	int r;

	if (c->dry_run)
		return try_preview(c, err);
	r = try_run(&c->machine, c->args[0], &id, err);
	return r < 0 ? r : armed_finish(c, r, id, err);
}
