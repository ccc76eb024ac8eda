/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The detail of a transaction as JSON: the package plan with two members more. What is
 * read back is as hostile as any file: paths are checked where they are used.
 */
#include "step-detail.h"

#include <json-c/json.h>

#include "base/cleanup.h"

#define LINKS_MAX 4096

static void cleanup_json(json_object **object)
{
	json_object_put(*object); /* takes NULL */
}
#define autojson cleanup(cleanup_json)

static json_object *links_json(const struct strv *links)
{
	json_object *list = json_object_new_array();

	for (size_t i = 0; i < links->count; i++)
		/* fails without memory only */
		(void)json_object_array_add(list,
					    json_object_new_string(links->items[i]));
	return list;
}

char *step_detail_format(const struct journey *j)
{
	autofree char *plan = package_plan_format(&j->plan);
	autofree char *builds = module_build_format(&j->builds);
	autojson json_object *top = json_tokener_parse(plan);

	if (j->builds.count > 0)
		json_object_object_add(top, "builds", json_tokener_parse(builds));
	if (j->links.count > 0)
		json_object_object_add(top, "links", links_json(&j->links));
	return str_dup(json_object_to_json_string_ext(
		top, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

static int links_parse(json_object *list, struct strv *ret, struct error *err)
{
	size_t count = json_object_is_type(list, json_type_array)
			       ? json_object_array_length(list)
			       : LINKS_MAX + 1;

	if (count > LINKS_MAX)
		return error_set(err, -ERROR_DAMAGED,
				 "the recorded links are not a list");
	for (size_t i = 0; i < count; i++) {
		json_object *item = json_object_array_get_idx(list, i);

		if (!json_object_is_type(item, json_type_string))
			return error_set(err, -ERROR_DAMAGED,
					 "a recorded link is not a path");
		strv_add(ret, json_object_get_string(item));
	}
	return 0;
}

int step_detail_parse(const char *text, struct journey *j, struct error *err)
{
	autojson json_object *top = json_tokener_parse(text);
	json_object *builds = NULL, *links = NULL;
	int r = package_plan_parse(text, &j->plan, err);

	if (r == 0 && json_object_object_get_ex(top, "builds", &builds))
		r = module_build_parse(json_object_to_json_string(builds), &j->builds,
				       err);
	if (r == 0 && json_object_object_get_ex(top, "links", &links))
		r = links_parse(links, &j->links, err);
	return r;
}

int step_detail_save(struct journey *j, struct error *err)
{
	free(j->transaction.detail);
	j->transaction.detail = step_detail_format(j);
	return journey_save(j, err);
}
