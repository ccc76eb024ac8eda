/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Third-party modules made for another release by who provides them: DKMS and akmods.
 */
#pragma once

#include "act/packages.h"
#include "core/module.h"

struct module_build {
	char *package;       /* DKMS name/version, or the akmod package */
	bool built;          /* there now, and was not before: undo removes it */
	bool had_build;      /* built before and not installed: undo leaves that */
	bool mends;          /* installed before with a file lost, or stale: undo leaves
			      * what was built anew, which is the release's own, and
			      * installs it where it was cut off */
	char *first_error;   /* the compiler's first error, the provider's, why it can't
			      * be built, or what it was built without; NULL */
	char *log;           /* path of the whole log, or NULL */
	struct strv modules; /* names that the release's tree lacked: undo removes them */
};
struct module_build_list {
	struct module_build *items;
	size_t count;
};
void module_build_list_done(struct module_build_list *list);
#define autobuilds cleanup(module_build_list_done)

/*
 * What module_build_all would try, each as undo has to know it should the machine stop in
 * the middle: built is true but for those that only mend. To be recorded before building.
 * Changes nothing. -EINVAL: no release's name.
 */
int module_build_plan(const struct package_run *run,
		      const struct third_party_list *modules, const struct strv *stale,
		      const char *release, struct module_build_list *ret,
		      struct error *err);
/*
 * Build and install for release what these modules' providers can make and have not made.
 * One that fails, or can't be built, does not stop the others and is no error: it stands
 * in ret with first_error. What is there afterwards decides, not what a builder says of
 * it; a file that was lost beside others of its package is put back (built is false).
 * What is there already is left out, but for stale (may be NULL): names of modules that
 * were built for another kernel of that name, which are taken out and built anew (mends
 * is true, built is false). depmod runs afterwards where something was built.
 * May be repeated. -EINVAL: no release's name; -ERROR_INTERRUPTED, asked for between
 * packages, or depmod's failure: what was built has been taken back.
 */
int module_build_all(const struct package_run *run,
		     const struct third_party_list *modules, const struct strv *stale,
		     const char *release, struct module_build_list *ret,
		     struct error *err);
/*
 * Take back what was built (built is true), whole or cut off, so that the provider can
 * build it again; what was there before stays, and is put back where it was being mended.
 * What is gone already is success. All are tried; -ERROR_PROGRAM names the first that
 * stays.
 */
int module_build_undo(const struct package_run *run, const struct module_build_list *list,
		      const char *release, struct error *err);
/* JSON for the transaction's detail (caller frees), and back: -ERROR_DAMAGED. */
char *module_build_format(const struct module_build_list *list);
int module_build_parse(const char *text, struct module_build_list *ret,
		       struct error *err);
/* The first line of a build log that names an error, or NULL; caller frees. */
char *module_build_first_error(const char *log_text);
