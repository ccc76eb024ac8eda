/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kuro plan, upgrade and try
 */
#include "flow/upgrade.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "output.h"
#include "report.h"
#include "storage-json.h"
#include "store/records.h"

static int plan_json(const struct package_plan *plan, const struct vet_report *report,
		     struct error *err)
{
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
	json_object_object_add(document, "packages", packages);
	json_object_object_add(document, "vetting",
			       report ? report_document(report, &no_drift) : NULL);
	return json_print(document, err);
}

static int plan_vetting(const struct vet_report *report, struct error *err)
{
	const struct strv no_drift = {0};

	say("%s", "");
	if (report)
		return report_text(report, &no_drift, err);
	say("It is vetted when its packages are fetched, before they are unpacked.");
	return 0;
}

static int plan_text(const struct package_plan *plan, const struct vet_report *report,
		     struct error *err)
{
	int r;

	static const struct column columns[] = {{"PACKAGE", false, false},
						{"INSTALLED", false, false},
						{"NEW", false, false},
						{NULL, false, false}};
	struct libscols_table *table;

	if (!plan->release) {
		say("There is no newer kernel.");
		return 0;
	}
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
	return r < 0 ? r : plan_vetting(report, err);
}

int cmd_plan(struct command *c, struct error *err)
{
	autoplan struct package_plan plan = {0};
	autovet struct vet_report report = {0};
	const struct vet_report *vetted = NULL;
	int r = upgrade_preview(&c->machine, c->to, &plan, err);

	if (r == 0)
		r = upgrade_preview_vet(&c->machine, &plan, &report, err);
	if (r < 0)
		return r;
	if (r > 0)
		vetted = &report;
	r = c->json ? plan_json(&plan, vetted, err) : plan_text(&plan, vetted, err);
	return r == 0 && vetted && !vetted->compatible ? EXIT_REFUSED : r;
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
	r = upgrade_run(&c->machine, c->to, &id, err);
	return r < 0 ? r : armed_finish(c, r, id, err);
}

/* What a try would begin with. What has a remedy is made before it is judged. */
static int try_preview(struct command *c, struct error *err)
{
	const struct strv no_drift = {0};
	autovet struct vet_report report = {0};
	int r = try_check(&c->machine, c->args[0], err);

	if (r == 0)
		r = vet_release(&c->machine, c->args[0], VET_WHOLE, &report, err);
	if (r < 0)
		return r;
	if (c->json)
		return report_json(&report, &no_drift, err);
	say("A generation of %s would be made and tried at the next boot, once modules "
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
