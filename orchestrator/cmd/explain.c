/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kuro explain
 */
#include <string.h>

#include "base/cleanup.h"
#include "command.h"
#include "output.h"
#include "probe/health.h"
#include "storage-json.h"
#include "store/records.h"

#define EXPLAIN_LINES 25 /* of one piece of evidence, for people; JSON has all */

/* Everything that is known of one transaction. */
struct story {
	struct transaction transaction;
	struct step_list steps;
	struct boot_list boots;
	struct evidence_list evidence;
	bool evidence_hidden; /* reading it needs root */
};

static void story_done(struct story *s)
{
	transaction_done(&s->transaction);
	step_list_done(&s->steps);
	boot_list_done(&s->boots);
	evidence_list_done(&s->evidence);
}

static int story_transaction(struct command *c, struct story *s, struct error *err)
{
	unsigned long long id = 0;
	struct error local = {0};
	int r;

	if (c->arg_count > 0 && str_to_u64(c->args[0], 1, INT64_MAX, &id) < 0)
		return error_set(
			err, -ERROR_USAGE,
			"\"%s\" is not a transaction's number; see: kuro history",
			c->args[0]);
	r = id ? transaction_get(c->machine.db, (int64_t)id, &s->transaction, &local)
	       : transaction_last(c->machine.db, &s->transaction, &local);
	if (r == -ENOENT && id)
		return error_set(err, r,
				 "there is no transaction %llu; see: kuro history", id);
	if (r == -ENOENT)
		return error_set(err, r, "there are no transactions yet");
	return r < 0 ? error_set(err, r, "%s", local.message) : 0;
}

static int story_gather(struct command *c, struct story *s, struct error *err)
{
	const struct transaction *t = &s->transaction;
	int r = story_transaction(c, s, err);

	if (r == 0)
		r = step_list(c->machine.db, t->id, &s->steps, err);
	if (r == 0 && t->generation &&
	    (t->kind == TRANSACTION_UPGRADE || t->kind == TRANSACTION_TRY))
		r = boot_list_trials(c->machine.db, t->id, &s->boots, err);
	if (r == 0)
		r = evidence_list(c->machine.db, t->id, &s->evidence, err);
	s->evidence_hidden = r == -EACCES; /* the rest of the story is for everyone */
	return s->evidence_hidden ? 0 : r;
}

static json_object *story_steps_json(const struct story *s)
{
	json_object *list = json_object_new_array();

	for (size_t i = 0; i < s->steps.count; i++) {
		const struct step *step = &s->steps.items[i];
		json_object *o = json_object_new_object();

		json_add_text(o, "name", step->name);
		json_add_text(o, "state", step_state_name(step->state));
		json_add_time(o, "begun", step->begun);
		json_add_time(o, "ended", step->ended);
		json_add_text(o, "detail", step->detail);
		(void)json_object_array_add(list, o); /* fails without memory only */
	}
	return list;
}

static json_object *story_boots_json(const struct story *s)
{
	json_object *list = json_object_new_array();

	for (size_t i = 0; i < s->boots.count; i++) {
		const struct boot *b = &s->boots.items[i];
		json_object *o = json_object_new_object();

		json_add_text(o, "boot_id", b->boot_id);
		json_add_time(o, "begun", b->begun);
		json_add_text(o, "verdict", verdict_name(b->verdict));
		json_add_text(o, "end", boot_end_name(b->end));
		json_add_text(o, "reason", b->reason);
		(void)json_object_array_add(list, o); /* fails without memory only */
	}
	return list;
}

static json_object *story_evidence_json(const struct story *s)
{
	json_object *list = json_object_new_array();

	for (size_t i = 0; i < s->evidence.count; i++) {
		const struct evidence *e = &s->evidence.items[i];
		json_object *o = json_object_new_object();

		json_add_text(o, "kind", e->kind);
		json_add_text(o, "boot_id", e->boot_id);
		json_add_time(o, "gathered", e->created);
		json_add_text(o, "content", e->content);
		(void)json_object_array_add(list, o); /* fails without memory only */
	}
	return list;
}

static int story_json(const struct story *s, struct error *err)
{
	json_object *document = json_document();

	json_object_object_add(document, "transaction",
			       transaction_json(&s->transaction));
	json_object_object_add(document, "steps", story_steps_json(s));
	json_object_object_add(document, "boots", story_boots_json(s));
	json_object_object_add(document, "evidence",
			       s->evidence_hidden ? NULL : story_evidence_json(s));
	return json_print(document, err);
}

static void story_head(const struct transaction *t)
{
	autofree char *begun = format_time(t->begun);
	autofree char *ended = format_time(t->ended);

	say("Transaction %lld: %s%s%s, %s to %s", (long long)t->id,
	    transaction_kind_name(t->kind), t->release ? " " : "",
	    t->release ? t->release : "", begun, t->ended ? ended : "now");
	say("Outcome: %s%s%s", transaction_state_name(t->state), t->summary ? ". " : "",
	    t->summary ? t->summary : "");
	if (t->state == TRANSACTION_ARMED)
		say("The next boot tries generation %u.", t->generation);
}

static void story_steps(const struct story *s)
{
	say("\nSteps:");
	for (size_t i = 0; i < s->steps.count; i++) {
		const struct step *step = &s->steps.items[i];

		say("  %-11s %s%s%s", step->name, step_state_name(step->state),
		    step->detail ? ": " : "", step->detail ? step->detail : "");
	}
}

static void story_boots(const struct story *s)
{
	const struct transaction *t = &s->transaction;
	bool closed = t->state != TRANSACTION_ARMED && t->state != TRANSACTION_RUNNING;

	if (t->tries == 0)
		return;
	say("\nTrial boots that came as far as kuro:");
	for (size_t i = s->boots.count; i-- > 0;) {
		const struct boot *b = &s->boots.items[i];
		autofree char *begun = format_time(b->begun);

		say("  %s  verdict %s, ended: %s%s%s", begun, verdict_name(b->verdict),
		    boot_end_name(b->end), b->reason ? ": " : "",
		    b->reason ? b->reason : "");
	}
	if (s->boots.count == 0)
		say(closed ? "  none: it ended before user space was up" : "  none yet");
}

/* The last lines of one piece of evidence, indented. */
static void story_lines(const char *content)
{
	autostrv struct strv lines = {0};

	strv_split(&lines, content, "\n");
	for (size_t i = lines.count > EXPLAIN_LINES ? lines.count - EXPLAIN_LINES : 0;
	     i < lines.count; i++)
		say("    %s", lines.items[i]);
}

/* The checks of one round that did not pass, or that all did. */
static void story_health(const char *content)
{
	autohealth struct health health = {0};
	size_t passed = 0;

	if (health_parse(content, &health, NULL) < 0) {
		story_lines(content);
		return;
	}
	for (size_t i = 0; i < health.count; i++) {
		const struct check *check = &health.items[i];

		passed += check->result == CHECK_PASSED;
		if (check->result == CHECK_FAILED || check->result == CHECK_TIMED_OUT)
			say("    %s %s: %s%s%s", check->required ? "required" : "wanted",
			    check->name, check_result_name(check->result),
			    check->detail ? ": " : "",
			    check->detail ? check->detail : "");
	}
	say("    %zu of %zu checks passed", passed, health.count);
}

static void story_evidence(const struct story *s)
{
	for (size_t i = 0; i < s->evidence.count; i++) {
		const struct evidence *e = &s->evidence.items[i];

		if (!e->content)
			continue;
		if (str_eq(e->kind, "baseline")) {
			say("\nEvidence: baseline taken before it began (see --json)");
			continue;
		}
		say("\nEvidence: %s%s%s", e->kind, e->boot_id ? " of boot " : "",
		    e->boot_id ? e->boot_id : "");
		if (str_eq(e->kind, "health"))
			story_health(e->content);
		else
			story_lines(e->content);
	}
	if (s->evidence_hidden)
		say("\nEvidence was kept; showing it needs root.");
	else if (s->evidence.count == 0)
		say("\nNo evidence was kept.");
}

int cmd_explain(struct command *c, struct error *err)
{
	struct story story = {0};
	int r = story_gather(c, &story, err);

	if (r == 0 && c->json) {
		r = story_json(&story, err);
	} else if (r == 0) {
		story_head(&story.transaction);
		story_steps(&story);
		story_boots(&story);
		story_evidence(&story);
	}
	story_done(&story);
	return r;
}
