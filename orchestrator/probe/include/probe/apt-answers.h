/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What dpkg and apt answer, as data: the installed packages, a simulation, the versions
 * that can be fetched. Questions only. For probe/apt.c and act/apt.c.
 *
 * Formats: dpkg-query(1), db:Status-Abbrev; apt-get(8), --simulate ("Inst NAME [OLD]
 * (NEW …", "Remv NAME [OLD]", "Purg NAME [OLD]"); apt-cache(8), madison.
 */
#pragma once

#include "probe/packages.h"

struct dpkg_package {
	char *name;
	char *version; /* "" where it is not unpacked */
	char *depends; /* "" for none */
	char wanted;   /* what a person wants: i, h (hold), r, p, u */
	char status;   /* n, c, H, U, F, W, t, i */
	char broken;   /* R: must be installed anew; else a space */
};

struct dpkg_list {
	struct dpkg_package *items;
	size_t count;
};

void dpkg_list_done(struct dpkg_list *list);
#define autodpkg cleanup(dpkg_list_done)
/* The package of that name, ":arch" behind it ignored; NULL for none. */
const struct dpkg_package *dpkg_find(const struct dpkg_list *list, const char *name);
/* Is it unpacked and configured at this version (NULL: at any)? */
bool dpkg_is_installed(const struct dpkg_list *list, const char *name,
		       const char *version);

/* Packages that match any of the shell patterns; none at all is an empty list. */
int dpkg_query(const struct root *root, const struct strv *patterns,
	       struct dpkg_list *ret, struct error *err);
/* The same from the program's output; lines that are none are left out. */
void dpkg_query_parse(const char *text, struct dpkg_list *ret);
/*
 * Was dpkg stopped at work? Its journal is then still there, and apt-get refuses
 * everything until `dpkg --configure -a` has run.
 */
bool dpkg_stopped(const struct root *root);

/* One simulated run of apt-get with the options and words of args. */
struct apt_question {
	const struct root *root;
	const struct strv *args; /* "install", "NAME=VERSION", "NAME-" … */
	unsigned int timeout;    /* seconds */
	bool despite_holds;      /* as if kuro had marked none (act/hold-mark.h) */
	const char *pins;        /* preferences after the machine's own; despite_holds */
};

/*
 * Its changes become items of the plan, held packages that would change kept_back.
 * -ERROR_PROGRAM: apt can't; -ERROR_DAMAGED: it answers something else.
 */
int apt_simulate(const struct apt_question *question, struct package_plan *ret,
		 struct error *err);
int apt_simulate_parse(const char *text, struct package_plan *ret, struct error *err);

/* "NAME=VERSION" of every version of these packages that apt could fetch. */
int apt_versions(const struct root *root, const struct strv *names, struct strv *ret,
		 struct error *err);
/* Names of packages that came as dependencies. */
int apt_automatic(const struct root *root, struct strv *ret, struct error *err);
