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

#define LOG_MAX ((size_t)64 * 1024 * 1024)

/* A package to be built, and the modules that are wanted of it. */
struct build_job {
	char *package;
	char *why_not; /* it can't be built: this is why; NULL */
	bool mends;    /* it is built, and files of it are lost: nothing to take back */
	bool renews;   /* ... or are of no use, and have to go first */
	bool had_build;
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
	const struct strv *stale;             /* those of them that are of no use; NULL */
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
	struct builder_run build = {.run = search->run,
				    .package = job->package,
				    .release = search->release};

	if (str_eq(already, job->package) &&
	    module_builder_of(job->package)->holds(&build, module))
		job->mends = true;
	else if (!job->why_not)
		job->why_not = str_format("%s is built for %s and has no module %s",
					  already, search->release, module);
}

/* Who has made the package for the release; one whose files are all lost counts. */
static const char *job_made(const struct job_search *search, struct build_job *job)
{
	const char *already = made_already(search->there, job->package);
	struct builder_run build = {.run = search->run,
				    .package = job->package,
				    .release = search->release};
	enum builder_state state = module_builder_of(job->package)->state(&build);

	job->had_build = !already && state == BUILDER_BUILT;
	return !already && state == BUILDER_INSTALLED ? job->package : already;
}

static bool is_stale(const struct job_search *search, const char *module)
{
	return search->stale && strv_has(search->stale, module);
}

/* A module that is not there, or of no use, into its package's job. */
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
	already = job_made(search, job);
	if (is_stale(search, module->name))
		job->renews = job->mends = true;
	else if (already)
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
		    (!list_find(search->there, module->name) ||
		     is_stale(search, module->name)))
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
static void build_clean(const struct package_run *run, const char *release,
			struct module_build *ret)
{
	(void)module_build_undo_one(run, ret, release, NULL); /* room only */
	if (ret->log && !root_exists(run->root, ret->log)) {
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
	struct builder_run build = {.run = &heard,
				    .package = job->package,
				    .release = release};
	autothirdparty struct third_party_list before = {0}, after = {0};
	autostrv struct strv missing = {0};
	struct error ended = {0};
	bool made = false;
	int r;

	heard.line = build_line;
	heard.line_data = &lines;
	if (job->renews && builder->undo(&build, &ended) < 0) {
		ret->first_error = str_printable(ended.message);
		return 0;
	}
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
		build_clean(&heard, release, ret);
	} else if (r == 0 && missing.count > 0) {
		autofree char *names = strv_join(&missing, ", ");

		ret->first_error = str_format("it was built without %s", names);
	}
	text_done(&lines.said);
	return r;
}

static bool job_can(const struct build_job *job)
{
	return !job->why_not || job->mends;
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
	struct builder_run build = {.run = queue->run,
				    .package = job->package,
				    .release = queue->release};
	bool depends = module_builder_of(job->package)->depends(&build);

	if (!job_can(job))
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
	return queue->changed ? module_build_index(queue->run, queue->release, err) : 0;
}

/* The job as it is remembered; not built yet. */
static struct module_build build_of(const struct build_job *job)
{
	struct module_build build = {
		.package = str_dup(job->package),
		.had_build = job->had_build,
		.mends = job->mends,
	};

	for (size_t i = 0; !job->mends && i < job->modules.count; i++)
		strv_add(&build.modules, job->modules.items[i]);
	return build;
}

static int build_jobs(const struct package_run *run, const struct build_jobs *jobs,
		      const char *release, struct module_build_list *list,
		      struct error *err)
{
	struct build_queue queue = {.run = run, .jobs = jobs, .release = release};

	list->items = queue.items = mem_zalloc((jobs->count + 1) * sizeof(*list->items));
	list->count = jobs->count;
	for (size_t i = 0; i < jobs->count; i++) {
		queue.items[i] = build_of(&jobs->items[i]);
		if (!jobs->items[i].mends)
			queue.items[i].first_error = str_dup(jobs->items[i].why_not);
	}
	return build_rounds(&queue, err);
}

static int jobs_search(const struct package_run *run,
		       const struct third_party_list *modules, const struct strv *stale,
		       const char *release, struct build_jobs *ret, struct error *err)
{
	autothirdparty struct third_party_list there = {0};
	struct job_search search = {run, release, &there, stale, ret};
	int r = third_party_probe(run->root, release, &there, err);

	return r < 0 ? r : jobs_find(&search, modules, err);
}

int module_build_plan(const struct package_run *run,
		      const struct third_party_list *modules, const struct strv *stale,
		      const char *release, struct module_build_list *ret,
		      struct error *err)
{
	cleanup(jobs_done) struct build_jobs jobs = {0};
	int r = jobs_search(run, modules, stale, release, &jobs, err);

	if (r < 0)
		return r;
	*ret = (struct module_build_list){
		.items = mem_zalloc((jobs.count + 1) * sizeof(*ret->items))};
	for (size_t i = 0; i < jobs.count; i++) {
		if (!job_can(&jobs.items[i]))
			continue;
		ret->items[ret->count] = build_of(&jobs.items[i]);
		ret->items[ret->count++].built = !jobs.items[i].mends;
	}
	return 0;
}

int module_build_all(const struct package_run *run,
		     const struct third_party_list *modules, const struct strv *stale,
		     const char *release, struct module_build_list *ret,
		     struct error *err)
{
	cleanup(jobs_done) struct build_jobs jobs = {0};
	struct module_build_list list = {0};
	int r = jobs_search(run, modules, stale, release, &jobs, err);

	if (r == 0)
		r = build_jobs(run, &jobs, release, &list, err);
	if (r < 0) {
		/* the first error is the one to tell */
		(void)module_build_undo(run, &list, release, NULL);
		module_build_list_done(&list);
	} else {
		*ret = list;
	}
	return r;
}
