/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON documents with "schema": 1 that kuro writes and later reads back, from the state
 * database or /run, and objects that others give it: what is read may be damaged and is
 * bounded.
 */
#pragma once

#include <json-c/json.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

static inline void cleanup_json(json_object **object)
{
	json_object_put(*object); /* takes NULL */
}
#define autojson cleanup(cleanup_json)

/* A new object with its schema. Memory that is gone ends the program. */
json_object *json_document_new(void);
/* Add a member; value is taken. */
void json_add(json_object *object, const char *name, json_object *value);
/* A string, with what is not printable UTF-8 escaped; null for NULL. */
void json_add_string(json_object *object, const char *name, const char *value);
void json_add_strings(json_object *object, const char *name, const struct strv *values);
/* The document's text; the caller frees. */
char *json_document_text(json_object *document);

/*
 * Readers: 0 or -ERROR_DAMAGED naming the member. json_get is borrowed from object and
 * NULL where there is no such member of that type.
 */
int json_text_parse(const char *text, size_t max, json_object **ret, struct error *err);
/* The same of a document of kuro's own. */
int json_document_parse(const char *text, size_t max, json_object **ret,
			struct error *err);
json_object *json_get(json_object *object, const char *name, json_type type);
/* ret stays NULL where the member is null or missing and required is false. */
int json_get_string(json_object *object, const char *name, bool required, char **ret,
		    struct error *err);
int json_get_bool(json_object *object, const char *name, bool *ret, struct error *err);
int json_get_number(json_object *object, const char *name, int64_t max, int64_t *ret,
		    struct error *err);
int json_get_strings(json_object *object, const char *name, size_t max, struct strv *ret,
		     struct error *err);
