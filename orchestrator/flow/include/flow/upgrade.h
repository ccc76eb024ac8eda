/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The way of a kernel onto the machine: `kuro upgrade` through the package manager,
 * `kuro try` for a release that is installed already.
 */
#pragma once

#include "flow/journey.h"
#include "flow/vet.h"

extern const struct journey_plan upgrade_plan; /* baseline … arm */
extern const struct journey_plan try_plan;

/*
 * Upgrade to the package manager's candidate (to_release NULL) or to that release.
 * Returns 1 when there was nothing to do, 0 when a trial is armed. -ERROR_REFUSED: the
 * release is on hold, or the plan would remove a kernel that is needed.
 */
int upgrade_run(const struct machine *machine, const char *to_release,
		int64_t *ret_transaction, struct error *err);
/* What upgrade_run would do, nothing done: the package manager's plan. */
int upgrade_preview(const struct machine *machine, const char *to_release,
		    struct package_plan *ret, struct error *err);

/* Why a plan without release brings nothing, a clause; caller frees. */
char *upgrade_nothing_newer(const struct package_plan *plan);

/*
 * Vet the plan's kernel where its packages are at hand: 1 and a report, or 0: they would
 * have to be fetched first.
 */
int upgrade_preview_vet(const struct machine *machine, const struct package_plan *plan,
			struct vet_report *ret, struct error *err);

/* Arm a trial of an installed release. 1: it is the good one already. -ENOENT,
 * -ERROR_REFUSED. */
int try_run(const struct machine *machine, const char *release, int64_t *ret_transaction,
	    struct error *err);

/* Would try_run begin? Nothing is done. */
int try_check(const struct machine *machine, const char *release, struct error *err);

/*
 * Reboot as asked ("now", "later", "never"; NULL: as the policy says) after a trial was
 * armed. ret_rebooting says whether one is on its way.
 */
int upgrade_reboot(const struct machine *machine, const char *mode, bool *ret_rebooting,
		   struct error *err);
