/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Would one more kernel like the newest fit, at the peak of its installation?
 */
#include "base/cleanup.h"
#include "doctor-parts.h"
#include "flow/room.h"

#define MEBIBYTE (1024.0 * 1024.0)

/* The file system that lacks something, else the first: that of /boot. */
static size_t worst_of(const struct space_plan *plan, struct space_peak *ret)
{
	for (size_t i = 0; i < plan->space_count; i++) {
		space_peak(plan, i, ret);
		if (ret->missing > 0 || ret->missing_inodes > 0)
			return i;
	}
	space_peak(plan, 0, ret);
	return 0;
}

void examine_next_kernel(const struct machine *machine, struct finding *f)
{
	autospaceplan struct space_plan plan = {0};
	struct error local = {0};
	struct space_peak peak;
	const struct space *s;
	size_t worst;

	if (room_plan_next(machine, &plan, &local) < 0) {
		finding_set(f, FINDING_UNKNOWN, str_dup(local.message), NULL);
		return;
	}
	worst = worst_of(&plan, &peak);
	s = &plan.spaces[worst];
	if (peak.missing > 0)
		finding_set(f, FINDING_WEAK,
			    str_format("%s lacks %.0f MiB for the next kernel: it needs "
				       "%.0f, %.0f are free and %.0f must stay free",
				       s->mount, (double)peak.missing / MEBIBYTE,
				       (double)peak.bytes / MEBIBYTE,
				       (double)s->free / MEBIBYTE,
				       (double)space_reserve(&plan, worst) / MEBIBYTE),
			    "kuro prune");
	else if (peak.missing_inodes > 0)
		finding_set(f, FINDING_WEAK,
			    str_format("%s lacks %llu inodes for the next kernel",
				       s->mount, (unsigned long long)peak.missing_inodes),
			    "kuro prune");
	else
		finding_set(f, FINDING_KEPT,
			    str_format("the next kernel needs %.0f MiB of %s, %.0f MiB "
				       "are free",
				       (double)peak.bytes / MEBIBYTE, s->mount,
				       (double)s->free / MEBIBYTE),
			    NULL);
}
