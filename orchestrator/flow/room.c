/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Does it fit? Where it does not, retention is asked for room before a person is; what a
 * proven boot needs is never given for it.
 */
#include "flow/room.h"

#include "act/packages.h"
#include "base/cleanup.h"
#include "flow/prune.h"
#include "probe/space.h"

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

/* The file system of that path, as the plan's are told apart; 0: not known. */
static uint64_t device_of(const struct machine *machine, const char *path)
{
	autospaceplan struct space_plan one = {0};
	size_t space;

	return space_place(machine->root, path, &one, &space, NULL) == 0
		       ? one.spaces[space].device
		       : 0;
}

/* Where retention frees room: the file system of /boot, and that of module trees. */
struct places {
	uint64_t boot, trees;
};

static struct places places_of(const struct machine *machine)
{
	return (struct places){device_of(machine, "/boot"),
			       device_of(machine, "/usr/lib/modules")};
}

/* Inodes come with the files that go: any byte of them. */
static uint64_t peak_missing(const struct space_peak *peak)
{
	return peak->missing == 0 && peak->missing_inodes > 0 ? 1 : peak->missing;
}

/* What retention has to give, of what it can give. */
static struct prune_need plan_need(const struct machine *machine,
				   const struct space_plan *plan, const char *release)
{
	const struct places places = places_of(machine);
	struct prune_need need = {.release = release};

	for (size_t i = 0; i < plan->space_count; i++) {
		struct space_peak peak;

		space_peak(plan, i, &peak);
		if (plan->spaces[i].device == places.boot)
			need.boot = peak_missing(&peak);
		else if (plan->spaces[i].device == places.trees)
			need.trees = peak_missing(&peak);
	}
	return need;
}

/* What would come free, without the package manager while that is at work. */
static void set_frees(const struct retention_set *set, bool busy, uint64_t *ret_boot,
		      uint64_t *ret_trees)
{
	*ret_boot = *ret_trees = 0;
	for (size_t i = 0; i < set->count; i++) {
		const struct retention_item *item = &set->items[i];

		if (!item->removed ||
		    (busy && item->kind == RETENTION_KERNEL && item->packaged))
			continue;
		*ret_boot = space_sum(*ret_boot, item->room);
		*ret_trees = space_sum(*ret_trees, item->tree);
	}
}

/* Would it fit once these are gone? */
static bool plan_fits_without(const struct machine *machine,
			      const struct space_plan *plan,
			      const struct retention_set *set)
{
	const struct places places = places_of(machine);
	uint64_t boot, trees;

	set_frees(set, packages_busy(machine->root), &boot, &trees);
	for (size_t i = 0; i < plan->space_count; i++) {
		uint64_t device = plan->spaces[i].device, freed = 0;
		struct space_peak peak;

		space_peak(plan, i, &peak);
		if (device == places.boot)
			freed = boot;
		else if (device == places.trees)
			freed = trees;
		if (peak_missing(&peak) > freed)
			return false;
	}
	return true;
}

int room_preview(const struct machine *machine, const struct room_task *task,
		 struct room_report *ret, struct error *err)
{
	struct prune_need need;
	int r;

	*ret = (struct room_report){0};
	r = room_plan(machine, task, &ret->plan, err);
	if (r < 0)
		goto failed;
	ret->fits = ret->fits_pruned = space_plan_fits(&ret->plan);
	if (ret->fits)
		return 0;
	need = plan_need(machine, &ret->plan, task->release);
	r = prune_plan(machine, &need, &ret->retention, err);
	if (r < 0)
		goto failed;
	ret->freed = retention_freed(&ret->retention);
	ret->fits_pruned = plan_fits_without(machine, &ret->plan, &ret->retention);
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
	       !item->previous && !item->trial && !item->needed;
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
				     mebibytes(s->free),
				     mebibytes(space_reserve(plan, i)));
		if (peak.missing_inodes > 0)
			text_appendf(ret, "%s%s lacks %llu inodes (%llu are free)",
				     ret->len ? "; " : "", s->mount,
				     (unsigned long long)peak.missing_inodes,
				     (unsigned long long)s->inodes_free);
	}
}

/* What a person can do beside what kuro does, from the end of the refusal; caller frees.
 */
static char *advice_text(const struct machine *machine, const struct prune_need *need)
{
	autoretention struct retention_set policy = {0}, left = {0};
	autofree char *names = NULL;
	uint64_t freed = 0;

	/* the refusal stands, whether or not something can be named */
	if (prune_plan(machine, NULL, &policy, NULL) == 0)
		freed = retention_freed(&policy);
	/* it can't be asked to remove kernels before it has ended */
	if (freed > 0 && packages_busy(machine->root))
		return str_format("First run: kuro prune, which frees %.1f MiB",
				  mebibytes(freed));
	if (prune_plan(machine, need, &left, NULL) == 0) {
		names = candidates_text(&left);
		freed = retention_freed(&left);
	}
	if (freed > 0)
		return str_format("Retention would free %.1f MiB of /boot, which is not "
				  "enough; %s%.360s",
				  mebibytes(freed),
				  names ? "a person could remove: "
					: "enlarge it, or remove other files",
				  names ? names : "");
	if (names)
		return str_format("A person could remove: %.360s", names);
	return str_format("Retention keeps nothing that a person could remove; enlarge "
			  "it, or remove other files");
}

static int room_refuse(const struct machine *machine, const struct space_plan *plan,
		       const char *release, struct error *err)
{
	struct prune_need need = plan_need(machine, plan, release);
	autofree char *advice = NULL;
	autotext struct text missing = {0};

	need.locked = true;
	advice = advice_text(machine, &need);
	missing_text(plan, &missing);
	return error_set(err, -ERROR_REFUSED, "there is no room for %s: %s. %s", release,
			 text_str(&missing), advice);
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

/*
 * Room by retention; what it gave is told, why it gave none as well. 1: it did what it
 * can; 0: what it could give is not enough, and nothing went.
 */
static int room_make(const struct machine *machine, const struct space_plan *plan,
		     const char *release)
{
	struct prune_need need = plan_need(machine, plan, release);
	autoretention struct retention_set foreseen = {0}, gone = {0};
	struct error local = {0};
	int r;

	need.locked = true;
	r = prune_plan(machine, &need, &foreseen, &local);
	if (r == 0 && !plan_fits_without(machine, plan, &foreseen))
		return 0;
	if (r == 0)
		r = prune_run(machine, &need, &gone, &local);
	if (r < 0)
		machine_note(machine, NOTE_WARNING, "retention made no room: %s",
			     local.message);
	else
		machine_note(machine, NOTE_INFO, "retention freed %.1f MiB of /boot",
			     mebibytes(retention_freed(&gone)));
	return 1;
}

int room_ensure(const struct machine *machine, const struct room_task *task,
		struct error *err)
{
	autospaceplan struct space_plan room = {0};
	int r = room_plan(machine, task, &room, err);

	if (r < 0)
		return r;
	if (!space_plan_fits(&room) && room_make(machine, &room, task->release) > 0) {
		space_plan_done(&room);
		r = room_plan(machine, task, &room, err);
	}
	if (r < 0)
		return r;
	room_tell(machine, &room);
	return space_plan_fits(&room) ? 0
				      : room_refuse(machine, &room, task->release, err);
}
