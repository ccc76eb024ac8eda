/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One object a package; a package that is replaced goes out in one and comes in with
 * another.
 */
#include "probe/dnf-incoming.h"

#include <string.h>

#include "base/cleanup.h"
#include "core/release.h"
#include "json-document.h"

#define TEXT_MAX     ((size_t)64 * 1024 * 1024)
#define PACKAGES_MAX 16384
#define PROVIDES_MAX 64
#define PATH_LENGTH  4096

/* The words of one package; borrowed. */
struct told {
	const char *action, *name, *epoch, *version, *release, *arch, *path;
	char *evr; /* "[EPOCH:]VERSION-RELEASE" */
};

static void told_done(struct told *told)
{
	free(told->evr);
}

/* A member that is a text without NUL, or NULL. */
static const char *told_word(json_object *package, const char *member)
{
	json_object *value = json_get(package, member, json_type_string);
	const char *text = value ? json_object_get_string(value) : NULL;

	return text && strlen(text) == (size_t)json_object_get_string_len(value) ? text
										 : NULL;
}

static bool told_valid(const struct told *told)
{
	return told->action && *told->action && told->name && told->version &&
	       told->release && told->arch && package_name_valid(told->name) &&
	       package_name_valid(told->arch) && package_version_valid(told->evr);
}

static int told_read(json_object *package, struct told *ret, struct error *err)
{
	const char *location = told_word(package, "location");

	ret->action = told_word(package, "action");
	ret->name = told_word(package, "name");
	ret->epoch = told_word(package, "epoch");
	ret->version = told_word(package, "version");
	ret->release = told_word(package, "release");
	ret->arch = told_word(package, "arch");
	ret->path = told_word(package, "path");
	if (!ret->path)
		ret->path = location;
	if (ret->path && strlen(ret->path) >= PATH_LENGTH)
		ret->path = NULL;
	if (ret->version && ret->release)
		ret->evr = ret->epoch && *ret->epoch && !str_eq(ret->epoch, "0")
				   ? str_format("%s:%s-%s", ret->epoch, ret->version,
						ret->release)
				   : str_format("%s-%s", ret->version, ret->release);
	if (!told_valid(ret))
		return error_set(
			err, -ERROR_DAMAGED,
			"dnf names a package (%.64s) in a way that kuro does not "
			"know",
			ret->name ? ret->name : "without a name");
	return 0;
}

/* Of the packages that the kernel's version have: image and modules, not what is built
 * or shown with them. */
static bool is_of_kernel(const char *name)
{
	static const char *const others[] = {"headers", "tools",     "devel",    "doc",
					     "srpm",    "rpm",       "abi",      "cross",
					     "debug",   "selftests", "livepatch"};

	if (!str_eq(name, "kernel") && !str_starts(name, "kernel-"))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		const char *part = strstr(name, others[i]);

		/* kernel-debug-core is a kernel, kernel-debuginfo is none */
		if (part && part[-1] == '-' && !strstr(part, "-core") &&
		    !strstr(part, "-modules"))
			return false;
	}
	return true;
}

static bool is_image(const char *name)
{
	static const char *const whole[] = {"kernel", "kernel-uek", "kernel-ml",
					    "kernel-lt", "kernel-default"};

	for (size_t i = 0; i < ARRAY_LEN(whole); i++)
		if (str_eq(name, whole[i]))
			return true;
	return str_ends(name, "-core") && !str_ends(name, "-modules-core");
}

/* What `uname -r` will say: told by a name that the package provides, where it is. NULL:
 * it can't be one. */
static char *kernel_release(json_object *package, const struct told *told)
{
	autofree char *named =
		str_format("%s-%s.%s", told->version, told->release, told->arch);
	autostrv struct strv provides = {0};

	(void)json_get_strings(package, "provides", PROVIDES_MAX, &provides, NULL);
	for (size_t i = 0; i < provides.count; i++) {
		const char *at = strstr(provides.items[i], "uname-r = ");

		if (at && release_valid(at + strlen("uname-r = ")))
			return str_dup(at + strlen("uname-r = "));
	}
	return release_valid(named) ? take_ptr(named) : NULL;
}

static void take_package(json_object *package, const struct told *told,
			 struct package_plan *ret)
{
	const char *reason = told_word(package, "reason");
	bool alone = strchr("IE", *told->action), goes = strchr("EO", *told->action);
	autofree char *name = alone ? str_format("%s-%s-%s.%s", told->name, told->version,
						 told->release, told->arch)
				    : str_format("%s.%s", told->name, told->arch);
	struct package_change *change = package_plan_add(ret, name);
	char **version = goes ? &change->old_version : &change->new_version;

	free(*version);
	*version = str_dup(told->evr);
	if (is_of_kernel(told->name) && !change->release) {
		change->release = kernel_release(package, told);
		change->image = is_image(told->name);
	}
	if (goes)
		return;
	/* "dependency", "weak-dependency" */
	change->automatic = reason && str_ends(reason, "dependency");
	change->security =
		json_object_get_boolean(json_get(package, "security", json_type_boolean));
	free(change->archive);
	change->archive = str_dup(told->path);
}

static int take_all(json_object *packages, struct package_plan *ret, struct error *err)
{
	size_t count = json_object_array_length(packages);
	int r = 0;

	if (count > PACKAGES_MAX)
		return error_set(err, -ERROR_DAMAGED, "dnf names %zu packages", count);
	for (size_t i = 0; r == 0 && i < count; i++) {
		json_object *package = json_object_array_get_idx(packages, i);
		cleanup(told_done) struct told told = {0};

		r = told_read(package, &told, err);
		/* "?": the reason why it is there is another one; nothing else */
		if (r == 0 && strchr("IUDREO", *told.action))
			take_package(package, &told, ret);
	}
	return r;
}

int dnf_incoming_parse(const char *text, struct package_plan *ret, struct error *err)
{
	autojson json_object *document = NULL;
	json_object *packages, *answer;
	int r = json_text_parse(text, TEXT_MAX, &document, err);

	if (r < 0)
		return error_prefix(err, r, "what dnf says of its transaction");
	packages = json_get(document, "packages", json_type_array);
	answer = json_get(document, "return", json_type_object);
	if (!packages && answer)
		packages = json_get(answer, "trans_packages", json_type_array);
	if (!packages)
		return error_set(err, -ERROR_DAMAGED,
				 "this is not what dnf says of a transaction");
	free(ret->manager);
	ret->manager = str_dup("dnf");
	return take_all(packages, ret, err);
}

char *dnf_incoming_value(const char *text)
{
	autojson json_object *document = NULL;
	json_object *answer, *values, *first;
	const char *value;

	if (json_text_parse(text, TEXT_MAX, &document, NULL) < 0)
		return NULL;
	answer = json_get(document, "return", json_type_object);
	values = answer ? json_get(answer, "keys_val", json_type_array) : NULL;
	first = values ? json_object_array_get_idx(values, 0) : NULL;
	value = first ? told_word(first, "value") : NULL;
	return value ? str_dup(value) : NULL;
}

/* CACHE/REPOSITORY-…/packages/NAME, or NULL. */
static char *cached_archive(const struct root *root, const char *cache,
			    const struct strv *repositories, const char *name)
{
	for (size_t i = 0; i < repositories->count; i++) {
		char *path = str_format("%s/%s/packages/%s", cache,
					repositories->items[i], name);

		if (root_exists(root, path))
			return path;
		free(path);
	}
	return NULL;
}

void dnf_incoming_find_archives(const struct root *root, const char *cache,
				struct package_plan *plan)
{
	autostrv struct strv repositories = {0};

	/* a cache that can't be read has no archives */
	(void)root_list(root, cache, &repositories, NULL);
	for (size_t i = 0; i < plan->count; i++) {
		struct package_change *change = &plan->items[i];
		autofree char *location = take_ptr(change->archive);
		const char *slash = location ? strrchr(location, '/') : NULL;

		if (!location)
			continue;
		if (*location == '/') /* named on dnf's command line */
			change->archive = take_ptr(location);
		else
			change->archive = cached_archive(root, cache, &repositories,
							 slash ? slash + 1 : location);
	}
}
