/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What undo needs comes back from the transaction's row as it was written, also from a
 * row of before modules were built; a damaged one is told, never guessed at.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "step-detail.h"

static void journey_forget(struct journey *j)
{
	package_plan_done(&j->plan);
	module_build_list_done(&j->builds);
	strv_done(&j->links);
}

static void packages_builds_and_links_come_back(void **state)
{
	cleanup(journey_forget) struct journey j = {0}, back = {0};
	autofree char *text = NULL, *again = NULL;

	(void)state;
	j.plan.manager = str_dup("apt");
	j.plan.release = str_dup("6.1.0-9-amd64");
	package_plan_add(&j.plan, "linux-image-6.1.0-9-amd64")->new_version =
		str_dup("2");
	j.builds.items = mem_zalloc(sizeof(*j.builds.items));
	j.builds.count = 1;
	j.builds.items[0] = (struct module_build){.package = str_dup("zfs/2.1.11"),
						  .built = true,
						  .first_error = str_dup("a \"b\"")};
	strv_add(&j.links, "/lib/modules/6.1.0-8-amd64/updates/x.ko");
	text = step_detail_format(&j);
	assert_int_equal(step_detail_parse(text, &back, NULL), 0);
	assert_string_equal(back.plan.release, "6.1.0-9-amd64");
	assert_int_equal(back.plan.count, 1);
	assert_int_equal(back.builds.count, 1);
	assert_string_equal(back.builds.items[0].package, "zfs/2.1.11");
	assert_true(back.builds.items[0].built);
	assert_int_equal(back.links.count, 1);
	again = step_detail_format(&back);
	assert_string_equal(again, text);
}

static void without_modules_it_is_the_plan_alone(void **state)
{
	cleanup(journey_forget) struct journey j = {0}, back = {0};
	autofree char *plan = NULL, *text = NULL;

	(void)state;
	j.plan.manager = str_dup("apt");
	plan = package_plan_format(&j.plan);
	text = step_detail_format(&j);
	assert_string_equal(text, plan);
	assert_int_equal(step_detail_parse(plan, &back, NULL), 0);
	assert_int_equal(back.builds.count, 0);
}

static void damage_is_told(void **state)
{
	static const char *const damaged[] = {
		"",
		"[]",
		"{\"packages\":[],\"builds\":7}",
		"{\"packages\":[],\"builds\":null}",
		"{\"packages\":[],\"links\":{}}",
		"{\"packages\":[],\"links\":[1]}",
		"{\"builds\":[]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(damaged); i++) {
		cleanup(journey_forget) struct journey j = {0};
		struct error err = {0};

		assert_int_equal(step_detail_parse(damaged[i], &j, &err), -ERROR_DAMAGED);
		assert_true(strlen(err.message) > 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packages_builds_and_links_come_back),
		cmocka_unit_test(without_modules_it_is_the_plan_alone),
		cmocka_unit_test(damage_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
