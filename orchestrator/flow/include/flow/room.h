/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Room on the boot file systems: predicted before anything is downloaded, measured before
 * anything is written, made by the retention policy where it lacks.
 */
#pragma once

#include "core/retention.h"
#include "core/space.h"
#include "flow/journey.h"

/* What is to be done. */
struct room_task {
	const char *release;               /* that comes, or is tried */
	const struct package_plan *plan;   /* NULL: it is installed already */
	const struct package_lists *lists; /* of some of its packages, or NULL */
	bool foreign;  /* somebody else's run: its hooks make the initramfs */
	bool triggers; /* of other packages in that run make it once more */
};

/*
 * What the package plan (or, without one, a generation of that release with a new
 * initramfs) would put where: /boot, the ESP where kuro's block lies there, and those of
 * module trees, packages and staging. By the packages' own lists where their archives
 * are at hand, else by the index and the files of the installed kernel most like it; the
 * initramfs by this machine's images.
 */
int room_plan(const struct machine *machine, const struct room_task *task,
	      struct space_plan *ret, struct error *err);
/* The same as if one more kernel like the newest came. -ENOENT: there is none. */
int room_plan_next(const struct machine *machine, struct space_plan *ret,
		   struct error *err);

/* A prediction, and what retention would do about it. */
struct room_report {
	struct space_plan plan;
	struct retention_set retention; /* empty where it fits as it is */
	uint64_t freed;                 /* bytes of /boot that retention would free */
	bool fits;                      /* as it is */
	bool fits_pruned;               /* once retention has made room */
};
void room_report_done(struct room_report *report);
#define autoroom cleanup(room_report_done)
/* Asks, changes nothing. */
int room_preview(const struct machine *machine, const struct room_task *task,
		 struct room_report *ret, struct error *err);

/*
 * Does it fit? Else room is made by the retention policy, and if that is not enough:
 * -ERROR_REFUSED, saying how much is missing where, and what a person could remove. What
 * is known beforehand not to be enough removes nothing; the release itself stays.
 */
int room_ensure(const struct machine *machine, const struct room_task *task,
		struct error *err);
