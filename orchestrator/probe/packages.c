/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Plans of package changes, and the table of package managers. A plan read back from
 * the database is as hostile as any file: what it names goes into a program's
 * arguments.
 */
#include "probe/packages.h"

#include <ctype.h>
#include <json.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/process.h"
#include "core/release.h"
#include "package-backend.h"

#define PACKAGES_NAME_MAX  200
#define PACKAGES_ITEMS_MAX 4096

static const struct package_backend *const backends[] = {&apt_backend, &dnf_backend};

static bool backend_is_in_charge(const struct root *root,
				 const struct package_backend *backend)
{
	for (size_t i = 0; i < ARRAY_LEN(backend->database); i++)
		if (backend->database[i] && root_exists(root, backend->database[i]))
			return process_exists(root, backend->program);
	return false;
}

static const struct package_backend *packages_backend(const struct root *root)
{
	for (size_t i = 0; i < ARRAY_LEN(backends); i++)
		if (backend_is_in_charge(root, backends[i]))
			return backends[i];
	return NULL;
}

const char *packages_manager(const struct root *root)
{
	const struct package_backend *backend = packages_backend(root);

	return backend ? backend->name : NULL;
}

static int packages_need_backend(const struct root *root,
				 const struct package_backend **ret, struct error *err)
{
	*ret = packages_backend(root);
	if (!*ret)
		return error_set(err, -ERROR_UNSUPPORTED,
				 "no package manager that kuro knows (apt, dnf) is in "
				 "charge of this machine");
	return 0;
}

int packages_resolve(const struct root *root, const struct policy *policy,
		     const char *to_release, struct package_plan *ret, struct error *err)
{
	struct package_plan plan = {0};
	const struct package_backend *backend;
	int r = packages_need_backend(root, &backend, err);

	if (r < 0)
		return r;
	if (to_release && !release_valid(to_release))
		return error_set(err, -ERROR_USAGE, "%.64s can't be a kernel release",
				 to_release);
	if (!to_release && !backend->security &&
	    policy_bool(policy, POLICY_PACKAGES_SECURITY))
		return error_set(err, -ERROR_UNSUPPORTED,
				 "kuro can't learn from %s which kernels are security "
				 "updates; take --security or packages.security away",
				 backend->name);
	r = backend->resolve(root, policy, to_release, &plan, err);
	if (r < 0) {
		package_plan_done(&plan);
		return r;
	}
	plan.manager = str_dup(backend->name);
	*ret = plan;
	return 0;
}

int packages_installed(const struct root *root, const struct package_plan *plan,
		       struct error *err)
{
	const struct package_backend *backend;
	int r = packages_need_backend(root, &backend, err);

	return r < 0 ? r : backend->installed(root, plan, err);
}

int packages_unfinished(const struct root *root, struct error *err)
{
	const struct package_backend *backend;
	int r = packages_need_backend(root, &backend, err);

	return r < 0 ? r : backend->unfinished(root, err);
}

void package_plan_done(struct package_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		free(plan->items[i].name);
		free(plan->items[i].old_version);
		free(plan->items[i].archive);
		free(plan->items[i].release);
		free(plan->items[i].new_version);
	}
	free(plan->items);
	free(plan->manager);
	free(plan->release);
	free(plan->passed_over);
	free(plan->kept_release);
	strv_done(&plan->kept_back);
	*plan = (struct package_plan){0};
}

struct package_change *package_plan_find(const struct package_plan *plan,
					 const char *name)
{
	for (size_t i = 0; i < plan->count; i++)
		if (str_eq(plan->items[i].name, name))
			return &plan->items[i];
	return NULL;
}

struct package_change *package_plan_add(struct package_plan *plan, const char *name)
{
	struct package_change *change = package_plan_find(plan, name);

	if (change)
		return change;
	plan->items = mem_regrow(plan->items, plan->count + 1, sizeof(*plan->items));
	change = &plan->items[plan->count++];
	*change = (struct package_change){.name = str_dup(name)};
	return change;
}

static bool all_of(const char *s, const char *others)
{
	if (!isalnum((unsigned char)*s) || strlen(s) > PACKAGES_NAME_MAX)
		return false;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr(others, *s))
			return false;
	return true;
}

bool package_name_valid(const char *name)
{
	/* a "-" at the end would be apt-get's order to remove, a "^" a task of it */
	return all_of(name, "+-._:~^") && !str_ends(name, "-") && !str_ends(name, "^");
}

bool package_version_valid(const char *version)
{
	return all_of(version, "+-._~:^");
}

static void json_add_string(struct json_object *to, const char *key, const char *value)
{
	json_object_object_add(to, key, value ? json_object_new_string(value) : NULL);
}

static struct json_object *package_change_json(const struct package_change *change)
{
	struct json_object *item = json_object_new_object();

	json_add_string(item, "name", change->name);
	json_add_string(item, "old", change->old_version);
	json_add_string(item, "new", change->new_version);
	json_object_object_add(item, "automatic",
			       json_object_new_boolean(change->automatic));
	return item;
}

char *package_plan_format(const struct package_plan *plan)
{
	struct json_object *top = json_object_new_object();
	struct json_object *items = json_object_new_array();
	struct json_object *kept = json_object_new_array();
	char *text;

	json_object_object_add(top, "schema", json_object_new_int(1));
	json_add_string(top, "manager", plan->manager);
	json_add_string(top, "release", plan->release);
	for (size_t i = 0; i < plan->count; i++)
		json_object_array_add(items, package_change_json(&plan->items[i]));
	for (size_t i = 0; i < plan->kept_back.count; i++)
		json_object_array_add(kept,
				      json_object_new_string(plan->kept_back.items[i]));
	json_object_object_add(top, "packages", items);
	json_object_object_add(top, "kept_back", kept);
	text = str_dup(json_object_to_json_string_ext(
		top, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(top);
	return text;
}

/* A string or null; -ERROR_DAMAGED for anything else, or one that valid() refuses. */
static int json_take_string(const struct json_object *from, const char *key,
			    bool (*valid)(const char *), char **ret)
{
	struct json_object *value = NULL;
	const char *s;

	if (!json_object_object_get_ex(from, key, &value) || !value)
		return 0;
	if (!json_object_is_type(value, json_type_string))
		return -ERROR_DAMAGED;
	s = json_object_get_string(value);
	if (strlen(s) != (size_t)json_object_get_string_len(value) || !valid(s))
		return -ERROR_DAMAGED;
	*ret = str_dup(s);
	return 0;
}

static int package_change_parse(const struct json_object *item, struct package_plan *plan,
				struct error *err)
{
	autofree char *name = NULL;
	struct json_object *automatic = NULL;
	struct package_change *change;

	if (json_take_string(item, "name", package_name_valid, &name) < 0 || !name ||
	    package_plan_find(plan, name))
		return error_set(err, -ERROR_DAMAGED,
				 "a recorded package change has no usable name");
	change = package_plan_add(plan, name);
	if (json_take_string(item, "old", package_version_valid, &change->old_version) <
		    0 ||
	    json_take_string(item, "new", package_version_valid, &change->new_version) <
		    0 ||
	    (!change->old_version && !change->new_version))
		return error_set(
			err, -ERROR_DAMAGED,
			"the recorded change of package %s has no usable version", name);
	if (json_object_object_get_ex(item, "automatic", &automatic))
		change->automatic = json_object_get_boolean(automatic);
	return 0;
}

/* The array under key, or NULL; ret_count entries. */
static struct json_object *json_array(const struct json_object *from, const char *key,
				      size_t *ret_count)
{
	struct json_object *array = NULL;

	*ret_count = 0;
	if (!json_object_object_get_ex(from, key, &array) ||
	    !json_object_is_type(array, json_type_array))
		return NULL;
	*ret_count = json_object_array_length(array);
	return array;
}

static int package_plan_take(const struct json_object *top, struct package_plan *plan,
			     struct error *err)
{
	size_t count, kept;
	struct json_object *items = json_array(top, "packages", &count);
	struct json_object *held = json_array(top, "kept_back", &kept);

	if (!items || count > PACKAGES_ITEMS_MAX || kept > PACKAGES_ITEMS_MAX ||
	    json_take_string(top, "manager", package_name_valid, &plan->manager) < 0 ||
	    json_take_string(top, "release", release_valid, &plan->release) < 0)
		return error_set(err, -ERROR_DAMAGED,
				 "the recorded package plan is not one");
	for (size_t i = 0; i < count; i++) {
		int r = package_change_parse(json_object_array_get_idx(items, i), plan,
					     err);

		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < kept; i++) {
		const char *name =
			json_object_get_string(json_object_array_get_idx(held, i));

		if (name && package_name_valid(name))
			strv_add(&plan->kept_back, name);
	}
	return 0;
}

int package_plan_parse(const char *text, struct package_plan *ret, struct error *err)
{
	struct json_object *top = json_tokener_parse(text);
	struct package_plan plan = {0};
	int r;

	r = json_object_is_type(top, json_type_object)
		    ? package_plan_take(top, &plan, err)
		    : error_set(err, -ERROR_DAMAGED,
				"the recorded package plan is not JSON");
	json_object_put(top);
	if (r < 0)
		package_plan_done(&plan);
	else
		*ret = plan;
	return r;
}
