/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the policy makes of a verdict: one row a case, module or device.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "vet-parts.h"

#define NOTHING (-1)

struct weighing {
	const char *policy;
	enum module_use use;
	enum compat_verdict verdict;
	enum module_remedy remedy;
	bool installed;
	int weight; /* enum vet_weight, or NOTHING */
};

/* The one finding on a module named zfs. */
static int weigh(const struct weighing *w)
{
	autopolicy struct policy policy;
	struct third_party known = {.name = (char *)(uintptr_t) "zfs", .use = w->use};
	struct compat_module item = {.known = &known,
				     .verdict = w->verdict,
				     .remedy = w->remedy};
	struct vet_outlook outlook = {0};
	struct vet_report report = {.release = (char *)(uintptr_t) "6.1",
				    .known = {&known, 1},
				    .modules = {&item, 1},
				    .outlooks = &outlook};
	const struct machine machine = {.policy = &policy};
	struct vet vet = {.machine = &machine,
			  .report = &report,
			  .installed = w->installed,
			  .whole_tree = true};
	int weight = NOTHING;

	policy_init(&policy);
	assert_int_equal(policy_apply(&policy, "x", w->policy, NULL), 0);
	vet_weigh_modules(&vet);
	assert_true(report.finding_count <= 1);
	if (report.finding_count == 1) {
		weight = (int)report.findings[0].weight;
		assert_non_null(strstr(report.findings[0].text, "zfs"));
		free(report.findings[0].text);
	}
	free(report.findings);
	return weight;
}

static void losses_weigh_as_the_policy_says(void **state)
{
	static const char optional[] = "modules: { optional = [ \"z*\" ]; };";
	static const char required[] = "modules: { required = [ \"zfs\" ]; };";
	static const char warn[] = "modules: { incompatible = \"warn\"; };";
	static const char unused[] = "modules: { in_use = \"optional\"; };";
	static const char clean[] = "modules: { tainted = false; };";
	static const char unbuilt[] = "modules: { build = false; };";
	static const struct weighing rows[] = {
		{"", MODULE_USE_ROOT, COMPAT_LOADS, REMEDY_NONE, true, NOTHING},
		{"", MODULE_USE_ROOT, COMPAT_FAILS, REMEDY_NONE, true, VET_REFUSAL},
		{"", MODULE_USE_LOADED, COMPAT_NO_FILE, REMEDY_NONE, true, VET_REFUSAL},
		{"", MODULE_USE_NONE, COMPAT_FAILS, REMEDY_NONE, true, VET_WARNING},
		{"", MODULE_USE_NONE, COMPAT_NO_FILE, REMEDY_NONE, true, VET_NOTE},
		{optional, MODULE_USE_LINK, COMPAT_FAILS, REMEDY_NONE, true, VET_WARNING},
		{required, MODULE_USE_NONE, COMPAT_NO_FILE, REMEDY_NONE, true,
		 VET_REFUSAL},
		{warn, MODULE_USE_ROOT, COMPAT_NO_FILE, REMEDY_NONE, true, VET_WARNING},
		{unused, MODULE_USE_MOUNT, COMPAT_FAILS, REMEDY_NONE, true, VET_WARNING},
		{"", MODULE_USE_ROOT, COMPAT_LOADS_TAINTED, REMEDY_NONE, true, NOTHING},
		{clean, MODULE_USE_ROOT, COMPAT_LOADS_TAINTED, REMEDY_NONE, true,
		 VET_REFUSAL},
		{clean, MODULE_USE_ROOT, COMPAT_LOADS, REMEDY_NONE, true, NOTHING},
		/* what is not installed yet will have its build made */
		{"", MODULE_USE_ROOT, COMPAT_FAILS, REMEDY_REBUILD, false, VET_NOTE},
		{"", MODULE_USE_ROOT, COMPAT_FAILS, REMEDY_REBUILD, true, VET_REFUSAL},
		{unbuilt, MODULE_USE_ROOT, COMPAT_FAILS, REMEDY_REBUILD, false,
		 VET_REFUSAL},
		{"", MODULE_USE_ROOT, COMPAT_FAILS, REMEDY_NONE, false, VET_REFUSAL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int weight = weigh(&rows[i]);

		if (weight != rows[i].weight)
			fail_msg("row %zu: %d, not %d", i, weight, rows[i].weight);
	}
}

/* The weight of a lost device that is used so. */
static int weigh_device(const char *text, enum module_use use)
{
	autopolicy struct policy policy;
	struct device device = {.path = (char *)(uintptr_t) "pci0",
				.driver = (char *)(uintptr_t) "e1000e",
				.use = use};
	struct vet_report report = {.release = (char *)(uintptr_t) "6.1",
				    .devices = {&device, 1}};
	const struct machine machine = {.policy = &policy};
	struct vet vet = {.machine = &machine, .report = &report};
	int weight;

	policy_init(&policy);
	assert_int_equal(policy_apply(&policy, "x", text, NULL), 0);
	vet_weigh_devices(&vet);
	assert_int_equal(report.finding_count, 1);
	weight = (int)report.findings[0].weight;
	assert_non_null(strstr(report.findings[0].text, "e1000e"));
	free(report.findings[0].text);
	free(report.findings);
	return weight;
}

static void a_lost_device_weighs_by_its_use(void **state)
{
	static const char all[] = "devices: { lost = \"refuse\"; };";
	static const char none[] = "devices: { lost = \"warn\"; };";

	(void)state;
	assert_int_equal(weigh_device("", MODULE_USE_ROOT), VET_REFUSAL);
	assert_int_equal(weigh_device("", MODULE_USE_LINK), VET_REFUSAL);
	assert_int_equal(weigh_device("", MODULE_USE_MOUNT), VET_WARNING);
	assert_int_equal(weigh_device("", MODULE_USE_DEVICE), VET_WARNING);
	assert_int_equal(weigh_device(all, MODULE_USE_DEVICE), VET_REFUSAL);
	assert_int_equal(weigh_device(none, MODULE_USE_ROOT), VET_WARNING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(losses_weigh_as_the_policy_says),
		cmocka_unit_test(a_lost_device_weighs_by_its_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
