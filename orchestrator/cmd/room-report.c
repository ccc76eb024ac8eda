/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Predicted room: what is free, what the peak takes, what stays taken.
 */
#include "room-report.h"

#include "base/cleanup.h"
#include "output.h"

static json_object *room_demands_json(const struct space_plan *plan, size_t space)
{
	json_object *list = json_object_new_array();

	for (size_t i = 0; i < plan->demand_count; i++) {
		const struct space_demand *demand = &plan->demands[i];
		json_object *o;

		if (demand->space != space)
			continue;
		o = json_object_new_object();
		json_add_text(o, "what", demand->what);
		json_add_number(o, "bytes", (int64_t)demand->bytes);
		json_add_number(o, "inodes", (int64_t)demand->inodes);
		json_add_flag(o, "temporary", demand->temporary);
		json_add_flag(o, "measured", demand->measured);
		(void)json_object_array_add(list, o); /* fails without memory only */
	}
	return list;
}

static json_object *room_space_json(const struct space_plan *plan, size_t space)
{
	const struct space *s = &plan->spaces[space];
	json_object *o = json_object_new_object();
	struct space_peak peak;

	space_peak(plan, space, &peak);
	json_add_text(o, "mount", s->mount);
	json_add_flag(o, "boot", s->boot);
	json_add_number(o, "total", (int64_t)s->total);
	json_add_number(o, "free", (int64_t)s->free);
	json_add_number(o, "reserve", (int64_t)space_reserve(plan, space));
	json_add_number(o, "peak", (int64_t)peak.bytes);
	json_add_number(o, "stays", (int64_t)peak.stays);
	json_add_number(o, "missing", (int64_t)peak.missing);
	json_add_number(o, "inodes_free", (int64_t)s->inodes_free);
	json_add_number(o, "inodes_peak", (int64_t)peak.inodes);
	json_add_number(o, "inodes_missing", (int64_t)peak.missing_inodes);
	json_object_object_add(o, "demands", room_demands_json(plan, space));
	return o;
}

json_object *room_json(const struct room_report *report)
{
	json_object *o = json_object_new_object();
	json_object *list = json_object_new_array();

	for (size_t i = 0; i < report->plan.space_count; i++)
		/* fails without memory only */
		(void)json_object_array_add(list, room_space_json(&report->plan, i));
	json_add_flag(o, "fits", report->fits);
	json_add_flag(o, "fits_pruned", report->fits_pruned);
	json_add_number(o, "would_free", (int64_t)report->freed);
	json_object_object_add(o, "file_systems", list);
	return o;
}

/* "12.0 MiB, 3 inodes", or "-" for nothing; caller frees. */
static char *room_missing(const struct space_peak *peak)
{
	autofree char *bytes = format_size(peak->missing);

	if (peak->missing == 0 && peak->missing_inodes == 0)
		return str_dup("-");
	if (peak->missing_inodes == 0)
		return take_ptr(bytes);
	return str_format("%s%s%llu inodes", peak->missing ? bytes : "",
			  peak->missing ? ", " : "",
			  (unsigned long long)peak->missing_inodes);
}

static void room_row(struct libscols_table *table, const struct space_plan *plan,
		     size_t space)
{
	autofree char *available = format_size(plan->spaces[space].free);
	autofree char *most = NULL, *stays = NULL, *missing = NULL;
	struct space_peak peak;

	space_peak(plan, space, &peak);
	most = format_size(peak.bytes);
	stays = format_size(peak.stays);
	missing = room_missing(&peak);
	table_row(table, (const char *[]){plan->spaces[space].mount, available, most,
					  stays, missing});
}

int room_text(const struct room_report *report, struct error *err)
{
	static const struct column columns[] = {{"FILE SYSTEM", false, false},
						{"FREE", true, false},
						{"AT THE PEAK", true, false},
						{"AFTERWARDS", true, false},
						{"MISSING", true, false},
						{NULL, false, false}};
	autofree char *reserve = format_size(report->plan.reserve);
	autofree char *freed = format_size(report->freed);
	struct libscols_table *table = table_new(columns);
	int r;

	for (size_t i = 0; i < report->plan.space_count; i++)
		room_row(table, &report->plan, i);
	say("\nRoom that it takes; where a boot's files lie, %s must stay free beside it "
	    "(room.reserve):",
	    reserve);
	r = table_print(table, err);
	if (r < 0 || report->fits)
		return r;
	say(report->fits_pruned ? "The retention policy makes that room: %s."
				: "The retention policy would free %s, which is not "
				  "enough: it would be refused.",
	    freed);
	return 0;
}
