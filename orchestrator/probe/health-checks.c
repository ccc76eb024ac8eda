/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The built-in checks and their table: this boot compared with what was meant and with
 * the baseline. A check that has nothing to compare with, or can't ask, is skipped and
 * says so; it never passes by not having looked.
 */
#include "health-parts.h"

#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "state-probes.h"

struct built_in {
	const char *name;
	enum policy_key key;
	bool required;
	void (*run)(const struct health_context *context, struct check *check);
};

static const struct built_in built_ins[] = {
	{"generation", POLICY_HEALTH_GENERATION, true, check_generation},
	{"modules", POLICY_HEALTH_MODULES, true, check_modules},
	{"devices", POLICY_HEALTH_MODULES, false, check_devices},
	{"mounts", POLICY_HEALTH_MOUNTS, true, check_mounts},
	{"link", POLICY_HEALTH_LINK, true, check_link},
	{"units", POLICY_HEALTH_UNITS, true, check_units},
	{"kernel log", POLICY_HEALTH_KERNEL_LOG, true, check_kernel_log},
};

void health_run_built_in(const struct health_context *context, struct health *h)
{
	for (size_t i = 0; i < ARRAY_LEN(built_ins); i++) {
		const struct built_in *row = &built_ins[i];
		int64_t begun = health_clock();
		struct check *check;

		if (!policy_bool(context->policy, row->key))
			continue;
		check = health_add(h, str_format("built in: %s", row->name),
				   row->required);
		row->run(context, check);
		check->milliseconds = (unsigned int)(health_clock() - begun);
	}
}

void check_generation(const struct health_context *context, struct check *check)
{
	const struct this_boot *boot = context->boot;
	const char *runs = boot->release ? boot->release : "an unknown release";

	if (context->expected && boot->generation != context->expected) {
		autofree char *is =
			boot->generation ? str_format("generation %u", boot->generation)
					 : str_dup("none of kuro's generations");

		check_end(check, CHECK_FAILED,
			  "generation %u was meant to boot, %s (%s) runs",
			  context->expected, is, runs);
	} else if (context->expected_release &&
		   !str_eq(boot->release, context->expected_release)) {
		check_end(check, CHECK_FAILED, "%s was meant to boot, %s runs",
			  context->expected_release, runs);
	} else if (!context->expected && !context->expected_release) {
		check_end(check, CHECK_SKIPPED, "no generation in particular was meant");
	}
}

/* In both lists, one taken from b for each in a; what a has more is added to ret. */
static void strv_missing(const struct strv *a, const struct strv *b, struct strv *ret)
{
	size_t j = 0;

	for (size_t i = 0; i < a->count; i++) {
		int order = 1;

		while (j < b->count && (order = strcmp(b->items[j], a->items[i])) < 0)
			j++;
		if (j < b->count && order == 0)
			j++;
		else
			strv_add(ret, a->items[i]);
	}
}

static bool unit_is_ours(const char *unit)
{
	return str_starts(unit, "kuro-");
}

void check_units_compare(const struct health_context *context, const struct strv *failed,
			 struct check *check)
{
	const struct machine_state *baseline = context->baseline;
	autostrv struct strv fresh = {0};
	autofree char *names = NULL;

	for (size_t i = 0; i < failed->count; i++)
		if (!unit_is_ours(failed->items[i]) &&
		    !(baseline && strv_has(&baseline->failed_units, failed->items[i])))
			strv_add(&fresh, failed->items[i]);
	if (fresh.count == 0)
		return;
	names = strv_join(&fresh, ", ");
	if (baseline)
		check_end(check, CHECK_FAILED,
			  "%s failed, and had not before the upgrade", names);
	else if (context->boot->trial)
		check_end(check, CHECK_FAILED,
			  "%s failed (no baseline says whether it did before)", names);
	else
		check_end(check, CHECK_SKIPPED, "no baseline to compare with; failed: %s",
			  names);
}

void check_units(const struct health_context *context, struct check *check)
{
	autostrv struct strv failed = {0};
	int r;

	if (!root_is_live(context->root)) {
		check_end(check, CHECK_SKIPPED, "the units of another root don't run");
		return;
	}
	r = state_failed_units(context->root, &failed);
	state_unique(&failed);
	if (r < 0)
		check_end(check, CHECK_SKIPPED, "the service manager does not answer: %s",
			  strerrordesc_np(-r));
	else
		check_units_compare(context, &failed, check);
}

static const char *module_path_name(const char *path, size_t *ret_len)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	const char *dot = strstr(name, ".ko");

	*ret_len = dot ? (size_t)(dot - name) : strlen(name);
	return name;
}

/* Is one there that fits the name or pattern of the policy? */
static bool module_in(const struct strv *paths, const char *wanted)
{
	char *item = (char *)(uintptr_t)wanted;
	const struct strv pattern = {.items = &item, .count = 1};

	for (size_t i = 0; i < paths->count; i++) {
		size_t len;
		const char *start = module_path_name(paths->items[i], &len);
		autofree char *name = str_ndup(start, len);

		if (policy_module_fits(&pattern, name))
			return true;
	}
	return false;
}

#define BUILTIN_MAX ((size_t)4 * 1024 * 1024)

/* Paths of modules.builtin (Documentation/kbuild): what the kernel's image holds. */
static void read_builtin(const struct health_context *context, struct strv *ret)
{
	autofree char *path = NULL, *text = NULL;

	if (!context->boot->release)
		return;
	path = str_format("/lib/modules/%s/modules.builtin", context->boot->release);
	if (root_read(context->root, path, BUILTIN_MAX, &text, NULL, NULL) == 0)
		strv_split(ret, text, "\n");
}

void check_modules(const struct health_context *context, struct check *check)
{
	const struct strv *required =
		policy_strings(context->policy, POLICY_MODULES_REQUIRED);
	autostrv struct strv loaded = {0}, builtin = {0}, missing = {0};
	autofree char *names = NULL;
	int r;

	if (required->count == 0) {
		check_end(check, CHECK_SKIPPED, "the policy requires no modules");
		return;
	}
	r = state_modules(context->root, &loaded);
	if (r < 0) {
		check_end(check, CHECK_FAILED, "the loaded modules can't be listed: %s",
			  strerrordesc_np(-r));
		return;
	}
	read_builtin(context, &builtin);
	for (size_t i = 0; i < required->count; i++)
		if (!module_in(&loaded, required->items[i]) &&
		    !module_in(&builtin, required->items[i]))
			strv_add(&missing, required->items[i]);
	if (missing.count == 0)
		return;
	names = strv_join(&missing, ", ");
	check_end(check, CHECK_FAILED, "required module%s not loaded: %s",
		  missing.count > 1 ? "s" : "", names);
}

/* "modalias driver" of the baseline without its driver. */
static void device_aliases(const struct strv *drivers, struct strv *ret)
{
	for (size_t i = 0; i < drivers->count; i++)
		strv_add_take(ret, str_ndup(drivers->items[i],
					    strcspn(drivers->items[i], " ")));
	strv_sort(ret);
}

#define DEVICES_SHOWN 4

static char *join_first(const struct strv *v, size_t count)
{
	struct text t = {0};

	for (size_t i = 0; i < v->count && i < count; i++)
		text_appendf(&t, "%s%s", i > 0 ? ", " : "", v->items[i]);
	if (v->count > count)
		text_appendf(&t, " and %zu more", v->count - count);
	return text_take(&t);
}

/* Devices that are there, had a driver before, and have none now. */
void check_devices(const struct health_context *context, struct check *check)
{
	autostrv struct strv bound = {0}, idle = {0}, before = {0}, now = {0};
	autostrv struct strv missing = {0}, lost = {0};
	autofree char *names = NULL;

	if (!context->baseline || context->baseline->drivers.count == 0) {
		check_end(check, CHECK_SKIPPED, "no baseline to compare with");
		return;
	}
	if (state_drivers(context->root, &bound, &idle) < 0) {
		check_end(check, CHECK_SKIPPED, "the devices can't be listed");
		return;
	}
	device_aliases(&context->baseline->drivers, &before);
	device_aliases(&bound, &now);
	strv_missing(&before, &now, &missing);
	for (size_t i = 0; i < missing.count; i++)
		if (strv_has(&idle, missing.items[i]) &&
		    !strv_has(&lost, missing.items[i]))
			strv_add(&lost, missing.items[i]);
	if (lost.count == 0)
		return;
	names = join_first(&lost, DEVICES_SHOWN);
	check_end(check, CHECK_FAILED, "no driver any more for %s", names);
}
