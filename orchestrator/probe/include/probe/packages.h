/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The package manager's own answers: which kernel it would bring, what is installed.
 * Reads only. Back ends are rows of a table.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/root-file.h"
#include "base/text.h"
#include "core/policy.h"

struct package_change {
	char *name;
	char *old_version; /* NULL: newly installed */
	char *new_version; /* NULL: removed */
	char *archive;     /* where its archive lies, if that was told; in no JSON */
	char *release;  /* of the kernel that it is part of, if that was told; likewise */
	bool image;     /* it is the part that has the kernel's image */
	bool security;  /* a security advisory names it, if that was told; in no JSON */
	bool automatic; /* comes as a dependency, or came as one: not a person's choice */
};

struct package_plan {
	char *manager; /* "apt" or "dnf" */
	char *release; /* the kernel release that it brings; NULL: nothing to do */
	struct package_change *items;
	size_t count;
	struct strv kept_back; /* would change, but a person holds them (apt-mark hold) */
	/* A newer release that is left where it is: no archive calls it a security update
	 * (packages.security). */
	char *passed_over;
	/* The newest kernel among what is kept back, if that was told. */
	char *kept_release;
	bool beside; /* the same run brings others than a kernel's, too; in no JSON */
};

void package_plan_done(struct package_plan *plan);
#define autoplan cleanup(package_plan_done)
/*
 * JSON for the transaction's detail (caller frees), and back: -ERROR_DAMAGED, also for a
 * name or version that no package manager would have, since they end up in its arguments.
 */
char *package_plan_format(const struct package_plan *plan);
int package_plan_parse(const char *text, struct package_plan *ret, struct error *err);

/* The change of a package in the plan, or NULL. */
struct package_change *package_plan_find(const struct package_plan *plan,
					 const char *name);
/* The change of that package, made (with nothing but its name) where there was none. */
struct package_change *package_plan_add(struct package_plan *plan, const char *name);
/*
 * Can it be a Debian or RPM package's name, its version? Names may carry an
 * architecture (":amd64"). Neither begins with what a program takes for an option.
 */
bool package_name_valid(const char *name);
bool package_version_valid(const char *version);

/* Name of the package manager in charge here, "apt" or "dnf"; NULL for none known. */
const char *packages_manager(const struct root *root);

/*
 * What an upgrade of the kernel would change: the kernel meta-packages that are
 * installed (and header meta-packages beside them) brought to their candidate, or,
 * with to_release, that release's image package. Asked of the package manager's own
 * simulation, holds and pins respected. Packages that would be removed are in the plan
 * too (new_version NULL); the caller refuses a plan that removes a kernel in use.
 * Nothing newer is a plan without release, and count is 0 or no kernel is among the
 * items; where a hold is why (kuro's own marks in dnf's lists too), kept_back names it.
 * With packages.security and without to_release only kernels count whose archive says
 * that it holds security updates: of these the newest, and passed_over names a newer one.
 * -ERROR_UNSUPPORTED: no known package manager, one that can't tell that, or no kernel
 * meta-package here; -ENOENT: no such release in its lists; -ERROR_REFUSED: it needs a
 * held package changed.
 */
int packages_resolve(const struct root *root, const struct policy *policy,
		     const char *to_release, struct package_plan *ret, struct error *err);

/* Is every package of the plan at its new version now, and wholly configured? 1, 0 or
 * negative. */
int packages_installed(const struct root *root, const struct package_plan *plan,
		       struct error *err);
/* 1 when the package database has half-done packages (dpkg --audit), 0, negative. */
int packages_unfinished(const struct root *root, struct error *err);
