/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Third-party modules made for another release. Every package is tried by itself, and
 * what its builder says of it counts for nothing: dkms calls installed what has no file,
 * and is silent of a build that failed. The tree is looked at before and after.
 */
#include "act/module-build.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/process.h"
#include "core/release.h"
#include "module-builder.h"
#include "probe/third-party.h"
#include "run.h"

#define LOG_MAX        ((size_t)64 * 1024 * 1024)
#define DEPMOD_TIMEOUT 600

/* A package to be built, and the modules that are wanted of it. */
struct build_job {
	char *package;
	char *why_not; /* it can't be built: this is why; NULL */
	bool mends;    /* it is built, and files of it are lost: nothing to take back */
	struct strv modules;
};

struct build_jobs {
	struct build_job *items;
	size_t count;
};

static void jobs_done(struct build_jobs *jobs)
{
	for (size_t i = 0; i < jobs->count; i++) {
		free(jobs->items[i].package);
		free(jobs->items[i].why_not);
		strv_done(&jobs->items[i].modules);
	}
	free(jobs->items);
}

static struct build_job *job_for(struct build_jobs *jobs, const char *package)
{
	for (size_t i = 0; i < jobs->count; i++)
		if (str_eq(jobs->items[i].package, package))
			return &jobs->items[i];
	jobs->items = mem_regrow(jobs->items, jobs->count + 1, sizeof(*jobs->items));
	jobs->items[jobs->count] = (struct build_job){.package = str_dup(package)};
	return &jobs->items[jobs->count++];
}

static const struct third_party *list_find(const struct third_party_list *list,
					   const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (str_eq(list->items[i].name, name))
			return &list->items[i];
	return NULL;
}

/* What all jobs are looked for with. */
struct job_search {
	const struct package_run *run;
	const char *release;
	const struct third_party_list *there; /* in the release's tree already */
	struct build_jobs *jobs;
};

/* The package, in whichever version, where it made something for the release already. */
static const char *made_already(const struct third_party_list *there, const char *package)
{
	size_t n = strcspn(package, "/");

	for (size_t i = 0; i < there->count; i++) {
		const char *other = there->items[i].package;

		if (other && module_builder_of(other) &&
		    strncmp(other, package, n) == 0 && other[n] == package[n])
			return other;
	}
	return NULL;
}

/*
 * A package that has been built and lacks the module: it makes that one no more, or
 * the module's file was lost.
 */
static void job_of_built(const struct job_search *search, const char *already,
			 const char *module, struct build_job *job)
{
	struct builder_run build = {search->run, job->package, search->release};

	if (str_eq(already, job->package) &&
	    module_builder_of(job->package)->holds(&build, module))
		job->mends = true;
	else if (!job->why_not)
		job->why_not = str_format("%s is built for %s and has no module %s",
					  already, search->release, module);
}

/* A module that is not there, into its package's job. */
static int job_add(const struct job_search *search, const struct third_party *module,
		   struct error *err)
{
	autorebuild struct rebuild rebuild = {0};
	struct build_job *job;
	const char *package, *already;
	int r = third_party_rebuild(search->run->root, module, search->release, &rebuild,
				    err);

	if (r < 0)
		return r;
	package = rebuild.package ? rebuild.package : module->package;
	if (!package || !module_builder_of(package))
		return 0; /* nobody to ask */
	job = job_for(search->jobs, package);
	strv_add(&job->modules, module->name);
	already = made_already(search->there, package);
	if (already)
		job_of_built(search, already, module->name, job);
	else if (!job->why_not &&
		 (!rebuild.source || !rebuild.headers || rebuild.excluded))
		job->why_not = str_dup(rebuild.why);
	return 0;
}

static int jobs_find(const struct job_search *search,
		     const struct third_party_list *modules, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < modules->count; i++) {
		const struct third_party *module = &modules->items[i];

		if ((module->provider == PROVIDER_DKMS ||
		     module->provider == PROVIDER_AKMODS ||
		     module->provider == PROVIDER_WEAK) &&
		    !list_find(search->there, module->name))
			r = job_add(search, module, err);
	}
	return r;
}

/* A builder's words on their way, of which the first that tells an error is kept. */
struct build_lines {
	const struct package_run *run;
	struct text said;
};

static void build_line(void *data, const char *line)
{
	struct build_lines *lines = data;

	if (lines->said.len < 65536)
		text_appendf(&lines->said, "%s\n", line);
	if (lines->run->line)
		lines->run->line(lines->run->line_data, line);
}

/* Why it failed: the compiler's word, else the builder's, else how the program ended. */
static char *build_error(const struct package_run *run, const char *log, const char *said,
			 const struct error *ended)
{
	autofree char *text = NULL;
	char *found = NULL;

	if (log && root_read(run->root, log, LOG_MAX, &text, NULL, NULL) == 0)
		found = module_build_first_error(text);
	if (!found)
		found = module_build_first_error(said);
	if (!found && ended->code)
		found = str_printable(ended->message);
	return found ? found : str_dup("it ended well and left no module");
}

/* What is there now, was not before, and is this package's; wanted ones that are not. */
static bool build_made(const struct build_job *job, const struct third_party_list *before,
		       const struct third_party_list *after, struct strv *missing)
{
	bool made = false;

	for (size_t i = 0; i < after->count; i++)
		if (!list_find(before, after->items[i].name) &&
		    (str_eq(after->items[i].package, job->package) ||
		     strv_has(&job->modules, after->items[i].name)))
			made = true;
	for (size_t i = 0; i < job->modules.count; i++)
		if (!list_find(after, job->modules.items[i]))
			strv_add(missing, job->modules.items[i]);
	return made;
}

/* Half of what failed may be there, built and not installed: it is in the way of none. */
static void build_clean(const struct builder_run *build, const struct build_job *job,
			struct module_build *ret)
{
	if (!job->mends)
		(void)module_builder_of(job->package)->undo(build, NULL); /* room only */
	if (ret->log && !root_exists(build->run->root, ret->log)) {
		free(ret->log);
		ret->log = NULL;
	}
}

/* One package; a failure of the builder is an answer. */
static int build_one(const struct package_run *run, const struct build_job *job,
		     const char *release, struct module_build *ret, struct error *err)
{
	const struct module_builder *builder = module_builder_of(job->package);
	struct build_lines lines = {.run = run};
	struct package_run heard = *run;
	struct builder_run build = {&heard, job->package, release};
	autothirdparty struct third_party_list before = {0}, after = {0};
	autostrv struct strv missing = {0};
	struct error ended = {0};
	bool made = false;
	int r;

	heard.line = build_line;
	heard.line_data = &lines;
	r = third_party_probe(run->root, release, &before, err);
	if (r == 0) {
		ended.code = builder->build(&build, &ended);
		r = third_party_probe(run->root, release, &after, err);
	}
	if (r == 0) {
		made = build_made(job, &before, &after, &missing);
		ret->built = made && !job->mends;
		ret->log = builder->log(&build);
	}
	if (r == 0 && !made) {
		ret->first_error =
			build_error(run, ret->log, text_str(&lines.said), &ended);
		build_clean(&build, job, ret);
	} else if (r == 0 && missing.count > 0) {
		autofree char *names = strv_join(&missing, ", ");

		ret->first_error = str_format("it was built without %s", names);
	}
	text_done(&lines.said);
	return r;
}

static int depmod_run(const struct package_run *run, const char *release,
		      struct error *err)
{
	const char *const argv[] = {"depmod", release, NULL};
	struct run_program program = {.argv = argv, .timeout = DEPMOD_TIMEOUT};
	int r = run_program(run, &program, err);

	return r < 0 ? error_prefix(err, r, "indexing the modules of %s", release) : 0;
}

/* All jobs, and how far they have come: items[i] is what became of jobs->items[i]. */
struct build_queue {
	const struct package_run *run;
	const struct build_jobs *jobs;
	const char *release;
	struct module_build *items;
	bool changed; /* files have come into the tree */
};

/* Is there something to try for this one, in a round that tries those that depend? */
static bool job_waits(const struct build_queue *queue, size_t i, bool depending)
{
	const struct build_job *job = &queue->jobs->items[i];
	struct builder_run build = {queue->run, job->package, queue->release};
	bool depends = module_builder_of(job->package)->depends(&build);

	if (job->why_not && !job->mends)
		return false;
	if (!depending)
		return !depends;
	return depends && !queue->items[i].built;
}

/* 1: something was built. */
static int build_round(struct build_queue *queue, bool depending, struct error *err)
{
	int r, built = 0;

	for (size_t i = 0; i < queue->jobs->count; i++) {
		const struct build_job *job = &queue->jobs->items[i];
		struct module_build *item = &queue->items[i];

		if (!job_waits(queue, i, depending))
			continue;
		if (process_interrupted())
			return error_set(err, -ERROR_INTERRUPTED,
					 "interrupted while modules were built");
		free(item->first_error);
		free(item->log);
		item->first_error = item->log = NULL;
		r = build_one(queue->run, job, queue->release, item, err);
		if (r < 0)
			return r;
		built |= item->built;
		queue->changed |= item->built || job->mends;
	}
	return built;
}

/*
 * First those that need no other, then those that do, as often as it brings more of them
 * (dkms install does not build what a package depends on).
 */
static int build_rounds(struct build_queue *queue, struct error *err)
{
	int r = build_round(queue, false, err);
	size_t rounds = queue->jobs->count;

	if (r >= 0)
		do
			r = build_round(queue, true, err);
		while (r > 0 && rounds-- > 0);
	if (r < 0)
		return r;
	return queue->changed ? depmod_run(queue->run, queue->release, err) : 0;
}

static int build_jobs(const struct package_run *run, const struct build_jobs *jobs,
		      const char *release, struct module_build_list *list,
		      struct error *err)
{
	struct build_queue queue = {.run = run, .jobs = jobs, .release = release};

	list->items = queue.items = mem_zalloc((jobs->count + 1) * sizeof(*list->items));
	list->count = jobs->count;
	for (size_t i = 0; i < jobs->count; i++) {
		queue.items[i].package = str_dup(jobs->items[i].package);
		if (!jobs->items[i].mends)
			queue.items[i].first_error = str_dup(jobs->items[i].why_not);
	}
	return build_rounds(&queue, err);
}

int module_build_all(const struct package_run *run,
		     const struct third_party_list *modules, const char *release,
		     struct module_build_list *ret, struct error *err)
{
	autothirdparty struct third_party_list there = {0};
	struct build_jobs jobs = {0};
	struct module_build_list list = {0};
	struct job_search search = {run, release, &there, &jobs};
	int r = third_party_probe(run->root, release, &there, err);

	if (r == 0)
		r = jobs_find(&search, modules, err);
	if (r == 0)
		r = build_jobs(run, &jobs, release, &list, err);
	if (r < 0) {
		/* the first error is the one to tell */
		(void)module_build_undo(run, &list, release, NULL);
		module_build_list_done(&list);
	} else {
		*ret = list;
	}
	jobs_done(&jobs);
	return r;
}

/* Files of the package's that are still in the tree. */
static int undo_verify(const struct package_run *run, const char *package,
		       const char *release, struct error *err)
{
	autothirdparty struct third_party_list there = {0};
	int r = third_party_probe(run->root, release, &there, err);

	for (size_t i = 0; r == 0 && i < there.count; i++)
		if (str_eq(there.items[i].package, package))
			r = error_set(err, -ERROR_PROGRAM,
				      "%s is still there after %s was taken back",
				      there.items[i].path, package);
	return r;
}

static int undo_one(const struct package_run *run, const char *package,
		    const char *release, struct error *err)
{
	const struct module_builder *builder = module_builder_of(package);
	struct builder_run build = {run, package, release};
	int r, verified;

	if (!builder)
		return error_set(err, -EINVAL, "%.128s is no package of modules",
				 package);
	r = builder->undo(&build, err);
	if (r < 0)
		return error_prefix(err, r, "taking back the modules of %s", package);
	verified = undo_verify(run, package, release, err);
	return verified < 0 ? verified : r;
}

int module_build_undo(const struct package_run *run, const struct module_build_list *list,
		      const char *release, struct error *err)
{
	autofree char *index = str_format("/lib/modules/%s/modules.dep", release);
	bool changed = false;
	int result = 0;

	if (!release_valid(release))
		return error_set(err, -EINVAL, "%.64s can't be a kernel release",
				 release);
	for (size_t i = list->count; i > 0; i--) {
		int r;

		if (!list->items[i - 1].built)
			continue;
		r = undo_one(run, list->items[i - 1].package, release,
			     result < 0 ? NULL : err);
		changed |= r > 0;
		if (r < 0 && result == 0)
			result = r;
	}
	/* the release itself may be gone by now */
	if (changed && root_exists(run->root, index)) {
		int r = depmod_run(run, release, result < 0 ? NULL : err);

		result = result < 0 ? result : r;
	}
	return result;
}
