/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The policy in memory: values, their bounds, their text. Reads no file; the libconfig
 * side is policy-file.c, the rows are policy-settings.c.
 */
#include "core/policy.h"

#include <assert.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "core/command-line.h"
#include "policy-value.h"

#define STRINGS_MAX 64

void policy_value_done(struct policy_value *value)
{
	strv_done(&value->strings);
	free(value->source);
	*value = (struct policy_value){0};
}

void policy_done(struct policy *policy)
{
	if (!policy)
		return;
	for (size_t i = 0; i < POLICY_KEYS; i++)
		policy_value_done(&policy->values[i]);
}

static char *choices_text(const char *const *choices)
{
	struct text t = {0};

	for (size_t i = 0; choices[i]; i++) {
		if (i > 0)
			text_append(&t, choices[i + 1] ? ", " : " or ");
		text_appendf(&t, "\"%s\"", choices[i]);
	}
	return text_take(&t);
}

char *policy_allowed(const struct policy_setting *setting)
{
	switch (setting->type) {
	case POLICY_NUMBER:
		return str_format("a whole number%s%s from %lld to %lld",
				  setting->unit ? " of " : "",
				  setting->unit ? setting->unit : "", setting->min,
				  setting->max);
	case POLICY_BOOLEAN:
		return str_dup("true or false");
	case POLICY_CHOICE:
		return choices_text(setting->choices);
	case POLICY_STRINGS:
		break;
	}
	return str_format("a list of at most %d %s, [ \"a\", \"b\" ]", STRINGS_MAX,
			  policy_item_name(setting->item));
}

/* Escapes of libconfig's strings; bytes that a terminal must not see become \xNN. */
char *policy_quote(const char *s)
{
	struct text t = {0};

	text_append(&t, "\"");
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			text_append(&t, "\\");
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			text_appendf(&t, "\\x%02x", (unsigned int)*s);
		else
			text_append_n(&t, s, 1);
	}
	text_append(&t, "\"");
	return text_take(&t);
}

int policy_value_number(const struct policy_setting *setting, long long number,
			struct policy_value *ret, struct error *err)
{
	autofree char *allowed = policy_allowed(setting);

	if (number < setting->min || number > setting->max)
		return error_set(err, -ERROR_USAGE,
				 "%s = %lld is out of bounds: allowed is %s",
				 setting->path, number, allowed);
	ret->number = number;
	return 0;
}

int policy_value_choice(const struct policy_setting *setting, const char *word,
			struct policy_value *ret, struct error *err)
{
	autofree char *allowed = policy_allowed(setting);
	autofree char *printable = str_printable(word);

	for (size_t i = 0; setting->choices[i]; i++) {
		if (str_eq(setting->choices[i], word)) {
			ret->number = (long long)i;
			return 0;
		}
	}
	return error_set(err, -ERROR_USAGE, "%s = \"%.60s\" is not known: allowed is %s",
			 setting->path, printable, allowed);
}

int policy_value_strings(const struct policy_setting *setting, const struct strv *strings,
			 struct policy_value *ret, struct error *err)
{
	int result;

	if (strings->count > STRINGS_MAX)
		return error_set(err, -ERROR_USAGE,
				 "%s has %zu items: allowed are at most %d",
				 setting->path, strings->count, STRINGS_MAX);
	result = policy_items_check(setting, strings, err);
	if (result < 0)
		return result;
	strv_done(&ret->strings);
	for (size_t i = 0; i < strings->count; i++)
		strv_add(&ret->strings, strings->items[i]);
	return 0;
}

static int unreadable(const struct policy_setting *setting, const char *text,
		      struct error *err)
{
	autofree char *allowed = policy_allowed(setting);
	autofree char *shown = str_printable(text);

	return error_set(err, -ERROR_USAGE,
			 "%s: \"%.60s\" can't be its value: allowed is %s", setting->path,
			 shown, allowed);
}

static int value_from_text(const struct policy_setting *setting, const char *text,
			   struct policy_value *ret, struct error *err)
{
	autostrv struct strv words = {0};
	unsigned long long number;

	switch (setting->type) {
	case POLICY_NUMBER:
		if (str_to_u64(text, 0, 1000000000, &number) < 0)
			return unreadable(setting, text, err);
		return policy_value_number(setting, (long long)number, ret, err);
	case POLICY_BOOLEAN:
		if (!str_eq(text, "true") && !str_eq(text, "false"))
			return unreadable(setting, text, err);
		ret->number = str_eq(text, "true");
		return 0;
	case POLICY_CHOICE:
		return policy_value_choice(setting, text, ret, err);
	case POLICY_STRINGS:
		break;
	}
	command_line_split(text, &words);
	return policy_value_strings(setting, &words, ret, err);
}

static int set_from(struct policy *policy, enum policy_key key, const char *text,
		    const char *source, struct error *err)
{
	struct policy_value value = {0};
	int result = value_from_text(policy_setting(key), text, &value, err);

	if (result < 0) {
		policy_value_done(&value);
		return result;
	}
	value.source = str_dup(source);
	policy_value_done(&policy->values[key]);
	policy->values[key] = value;
	return 0;
}

void policy_init(struct policy *policy)
{
	*policy = (struct policy){0};
	for (unsigned int key = 0; key < POLICY_KEYS; key++) {
		int result = set_from(policy, key, policy_setting(key)->fallback,
				      "built in", NULL);

		assert(result == 0);
		(void)result; /* asserted */
	}
}

int policy_set(struct policy *policy, enum policy_key key, const char *value,
	       struct error *err)
{
	return set_from(policy, key, value, "command line", err);
}

static const struct policy_value *value_of(const struct policy *policy,
					   enum policy_key key, enum policy_type type)
{
	assert(policy_setting(key)->type == type);
	return &policy->values[key];
}

long long policy_number(const struct policy *policy, enum policy_key key)
{
	return value_of(policy, key, POLICY_NUMBER)->number;
}

bool policy_bool(const struct policy *policy, enum policy_key key)
{
	return value_of(policy, key, POLICY_BOOLEAN)->number != 0;
}

const char *policy_choice(const struct policy *policy, enum policy_key key)
{
	long long chosen = value_of(policy, key, POLICY_CHOICE)->number;

	return policy_setting(key)->choices[chosen];
}

const struct strv *policy_strings(const struct policy *policy, enum policy_key key)
{
	return &value_of(policy, key, POLICY_STRINGS)->strings;
}

static char *module_written_alike(const char *name)
{
	char *copy = str_dup(name);

	for (char *c = copy; *c; c++)
		if (*c == '-')
			*c = '_';
	return copy;
}

bool policy_module_fits(const struct strv *patterns, const char *module)
{
	autofree char *name = module_written_alike(module);

	for (size_t i = 0; i < patterns->count; i++) {
		autofree char *pattern = module_written_alike(patterns->items[i]);

		if (fnmatch(pattern, name, 0) == 0)
			return true;
	}
	return false;
}

static char *strings_text(const struct strv *strings)
{
	struct text t = {0};

	text_append(&t, "[ ");
	for (size_t i = 0; i < strings->count; i++) {
		autofree char *quoted = policy_quote(strings->items[i]);

		text_appendf(&t, "%s%s", i > 0 ? ", " : "", quoted);
	}
	text_append(&t, strings->count > 0 ? " ]" : "]");
	return text_take(&t);
}

char *policy_value_text(const struct policy *policy, enum policy_key key)
{
	switch (policy_setting(key)->type) {
	case POLICY_NUMBER:
		return str_format("%lld", policy_number(policy, key));
	case POLICY_BOOLEAN:
		return str_dup(policy_bool(policy, key) ? "true" : "false");
	case POLICY_CHOICE:
		return policy_quote(policy_choice(policy, key));
	case POLICY_STRINGS:
		break;
	}
	return strings_text(policy_strings(policy, key));
}

/* The doc of a row as comment lines of at most 90 columns. */
static void append_comment(struct text *t, const char *doc)
{
	autostrv struct strv words = {0};
	size_t column = 0;

	strv_split(&words, doc, " ");
	for (size_t i = 0; i < words.count; i++) {
		size_t len = strlen(words.items[i]);

		if (column == 0 || column + 1 + len > 90) {
			text_append(t, column == 0 ? "\t#" : "\n\t#");
			column = 9;
		}
		text_appendf(t, " %s", words.items[i]);
		column += len + 1;
	}
	text_append(t, "\n");
}

static void append_setting(struct text *t, const struct policy *policy,
			   enum policy_key key)
{
	const struct policy_setting *setting = policy_setting(key);
	autofree char *allowed = policy_allowed(setting);
	autofree char *value = policy_value_text(policy, key);
	autofree char *rule = str_format("Allowed: %s.", allowed);

	append_comment(t, setting->doc);
	append_comment(t, rule);
	text_appendf(t, "\t%s = %s;\n", strchr(setting->path, '.') + 1, value);
}

char *policy_document(void)
{
	autopolicy struct policy policy;
	const char *group = "";
	struct text t = {0};

	policy_init(&policy);
	text_append(
		&t,
		"# kuro's policy: every setting, at its built-in value. A later file\n"
		"# needs only what it changes.\n");
	for (unsigned int key = 0; key < POLICY_KEYS; key++) {
		const char *path = policy_setting(key)->path;
		size_t len = strcspn(path, ".") + 1;

		if (strncmp(path, group, len) != 0) {
			text_appendf(&t, "%s\n%.*s:\n{\n", *group ? "};\n" : "",
				     (int)len - 1, path);
			group = path;
		} else {
			text_append(&t, "\n");
		}
		append_setting(&t, &policy, key);
	}
	text_append(&t, "};\n");
	return text_take(&t);
}
