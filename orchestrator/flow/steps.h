/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The steps that upgrade and try share. Each does one thing, can be repeated, and
 * leaves in the transaction's row what its undo needs before it has its effect.
 */
#pragma once

#include "act/packages.h"
#include "core/boot-protocol.h"
#include "flow/journey.h"

/* How programs of this journey are run: its log, and its listener for their lines. */
struct package_run step_package_run(const struct journey *j);

/* Modules, devices, mounts, links, failed units now: evidence to compare the trial with.
 */
int step_baseline(struct journey *j, struct error *err);

/* The package manager's plan into the transaction; a held release is refused. */
int step_resolve(struct journey *j, struct error *err);
/* The release a person named, installed already. */
int step_find(struct journey *j, struct error *err);

/*
 * Room at the peak, by what is known so far: the index before packages are fetched, their
 * own lists after, the real sizes before the generation. Made by retention where it
 * lacks; else -ERROR_REFUSED.
 */
int step_room(struct journey *j, struct error *err);
int step_room_installed(struct journey *j, struct error *err);

/* Packages unpacked, so that all lies there which modules and initramfs are made from. */
int step_install_check(struct journey *j, struct error *err);
int step_install(struct journey *j, struct error *err);
int step_install_undo(struct journey *j, struct error *err);

/* Fetch the packages, and vet the kernel out of them before anything is unpacked. */
int step_vet_packages(struct journey *j, struct error *err);
/* The same of packages that lie here already. */
int step_vet_incoming(struct journey *j, struct error *err);
/* Third-party modules built for the release, or linked where the old binary fits. */
int step_modules_check(struct journey *j, struct error *err);
int step_modules(struct journey *j, struct error *err);
int step_modules_undo(struct journey *j, struct error *err);
/* An install that failed for a module that DKMS's own hook could not build: say so first.
 * Returns code. */
int step_install_explain(const struct journey *j, int code, struct error *err);
/* Did this journey make any? */
bool step_modules_made(const struct journey *j);
/* What is really there, against the policy. */
int step_vet(struct journey *j, struct error *err);

int step_initramfs_check(struct journey *j, struct error *err);
int step_initramfs(struct journey *j, struct error *err);
/* What a build that was cut off left is taken away; may be repeated. */
int step_initramfs_undo(struct journey *j, struct error *err);
/* The packages configured, whose hooks find the initramfs there; repeated: see
 * step_install_check. */
int step_configure(struct journey *j, struct error *err);

/*
 * The initramfs that a boot would use, proven; -ERROR_REFUSED where it would not reach
 * its root, also for want of one. The first check: it is there (before the hooks of
 * packages ran, it may come with them); the second: it is the one that was proven
 * already.
 */
int step_prove_made_check(struct journey *j, struct error *err);
int step_prove_check(struct journey *j, struct error *err);
int step_prove(struct journey *j, struct error *err);

/* A generation of the release as it is now; one with the same content is taken again. */
int step_generation(struct journey *j, struct error *err);
int step_generation_undo(struct journey *j, struct error *err);

int step_arm_check(struct journey *j, struct error *err);
int step_arm(struct journey *j, struct error *err);
int step_arm_undo(struct journey *j, struct error *err);

/* What the package manager would bring (packages_resolve); -ERROR_REFUSED where that, or
 * what is kept away, is on hold. */
int step_ask(const struct machine *machine, const char *to_release,
	     struct package_plan *ret, struct error *err);
/* -ERROR_REFUSED with who, why and until when, where the release is on hold; plan: what
 * brings it, or NULL: it is installed. */
int step_refuse_held(const struct machine *machine, const char *release,
		     const struct package_plan *plan, struct error *err);
/* -ERROR_REFUSED where this very boot is a trial without its verdict. */
int step_refuse_while_trying(const struct machine *machine,
			     const struct boot_block *block, struct error *err);
