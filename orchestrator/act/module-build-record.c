/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Builds as a transaction remembers them. What is read back names what a program is told
 * to remove, so it is as hostile as any file.
 */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "act/module-build.h"
#include "base/cleanup.h"
#include "module-builder.h"

#define BUILDS_MAX 1000
#define TEXT_MAX   65536
#define NAMES_MAX  4096
#define JSON_DEPTH 6

static void cleanup_json(json_object **object)
{
	json_object_put(*object); /* takes NULL */
}

static void cleanup_tokener(json_tokener **tokener)
{
	if (*tokener)
		json_tokener_free(*tokener);
}

void module_build_list_done(struct module_build_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].package);
		free(list->items[i].first_error);
		free(list->items[i].log);
		strv_done(&list->items[i].modules);
	}
	free(list->items);
	*list = (struct module_build_list){0};
}

/* Memory that is gone ends the program, as with base/text. */
static json_object *made(json_object *object)
{
	if (!object)
		abort();
	return object;
}

static void add_string(json_object *to, const char *key, const char *value)
{
	autofree char *shown = value ? str_printable(value) : NULL;

	if (shown)
		(void)json_object_object_add(to, key,
					     made(json_object_new_string(shown)));
}

/* What is false says nothing. */
static void add_true(json_object *to, const char *key, bool value)
{
	if (value)
		(void)json_object_object_add(to, key, made(json_object_new_boolean(1)));
}

static void add_names(json_object *to, const char *key, const struct strv *names)
{
	json_object *list;

	if (names->count == 0)
		return;
	list = made(json_object_new_array());
	for (size_t i = 0; i < names->count; i++)
		(void)json_object_array_add(list, made(json_object_new_string(
							  names->items[i])));
	(void)json_object_object_add(to, key, list);
}

char *module_build_format(const struct module_build_list *list)
{
	cleanup(cleanup_json) json_object *top = made(json_object_new_object());
	json_object *items = made(json_object_new_array());

	(void)json_object_object_add(top, "schema", made(json_object_new_int(1)));
	(void)json_object_object_add(top, "builds", items);
	for (size_t i = 0; i < list->count; i++) {
		const struct module_build *build = &list->items[i];
		json_object *item = made(json_object_new_object());

		add_string(item, "package", build->package);
		(void)json_object_object_add(item, "built",
					     json_object_new_boolean(build->built));
		add_true(item, "had_build", build->had_build);
		add_true(item, "mends", build->mends);
		add_names(item, "modules", &build->modules);
		add_string(item, "first_error", build->first_error);
		add_string(item, "log", build->log);
		(void)json_object_array_add(items, item);
	}
	return str_dup(json_object_to_json_string_ext(
		top, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

/* A member that is a text, NULL where it is missing; false where it is something else. */
static bool get_string(const json_object *from, const char *key, const char **ret)
{
	json_object *value;

	*ret = NULL;
	if (!json_object_object_get_ex(from, key, &value))
		return true;
	if (!json_object_is_type(value, json_type_string))
		return false;
	*ret = json_object_get_string(value);
	return strlen(*ret) == (size_t)json_object_get_string_len(value) &&
	       strlen(*ret) <= TEXT_MAX;
}

/* A member that is true or false, false where it is missing; false for anything else. */
static bool get_bool(const json_object *from, const char *key, bool *ret)
{
	json_object *value;

	*ret = false;
	if (!json_object_object_get_ex(from, key, &value))
		return true;
	*ret = json_object_get_boolean(value);
	return json_object_is_type(value, json_type_boolean);
}

/* Names of modules: nothing that a path could be made of. */
static bool get_names(const json_object *from, const char *key, struct strv *ret)
{
	json_object *list;

	if (!json_object_object_get_ex(from, key, &list))
		return true;
	if (!json_object_is_type(list, json_type_array) ||
	    json_object_array_length(list) > NAMES_MAX)
		return false;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		json_object *item = json_object_array_get_idx(list, i);

		if (!json_object_is_type(item, json_type_string))
			return false;
		strv_add(ret, json_object_get_string(item));
	}
	return true;
}

static bool parse_item(const json_object *item, struct module_build_list *list)
{
	const char *package, *first_error, *log;
	struct module_build build = {0};
	json_object *built;

	if (!json_object_is_type(item, json_type_object) ||
	    !get_string(item, "package", &package) ||
	    !get_string(item, "first_error", &first_error) ||
	    !get_string(item, "log", &log) ||
	    !json_object_object_get_ex(item, "built", &built) ||
	    !json_object_is_type(built, json_type_boolean) || !package ||
	    !module_builder_of(package) ||
	    !get_bool(item, "had_build", &build.had_build) ||
	    !get_bool(item, "mends", &build.mends))
		return false;
	build.package = str_dup(package);
	build.built = json_object_get_boolean(built);
	build.first_error = str_dup(first_error);
	build.log = str_dup(log);
	list->items = mem_regrow(list->items, list->count + 1, sizeof(*list->items));
	list->items[list->count] = build;
	return get_names(item, "modules", &list->items[list->count++].modules);
}

static bool parse_list(const json_object *top, struct module_build_list *list)
{
	json_object *items;

	if (!json_object_is_type(top, json_type_object) ||
	    !json_object_object_get_ex(top, "builds", &items) ||
	    !json_object_is_type(items, json_type_array) ||
	    json_object_array_length(items) > BUILDS_MAX)
		return false;
	for (size_t i = 0; i < json_object_array_length(items); i++)
		if (!parse_item(json_object_array_get_idx(items, i), list))
			return false;
	return true;
}

int module_build_parse(const char *text, struct module_build_list *ret, struct error *err)
{
	cleanup(cleanup_tokener) json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH);
	cleanup(cleanup_json) json_object *top = NULL;
	struct module_build_list list = {0};

	if (!tokener)
		abort(); /* as above */
	top = json_tokener_parse_ex(tokener, text, -1);
	if (!top || !parse_list(top, &list)) {
		module_build_list_done(&list);
		return error_set(err, -ERROR_DAMAGED,
				 "the record of built modules is damaged");
	}
	*ret = list;
	return 0;
}
