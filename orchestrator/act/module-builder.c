/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * DKMS and akmods, made to work for one package and one release at a time: their own way
 * of building all ends with the first that fails (dkms autoinstall), or tells nothing of
 * it. depmod is the caller's, once for all.
 */
#include "module-builder.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/release.h"
#include "probe/module-file.h"
#include "run.h"

#define DKMS_TREE     "/var/lib/dkms"
#define AKMODS_CACHE  "/var/cache/akmods"
#define AKMOD         "akmod-"
#define CONF_MAX      ((size_t)256 * 1024)
#define BUILD_TIMEOUT 7200 /* seconds: zfs on a slow single core */
#define UNDO_TIMEOUT  600

/* Neither an option nor a path that leads elsewhere. */
static bool word_valid(const char *word)
{
	static const char allowed[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz._+~:-";

	return *word && *word != '-' && *word != '.' && strlen(word) <= 128 &&
	       !word[strspn(word, allowed)];
}

/* NAME and VERSION of a DKMS package. */
struct dkms_name {
	char *name, *version;
};

static void dkms_name_done(struct dkms_name *name)
{
	free(name->name);
	free(name->version);
}

static struct dkms_name dkms_name(const char *package)
{
	size_t n = strcspn(package, "/");

	return (struct dkms_name){str_ndup(package, n),
				  str_dup(package[n] ? package + n + 1 : "")};
}

/* dkms VERB NAME/VERSION -k RELEASE. */
static int dkms_run(const struct builder_run *build, const char *verb,
		    unsigned int timeout, struct error *err)
{
	const char *const argv[] = {"dkms", verb,           build->package,
				    "-k",   build->release, "--no-depmod",
				    NULL};
	struct run_program program = {.argv = argv, .timeout = timeout, .tied = true};

	return run_program(build->run, &program, err);
}

/* Where DKMS keeps what it built for the release. */
static char *dkms_built(const struct builder_run *build)
{
	return str_format(DKMS_TREE "/%s/%s", build->package, build->release);
}

/* DKMS' mark that a version is installed for the release (its link's target). */
static bool dkms_is_installed(const struct builder_run *build)
{
	cleanup(dkms_name_done) struct dkms_name name = dkms_name(build->package);
	autofree char *dir = str_format(DKMS_TREE "/%s", name.name);
	autofree char *prefix = str_format("kernel-%s-", build->release);
	autofree char *target = str_format("%s/%s/", name.version, build->release);
	autostrv struct strv entries = {0};

	(void)root_list(build->run->root, dir, &entries, NULL); /* none: nothing is */
	for (size_t i = 0; i < entries.count; i++) {
		autofree char *path = str_format("%s/%s", dir, entries.items[i]);
		autofree char *leads = NULL;

		if (str_starts(entries.items[i], prefix) &&
		    root_readlink(build->run->root, path, &leads) == 0 &&
		    str_starts(leads, target))
			return true;
	}
	return false;
}

/*
 * A module whose file was lost is installed all the same for dkms, which then refuses to
 * install it: it has to be told first that it is gone.
 */
static int dkms_build(const struct builder_run *build, struct error *err)
{
	if (dkms_is_installed(build)) {
		int r = dkms_run(build, "uninstall", UNDO_TIMEOUT, err);

		if (r < 0)
			return r;
	}
	return dkms_run(build, "install", BUILD_TIMEOUT, err);
}

/* Files that it built for the release and whatever architecture. */
static void dkms_built_files(const struct builder_run *build, struct strv *ret)
{
	autofree char *dir = dkms_built(build);
	autostrv struct strv arches = {0};

	(void)root_list(build->run->root, dir, &arches, NULL); /* none: nothing built */
	for (size_t i = 0; i < arches.count; i++) {
		autofree char *modules = str_format("%s/%s/module", dir, arches.items[i]);
		autostrv struct strv files = {0};

		(void)root_list(build->run->root, modules, &files, NULL); /* as above */
		for (size_t j = 0; j < files.count; j++)
			strv_add(ret, files.items[j]);
	}
}

static enum builder_state dkms_state(const struct builder_run *build)
{
	autostrv struct strv files = {0};

	if (dkms_is_installed(build))
		return BUILDER_INSTALLED;
	dkms_built_files(build, &files);
	return files.count > 0 ? BUILDER_BUILT : BUILDER_NOTHING;
}

/* Out of the tree, and nothing else. */
static int dkms_uninstall(const struct builder_run *build, struct error *err)
{
	int r;

	if (!dkms_is_installed(build))
		return 0;
	r = dkms_run(build, "uninstall", UNDO_TIMEOUT, err);
	if (r < 0 && dkms_is_installed(build))
		return r;
	return 1;
}

/*
 * "remove" would forget the whole package with its last build; "unbuild" is younger than
 * some dkms, which can uninstall and leaves its copy behind.
 */
static int dkms_undo(const struct builder_run *build, struct error *err)
{
	const struct root *root = build->run->root;
	autofree char *built = dkms_built(build);
	struct error first = {0};
	int r;

	if (build->had_build)
		return dkms_uninstall(build, err);
	if (!root_exists(root, built) && !dkms_is_installed(build))
		return 0;
	r = dkms_run(build, "unbuild", UNDO_TIMEOUT, &first);
	if (root_exists(root, built) || dkms_is_installed(build)) {
		if (dkms_is_installed(build))
			r = dkms_run(build, "uninstall", UNDO_TIMEOUT, &first);
		if (dkms_is_installed(build))
			return error_set(err, r < 0 ? r : -ERROR_PROGRAM,
					 "%s is still installed for %s after dkms was to "
					 "remove it%s%.300s",
					 build->package, build->release,
					 r < 0 ? ": " : "", r < 0 ? first.message : "");
		r = root_remove_tree(root, built, err);
		if (r < 0)
			return r;
	}
	return 1;
}

static bool dkms_holds(const struct builder_run *build, const char *module)
{
	autostrv struct strv files = {0};

	dkms_built_files(build, &files);
	for (size_t i = 0; i < files.count; i++) {
		autofree char *name = module_name_of(files.items[i]);

		if (str_eq(name, module))
			return true;
	}
	return false;
}

/* On which ones does not matter: it is tried again when others have been built. */
static bool dkms_depends(const struct builder_run *build)
{
	autofree char *path =
		str_format(DKMS_TREE "/%s/source/dkms.conf", build->package);
	autofree char *text = NULL;

	return root_read(build->run->root, path, CONF_MAX, &text, NULL, NULL) == 0 &&
	       strstr(text, "BUILD_DEPENDS");
}

/* Is the log of this release's build, and of no earlier one's? */
static bool log_is_of(const struct root *root, const char *path, const char *release)
{
	autofree char *words = str_format(" for kernel %s (", release);
	autoclose int fd = root_openat(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	char head[4096];
	ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof(head) - 1);

	if (n < 0)
		return false;
	head[n] = '\0';
	return strstr(head, words);
}

static char *dkms_log(const struct builder_run *build)
{
	autofree char *failed =
		str_format(DKMS_TREE "/%s/build/make.log", build->package);
	autofree char *dir = dkms_built(build);
	autostrv struct strv arches = {0};

	if (log_is_of(build->run->root, failed, build->release))
		return take_ptr(failed);
	(void)root_list(build->run->root, dir, &arches, NULL); /* none: no build */
	for (size_t i = 0; i < arches.count; i++) {
		autofree char *path =
			str_format("%s/%s/log/make.log", dir, arches.items[i]);

		if (root_exists(build->run->root, path))
			return take_ptr(path);
	}
	return NULL;
}

static const char *akmod_name(const struct builder_run *build)
{
	return build->package + strlen(AKMOD);
}

static int akmods_build(const struct builder_run *build, struct error *err)
{
	const char *const argv[] = {"akmods",    "--akmod",      akmod_name(build),
				    "--kernels", build->release, NULL};
	struct run_program program = {.argv = argv,
				      .timeout = BUILD_TIMEOUT,
				      .tied = true};

	return run_program(build->run, &program, err);
}

/* Where akmods' packages put their modules. */
static int akmods_files(const struct builder_run *build, struct strv *ret,
			struct error *err)
{
	autofree char *dir =
		str_format("/lib/modules/%s/extra/%s", build->release, akmod_name(build));

	return root_list(build->run->root, dir, ret, err);
}

static enum builder_state akmods_state(const struct builder_run *build)
{
	autostrv struct strv files = {0};

	(void)akmods_files(build, &files, NULL); /* none: nothing is installed */
	return files.count > 0 ? BUILDER_INSTALLED : BUILDER_NOTHING;
}

/* What akmods builds is a package of its own for each release: kmod-NAME-RELEASE. */
static int akmods_undo(const struct builder_run *build, struct error *err)
{
	autofree char *package =
		str_format("kmod-%s-%s", akmod_name(build), build->release);
	const char *const argv[] = {"rpm", "-e", package, NULL};
	struct run_program program = {.argv = argv, .timeout = UNDO_TIMEOUT};
	autostrv struct strv files = {0};
	int r;

	r = akmods_files(build, &files, err);
	if (r < 0 || files.count == 0)
		return r;
	r = run_program(build->run, &program, err);
	return r < 0 ? r : 1;
}

/* Its packages are whole or not there. */
static bool akmods_holds(const struct builder_run *build, const char *module)
{
	(void)build; /* nothing is kept beside what is installed */
	(void)module;
	return false;
}

static bool akmods_depends(const struct builder_run *build)
{
	(void)build; /* rpm's own dependencies see to it */
	return false;
}

/* VERSION-for-RELEASE.failed.log; the last in order is the newest version's. */
static char *akmods_log(const struct builder_run *build)
{
	autofree char *dir = str_format(AKMODS_CACHE "/%s", akmod_name(build));
	autofree char *end = str_format("-for-%s.failed.log", build->release);
	autostrv struct strv names = {0};
	const char *last = NULL;

	(void)root_list(build->run->root, dir, &names, NULL); /* none: no log */
	for (size_t i = 0; i < names.count; i++)
		if (str_ends(names.items[i], end) &&
		    (!last || release_compare(names.items[i], last) > 0))
			last = names.items[i];
	return last ? str_format("%s/%s", dir, last) : NULL;
}

static const struct module_builder dkms_builder = {
	.build = dkms_build,
	.undo = dkms_undo,
	.state = dkms_state,
	.holds = dkms_holds,
	.depends = dkms_depends,
	.log = dkms_log,
};
static const struct module_builder akmods_builder = {
	.build = akmods_build,
	.undo = akmods_undo,
	.state = akmods_state,
	.holds = akmods_holds,
	.depends = akmods_depends,
	.log = akmods_log,
};

const struct module_builder *module_builder_of(const char *package)
{
	cleanup(dkms_name_done) struct dkms_name name = dkms_name(package);

	if (word_valid(name.name) && word_valid(name.version))
		return &dkms_builder;
	if (!strchr(package, '/') && str_starts(package, AKMOD) &&
	    word_valid(package + strlen(AKMOD)))
		return &akmods_builder;
	return NULL;
}
