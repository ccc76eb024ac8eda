/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A policy file laid over the policy. The grammar is libconfig's; what libconfig 1.5 lets
 * pass and kuro must not (files pulled in by @include, numbers that wrap round, a comment
 * or string that never ends) is refused before it sees the text.
 */
#include "core/policy.h"

#include <ctype.h>
#include <libconfig.h>
#include <stdlib.h>
#include <string.h>

#include "policy-value.h"

#define FILE_MAX_LEN      262144
#define DIGITS_MAX        9 /* longer numbers are above every bound; libconfig wraps them */
#define NAME_SHOWN_MAX    60 /* characters of an unknown name in a message */
#define NAME_COMPARED_MAX 40

static void cleanup_config(config_t *config)
{
	config_destroy(config);
}

/* What a file sets, beside the policy until all of it has proved right. */
struct layer {
	const char *name; /* of the file */
	struct policy_value values[POLICY_KEYS];
};

static void layer_done(struct layer *layer)
{
	for (size_t i = 0; i < POLICY_KEYS; i++)
		policy_value_done(&layer->values[i]);
}

/* The text before libconfig: what is code, and in which line. */
struct scan {
	const char *at;
	unsigned int line;
};

static void scan_step(struct scan *scan, size_t n)
{
	for (; n > 0 && *scan->at; n--)
		if (*scan->at++ == '\n')
			scan->line++;
}

/* Step over a string from its opening quote on; false where it never ends. */
static bool scan_string(struct scan *scan)
{
	scan_step(scan, 1);
	while (*scan->at && *scan->at != '"')
		scan_step(scan, *scan->at == '\\' ? 2 : 1);
	if (!*scan->at)
		return false;
	scan_step(scan, 1);
	return true;
}

static bool scan_block_comment(struct scan *scan)
{
	const char *end = strstr(scan->at + 2, "*/");

	if (!end)
		return false;
	scan_step(scan, (size_t)(end + 2 - scan->at));
	return true;
}

/* Step over the next piece; what is wrong with it, or NULL. */
static const char *scan_piece(struct scan *scan)
{
	size_t digits = strspn(scan->at, "0123456789");

	if (*scan->at == '"')
		return scan_string(scan) ? NULL : "a string begins here and never ends";
	if (str_starts(scan->at, "/*"))
		return scan_block_comment(scan) ? NULL
						: "a comment begins here and never ends";
	if (*scan->at == '#' || str_starts(scan->at, "//")) {
		scan_step(scan, strcspn(scan->at, "\n"));
		return NULL;
	}
	if (digits > DIGITS_MAX)
		return "this number is above every setting's bounds";
	if (str_starts(scan->at, "0x") || str_starts(scan->at, "0X"))
		return "numbers are written in decimal";
	scan_step(scan, digits ? digits : 1);
	return NULL;
}

static int text_scan(const char *name, const char *text, struct error *err)
{
	struct scan scan = {.at = text, .line = 1};

	while (*scan.at) {
		unsigned int line = scan.line;
		const char *wrong = scan_piece(&scan);

		if (wrong)
			return error_set(err, -ERROR_USAGE, "%s:%u: %s", name, line,
					 wrong);
	}
	return 0;
}

/*
 * Every line that begins with @include, even within a string or comment: whether
 * libconfig would see it as one must not depend on our reading of its grammar.
 */
static int text_refuse_include(const char *name, const char *text, struct error *err)
{
	for (unsigned int line = 1; *text; line++) {
		text += strspn(text, " \t\r\f\v");
		if (str_starts(text, "@include"))
			return error_set(
				err, -ERROR_USAGE,
				"%s:%u: @include is not allowed: put the file into "
				"/etc/kuro/kuro.conf.d instead",
				name, line);
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return 0;
}

static const char *type_name(const config_setting_t *setting)
{
	static const char *const names[] = {
		[CONFIG_TYPE_NONE] = "nothing",     [CONFIG_TYPE_GROUP] = "a group",
		[CONFIG_TYPE_INT] = "a number",     [CONFIG_TYPE_INT64] = "a number",
		[CONFIG_TYPE_FLOAT] = "a fraction", [CONFIG_TYPE_STRING] = "a string",
		[CONFIG_TYPE_BOOL] = "a boolean",   [CONFIG_TYPE_ARRAY] = "a list",
		[CONFIG_TYPE_LIST] = "a list",
	};
	int type = config_setting_type(setting);

	return type >= 0 && (size_t)type < ARRAY_LEN(names) ? names[type] : "unknown";
}

static int wrong_type(const struct policy_setting *setting, const config_setting_t *given,
		      struct error *err)
{
	autofree char *allowed = policy_allowed(setting);

	return error_set(err, -ERROR_USAGE, "%s is %s: wanted is %s", setting->path,
			 type_name(given), allowed);
}

static int read_number(const struct policy_setting *setting,
		       const config_setting_t *given, struct policy_value *ret,
		       struct error *err)
{
	if (config_setting_type(given) != CONFIG_TYPE_INT &&
	    config_setting_type(given) != CONFIG_TYPE_INT64)
		return wrong_type(setting, given, err);
	return policy_value_number(setting, config_setting_get_int64(given), ret, err);
}

static int read_boolean(const struct policy_setting *setting,
			const config_setting_t *given, struct policy_value *ret,
			struct error *err)
{
	if (config_setting_type(given) != CONFIG_TYPE_BOOL)
		return wrong_type(setting, given, err);
	ret->number = config_setting_get_bool(given) != 0;
	return 0;
}

static int read_choice(const struct policy_setting *setting,
		       const config_setting_t *given, struct policy_value *ret,
		       struct error *err)
{
	if (config_setting_type(given) != CONFIG_TYPE_STRING)
		return wrong_type(setting, given, err);
	return policy_value_choice(setting, config_setting_get_string(given), ret, err);
}

static int read_strings(const struct policy_setting *setting,
			const config_setting_t *given, struct policy_value *ret,
			struct error *err)
{
	autostrv struct strv strings = {0};
	int count;

	if (!config_setting_is_array(given) && !config_setting_is_list(given))
		return wrong_type(setting, given, err);
	count = config_setting_length(given);
	for (int i = 0; i < count; i++) {
		const char *string = config_setting_get_string_elem(given, i);

		if (!string)
			return error_set(
				err, -ERROR_USAGE,
				"%s: item %d is not a string: write it in double "
				"quotes",
				setting->path, i + 1);
		strv_add(&strings, string);
	}
	return policy_value_strings(setting, &strings, ret, err);
}

static int read_value(const struct policy_setting *setting, const config_setting_t *given,
		      struct policy_value *ret, struct error *err)
{
	switch (setting->type) {
	case POLICY_NUMBER:
		return read_number(setting, given, ret, err);
	case POLICY_BOOLEAN:
		return read_boolean(setting, given, ret, err);
	case POLICY_CHOICE:
		return read_choice(setting, given, ret, err);
	case POLICY_STRINGS:
		break;
	}
	return read_strings(setting, given, ret, err);
}

/* Single-character changes that turn a into b (Levenshtein); a large number where long.
 */
static size_t distance(const char *a, const char *b)
{
	size_t row[NAME_COMPARED_MAX + 1], len = strlen(b);

	if (len > NAME_COMPARED_MAX || strlen(a) > NAME_COMPARED_MAX)
		return NAME_COMPARED_MAX;
	for (size_t j = 0; j <= len; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < len; j++) {
			size_t best = diagonal + (a[i] != b[j]);

			diagonal = row[j + 1];
			best = best < row[j] + 1 ? best : row[j] + 1;
			row[j + 1] = best < diagonal + 1 ? best : diagonal + 1;
		}
	}
	return row[len];
}

/* A misspelling of one known name: that name; else all of them. Caller frees. */
static char *suggestion(const char *name, const struct strv *known)
{
	autofree char *all = strv_join(known, ", ");
	size_t best = 0;

	for (size_t i = 1; i < known->count; i++)
		if (distance(name, known->items[i]) < distance(name, known->items[best]))
			best = i;
	if (distance(name, known->items[best]) <= 2)
		return str_format("did you mean %s?", known->items[best]);
	return str_format("there are %s", all);
}

/* Group names, or the keys of one group. */
static void known_names(const char *group, struct strv *ret)
{
	for (unsigned int key = 0; key < POLICY_KEYS; key++) {
		const char *path = policy_setting(key)->path;
		size_t len = strcspn(path, ".");
		char *name = NULL;

		if (!group)
			name = str_ndup(path, len);
		else if (strlen(group) == len && strncmp(path, group, len) == 0)
			name = str_dup(path + len + 1);
		if (name && !strv_has(ret, name))
			strv_add(ret, name);
		free(name);
	}
}

static int unknown_name(const char *group, const char *name, struct error *err)
{
	autostrv struct strv known = {0};
	autofree char *hint = NULL;

	known_names(group, &known);
	hint = suggestion(name, &known);
	if (group)
		return error_set(err, -ERROR_USAGE, "%s.%.*s is not a setting: %s", group,
				 NAME_SHOWN_MAX, name, hint);
	return error_set(err, -ERROR_USAGE, "%.*s is not a group of settings: %s",
			 NAME_SHOWN_MAX, name, hint);
}

static int key_find(const char *group, const char *name)
{
	autofree char *path = str_format("%s.%s", group, name);

	for (unsigned int key = 0; key < POLICY_KEYS; key++)
		if (str_eq(policy_setting(key)->path, path))
			return (int)key;
	return -1;
}

static int read_member(struct layer *layer, const char *group,
		       const config_setting_t *member, struct error *err)
{
	const char *name = config_setting_name(member);
	unsigned int line = config_setting_source_line(member);
	struct policy_value *value;
	int key = key_find(group, name), result;

	if (key < 0) {
		result = unknown_name(group, name, err);
		return error_prefix(err, result, "%s:%u", layer->name, line);
	}
	value = &layer->values[key];
	result = read_value(policy_setting((enum policy_key)key), member, value, err);
	if (result < 0)
		return error_prefix(err, result, "%s:%u", layer->name, line);
	value->source = str_format("%s:%u", layer->name, line);
	return 0;
}

static int check_group(const config_setting_t *group, struct error *err)
{
	const char *name = config_setting_name(group);
	autostrv struct strv keys = {0};

	known_names(name, &keys);
	if (keys.count == 0)
		return unknown_name(NULL, name, err);
	if (!config_setting_is_group(group))
		return error_set(err, -ERROR_USAGE,
				 "%s is %s: it is a group, write \"%s: { %s = …; };\"",
				 name, type_name(group), name, keys.items[0]);
	return 0;
}

static int read_group(struct layer *layer, const config_setting_t *group,
		      struct error *err)
{
	int count = config_setting_length(group);
	int result = check_group(group, err);

	if (result < 0)
		return error_prefix(err, result, "%s:%u", layer->name,
				    config_setting_source_line(group));
	for (int i = 0; i < count && result == 0; i++)
		result =
			read_member(layer, config_setting_name(group),
				    config_setting_get_elem(group, (unsigned int)i), err);
	return result;
}

static int read_layer(struct layer *layer, const char *text, struct error *err)
{
	config_t config cleanup(cleanup_config);
	const config_setting_t *root;
	int result = 0, count;

	config_init(&config);
	if (!config_read_string(&config, text))
		return error_set(err, -ERROR_USAGE, "%s:%d: %s", layer->name,
				 config_error_line(&config), config_error_text(&config));
	root = config_root_setting(&config);
	count = config_setting_length(root);
	for (int i = 0; i < count && result == 0; i++)
		result = read_group(layer, config_setting_get_elem(root, (unsigned int)i),
				    err);
	return result;
}

static void layer_commit(struct layer *layer, struct policy *policy)
{
	for (size_t i = 0; i < POLICY_KEYS; i++) {
		if (!layer->values[i].source)
			continue;
		policy_value_done(&policy->values[i]);
		policy->values[i] = layer->values[i];
		layer->values[i] = (struct policy_value){0};
	}
}

int policy_apply(struct policy *policy, const char *name, const char *text,
		 struct error *err)
{
	struct layer layer cleanup(layer_done) = {.name = name};
	int result;

	if (strlen(text) > FILE_MAX_LEN)
		return error_set(err, -ERROR_USAGE, "%s: more than %d bytes", name,
				 FILE_MAX_LEN);
	result = text_refuse_include(name, text, err);
	if (result == 0)
		result = text_scan(name, text, err);
	if (result == 0)
		result = read_layer(&layer, text, err);
	if (result == 0)
		layer_commit(&layer, policy);
	return result;
}
