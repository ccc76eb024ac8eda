/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON documents through json-c: small wrappers that bound what is read and never
 * carry a NUL or invalid UTF-8 any further.
 */
#include "json-document.h"

#include <string.h>

#define JSON_DEPTH_MAX 8
#define JSON_SCHEMA    1

static void cleanup_tokener(json_tokener **tokener)
{
	if (*tokener)
		json_tokener_free(*tokener);
}

/* Memory is gone: the program ends, as with base/text. */
static void json_alloc_failed(void)
{
	abort();
}

void json_add(json_object *object, const char *name, json_object *value)
{
	if (json_object_object_add(object, name, value) < 0)
		json_alloc_failed();
}

json_object *json_document_new(void)
{
	json_object *document = json_object_new_object();

	if (!document)
		json_alloc_failed();
	json_add(document, "schema", json_object_new_int(JSON_SCHEMA));
	return document;
}

static json_object *new_string(const char *value)
{
	autofree char *shown = str_printable(value);
	json_object *string = json_object_new_string(shown);

	if (!string)
		json_alloc_failed();
	return string;
}

void json_add_string(json_object *object, const char *name, const char *value)
{
	json_add(object, name, value ? new_string(value) : NULL);
}

void json_add_strings(json_object *object, const char *name, const struct strv *values)
{
	json_object *array = json_object_new_array();

	for (size_t i = 0; array && i < values->count; i++)
		if (json_object_array_add(array, new_string(values->items[i])) < 0)
			json_alloc_failed();
	if (!array)
		json_alloc_failed();
	json_add(object, name, array);
}

char *json_document_text(json_object *document)
{
	const char *text =
		json_object_to_json_string_ext(document,
					       JSON_C_TO_STRING_PLAIN |
						       JSON_C_TO_STRING_NOSLASHESCAPE);

	if (!text)
		json_alloc_failed();
	return str_dup(text);
}

int json_text_parse(const char *text, size_t max, json_object **ret, struct error *err)
{
	cleanup(cleanup_tokener) json_tokener *tokener =
		json_tokener_new_ex(JSON_DEPTH_MAX);
	autojson json_object *document = NULL;
	size_t len = strlen(text);

	if (len == 0 || len > max)
		return error_set(err, -ERROR_DAMAGED, "JSON of %zu bytes", len);
	if (!tokener)
		json_alloc_failed();
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	document = json_tokener_parse_ex(tokener, text, (int)len + 1);
	if (!document || json_tokener_get_error(tokener) != json_tokener_success)
		return error_set(err, -ERROR_DAMAGED, "not JSON: %s",
				 json_tokener_error_desc(
					 json_tokener_get_error(tokener)));
	if (!json_object_is_type(document, json_type_object))
		return error_set(err, -ERROR_DAMAGED, "not a JSON object");
	*ret = document;
	document = NULL;
	return 0;
}

int json_document_parse(const char *text, size_t max, json_object **ret,
			struct error *err)
{
	autojson json_object *document = NULL;
	int64_t schema = 0;

	if (json_text_parse(text, max, &document, err) < 0)
		return -ERROR_DAMAGED;
	if (json_get_number(document, "schema", INT32_MAX, &schema, err) < 0)
		return -ERROR_DAMAGED;
	if (schema != JSON_SCHEMA)
		return error_set(err, -ERROR_DAMAGED, "schema %lld is not known",
				 (long long)schema);
	*ret = document;
	document = NULL;
	return 0;
}

json_object *json_get(json_object *object, const char *name, json_type type)
{
	json_object *value = NULL;

	if (!json_object_is_type(object, json_type_object) ||
	    !json_object_object_get_ex(object, name, &value))
		return NULL;
	return json_object_is_type(value, type) ? value : NULL;
}

/* A JSON string may hold \u0000, which would cut it short in C. */
static const char *plain_string(json_object *value)
{
	const char *text = json_object_get_string(value);

	if (!text || strlen(text) != (size_t)json_object_get_string_len(value))
		return NULL;
	return text;
}

int json_get_string(json_object *object, const char *name, bool required, char **ret,
		    struct error *err)
{
	json_object *value = json_get(object, name, json_type_string);
	const char *text = value ? plain_string(value) : NULL;

	if (!text && (required || value))
		return error_set(err, -ERROR_DAMAGED, "\"%s\" is not a text", name);
	if (text)
		*ret = str_dup(text);
	return 0;
}

int json_get_bool(json_object *object, const char *name, bool *ret, struct error *err)
{
	json_object *value = json_get(object, name, json_type_boolean);

	if (!value)
		return error_set(err, -ERROR_DAMAGED, "\"%s\" is not true or false",
				 name);
	*ret = json_object_get_boolean(value);
	return 0;
}

int json_get_number(json_object *object, const char *name, int64_t max, int64_t *ret,
		    struct error *err)
{
	json_object *value = json_get(object, name, json_type_int);
	int64_t number = value ? json_object_get_int64(value) : -1;

	if (number < 0 || number > max)
		return error_set(err, -ERROR_DAMAGED,
				 "\"%s\" is not a number of 0 to %lld", name,
				 (long long)max);
	*ret = number;
	return 0;
}

int json_get_strings(json_object *object, const char *name, size_t max, struct strv *ret,
		     struct error *err)
{
	json_object *array = json_get(object, name, json_type_array);
	size_t count = array ? json_object_array_length(array) : 0;

	if (!array || count > max)
		return error_set(err, -ERROR_DAMAGED,
				 "\"%s\" is not a list of at most %zu", name, max);
	for (size_t i = 0; i < count; i++) {
		json_object *item = json_object_array_get_idx(array, i);
		const char *text = json_object_is_type(item, json_type_string)
					   ? plain_string(item)
					   : NULL;

		if (!text)
			return error_set(err, -ERROR_DAMAGED,
					 "\"%s\" holds something other than texts", name);
		strv_add(ret, text);
	}
	return 0;
}
