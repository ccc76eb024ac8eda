/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Can a module be made for another release? Its provider's source and the headers of
 * that release decide; both may be stale, half removed, or of another kernel. Nothing is
 * run: dkms answers for no package what it would do (dkms status says nothing of builds
 * that failed).
 */
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/cleanup.h"
#include "core/release.h"
#include "dkms-conf.h"
#include "module-providers.h"
#include "probe/third-party.h"

#define CONFIG_MAX ((size_t)4 * 1024 * 1024)

void rebuild_done(struct rebuild *rebuild)
{
	free(rebuild->why);
	free(rebuild->command);
	free(rebuild->package);
	*rebuild = (struct rebuild){0};
}

/* The question, and the answer as far as it is known. */
struct rebuilding {
	const struct root *root;
	const struct third_party *module;
	const char *release;
	char *build; /* where the release's headers should be */
	struct rebuild answer;
};

/* The first thing that is wrong is the one to tell. Takes why. */
static void tell(struct rebuilding *r, char *why)
{
	if (r->answer.why)
		free(why);
	else
		r->answer.why = why;
}

/* The release that headers were made for; NULL: they don't say. */
static char *headers_release(const struct root *root, const char *build)
{
	static const char mark[] = "#define UTS_RELEASE \"";
	autofree char *header = str_format("%s/include/generated/utsrelease.h", build);
	autofree char *file = str_format("%s/include/config/kernel.release", build);
	autofree char *line = NULL;

	/* Debian's kernel.release holds the version, not what uname -r prints */
	if (root_read_line(root, header, &line, NULL) == 0 && str_starts(line, mark))
		return str_ndup(line + strlen(mark), strcspn(line + strlen(mark), "\""));
	free(take_ptr(line));
	return root_read_line(root, file, &line, NULL) == 0 ? take_ptr(line) : NULL;
}

/* What a person types to get the headers; NULL: not known here. */
static char *headers_command(const struct root *root, const char *release)
{
	const char *flavour = strrchr(release, '-');

	if (root_exists(root, "/var/lib/dpkg/status"))
		return str_format("apt install linux-headers-%s", release);
	if (root_exists(root, "/usr/bin/zypper"))
		return str_format("zypper install kernel-%s-devel",
				  flavour ? flavour + 1 : "default");
	if (root_exists(root, "/usr/bin/dnf"))
		return str_format("dnf install kernel-devel-%s", release);
	return NULL;
}

static bool build_has(const struct rebuilding *r, const char *name)
{
	autofree char *path = str_format("%s/%s", r->build, name);

	return root_exists(r->root, path);
}

static void look_for_headers(struct rebuilding *r)
{
	autofree char *of = NULL, *shown = NULL;

	if (!root_exists(r->root, r->build)) {
		tell(r, str_format("the headers of %s are not installed", r->release));
		return;
	}
	of = headers_release(r->root, r->build);
	shown = of ? str_printable(of) : NULL;
	if (of && !str_eq(of, r->release))
		tell(r, str_format("%s holds the headers of %.64s", r->build, shown));
	else if (!of || !build_has(r, "Makefile") || !build_has(r, "scripts"))
		tell(r, str_format("the headers in %s are not complete", r->build));
	else
		r->answer.headers = true;
}

/* dkms sources the package's own file and then the administrator's, each over the last.
 */
static void dkms_confs(const char *conf, const char *name, const char *version,
		       const struct dkms_target *target, struct strv *ret)
{
	strv_add(ret, conf);
	strv_add_take(ret, str_format("/etc/dkms/%s.conf", name));
	strv_add_take(ret, str_format("/etc/dkms/%s-%s.conf", name, version));
	strv_add_take(ret, str_format("/etc/dkms/%s-%s-%s.conf", name, version,
				      target->release));
	strv_add_take(ret, str_format("/etc/dkms/%s-%s-%s-%s.conf", name, version,
				      target->release, target->arch));
}

static void look_for_exclusion(struct rebuilding *r, const char *conf, const char *name,
			       const char *version)
{
	struct utsname machine = {0};
	autofree char *config_path = str_format("%s/.config", r->build);
	autofree char *config = NULL, *why = NULL;
	autostrv struct strv confs = {0};
	struct dkms_target target = {.release = r->release, .arch = machine.machine};

	(void)uname(&machine); /* fails for a bad pointer only */
	/* no .config, no word about it */
	(void)root_read(r->root, config_path, CONFIG_MAX, &config, NULL, NULL);
	target.config = config;
	dkms_confs(conf, name, version, &target, &confs);
	r->answer.excluded = dkms_conf_excludes(r->root, &confs, &target, &why);
	if (r->answer.excluded) {
		autofree char *shown = str_printable(why);

		tell(r, str_format("%s %s is not for %s: its dkms.conf says %.200s", name,
				   version, r->release, shown));
	}
}

/* A version of the package that has its source; r's own first, else the newest. */
static char *dkms_version(const struct root *root, const char *name, const char *wanted)
{
	autofree char *dir = str_format(DKMS_TREE "/%s", name);
	autostrv struct strv versions = {0};
	const char *best = NULL;

	(void)root_list(root, dir, &versions, NULL); /* none: not known to DKMS */
	for (size_t i = 0; i < versions.count; i++) {
		const char *version = versions.items[i];
		autofree char *conf = str_format("%s/%s/source/dkms.conf", dir, version);

		if (!provider_word_valid(version) || !root_exists(root, conf))
			continue;
		if (str_eq(version, wanted))
			return str_dup(version);
		if (!best || release_compare(version, best) > 0)
			best = version;
	}
	return str_dup(best);
}

/*
 * What is built for the release already is passed over by dkms, be it stale or lost from
 * the tree; "install --force" would put the same build there again.
 */
static char *dkms_command(const struct rebuilding *r, const char *name,
			  const char *version)
{
	autofree char *built =
		str_format(DKMS_TREE "/%s/%s/%s", name, version, r->release);
	autofree char *what = str_format("%s/%s -k %s", name, version, r->release);

	return root_exists(r->root, built)
		       ? str_format("dkms build --force %s && dkms install --force %s",
				    what, what)
		       : str_format("dkms install %s", what);
}

static void rebuild_by_dkms(struct rebuilding *r)
{
	const char *slash = r->module->package ? strchr(r->module->package, '/') : NULL;
	autofree char *name = NULL, *version = NULL, *conf = NULL;

	if (!slash) {
		tell(r,
		     str_format("DKMS has no record of what made %s", r->module->name));
		return;
	}
	name = str_ndup(r->module->package, (size_t)(slash - r->module->package));
	if (!provider_word_valid(name) || !provider_word_valid(slash + 1)) {
		tell(r, str_format("DKMS' record of %s is damaged", r->module->name));
		return;
	}
	version = dkms_version(r->root, name, slash + 1);
	if (version) {
		conf = str_format(DKMS_TREE "/%s/%s/source/dkms.conf", name, version);
	} else {
		version = str_dup(slash + 1);
		conf = str_format("/usr/src/%s-%s/dkms.conf", name, version);
	}
	if (!root_exists(r->root, conf)) {
		tell(r, str_format("the source of %s %s is gone", name, version));
		return;
	}
	r->answer.source = true;
	r->answer.package = str_format("%s/%s", name, version);
	r->answer.command = dkms_command(r, name, version);
	look_for_exclusion(r, conf, name, version);
	look_for_headers(r);
}

static void rebuild_by_akmods(struct rebuilding *r)
{
	static const char prefix[] = "akmod-";
	const char *package = r->module->package;
	const char *name =
		package && str_starts(package, prefix) ? package + strlen(prefix) : NULL;
	autofree char *source =
		name ? str_format(AKMODS_SRC "/%s-kmod.latest", name) : NULL;

	if (!name || !provider_word_valid(name) || !root_exists(r->root, source)) {
		tell(r, str_format("the source package that akmods would build %s from "
				   "is gone",
				   r->module->name));
		return;
	}
	r->answer.source = true;
	r->answer.package = str_dup(package);
	r->answer.command =
		str_format("akmods --akmod %s --kernels %s", name, r->release);
	look_for_headers(r);
}

/* The framework builds in a container that brings the headers with it. */
static void rebuild_by_container(struct rebuilding *r)
{
	const char *name = r->module->package;

	if (!name || !provider_word_valid(name)) {
		tell(r, str_format("kmods-via-containers has no record of what made %s",
				   r->module->name));
		return;
	}
	r->answer.source = r->answer.headers = true;
	r->answer.command =
		str_format("kmods-via-containers build %s %s", name, r->release);
}

static void rebuild_by_nobody(struct rebuilding *r)
{
	const struct third_party *module = r->module;

	if (module->provider == PROVIDER_PACKAGE && module->package)
		tell(r, str_format("%s comes built in package %s; only a package for %s "
				   "brings it there",
				   module->name, module->package, r->release));
	else if (module->provider == PROVIDER_WEAK)
		tell(r, str_format("%s is linked from another kernel's modules, and not "
				   "built here",
				   module->name));
	else
		tell(r, str_format("nothing on this machine is known to build %s",
				   module->name));
}

int third_party_rebuild(const struct root *root, const struct third_party *module,
			const char *release, struct rebuild *ret, struct error *err)
{
	struct rebuilding r = {.root = root, .module = module, .release = release};

	if (!release_valid(release))
		return error_set(err, -EINVAL, "%.64s can't be a kernel release",
				 release);
	r.build = str_format("/lib/modules/%s/build", release);
	if (!root_exists(root, r.build)) {
		autofree char *usr = str_format("/usr%s", r.build);

		if (root_exists(root, usr)) {
			free(r.build);
			r.build = take_ptr(usr);
		}
	}
	switch (module->provider) {
	case PROVIDER_DKMS:
		rebuild_by_dkms(&r);
		break;
	case PROVIDER_AKMODS:
		rebuild_by_akmods(&r);
		break;
	case PROVIDER_CONTAINER:
		rebuild_by_container(&r);
		break;
	case PROVIDER_WEAK:
		/* DKMS makes for one kernel what weak-modules links into others */
		if (module->package)
			rebuild_by_dkms(&r);
		else
			rebuild_by_nobody(&r);
		break;
	case PROVIDER_PACKAGE:
	case PROVIDER_UNOWNED:
	case PROVIDERS:
		rebuild_by_nobody(&r);
		break;
	}
	if (r.answer.source && !r.answer.headers && !r.answer.excluded) {
		free(r.answer.command);
		r.answer.command = headers_command(root, release);
	}
	free(r.build);
	*ret = r.answer;
	return 0;
}
