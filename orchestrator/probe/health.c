/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Health: one round of checks, what it amounts to, and as JSON. The checks themselves
 * are in health-checks.c, kernel-log.c and health-programs.c.
 */
#include "probe/health.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "health-parts.h"
#include "json-document.h"

#define HEALTH_JSON_MAX   ((size_t)4 * 1024 * 1024)
#define HEALTH_CHECKS_MAX 1024

static const char *const result_names[CHECK_RESULTS] = {
	[CHECK_PASSED] = "passed",
	[CHECK_FAILED] = "failed",
	[CHECK_TIMED_OUT] = "timed-out",
	[CHECK_SKIPPED] = "skipped",
};

const char *check_result_name(enum check_result result)
{
	return result < CHECK_RESULTS ? result_names[result] : "unknown";
}

void health_done(struct health *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->count; i++) {
		free(h->items[i].name);
		free(h->items[i].detail);
	}
	free(h->items);
	*h = (struct health){0};
}

int64_t health_clock(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* always there on Linux */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct check *health_add(struct health *h, char *name, bool required)
{
	struct check *check;

	h->items = mem_regrow(h->items, h->count + 1, sizeof(*h->items));
	check = &h->items[h->count++];
	*check = (struct check){.name = name, .required = required};
	return check;
}

void check_end(struct check *check, enum check_result result, const char *format, ...)
{
	autotext struct text sentence = {0};
	va_list args;

	va_start(args, format);
	text_vappendf(&sentence, format, args);
	va_end(args);
	free(check->detail);
	check->result = result;
	check->detail = sentence.len > 0 ? str_printable(text_str(&sentence)) : NULL;
}

int health_run(const struct health_context *context, struct health *ret,
	       struct error *err)
{
	autohealth struct health h = {0};
	int r;

	health_run_built_in(context, &h);
	r = health_run_programs(context, &h, err);
	if (r < 0)
		return r;
	*ret = h;
	h = (struct health){0};
	return 0;
}

static bool check_bad(const struct check *check)
{
	return check->result == CHECK_FAILED || check->result == CHECK_TIMED_OUT;
}

bool health_good(const struct health *h)
{
	for (size_t i = 0; i < h->count; i++)
		if (h->items[i].required && check_bad(&h->items[i]))
			return false;
	return true;
}

/* "10-web: no answer on port 80" of an executable; a built-in check's sentence alone. */
static void summarize(const struct check *check, struct text *summary)
{
	const char *slash = strrchr(check->name, '/');

	if (summary->len > 0)
		text_append(summary, "; ");
	if (slash)
		text_appendf(summary, "check %s: ", slash + 1);
	if (check->detail)
		text_append(summary, check->detail);
	else
		text_appendf(summary, "%s %s", slash ? "it" : check->name,
			     check_result_name(check->result));
	if (!check->required)
		text_append(summary, " (wanted, not required)");
}

char *health_summary(const struct health *h)
{
	struct text summary = {0};

	for (int required = 1; required >= 0; required--)
		for (size_t i = 0; i < h->count; i++)
			if (check_bad(&h->items[i]) && h->items[i].required == required)
				summarize(&h->items[i], &summary);
	return summary.len > 0 ? text_take(&summary) : NULL;
}

char *health_format(const struct health *h)
{
	autojson json_object *document = json_document_new();
	json_object *checks = json_object_new_array();

	json_add(document, "good", json_object_new_boolean(health_good(h)));
	for (size_t i = 0; i < h->count; i++) {
		const struct check *check = &h->items[i];
		json_object *row = json_object_new_object();

		json_add_string(row, "name", check->name);
		json_add(row, "required", json_object_new_boolean(check->required));
		json_add_string(row, "result", check_result_name(check->result));
		json_add_string(row, "detail", check->detail);
		json_add(row, "milliseconds", json_object_new_int64(check->milliseconds));
		(void)json_object_array_add(checks, row); /* fails without memory only */
	}
	json_add(document, "checks", checks);
	return json_document_text(document);
}

static int parse_result(const char *name, enum check_result *ret, struct error *err)
{
	for (int i = 0; i < CHECK_RESULTS; i++) {
		if (!str_eq(name, result_names[i]))
			continue;
		*ret = (enum check_result)i;
		return 0;
	}
	return error_set(err, -ERROR_DAMAGED, "\"%.40s\" is not a check's result", name);
}

static int parse_check(json_object *row, struct check *check, struct error *err)
{
	autofree char *result = NULL;
	int64_t milliseconds = 0;
	int r;

	r = json_get_string(row, "name", true, &check->name, err);
	if (r == 0)
		r = json_get_bool(row, "required", &check->required, err);
	if (r == 0)
		r = json_get_string(row, "result", true, &result, err);
	if (r == 0)
		r = parse_result(result, &check->result, err);
	if (r == 0)
		r = json_get_string(row, "detail", false, &check->detail, err);
	if (r == 0)
		r = json_get_number(row, "milliseconds", UINT32_MAX, &milliseconds, err);
	check->milliseconds = (unsigned int)milliseconds;
	return r;
}

int health_parse(const char *text, struct health *ret, struct error *err)
{
	autojson json_object *document = NULL;
	autohealth struct health h = {0};
	json_object *checks;
	size_t count;
	int r;

	r = json_document_parse(text, HEALTH_JSON_MAX, &document, err);
	if (r < 0)
		return error_prefix(err, r, "health");
	checks = json_get(document, "checks", json_type_array);
	count = checks ? json_object_array_length(checks) : 0;
	if (!checks || count > HEALTH_CHECKS_MAX)
		return error_set(err, -ERROR_DAMAGED,
				 "health: \"checks\" is not a list of at most %d",
				 HEALTH_CHECKS_MAX);
	for (size_t i = 0; i < count; i++) {
		r = parse_check(json_object_array_get_idx(checks, i),
				health_add(&h, NULL, false), err);
		if (r < 0)
			return error_prefix(err, r, "health: check %zu", i + 1);
	}
	*ret = h;
	h = (struct health){0};
	return 0;
}
