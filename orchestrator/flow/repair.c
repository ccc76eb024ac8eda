/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Packages that somebody else's run left half-configured. A kernel among them was never
 * told of: its hooks did not run yet.
 */
#include "repair.h"

#include "act/pending.h"
#include "base/cleanup.h"

/* Releases whose image's package is half-configured, and which do not wait yet. */
static void unfinished_releases(const struct root *root, const struct repair_view *view,
				struct strv *ret)
{
	autostrv struct strv waiting = {0};

	/* a mark that is set twice does no harm */
	(void)pending_list(root, &waiting, NULL);
	for (size_t i = 0; i < view->packages->count; i++) {
		const struct kernel_package *package = &view->packages->items[i];

		if (!package->unfinished || !str_starts(package->name, "linux-image-"))
			continue;
		for (size_t k = 0; k < view->kernels->count; k++) {
			const char *release = view->kernels->items[k].release;

			if (kernel_package_is_of(package, release) &&
			    !strv_has(&waiting, release) && !str_eq(release, view->but))
				strv_add(ret, release);
		}
	}
}

/* Marked before it is done: what is cut off then is tried all the same. */
static void mark_releases(const struct machine *machine, const struct strv *releases)
{
	struct error local = {0};

	for (size_t i = 0; i < releases->count; i++)
		if (pending_add(machine->root, releases->items[i], &local) < 0)
			machine_note(machine, NOTE_WARNING, "%s", local.message);
}

static void tell_finished(const struct machine *machine, const struct strv *releases)
{
	for (size_t i = 0; i < releases->count; i++)
		machine_note(machine, NOTE_INFO,
			     "%s is finished, and is tried after the next run of the "
			     "package manager; at once: kuro try %s",
			     releases->items[i], releases->items[i]);
}

int repair_packages(const struct machine *machine, const struct package_run *run,
		    const struct repair_view *view, struct error *err)
{
	autostrv struct strv releases = {0};
	int r;

	if (view)
		unfinished_releases(machine->root, view, &releases);
	mark_releases(machine, &releases);
	r = packages_repair(run, err);
	if (r == 0)
		tell_finished(machine, &releases);
	/* whoever finishes it comes through the hooks; one that can't be unmarked is
	 * looked at once more */
	for (size_t i = 0; r < 0 && i < releases.count; i++)
		(void)pending_remove(machine->root, releases.items[i], NULL);
	return r;
}
