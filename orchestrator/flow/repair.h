/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Half-configured packages finished before kuro goes on with its own.
 */
#pragma once

#include "act/packages.h"
#include "flow/journey.h"
#include "probe/kernel-packages.h"
#include "probe/kernels.h"

/* What is known of the machine's kernels. */
struct repair_view {
	const struct kernel_list *kernels;
	const struct kernel_package_list *packages;
	const char *but; /* a release that is being brought, or NULL */
};

/*
 * packages_repair. The hooks of a run of kuro's own say nothing: kernels that it finishes
 * are noted as ones to be tried. view may be NULL: none is.
 */
int repair_packages(const struct machine *machine, const struct package_run *run,
		    const struct repair_view *view, struct error *err);
