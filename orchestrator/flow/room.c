/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Does it fit? Where it does not, retention is asked for room before a person is; what a
 * proven boot needs is never given for it.
 */
#include "flow/room.h"

#include "act/packages.h"
#include "base/cleanup.h"
#include "flow/prune.h"

#define MEBIBYTE   (1024.0 * 1024.0)
#define CANDIDATES 3 /* that are named to a person */

static double mebibytes(uint64_t bytes)
{
	return (double)bytes / MEBIBYTE;
}

void room_report_done(struct room_report *report)
{
	space_plan_done(&report->plan);
	retention_set_done(&report->retention);
	*report = (struct room_report){0};
}

/* The most that is missing anywhere; inodes come with the files that go, so any file. */
static uint64_t plan_missing(const struct space_plan *plan)
{
	uint64_t most = 0;

	for (size_t i = 0; i < plan->space_count; i++) {
		struct space_peak peak;
		uint64_t missing;

		space_peak(plan, i, &peak);
		missing = peak.missing ? peak.missing : peak.missing_inodes;
		if (missing > most)
			most = missing;
	}
	return most;
}

/* Would it fit with so much more on the boot file systems? Elsewhere nothing is said to
 * come free, though kernels that go free room there too. */
static bool plan_fits_with(const struct space_plan *plan, uint64_t freed)
{
	for (size_t i = 0; i < plan->space_count; i++) {
		struct space_peak peak;

		space_peak(plan, i, &peak);
		if (peak.missing > (plan->spaces[i].boot ? freed : 0) ||
		    (peak.missing_inodes > 0 && freed == 0))
			return false;
	}
	return true;
}

int room_preview(const struct machine *machine, const struct package_plan *plan,
		 const char *release, struct room_report *ret, struct error *err)
{
	int r;

	*ret = (struct room_report){0};
	r = room_plan(machine, plan, release, &ret->plan, err);
	if (r < 0)
		goto failed;
	ret->wanted = plan_missing(&ret->plan);
	ret->fits = ret->fits_pruned = ret->wanted == 0;
	if (ret->fits)
		return 0;
	r = prune_plan(machine, ret->wanted, &ret->retention, err);
	if (r < 0)
		goto failed;
	ret->freed = retention_freed(&ret->retention);
	ret->fits_pruned = plan_fits_with(&ret->plan, ret->freed);
	return 0;
failed:
	room_report_done(ret);
	return r;
}

/* Kept by choice alone: no boot needs it, and nobody but the policy says that it stays.
 */
static bool item_is_choice(const struct retention_item *item)
{
	return !item->removed && item->room > 0 && !item->running && !item->good &&
	       !item->previous && !item->trial;
}

/* The largest that is smaller than the last one named; NULL: no more. */
static const struct retention_item *next_candidate(const struct retention_set *set,
						   const struct retention_item *last)
{
	const struct retention_item *found = NULL;

	for (size_t i = 0; i < set->count; i++) {
		const struct retention_item *item = &set->items[i];
		bool after = !last || item->room < last->room ||
			     (item->room == last->room && item > last);

		if (item_is_choice(item) && after && (!found || item->room > found->room))
			found = item;
	}
	return found;
}

/* "6.1.0-50-amd64 (45 MiB: pinned), …", or NULL: nothing. Caller frees. */
static char *candidates_text(const struct retention_set *set)
{
	autotext struct text text = {0};
	const struct retention_item *item = NULL;

	for (size_t i = 0; i < CANDIDATES; i++) {
		item = next_candidate(set, item);
		if (!item)
			break;
		text_appendf(&text, "%s%s%s (%.0f MiB%s%s)", i ? ", " : "",
			     item->kind == RETENTION_GENERATION ? "generation " : "",
			     item->name, mebibytes(item->room), item->reason ? ": " : "",
			     item->reason ? item->reason : "");
	}
	return text.len ? text_take(&text) : NULL;
}

/* "/boot lacks 34.2 MiB (49.1 at the peak, 30.9 free, 16 to stay free)" */
static void missing_text(const struct space_plan *plan, struct text *ret)
{
	for (size_t i = 0; i < plan->space_count; i++) {
		const struct space *s = &plan->spaces[i];
		struct space_peak peak;

		space_peak(plan, i, &peak);
		if (peak.missing > 0)
			text_appendf(ret,
				     "%s%s lacks %.1f MiB (%.1f are needed at the peak, "
				     "%.1f are free, %.0f must stay free)",
				     ret->len ? "; " : "", s->mount,
				     mebibytes(peak.missing), mebibytes(peak.bytes),
				     mebibytes(s->free), mebibytes(plan->reserve));
		if (peak.missing_inodes > 0)
			text_appendf(ret, "%s%s lacks %llu inodes (%llu are free)",
				     ret->len ? "; " : "", s->mount,
				     (unsigned long long)peak.missing_inodes,
				     (unsigned long long)s->inodes_free);
	}
}

static int room_refuse(const struct machine *machine, const struct space_plan *plan,
		       const char *release, struct error *err)
{
	autoretention struct retention_set left = {0};
	autotext struct text missing = {0};
	autofree char *names = NULL;
	uint64_t freed = 0;

	missing_text(plan, &missing);
	/* the refusal stands, whether or not something can be named */
	if (prune_plan(machine, plan_missing(plan), &left, NULL) == 0) {
		names = candidates_text(&left);
		freed = retention_freed(&left);
	}
	/* it can't be asked to remove kernels before it has ended */
	if (freed > 0 && packages_busy(machine->root))
		return error_set(err, -ERROR_REFUSED,
				 "there is no room for %s: %s. First run: kuro prune, "
				 "which frees %.1f MiB",
				 release, text_str(&missing), mebibytes(freed));
	return error_set(err, -ERROR_REFUSED, "there is no room for %s: %s. %s%.360s",
			 release, text_str(&missing),
			 names ? "A person could remove: "
			       : "Retention keeps nothing that a person could remove; "
				 "enlarge it, or remove other files",
			 names ? names : "");
}

/* Say what is foreseen of the file systems that boots need. */
static void room_tell(const struct machine *machine, const struct space_plan *plan)
{
	for (size_t i = 0; i < plan->space_count; i++) {
		struct space_peak peak;

		space_peak(plan, i, &peak);
		if (peak.bytes > 0)
			machine_note(machine, NOTE_INFO,
				     "%s: %.1f MiB at the peak, %.1f of %.1f free",
				     plan->spaces[i].mount, mebibytes(peak.bytes),
				     mebibytes(plan->spaces[i].free),
				     mebibytes(plan->spaces[i].total));
	}
}

/* Room by retention; what it gave is told, why it gave none as well. */
static void room_make(const struct machine *machine, uint64_t wanted)
{
	autoretention struct retention_set gone = {0};
	struct error local = {0};
	int r = prune_run(machine, wanted, &gone, &local);

	if (r < 0)
		machine_note(machine, NOTE_WARNING, "retention made no room: %s",
			     local.message);
	else
		machine_note(machine, NOTE_INFO, "retention freed %.1f MiB",
			     mebibytes(retention_freed(&gone)));
}

int room_ensure(const struct machine *machine, const struct package_plan *plan,
		const char *release, struct error *err)
{
	autospaceplan struct space_plan room = {0};
	uint64_t wanted;
	int r = room_plan(machine, plan, release, &room, err);

	if (r < 0)
		return r;
	wanted = plan_missing(&room);
	if (wanted > 0) {
		room_make(machine, wanted);
		space_plan_done(&room);
		r = room_plan(machine, plan, release, &room, err);
	}
	if (r < 0)
		return r;
	room_tell(machine, &room);
	return space_plan_fits(&room) ? 0 : room_refuse(machine, &room, release, err);
}
