/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kuro doctor
 */
#include "flow/doctor.h"

#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "command.h"
#include "output.h"

static int doctor_json(const struct finding_list *list, struct error *err)
{
	json_object *document = json_document();
	json_object *findings = json_object_new_array();

	for (size_t i = 0; i < list->count; i++) {
		json_object *o = json_object_new_object();

		json_add_text(o, "promise", list->items[i].promise);
		json_add_text(o, "state", finding_state_name(list->items[i].state));
		json_add_text(o, "why", list->items[i].why);
		json_add_text(o, "mend", list->items[i].mend);
		(void)json_object_array_add(findings, o); /* fails without memory only */
	}
	json_object_object_add(document, "findings", findings);
	return json_print(document, err);
}

/* What a terminal shows a state in: green, yellow, red. */
static const char *doctor_color(const struct command *c, enum finding_state state)
{
	static const char *const colors[] = {
		[FINDING_KEPT] = "\033[32m",
		[FINDING_WEAK] = "\033[33m",
		[FINDING_BROKEN] = "\033[31m",
		[FINDING_UNKNOWN] = "\033[33m",
	};

	return c->no_color || getenv("NO_COLOR") || !isatty(STDOUT_FILENO)
		       ? ""
		       : colors[state];
}

static void doctor_text(const struct command *c, const struct finding_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct finding *f = &list->items[i];

		const char *color = doctor_color(c, f->state);

		(void)printf("%s%-7s%s ", color, finding_state_name(f->state),
			     *color ? "\033[0m" : "");
		say("%s", f->promise);
		say("        %s", f->why);
		if (f->mend)
			say("        to do: %s", f->mend);
	}
}

int cmd_doctor(struct command *c, struct error *err)
{
	autofindings struct finding_list list = {0};
	bool broken = false;
	int r = doctor_run(&c->machine, &list, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < list.count; i++)
		broken |= list.items[i].state == FINDING_BROKEN;
	if (c->json)
		r = doctor_json(&list, err);
	else
		doctor_text(c, &list);
	return r < 0 ? r : broken ? EXIT_FAILED : 0;
}
