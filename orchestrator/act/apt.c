/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * apt-get and dpkg, made to work without a person: no prompt, no pager, the
 * administrator's configuration files kept, nothing removed that the plan does not
 * name. Fetching has a time limit; dpkg at work has none, since it must never be
 * killed half-way.
 */
#include <fcntl.h>
#include <string.h>

#include "apt-run.h"
#include "base/cleanup.h"
#include "base/process.h"
#include "package-backend.h"
#include "probe/apt-answers.h"
#include "run.h"

#define APT_ARCHIVES "/var/cache/apt/archives"
/* What stands before the generators, see hooks/initramfs/once. */
#define APT_ONCE "/usr/lib/kuro/initramfs"

static const char *const apt_env[] = {
	"DEBIAN_FRONTEND=noninteractive",
	"DEBCONF_NONINTERACTIVE_SEEN=true",
	"APT_LISTCHANGES_FRONTEND=none",
	"APT_LISTBUGS_FRONTEND=none",
	"NEEDRESTART_SUSPEND=1",
	"UCF_FORCE_CONFFOLD=1",
	NULL,
};

static const char *const apt_options[] = {
	"apt-get",
	"-y",
	"-q",
	"-o",
	"DPkg::Options::=--force-confdef",
	"-o",
	"DPkg::Options::=--force-confold",
	"-o",
	"DPkg::Lock::Timeout=120",
	"-o",
	"Dpkg::Use-Pty=0",
	"-o",
	"APT::Get::AutomaticRemove=false",
	"-o",
	"APT::Get::AutomaticRemove::Kernels=false",
};

/* The PATH that apt gives to dpkg by itself, and kuro's own directory before it. */
static const char apt_dpkg_path[] =
	"DPkg::Path=" APT_ONCE ":/usr/sbin:/usr/bin:/sbin:/bin";

static unsigned int apt_timeout(const struct package_run *run)
{
	return (unsigned int)policy_number(run->policy, POLICY_PACKAGES_TIMEOUT);
}

int apt_run(const struct package_run *run, const char *const *argv, unsigned int timeout,
	    struct error *err)
{
	autofree char *covered = NULL;
	const char *env[ARRAY_LEN(apt_env) + 1] = {0};
	struct run_program program = {.argv = argv, .env = env, .timeout = timeout};

	memcpy(env, apt_env, sizeof(apt_env));
	if (run->initramfs_of) {
		covered = str_format("KURO_INITRAMFS=%s", run->initramfs_of);
		env[ARRAY_LEN(apt_env) - 1] = covered;
		program.path_first = APT_ONCE;
	}
	return run_program(run, &program, err);
}

int apt_get(const struct package_run *run, const struct strv *words, unsigned int timeout,
	    struct error *err)
{
	autofree const char **argv =
		mem_zalloc((ARRAY_LEN(apt_options) + words->count + 3) * sizeof(*argv));
	size_t n = ARRAY_LEN(apt_options);

	memcpy(argv, apt_options, sizeof(apt_options));
	if (run->initramfs_of) {
		argv[n++] = "-o";
		argv[n++] = apt_dpkg_path;
	}
	for (size_t i = 0; i < words->count; i++)
		argv[n++] = words->items[i];
	return apt_run(run, argv, timeout, err);
}

static int apt_refresh(const struct package_run *run, struct error *err)
{
	autostrv struct strv words = {0};

	/* one mirror that fails means lists of different ages: say so */
	strv_split(&words, "-o APT::Update::Error-Mode=any update", " ");
	return apt_get(run, &words, apt_timeout(run), err);
}

/* Put the marks right: what came as a dependency is named in a run, but not asked for. */
static int apt_mark_automatic(const struct package_run *run,
			      const struct package_plan *plan,
			      const struct dpkg_list *list, struct error *err)
{
	autofree const char **argv = mem_zalloc((plan->count + 3) * sizeof(*argv));
	size_t n = 0;

	argv[n++] = "apt-mark";
	argv[n++] = "auto";
	for (size_t i = 0; i < plan->count; i++)
		if (plan->items[i].automatic &&
		    dpkg_is_installed(list, plan->items[i].name, NULL))
			argv[n++] = plan->items[i].name;
	return n > 2 ? apt_run(run, argv, 300, err) : 0;
}

/* The state of the plan's packages. */
static int apt_states(const struct package_run *run, const struct package_plan *plan,
		      struct dpkg_list *ret, struct error *err)
{
	autostrv struct strv names = {0};

	for (size_t i = 0; i < plan->count; i++)
		strv_add(&names, plan->items[i].name);
	return dpkg_query(run->root, &names, ret, err);
}

void apt_install_words(const struct package_plan *plan, struct strv *words)
{
	bool removes = false;

	for (size_t i = 0; i < plan->count; i++)
		removes = removes || !plan->items[i].new_version;
	if (!removes)
		strv_add(words, "--no-remove");
	strv_add(words, "install");
	for (size_t i = 0; i < plan->count; i++) {
		const struct package_change *change = &plan->items[i];

		strv_add_take(words, change->new_version
					     ? str_format("%s=%s", change->name,
							  change->new_version)
					     : str_format("%s-", change->name));
	}
}

int apt_fetch(const struct package_run *run, const struct strv *words, struct error *err)
{
	autostrv struct strv fetch = {0};
	int r;

	strv_add(&fetch, "--download-only");
	for (size_t i = 0; i < words->count; i++)
		strv_add(&fetch, words->items[i]);
	r = apt_get(run, &fetch, apt_timeout(run), err);
	return r < 0 ? error_prefix(err, r, "fetching packages") : 0;
}

/* The archive in apt's cache of that package and version (NAME_VERSION_ARCH.deb), or
 * NULL. */
static char *apt_cached_archive(const struct strv *archives, const char *name,
				const char *version)
{
	autotext struct text start = {0};

	text_append_n(&start, name, strcspn(name, ":"));
	text_append(&start, "_");
	for (; *version; version++) /* an epoch's colon is written so in file names */
		text_append_n(&start, *version == ':' ? "%3a" : version,
			      *version == ':' ? 3 : 1);
	text_append(&start, "_");
	for (size_t i = 0; i < archives->count; i++)
		if (str_starts(archives->items[i], text_str(&start)) &&
		    str_ends(archives->items[i], ".deb"))
			return str_format(APT_ARCHIVES "/%s", archives->items[i]);
	return NULL;
}

static int apt_download(const struct package_run *run, const struct package_plan *plan,
			struct error *err)
{
	autostrv struct strv words = {0};

	apt_install_words(plan, &words);
	return apt_fetch(run, &words, err);
}

static int apt_archives(const struct root *root, const struct package_plan *plan,
			struct strv *ret, struct error *err)
{
	autostrv struct strv archives = {0};
	int r = root_list(root, APT_ARCHIVES, &archives, err);

	for (size_t i = 0; r == 0 && i < plan->count; i++) {
		const struct package_change *change = &plan->items[i];
		char *path = NULL;

		if (change->archive)
			path = str_dup(change->archive);
		else if (change->new_version)
			path = apt_cached_archive(&archives, change->name,
						  change->new_version);
		if (path)
			strv_add_take(ret, path);
	}
	return r;
}

static int apt_install(const struct package_run *run, const struct package_plan *plan,
		       struct error *err)
{
	autostrv struct strv words = {0};
	autodpkg struct dpkg_list list = {0};
	int r;

	apt_install_words(plan, &words);
	r = apt_fetch(run, &words, err);
	if (r == 0 && process_interrupted())
		return error_set(err, -ERROR_INTERRUPTED,
				 "interrupted after packages were fetched");
	if (r == 0)
		r = apt_get(run, &words, 0, err);
	if (r == 0)
		r = apt_states(run, plan, &list, err);
	if (r == 0)
		r = apt_mark_automatic(run, plan, &list, err);
	if (r < 0)
		return r;
	r = packages_installed(run->root, plan, err);
	if (r == 0)
		return error_set(err, -ERROR_PROGRAM,
				 "apt-get succeeded, but not every package of the plan "
				 "is at its version; see `dpkg --audit`");
	return r < 0 ? r : 0;
}

static int apt_configure(const struct package_run *run, struct error *err)
{
	static const char *const argv[] = {
		"dpkg", "--force-confdef", "--force-confold", "--configure", "-a", NULL};

	return apt_run(run, argv, 0, err);
}

/* Packages whose unpacking was cut: they need their archives again. */
static int apt_broken(const struct package_run *run, struct strv *ret, struct error *err)
{
	autostrv struct strv all = {0};
	autodpkg struct dpkg_list list = {0};
	int r = dpkg_query(run->root, &all, &list, err);

	for (size_t i = 0; i < list.count; i++)
		if (list.items[i].broken == 'R')
			strv_add(ret, list.items[i].name);
	return r;
}

static int apt_repair(const struct package_run *run, struct error *err)
{
	autostrv struct strv words = {0};
	struct error first = {0};
	int configured = apt_configure(run, &first), r;

	r = packages_unfinished(run->root, err);
	if (r <= 0)
		return r;
	strv_split(&words, "--no-remove --fix-broken --reinstall install", " ");
	r = apt_broken(run, &words, err);
	if (r < 0)
		return r;
	if (configured < 0 && words.count == 4)
		return error_set(err, configured, "%s", first.message);
	r = apt_get(run, &words, 0, err);
	if (r == 0 && packages_unfinished(run->root, NULL) != 0)
		return error_set(err, -ERROR_PROGRAM,
				 "dpkg still has unfinished packages; `dpkg --audit` "
				 "names them");
	return r;
}

/* What an undo works with. */
struct apt_undo {
	const struct package_run *run;
	const struct package_plan *plan;
	struct dpkg_list before; /* the plan's packages as they are now */
	struct strv versions;    /* "NAME=VERSION" that apt could fetch */
	struct strv archives;    /* file names in apt's cache */
	struct strv words;       /* for apt-get */
	struct strv lost;        /* "NAME VERSION" that nobody has any more */
};

static void apt_undo_done(struct apt_undo *undo)
{
	dpkg_list_done(&undo->before);
	strv_done(&undo->versions);
	strv_done(&undo->archives);
	strv_done(&undo->words);
	strv_done(&undo->lost);
}

/*
 * A new package whose unpacking was cut has no list of its files yet: removed as it is,
 * what was unpacked stays behind. Unpacked to its end, it goes without a trace.
 */
static void apt_undo_unpack_again(const struct apt_undo *undo,
				  const struct package_change *change)
{
	const struct dpkg_package *now = dpkg_find(&undo->before, change->name);
	autofree char *archive = NULL, *wanted = NULL;
	const char *argv[] = {"dpkg", "--unpack", NULL, NULL};
	autostrv struct strv words = {0};

	if (!now || now->broken != 'R' || change->old_version)
		return;
	archive = apt_cached_archive(&undo->archives, change->name, change->new_version);
	argv[2] = archive;
	/* on a full disk it fails, and dpkg then takes away what it wrote */
	if (archive) {
		(void)apt_run(undo->run, argv, 0, NULL);
		return;
	}
	wanted = str_format("%s=%s", change->name, change->new_version);
	strv_split(&words, "--no-remove --reinstall install", " ");
	strv_add(&words, wanted);
	(void)apt_get(undo->run, &words, 0, NULL); /* likewise */
}

/* The word that brings the old version back, or NULL: it is lost. */
static void apt_undo_put_back(struct apt_undo *undo, const struct package_change *change)
{
	autofree char *wanted = str_format("%s=%s", change->name, change->old_version);
	char *archive;

	if (strv_has(&undo->versions, wanted)) {
		strv_add_take(&undo->words, take_ptr(wanted));
		return;
	}
	archive = apt_cached_archive(&undo->archives, change->name, change->old_version);
	if (archive)
		strv_add_take(&undo->words, archive);
	else
		strv_add_take(&undo->lost,
			      str_format("%s %s", change->name, change->old_version));
}

/* One package of the plan: what apt-get has to be told to take its change back. */
static void apt_undo_item(struct apt_undo *undo, const struct package_change *change)
{
	const struct dpkg_package *now = dpkg_find(&undo->before, change->name);
	bool gone = !now || strchr("nc", now->status);

	if (!change->old_version) {
		if (now && now->status != 'n')
			strv_add_take(&undo->words, str_format("%s-", change->name));
		return;
	}
	if (!gone && str_eq(now->version, change->old_version))
		return;
	if (!gone && now->status == 'i' && !str_eq(now->version, change->new_version))
		return; /* someone else's change by now */
	apt_undo_put_back(undo, change);
}

static int apt_undo_prepare(struct apt_undo *undo, struct error *err)
{
	autostrv struct strv names = {0};
	int r = apt_states(undo->run, undo->plan, &undo->before, err);

	for (size_t i = 0; i < undo->plan->count; i++)
		if (undo->plan->items[i].old_version)
			strv_add(&names, undo->plan->items[i].name);
	if (r == 0 && names.count > 0)
		r = apt_versions(undo->run->root, &names, &undo->versions, err);
	if (r == 0)
		r = root_list(undo->run->root, APT_ARCHIVES, &undo->archives, err);
	for (size_t i = 0; r == 0 && i < undo->plan->count; i++) {
		apt_undo_unpack_again(undo, &undo->plan->items[i]);
		apt_undo_item(undo, &undo->plan->items[i]);
	}
	return r;
}

/* What can't be put back, in one sentence. */
static int apt_undo_lost(const struct apt_undo *undo, struct error *err)
{
	autofree char *lost = strv_join(&undo->lost, ", ");

	return error_set(err, -ERROR_UNSUPPORTED,
			 "apt has no longer what was there before (%.400s); these "
			 "packages stay as they are",
			 lost);
}

/*
 * Would apt remove anything that was here before the plan? Then packages stay, since a
 * machine that boots its good generation is better than one that lacks packages.
 */
static int apt_undo_vet(const struct apt_undo *undo, const struct strv *words,
			struct error *err)
{
	struct package_plan outcome = {0};
	struct apt_question question = {.root = undo->run->root,
					.args = words,
					.timeout = 300};
	int r = apt_simulate(&question, &outcome, err);

	for (size_t i = 0; r == 0 && i < outcome.count; i++) {
		const struct package_change *change = &outcome.items[i], *planned;

		if (change->new_version)
			continue;
		planned = package_plan_find(undo->plan, change->name);
		if (!planned || planned->old_version)
			r = error_set(
				err, -ERROR_UNSUPPORTED,
				"taking the packages back would remove %s too; they "
				"stay as they are",
				change->name);
	}
	package_plan_done(&outcome);
	if (r < 0 && undo->lost.count > 0)
		return apt_undo_lost(undo, err);
	return r;
}

/* Is everything as it was, but for what was lost? */
static int apt_undo_verify(const struct apt_undo *undo, struct error *err)
{
	autodpkg struct dpkg_list after = {0};
	int r = apt_states(undo->run, undo->plan, &after, err);

	if (r == 0)
		r = apt_mark_automatic(undo->run, undo->plan, &after, err);
	for (size_t i = 0; r == 0 && i < undo->plan->count; i++) {
		const struct package_change *change = &undo->plan->items[i];

		if (!change->old_version && dpkg_is_installed(&after, change->name, NULL))
			return error_set(err, -ERROR_PROGRAM,
					 "package %s is still there after apt-get was to "
					 "remove it",
					 change->name);
	}
	if (r == 0 && undo->lost.count > 0)
		return apt_undo_lost(undo, err);
	return r;
}

static int apt_undo_run(struct apt_undo *undo, struct error *err)
{
	autostrv struct strv words = {0};
	int r;

	/* what was cut while it was unpacked can be removed with that option only */
	strv_split(&words,
		   "-o DPkg::Options::=--force-remove-reinstreq --allow-downgrades "
		   "--fix-broken --purge install",
		   " ");
	for (size_t i = 0; i < undo->words.count; i++)
		strv_add(&words, undo->words.items[i]);
	r = apt_undo_vet(undo, &words, err);
	if (r == 0)
		r = apt_fetch(undo->run, &words, err);
	return r < 0 ? r : apt_get(undo->run, &words, 0, err);
}

static int apt_undo(const struct package_run *run, const struct package_plan *plan,
		    struct error *err)
{
	struct apt_undo undo = {.run = run, .plan = plan};
	int r, repaired = 0;

	if (dpkg_stopped(run->root))
		(void)apt_configure(run,
				    NULL); /* what fails here goes below, or is told */
	r = apt_undo_prepare(&undo, err);
	if (r == 0 && undo.words.count > 0)
		r = apt_undo_run(&undo, err);
	if (r == 0)
		r = apt_undo_verify(&undo, err);
	/* what has to stay is finished: the next run of apt finds nothing half-done */
	if ((r == 0 || r == -ERROR_UNSUPPORTED) &&
	    packages_unfinished(run->root, NULL) != 0)
		repaired = apt_repair(run, r == 0 ? err : NULL);
	apt_undo_done(&undo);
	return r < 0 ? r : repaired;
}

const struct package_worker apt_worker = {
	.name = "apt",
	.refresh = apt_refresh,
	.download = apt_download,
	.archives = apt_archives,
	.unpack = apt_unpack,
	.install = apt_install,
	.undo = apt_undo,
	.repair = apt_repair,
};
