/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which kernel apt would bring. The question is put to apt's own simulation, so that
 * pins, phasing and dependencies are its; what is asked for are the kernel
 * meta-packages that are installed and those that follow them (apt-metas.c).
 */
#include <string.h>

#include "apt-metas.h"
#include "base/cleanup.h"
#include "base/process.h"
#include "core/release.h"
#include "package-backend.h"
#include "probe/apt-answers.h"
#include "probe/apt-security.h"

/* Updates that are rolled out by and by wait for this machine's turn; by itself apt looks
 * at that in its own upgrades only, and not where packages are named. */
#define PHASED "-o", "APT::Get::Phase-Policy=true"

/* What one resolution works with. */
struct apt_request {
	const struct root *root;
	unsigned int timeout;
	struct strv names;          /* packages asked for */
	const char *const *options; /* of apt-get, before them */
	const char *pins;           /* see apt_question */
	bool security;              /* packages.security */
};

static int request_simulate(const struct apt_request *request, struct package_plan *ret,
			    struct error *err)
{
	autostrv struct strv args = {0};
	struct apt_question question = {.root = request->root,
					.args = &args,
					.timeout = request->timeout,
					.despite_holds = true,
					.pins = request->pins};

	for (size_t i = 0; request->options[i]; i++)
		strv_add(&args, request->options[i]);
	for (size_t i = 0; i < request->names.count; i++)
		strv_add(&args, request->names.items[i]);
	return apt_simulate(&question, ret, err);
}

/* Take the held ones out of what is asked for. */
static void request_drop(struct apt_request *request, const struct strv *held)
{
	struct strv rest = {0};

	for (size_t i = 0; i < request->names.count; i++)
		if (!strv_has(held, request->names.items[i]))
			strv_add(&rest, request->names.items[i]);
	strv_done(&request->names);
	request->names = rest;
}

/*
 * Simulate; where apt would change held packages, ask again without them. A hold on
 * something that the rest needs is the person's to lift.
 */
static int request_resolve(struct apt_request *request, struct package_plan *ret,
			   struct error *err)
{
	struct strv held = {0};
	autofree char *names = NULL;
	int r = request_simulate(request, ret, err);

	if (r < 0 || ret->kept_back.count == 0)
		return r;
	held = ret->kept_back;
	ret->kept_back = (struct strv){0};
	package_plan_done(ret);
	request_drop(request, &held);
	if (request->names.count > 0)
		r = request_simulate(request, ret, err);
	if (r == 0 && ret->kept_back.count > 0) {
		names = strv_join(&ret->kept_back, " ");
		r = error_set(err, -ERROR_REFUSED,
			      "the new kernel needs packages changed that are on hold: "
			      "%.300s; `apt-mark unhold` lifts that",
			      names);
	}
	strv_done(&ret->kept_back);
	ret->kept_back = held;
	return r;
}

/* The newest release among the images that are installed or changed, metas left out. */
static void plan_find_release(struct package_plan *plan, const struct strv *metas)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct package_change *change = &plan->items[i];
		autofree char *release =
			change->new_version ? apt_image_release(change->name) : NULL;

		if (!release || strv_has(metas, change->name))
			continue;
		if (plan->release && release_compare(release, plan->release) <= 0)
			continue;
		free(plan->release);
		plan->release = take_ptr(release);
	}
}

/* Which items are there as dependencies; asked are those that a person named. */
static int plan_mark_automatic(struct package_plan *plan, const struct root *root,
			       const struct strv *asked, struct error *err)
{
	autostrv struct strv automatic = {0};
	int r = plan->count ? apt_automatic(root, &automatic, err) : 0;

	for (size_t i = 0; i < plan->count; i++) {
		struct package_change *change = &plan->items[i];

		change->automatic = change->old_version
					    ? strv_has(&automatic, change->name)
					    : !asked || !strv_has(asked, change->name);
	}
	return r;
}

/* Does "NAME=…" stand among the versions? */
static bool apt_knows(const struct strv *versions, const char *name)
{
	autofree char *start = str_format("%s=", name);

	for (size_t i = 0; i < versions->count; i++)
		if (str_starts(versions->items[i], start))
			return true;
	return false;
}

static bool any_headers(const struct dpkg_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (apt_is_present(&list->items[i]) &&
		    str_starts(list->items[i].name, APT_HEADERS))
			return true;
	return false;
}

static int plan_take_release(struct apt_request *request, const struct strv *metas,
			     struct package_plan *ret, struct error *err)
{
	int r = request_resolve(request, ret, err);

	if (r == 0)
		plan_find_release(ret, metas);
	return r;
}

/* A mirror may have the new meta-package of the headers, and not yet what it wants. */
static bool request_drop_headers(struct apt_request *request)
{
	autostrv struct strv headers = {0};

	for (size_t i = 0; i < request->names.count; i++)
		if (str_starts(request->names.items[i], APT_HEADERS))
			strv_add(&headers, request->names.items[i]);
	request_drop(request, &headers);
	return headers.count > 0 && request->names.count > 0;
}

static int plan_take_metas(struct apt_request *request, const struct strv *metas,
			   struct package_plan *ret, struct error *err)
{
	int r = plan_take_release(request, metas, ret, err);

	if (r == -ERROR_PROGRAM && request_drop_headers(request))
		r = plan_take_release(request, metas, ret, err);
	return r;
}

/*
 * What comes from no archive of security updates goes to ret; 1: a kernel's image is
 * among it.
 */
static int plan_find_others(const struct package_plan *plan, const struct root *root,
			    const struct strv *metas, struct strv *ret, struct error *err)
{
	autostrv struct strv names = {0}, security = {0};
	bool image = false;
	int r;

	for (size_t i = 0; i < plan->count; i++)
		strv_add(&names, plan->items[i].name);
	r = apt_security_versions(root, &names, &security, err);
	for (size_t i = 0; r == 0 && i < plan->count; i++) {
		const struct package_change *change = &plan->items[i];
		autofree char *release = apt_image_release(change->name);
		autofree char *from =
			change->new_version
				? str_format("%s=%s", change->name, change->new_version)
				: NULL;

		if (!from || strv_has(&security, from))
			continue;
		strv_add(ret, change->name);
		image = image || (release && !strv_has(metas, change->name));
	}
	return r < 0 ? r : image;
}

/* The plan anew, after the request was changed; what a person holds stays noted. */
static int plan_ask_again(struct apt_request *request, const struct strv *metas,
			  struct package_plan *plan, struct error *err)
{
	struct package_plan again = {0};
	int r = 0;

	if (request->names.count > 0)
		r = plan_take_metas(request, metas, &again, err);
	if (again.kept_back.count == 0) {
		again.kept_back = plan->kept_back;
		plan->kept_back = (struct strv){0};
	}
	package_plan_done(plan);
	*plan = again;
	return r;
}

/*
 * A plan whose kernels are not all security updates is made again: first with those
 * preferred where they are newer than what is installed, then without what still comes
 * from elsewhere.
 */
static int plan_keep_security(struct apt_request *request, const struct strv *metas,
			      struct package_plan *plan, struct error *err)
{
	autostrv struct strv others = {0};
	autofree char *newest = NULL;
	int r = plan_find_others(plan, request->root, metas, &others, err);

	if (r <= 0)
		return r;
	newest = take_ptr(plan->release);
	request->pins = apt_security_pins;
	for (unsigned int round = 0; r > 0 && round < 2; round++) {
		r = plan_ask_again(request, metas, plan, err);
		strv_done(&others);
		if (r == 0)
			r = plan_find_others(plan, request->root, metas, &others, err);
		if (r > 0)
			request_drop(request, &others);
	}
	if (r > 0) { /* something else brings it */
		strv_done(&request->names);
		r = plan_ask_again(request, metas, plan, err);
	}
	if (r == 0 && newest &&
	    (!plan->release || release_compare(newest, plan->release) > 0))
		plan->passed_over = take_ptr(newest);
	return r;
}

/* Headers that nothing in the plan asks for, though this machine has some of others. */
static bool headers_asked(const struct apt_request *request, const struct dpkg_list *list,
			  const struct package_plan *plan, const char *headers)
{
	autostrv struct strv names = {0}, versions = {0};

	strv_add(&names, headers);
	return any_headers(list) && !package_plan_find(plan, headers) &&
	       !dpkg_is_installed(list, headers, NULL) &&
	       apt_versions(request->root, &names, &versions, NULL) == 0 &&
	       apt_knows(&versions, headers);
}

/*
 * The release's headers come with its image. Where apt can't bring them the plan stays
 * without: whether that matters is judged with the modules.
 */
static void plan_add_headers(struct apt_request *request, const struct dpkg_list *list,
			     const struct strv *metas, struct package_plan *plan)
{
	static const char *const options[] = {PHASED, "install", NULL};
	autofree char *headers = str_format(APT_HEADERS "%s", plan->release);
	struct package_plan more = {0};

	if (!headers_asked(request, list, plan, headers))
		return;
	request->options = options;
	strv_add(&request->names, headers);
	if (plan_take_release(request, metas, &more, NULL) < 0 ||
	    !str_eq(more.release, plan->release)) {
		package_plan_done(&more);
		return;
	}
	strv_done(&more.kept_back);
	more.kept_back = plan->kept_back;
	plan->kept_back = (struct strv){0};
	package_plan_done(plan);
	*plan = more;
}

/* The installed meta-packages brought to their candidates. */
static int apt_resolve_metas(struct apt_request *request, const struct dpkg_list *list,
			     struct package_plan *ret, struct error *err)
{
	static const char *const options[] = {PHASED, "install", "--only-upgrade", NULL};
	autostrv struct strv metas = {0};
	int r;

	apt_find_metas(list, &metas);
	if (metas.count == 0)
		return error_set(err, -ERROR_UNSUPPORTED,
				 "no kernel meta-package is installed (one like "
				 "linux-image-amd64 or linux-generic); install it, or "
				 "name a release with --to");
	request->options = options;
	for (size_t i = 0; i < metas.count; i++)
		strv_add(&request->names, metas.items[i]);
	r = plan_take_metas(request, &metas, ret, err);
	if (r == 0 && request->security)
		r = plan_keep_security(request, &metas, ret, err);
	if (r < 0)
		return r;
	if (ret->release)
		plan_add_headers(request, list, &metas, ret);
	return plan_mark_automatic(ret, request->root, NULL, err);
}

/*
 * What `--to RELEASE` asks for: its image, and its headers where this machine has
 * headers for others (third-party modules are built with them).
 */
static int release_packages(const struct root *root, const char *release,
			    const struct dpkg_list *list, struct strv *ret,
			    struct error *err)
{
	autofree char *image = str_format(APT_IMAGE "%s", release);
	autofree char *unsigned_image = str_format(APT_IMAGE "unsigned-%s", release);
	autofree char *headers = str_format(APT_HEADERS "%s", release);
	autostrv struct strv candidates = {0}, versions = {0};
	int r;

	strv_add(&candidates, image);
	strv_add(&candidates, unsigned_image);
	strv_add(&candidates, headers);
	r = apt_versions(root, &candidates, &versions, err);
	if (r < 0)
		return r;
	if (apt_knows(&versions, image))
		strv_add(ret, image);
	else if (apt_knows(&versions, unsigned_image))
		strv_add(ret, unsigned_image);
	else if (!dpkg_is_installed(list, image, NULL))
		return error_set(err, -ENOENT,
				 "apt knows no package %s; run apt-get update?", image);
	if (ret->count > 0 && any_headers(list) && apt_knows(&versions, headers))
		strv_add(ret, headers);
	return 0;
}

static int apt_resolve_release(struct apt_request *request, const struct dpkg_list *list,
			       const char *release, struct package_plan *ret,
			       struct error *err)
{
	static const char *const options[] = {"install", NULL};
	autostrv struct strv none = {0};
	int r = release_packages(request->root, release, list, &request->names, err);

	request->options = options;
	if (r < 0 || request->names.count == 0)
		return r;
	r = request_resolve(request, ret, err);
	if (r < 0)
		return r;
	plan_find_release(ret, &none);
	if (ret->release && !str_eq(ret->release, release) && ret->count > 0)
		return error_set(err, -ENOENT,
				 "linux-image-%s is a meta-package or needs another "
				 "kernel; name the release itself: %s",
				 release, ret->release);
	return plan_mark_automatic(ret, request->root, &request->names, err);
}

static int apt_resolve(const struct root *root, const struct policy *policy,
		       const char *to_release, struct package_plan *ret,
		       struct error *err)
{
	struct apt_request request = {
		.root = root,
		.timeout = (unsigned int)policy_number(policy, POLICY_PACKAGES_TIMEOUT),
		.security = policy_bool(policy, POLICY_PACKAGES_SECURITY),
	};
	autostrv struct strv patterns = {0};
	autodpkg struct dpkg_list list = {0};
	int r;

	strv_add(&patterns, "linux-*");
	r = dpkg_query(root, &patterns, &list, err);
	if (r == 0)
		r = to_release
			    ? apt_resolve_release(&request, &list, to_release, ret, err)
			    : apt_resolve_metas(&request, &list, ret, err);
	strv_done(&request.names);
	return r;
}

static int apt_installed(const struct root *root, const struct package_plan *plan,
			 struct error *err)
{
	autostrv struct strv names = {0};
	autodpkg struct dpkg_list list = {0};
	int r;

	for (size_t i = 0; i < plan->count; i++)
		strv_add(&names, plan->items[i].name);
	r = names.count ? dpkg_query(root, &names, &list, err) : 0;
	if (r < 0)
		return r;
	for (size_t i = 0; i < plan->count; i++) {
		const struct package_change *change = &plan->items[i];

		if (dpkg_is_installed(&list, change->name, change->new_version) !=
		    (change->new_version != NULL))
			return 0;
	}
	return 1;
}

static int apt_unfinished(const struct root *root, struct error *err)
{
	static const char *const argv[] = {"dpkg", "--audit", NULL};
	autoprocess struct process_result result = {0};
	struct process process = {.argv = argv, .root = root, .timeout = 300};
	int r;

	if (dpkg_stopped(root))
		return 1;
	r = process_run(&process, &result, err);
	if (r < 0)
		return r;
	if (result.status > 1 || result.timed_out)
		return error_set(err, -ERROR_PROGRAM, "dpkg --audit failed: %.400s",
				 text_str(&result.err));
	return result.out.len > 0;
}

const struct package_backend apt_backend = {
	.name = "apt",
	.program = "apt-get",
	.database = {"/var/lib/dpkg/status"},
	.security = true,
	.resolve = apt_resolve,
	.installed = apt_installed,
	.unfinished = apt_unfinished,
};
