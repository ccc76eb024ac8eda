/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What dnf 4's plug-in and dnf5's actions plug-in say of a transaction.
 */
#include "probe/dnf-incoming.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "made-machine.h"

#define CORE                                                              \
	"\"name\":\"kernel-core\",\"epoch\":\"0\",\"version\":\"6.5.6\"," \
	"\"release\":\"300.fc39\",\"arch\":\"x86_64\""
#define ANSWER(packages)                                                       \
	"{\"op\":\"reply\",\"requested_op\":\"get\",\"domain\":"               \
	"\"trans_packages\",\"status\":\"OK\",\"return\":{\"trans_packages\":" \
	"[" packages "]}}\n"

static int parse(const char *text, struct package_plan *ret)
{
	struct error err = {0};
	int r = dnf_incoming_parse(text, ret, &err);

	assert_true(r == 0 || err.message[0]);
	return r;
}

static void dnf_4_tells_archive_reason_and_release(void **state)
{
	autoplan struct package_plan plan = {0};

	(void)state;
	assert_int_equal(
		parse("{\"packages\":[{\"action\":\"I\"," CORE
		      ",\"path\":\"/var/cache/dnf/a/k.rpm\",\"reason\":\"dependency\","
		      "\"provides\":[\"kernel-uname-r = "
		      "6.5.6-300.fc39.x86_64+debug\"]}]}",
		      &plan),
		0);
	assert_string_equal(plan.manager, "dnf");
	assert_int_equal(plan.count, 1);
	assert_string_equal(plan.items[0].name, "kernel-core-6.5.6-300.fc39.x86_64");
	assert_null(plan.items[0].old_version);
	assert_string_equal(plan.items[0].new_version, "6.5.6-300.fc39");
	assert_string_equal(plan.items[0].archive, "/var/cache/dnf/a/k.rpm");
	assert_string_equal(plan.items[0].release, "6.5.6-300.fc39.x86_64+debug");
	assert_true(plan.items[0].image);
	assert_true(plan.items[0].automatic);
}

static void dnf_5_tells_where_it_was_in_the_repository(void **state)
{
	autoplan struct package_plan plan = {0};
	struct made_machine *m = *state;

	made_file(&m->root, "/var/cache/libdnf5/updates-0123/packages/kernel-core.rpm",
		  "");
	assert_int_equal(
		parse(ANSWER("{\"action\":\"I\"," CORE
			     ",\"location\":\"Packages/k/kernel-core.rpm\"},"
			     "{\"action\":\"I\",\"name\":\"x\",\"version\":\"1\","
			     "\"release\":\"1\",\"arch\":\"noarch\","
			     "\"location\":\"x.rpm\"},"
			     "{\"action\":\"I\",\"name\":\"y\",\"version\":\"1\","
			     "\"release\":\"1\",\"arch\":\"noarch\","
			     "\"location\":\"/root/y.rpm\"}"),
		      &plan),
		0);
	dnf_incoming_find_archives(&m->root, "/var/cache/libdnf5", &plan);
	assert_int_equal(plan.count, 3);
	assert_string_equal(plan.items[0].release, "6.5.6-300.fc39.x86_64");
	assert_string_equal(plan.items[0].archive,
			    "/var/cache/libdnf5/updates-0123/packages/kernel-core.rpm");
	assert_null(plan.items[1].archive);
	assert_null(plan.items[1].release);
	assert_string_equal(plan.items[2].archive, "/root/y.rpm");
}

static void what_is_replaced_is_one_change(void **state)
{
	autoplan struct package_plan plan = {0};

	(void)state;
	assert_int_equal(
		parse(ANSWER("{\"action\":\"O\",\"name\":\"grub2\",\"epoch\":\"1\","
			     "\"version\":\"2\",\"release\":\"7\",\"arch\":\"x86_64\"},"
			     "{\"action\":\"U\",\"name\":\"grub2\",\"epoch\":\"1\","
			     "\"version\":\"2\",\"release\":\"8\",\"arch\":\"x86_64\"},"
			     "{\"action\":\"?\",\"name\":\"z\",\"version\":\"1\","
			     "\"release\":\"1\",\"arch\":\"noarch\"}"),
		      &plan),
		0);
	assert_int_equal(plan.count, 1);
	assert_string_equal(plan.items[0].name, "grub2.x86_64");
	assert_string_equal(plan.items[0].old_version, "1:2-7");
	assert_string_equal(plan.items[0].new_version, "1:2-8");
}

/* A kernel goes while another one of the same name comes. */
static void what_the_limit_removes_goes_by_itself(void **state)
{
	autoplan struct package_plan plan = {0};

	(void)state;
	assert_int_equal(parse(ANSWER("{\"action\":\"E\"," CORE "},"
				      "{\"action\":\"I\",\"name\":\"kernel-core\","
				      "\"version\":\"6.5.7\",\"release\":\"1\","
				      "\"arch\":\"x86_64\"}"),
			       &plan),
			 0);
	assert_int_equal(plan.count, 2);
	assert_string_equal(plan.items[0].name, "kernel-core-6.5.6-300.fc39.x86_64");
	assert_string_equal(plan.items[0].release, "6.5.6-300.fc39.x86_64");
	assert_null(plan.items[0].new_version);
	assert_null(plan.items[1].old_version);
}

static void parts_of_kernels_are_known(void **state)
{
	static const struct {
		const char *name;
		bool kernel, image;
	} rows[] = {
		{"kernel", true, true},
		{"kernel-core", true, true},
		{"kernel-64k-core", true, true},
		{"kernel-debug-core", true, true},
		{"kernel-modules", true, false},
		{"kernel-modules-core", true, false},
		{"kernel-debug-modules-extra", true, false},
		{"kernel-devel", false, false},
		{"kernel-debug-devel", false, false},
		{"kernel-debuginfo", false, false},
		{"kernel-headers", false, false},
		{"kernel-tools", false, false},
		{"kernelshark", false, false},
		{"linux-firmware", false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autoplan struct package_plan plan = {0};
		autofree char *text = str_format(
			"{\"packages\":[{\"action\":\"I\",\"name\":\"%s\",\"version\":"
			"\"6.5.6\",\"release\":\"1\",\"arch\":\"x86_64\"}]}",
			rows[i].name);

		assert_int_equal(parse(text, &plan), 0);
		if ((plan.items[0].release != NULL) != rows[i].kernel ||
		    plan.items[0].image != rows[i].image)
			fail_msg("%s", rows[i].name);
	}
}

static void what_dnf_never_says_is_damaged(void **state)
{
	static const char *const texts[] = {
		"",
		"[]",
		"{}",
		"{\"return\":{}}",
		"{\"op\":\"reply\",\"status\":\"ERROR\",\"message\":\"no\"}",
		"{\"packages\":[1]}",
		"{\"packages\":[{\"action\":\"I\"}]}",
		"{\"packages\":[{\"action\":\"I\",\"name\":\"--root\",\"version\":\"1\","
		"\"release\":\"1\",\"arch\":\"noarch\"}]}",
		"{\"packages\":[{\"action\":\"I\",\"name\":\"a\",\"version\":\"1 2\","
		"\"release\":\"1\",\"arch\":\"noarch\"}]}",
		"{\"packages\":[{\"action\":\"\",\"name\":\"a\",\"version\":\"1\","
		"\"release\":\"1\",\"arch\":\"noarch\"}]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		autoplan struct package_plan plan = {0};

		assert_int_equal(parse(texts[i], &plan), -ERROR_DAMAGED);
	}
}

static void a_value_is_taken_out_of_its_answer(void **state)
{
	autofree char *value = dnf_incoming_value(
		"{\"op\":\"reply\",\"requested_op\":\"get\",\"domain\":\"conf\","
		"\"status\":\"OK\",\"return\":{\"keys_val\":[{\"key\":\"cachedir\","
		"\"value\":\"/var/cache/libdnf5\"}]}}\n");

	(void)state;
	assert_string_equal(value, "/var/cache/libdnf5");
	assert_null(dnf_incoming_value("{\"return\":{\"keys_val\":[]}}"));
	assert_null(dnf_incoming_value("{\"status\":\"ERROR\"}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dnf_4_tells_archive_reason_and_release),
		cmocka_unit_test_setup_teardown(
			dnf_5_tells_where_it_was_in_the_repository, made_machine_set_up,
			made_machine_tear_down),
		cmocka_unit_test(what_is_replaced_is_one_change),
		cmocka_unit_test(what_the_limit_removes_goes_by_itself),
		cmocka_unit_test(parts_of_kernels_are_known),
		cmocka_unit_test(what_dnf_never_says_is_damaged),
		cmocka_unit_test(a_value_is_taken_out_of_its_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
