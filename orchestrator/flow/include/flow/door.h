/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The second door: kernels that come, change or go through a package manager that
 * somebody else drives (apt upgrade, unattended-upgrades, dnf). Its hooks call kuro
 * before anything is unpacked, for each kernel that came or goes, and when the run has
 * ended. Everything here does nothing, quickly, where kuro is not in charge of the boots.
 */
#pragma once

#include "flow/journey.h"

extern const struct journey_plan packages_plan; /* room, vetting */

/*
 * Before packages are unpacked: *packages is what the run will do, and is taken over.
 * -ERROR_REFUSED: it brings a kernel that the policy refuses or that does not fit into
 * /boot; the run must not go on.
 */
int door_incoming(const struct machine *machine, struct package_plan *packages,
		  struct error *err);
/*
 * The way around in an emergency: KURO_BYPASS=1 in the environment of the package
 * manager, or kuro.bypass on the kernel's command line. Nothing is refused then, and
 * nothing tried; what was let through is in the history.
 */
#define DOOR_BYPASS_VARIABLE "KURO_BYPASS"
#define DOOR_BYPASS_ARGUMENT "kuro.bypass"
/* Is that way taken? Told, and recorded with what it is taken for; NULL: asked only. */
bool door_bypassed(const struct machine *machine, const char *what);

/* Does the run bring or take kernels at all? Asks nothing but the names. */
bool door_concerns(const struct package_plan *packages);
/* Does it bring one? */
bool door_brings(const struct package_plan *packages);

/*
 * May a kernel's package be removed, or what a run removes? -ERROR_REFUSED: a proven boot
 * needs that release. Asked without the lock, so that nobody who works for long lets one
 * go; machine->db may be NULL (flow/protect.h).
 */
int door_removing(const struct machine *machine, const char *release, struct error *err);
int door_removals(const struct machine *machine, const struct package_plan *packages,
		  struct error *err);
/*
 * A kernel's package was removed. Is that a matter of generations of it, its modules
 * being gone? Then these count as proven no more, and neither the previous one nor the
 * trial is one of them: told. The good one stays, for want of a better.
 */
bool door_removed_concerns(const struct machine *machine, const char *release);
int door_removed(const struct machine *machine, const char *release, struct error *err);
/* Nobody can vet what comes, for another kuro is at work: that is told, and of what
 * nobody may tell later the mark is set. */
void door_unvetted(const struct machine *machine, const struct package_plan *packages);

/*
 * Deal with all marked releases (act/pending.h), the newest first: a generation of what
 * is installed now, and a trial of it. One that is refused stays installed and is not
 * chosen; its mark stays, and it is looked at again when something has changed since. One
 * older than an armed trial waits for that one's verdict, and what could not be dealt
 * with keeps its mark too. Failures are told, not returned: the package manager's run is
 * not one's own.
 */
void door_settle(const struct machine *machine);
