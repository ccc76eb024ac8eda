/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The package manager, made to work. It is never killed half-way: interruption is
 * obeyed after it ended.
 */
#pragma once

#include "base/root-file.h"
#include "core/policy.h"
#include "probe/packages.h"

/* How runs are told of and logged. */
struct package_run {
	const struct root *root;
	const struct policy *policy;
	int log_fd; /* of the transaction's log, 0 for none */
	void (*line)(void *data, const char *line);
	void *line_data;
	/* A release whose initramfs is made apart from the package manager's run:
	 * whatever hook or trigger of that run asks for it builds nothing. NULL: none. */
	const char *initramfs_of;
};

/* Fetch the lists anew. A failure is the network's or the mirror's: told, not fatal to
 * callers. */
int packages_refresh(const struct package_run *run, struct error *err);
/*
 * Fetch what the plan brings and install nothing. ret gets the archives' paths as the
 * machine sees them, of those that lie in the package manager's cache then.
 */
int packages_download(const struct package_run *run, const struct package_plan *plan,
		      struct strv *ret, struct error *err);
/* The archives of the plan that lie there already: 1 when it is all of them, else 0. */
int packages_at_hand(const struct root *root, const struct package_plan *plan,
		     struct strv *ret, struct error *err);
/*
 * Unpack the plan's versions, and configure all of them but the kernel images and what
 * depends on those. Then everything that the kernel's modules and initramfs are made from
 * lies there, while the kernel's own hooks have yet to run: if all ends here,
 * `dpkg --configure -a` finishes it, initramfs and all. Triggers wait for that, too. The
 * indexes of the release's modules are made. May be repeated.
 */
int packages_unpack(const struct package_run *run, const struct package_plan *plan,
		    struct error *err);
/* Bring exactly the plan's versions, from whatever state they are in. May be repeated. */
int packages_install(const struct package_run *run, const struct package_plan *plan,
		     struct error *err);
/*
 * Take back what the plan brought: new packages removed, changed ones put back to their
 * old version where the package manager still has it; what it can't put back stays and
 * is named in err with -ERROR_UNSUPPORTED (the machine boots its good generation all the
 * same).
 */
int packages_undo(const struct package_run *run, const struct package_plan *plan,
		  struct error *err);
/* Finish what was interrupted (dpkg --configure -a). No-op where nothing is unfinished.
 */
int packages_repair(const struct package_run *run, struct error *err);

/*
 * Would the package manager remove just these packages, and touch nothing else? 0, or
 * -ERROR_REFUSED with what it would do besides. Names as probe/kernel-packages.h gives
 * them. Changes nothing.
 */
int packages_remove_check(const struct package_run *run, const struct strv *names,
			  struct error *err);
/*
 * Remove these packages with their settings, and nothing else: checked as above first.
 * Those that are gone already are no error. -ERROR_BUSY: it is at work for another.
 */
int packages_remove(const struct package_run *run, const struct strv *names,
		    struct error *err);
/* Does a package manager work on this machine right now (by its own lock)? */
bool packages_busy(const struct root *root);
