/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kuro doctor
 */
#include "flow/doctor.h"

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

static void doctor_text(const struct finding_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct finding *f = &list->items[i];

		say("%-7s %s", finding_state_name(f->state), f->promise);
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
		doctor_text(&list);
	return r < 0 ? r : broken ? EXIT_FAILED : 0;
}
