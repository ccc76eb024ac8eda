/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kuro verdict, health and wait
 */
#include "flow/verdict.h"

#include <time.h>

#include "act/integrate.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/process.h"
#include "command.h"
#include "output.h"
#include "probe/this-boot.h"
#include "store/records.h"

#define WAIT_DEFAULT 900 /* seconds */

static int verdict_tell(const struct command *c, const struct verdict_result *result,
			struct error *err)
{
	json_object *document;

	if (!c->json) {
		say("%s", result->sentence);
		return 0;
	}
	document = json_document();
	json_add_text(document, "verdict", verdict_name(result->verdict));
	json_add_flag(document, "blessed", result->blessed);
	json_add_flag(document, "rolled_back", result->rolled_back);
	json_add_text(document, "sentence", result->sentence);
	return json_print(document, err);
}

/* A trial that was taken back does not go on running, whatever else fails. */
static int verdict_reboot(struct command *c, struct error *err)
{
	int r = integrate_reboot(&c->root, false, err);

	if (r < 0)
		return error_prefix(err, r, "the trial is taken back, but it still runs");
	return EXIT_ROLLED_BACK;
}

int cmd_verdict(struct command *c, struct error *err)
{
	struct verdict_result result = {0};
	int told, r = verdict_run(&c->machine, c->failed, &result, err);

	if (r < 0 && result.rolled_back) {
		log_error("%s", err->message);
		r = 0;
	}
	if (r == 0 && result.sentence) {
		told = verdict_tell(c, &result, err);
		r = result.rolled_back ? 0 : told;
	}
	if (r == 0 && result.rolled_back)
		r = verdict_reboot(c, err);
	else if (r == 0 && result.verdict == VERDICT_FAILED)
		r = EXIT_FAILED;
	verdict_result_done(&result);
	return r;
}

static int health_json(const struct health *health, struct error *err)
{
	json_object *document = json_document();
	json_object *checks = json_object_new_array();

	for (size_t i = 0; i < health->count; i++) {
		json_object *o = json_object_new_object();

		json_add_text(o, "name", health->items[i].name);
		json_add_flag(o, "required", health->items[i].required);
		json_add_text(o, "result", check_result_name(health->items[i].result));
		json_add_text(o, "detail", health->items[i].detail);
		json_add_number(o, "milliseconds", health->items[i].milliseconds);
		(void)json_object_array_add(checks, o); /* fails without memory only */
	}
	json_add_flag(document, "healthy", health_good(health));
	json_object_object_add(document, "checks", checks);
	return json_print(document, err);
}

static int health_text(const struct health *health, struct error *err)
{
	static const struct column columns[] = {{"CHECK", false, false},
						{"", false, false},
						{"RESULT", false, false},
						{"MS", true, false},
						{"DETAIL", false, true},
						{NULL, false, false}};
	struct libscols_table *table = table_new(columns);

	for (size_t i = 0; i < health->count; i++) {
		const struct check *check = &health->items[i];
		autofree char *time = str_format("%u", check->milliseconds);
		const char *values[] = {check->name,
					check->required ? "required" : "wanted",
					check_result_name(check->result), time,
					check->detail};

		table_row(table, values);
	}
	return table_print(table, err);
}

int cmd_health(struct command *c, struct error *err)
{
	autohealth struct health health = {0};
	int r = verdict_health(&c->machine, c->boot, c->boot, &health, err);

	if (r == 0)
		r = c->json ? health_json(&health, err) : health_text(&health, err);
	if (r < 0)
		return r;
	return health_good(&health) ? 0 : EXIT_FAILED;
}

/* This boot's verdict as the database has it now. */
static int wait_look(struct command *c, const char *boot_id, struct boot *ret,
		     struct error *err)
{
	autodatabase struct database *db = NULL;
	struct error local = {0};
	int r = database_open(&c->root, DATABASE_READ, &db, err);

	if (r == 0) {
		r = boot_get(db, boot_id, ret, &local);
		if (r < 0 && r != -ENOENT)
			return error_set(err, r, "%s", local.message);
	}
	return r == -ENOENT ? 0 : r;
}

static int wait_until(struct command *c, const char *boot_id, struct boot *ret,
		      struct error *err)
{
	unsigned long long left = c->timeout_given ? c->timeout : WAIT_DEFAULT;
	bool for_ever = left == 0;
	int r;

	while ((r = wait_look(c, boot_id, ret, err)) == 0 &&
	       ret->verdict == VERDICT_NONE) {
		if (process_interrupted())
			return error_set(err, -ERROR_INTERRUPTED, "interrupted");
		if (!for_ever && left-- == 0)
			return error_set(err, -ETIMEDOUT,
					 "this boot has no verdict yet; see: systemctl "
					 "status kuro-health.service");
		boot_done(ret);
		*ret = (struct boot){0};
		(void)sleep(1); /* an early end only looks again sooner */
	}
	return r;
}

int cmd_wait(struct command *c, struct error *err)
{
	autothisboot struct this_boot boot = {0};
	struct boot row = {0};
	json_object *document;
	bool healthy;
	int r = this_boot_probe(&c->root, &boot, err);

	if (r == 0)
		r = wait_until(c, boot.boot_id, &row, err);
	healthy = row.verdict == VERDICT_HEALTHY;
	if (r == 0 && c->json) {
		document = json_document();
		json_add_text(document, "verdict", verdict_name(row.verdict));
		json_add_text(document, "reason", row.reason);
		r = json_print(document, err);
	} else if (r == 0) {
		say("%s%s%s", verdict_name(row.verdict), row.reason ? ": " : "",
		    row.reason ? row.reason : "");
	}
	boot_done(&row);
	return r < 0 || healthy ? r : EXIT_ROLLED_BACK;
}
