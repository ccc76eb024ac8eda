/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The boot that runs, in the state database: recorded early, given back when it ends
 * in order, and the trial that did not come back found.
 */
#pragma once

#include "flow/journey.h"
#include "probe/this-boot.h"

/*
 * Early at each boot: record it, finish what was interrupted, and where the trial is
 * spent or its files are damaged: gather evidence, record the rollback, hold it.
 * May be repeated.
 */
int boot_record_begin(const struct machine *machine, struct error *err);

/*
 * In an orderly shutdown: without a verdict the try (or miss) is given back, twice at
 * most for a transaction, so that a kernel that reboots by itself can't go on for ever.
 */
int boot_record_end(const struct machine *machine, struct error *err);

/* The dead-man's time is over: say so. The unit reboots, whatever this returns. */
int boot_record_dead_man(const struct machine *machine, struct error *err);

/* This boot's row, made where there is none yet. */
int boot_record_get(const struct machine *machine, const struct this_boot *boot,
		    struct boot *ret, struct error *err);
