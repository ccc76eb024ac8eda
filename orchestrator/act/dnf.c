/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dnf 4, made to work without a person. A transaction of rpm's has one part: unpacked,
 * and with its scripts run (kernel-install, and so dracut). Fetching has a time limit; a
 * transaction has none, since it must never be killed half-way.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/process.h"
#include "package-backend.h"
#include "probe/dnf-words.h"
#include "run.h"

#define DNF_CACHE "/var/cache/dnf"

/* dnf with words and what they are said of. */
static int dnf_run(const struct package_run *run, const char *words,
		   const struct strv *specs, unsigned int timeout, struct error *err)
{
	autostrv struct strv all = {0};
	autofree const char **argv = NULL;
	struct run_program program = {.timeout = timeout};

	for (size_t i = 0; i < ARRAY_LEN(dnf_options); i++)
		strv_add(&all, dnf_options[i]);
	strv_split(&all, words, " ");
	for (size_t i = 0; specs && i < specs->count; i++)
		strv_add(&all, specs->items[i]);
	argv = mem_zalloc((all.count + 1) * sizeof(*argv));
	for (size_t i = 0; i < all.count; i++)
		argv[i] = all.items[i];
	program.argv = argv;
	return run_program(run, &program, err);
}

static unsigned int dnf_timeout(const struct package_run *run)
{
	return (unsigned int)policy_number(run->policy, POLICY_PACKAGES_TIMEOUT);
}

static int dnf_refresh(const struct package_run *run, struct error *err)
{
	return dnf_run(run, "-y --refresh makecache", NULL, dnf_timeout(run), err);
}

/* As dnf takes a package at a version: of one that changes the name is "NAME.ARCH". */
static char *dnf_spec(const struct package_change *change, const char *version)
{
	const char *dot = strrchr(change->name, '.');

	if (!dot || !change->old_version || !change->new_version)
		return str_dup(change->name);
	return str_format("%.*s-%s%s", (int)(dot - change->name), change->name, version,
			  dot);
}

static void dnf_specs(const struct package_plan *plan, struct strv *ret)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->items[i].new_version)
			strv_add_take(ret, dnf_spec(&plan->items[i],
						    plan->items[i].new_version));
}

static int dnf_download(const struct package_run *run, const struct package_plan *plan,
			struct error *err)
{
	autostrv struct strv specs = {0};
	int r;

	dnf_specs(plan, &specs);
	r = dnf_run(run, "-y --downloadonly install", &specs, dnf_timeout(run), err);
	return r < 0 ? error_prefix(err, r, "fetching packages") : 0;
}

/* CACHE/REPOSITORY-…/packages/NAME-VERSION-RELEASE.ARCH.rpm, or NULL. */
static char *cached_archive(const struct root *root, const struct strv *repositories,
			    const struct package_change *change)
{
	const char *epoch = strchr(change->new_version, ':');
	autofree char *spec = dnf_spec(change, epoch ? epoch + 1 : change->new_version);

	for (size_t i = 0; i < repositories->count; i++) {
		char *path = str_format(DNF_CACHE "/%s/packages/%s.rpm",
					repositories->items[i], spec);

		if (root_exists(root, path))
			return path;
		free(path);
	}
	return NULL;
}

static int dnf_archives(const struct root *root, const struct package_plan *plan,
			struct strv *ret, struct error *err)
{
	autostrv struct strv repositories = {0};
	int r = root_list(root, DNF_CACHE, &repositories, err);

	for (size_t i = 0; r == 0 && i < plan->count; i++) {
		const struct package_change *change = &plan->items[i];
		char *path = NULL;

		if (!change->new_version)
			continue;
		/* where dnf said that it would be; of a repository of files, there */
		if (change->archive && root_exists(root, change->archive))
			path = str_dup(change->archive);
		else
			path = cached_archive(root, &repositories, change);
		if (path)
			strv_add_take(ret, path);
	}
	return r;
}

/* What came as a dependency is named in a run, but not asked for. */
static int dnf_mark_automatic(const struct package_run *run,
			      const struct package_plan *plan, struct error *err)
{
	autostrv struct strv specs = {0};

	for (size_t i = 0; i < plan->count; i++)
		if (plan->items[i].automatic && plan->items[i].new_version)
			strv_add_take(&specs, dnf_spec(&plan->items[i],
						       plan->items[i].new_version));
	return specs.count ? dnf_run(run, "-y mark remove", &specs, 300, err) : 0;
}

static int dnf_install(const struct package_run *run, const struct package_plan *plan,
		       struct error *err)
{
	autostrv struct strv specs = {0};
	int r = dnf_download(run, plan, err);

	if (r == 0 && process_interrupted())
		return error_set(err, -ERROR_INTERRUPTED,
				 "interrupted after packages were fetched");
	dnf_specs(plan, &specs);
	if (r == 0)
		r = dnf_run(run, "-y install", &specs, 0, err);
	if (r == 0)
		r = dnf_mark_automatic(run, plan, err);
	if (r < 0)
		return r;
	r = packages_installed(run->root, plan, err);
	if (r == 0)
		return error_set(err, -ERROR_PROGRAM,
				 "dnf succeeded, but not every package of the plan is at "
				 "its version; see `dnf history info last`");
	return r < 0 ? r : 0;
}

/* What an undo has to say to dnf, from what is installed now. */
struct dnf_undo {
	struct strv added;    /* to be removed */
	struct strv changed;  /* to be put back */
	struct strv restored; /* names of all of these, for a message */
};

static void dnf_undo_done(struct dnf_undo *undo)
{
	strv_done(&undo->added);
	strv_done(&undo->changed);
	strv_done(&undo->restored);
}

static int dnf_undo_look(const struct package_run *run, const struct package_plan *plan,
			 struct dnf_undo *ret, struct error *err)
{
	autostrv struct strv lines = {0};
	int r = dnf_installed_lines(run->root, plan, &lines, err);

	for (size_t i = 0; r == 0 && i < plan->count; i++) {
		const struct package_change *change = &plan->items[i];

		if (!change->old_version) {
			if (dnf_lines_have(&lines, change, NULL))
				strv_add(&ret->added, change->name);
			continue;
		}
		/* one that is neither is someone else's change by now */
		if (dnf_lines_have(&lines, change, change->old_version) ||
		    !dnf_lines_have(&lines, change, change->new_version))
			continue;
		strv_add_take(&ret->changed, dnf_spec(change, change->old_version));
		strv_add_take(&ret->restored,
			      str_format("%s %s", change->name, change->old_version));
	}
	return r;
}

/* A machine that boots its good generation is better than one that lacks packages. */
static int dnf_put_back(const struct package_run *run, const struct dnf_undo *undo,
			struct error *err)
{
	autofree char *names = strv_join(&undo->restored, ", ");
	struct error local = {0};

	if (dnf_run(run, "-y downgrade", &undo->changed, 0, &local) == 0)
		return 0;
	return error_set(err, -ERROR_UNSUPPORTED,
			 "dnf could not put back what was there before (%.300s): %.300s; "
			 "these packages stay as they are",
			 names, local.message);
}

static int dnf_undo(const struct package_run *run, const struct package_plan *plan,
		    struct error *err)
{
	cleanup(dnf_undo_done) struct dnf_undo undo = {0};
	struct error local = {0};
	int r = dnf_undo_look(run, plan, &undo, err), changed = 0;

	if (r < 0)
		return r;
	if (undo.changed.count > 0)
		changed = dnf_put_back(run, &undo, &local);
	/* what was added goes all the same */
	if (undo.added.count > 0)
		r = packages_remove(run, &undo.added, err);
	if (r == 0 && changed < 0)
		return error_set(err, changed, "%s", local.message);
	return r;
}

/* Nothing of rpm's is ever half-configured. */
static int dnf_repair(const struct package_run *run, struct error *err)
{
	(void)run, (void)err;
	return 0;
}

const struct package_worker dnf_worker = {
	.name = "dnf",
	.refresh = dnf_refresh,
	.download = dnf_download,
	.archives = dnf_archives,
	.unpack = dnf_install,
	.install = dnf_install,
	.undo = dnf_undo,
	.repair = dnf_repair,
};
