/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kind of a machine from DMI, the device tree and cloud-init; what is missing,
 * damaged or hostile there is an empty text, never an error.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "made-machine.h"
#include "probe/machine-kind.h"

#define INSTANCE "/run/cloud-init/instance-data.json"

static void expect(const struct root *root, const char *machine, const char *platform,
		   const char *region)
{
	automachinekind struct machine_kind kind = {0};

	machine_kind_probe(root, &kind);
	assert_string_equal(kind.machine, machine);
	assert_string_equal(kind.platform, platform);
	assert_string_equal(kind.region, region);
}

static void a_machine_that_says_nothing_has_no_kind(void **state)
{
	const struct made_machine *m = *state;

	expect(&m->root, "", "", "");
}

static void dmi_and_cloud_init_are_read(void **state)
{
	const struct made_machine *m = *state;

	made_file(&m->root, "/sys/class/dmi/id/sys_vendor", "Amazon EC2\n");
	expect(&m->root, "Amazon EC2", "", "");
	made_file(&m->root, "/sys/class/dmi/id/product_name", "m5.large\n");
	made_file(&m->root, INSTANCE,
		  "{\"ds\": {}, \"v1\": {\"platform\": \"ec2\", \"cloud_name\": \"aws\","
		  " \"region\": \"eu-north-1\"}}");
	expect(&m->root, "Amazon EC2 m5.large", "ec2", "eu-north-1");
	made_file(&m->root, INSTANCE,
		  "{\"v1\": {\"platform\": 7, \"cloud_name\": \"aws\"}}");
	expect(&m->root, "Amazon EC2 m5.large", "aws", "");
}

static void a_board_has_its_model(void **state)
{
	const struct made_machine *m = *state;

	made_bytes(&m->root, "/sys/firmware/devicetree/base/model", "Raspberry Pi 4\0",
		   15);
	expect(&m->root, "Raspberry Pi 4", "", "");
}

static void what_is_hostile_is_made_fit_or_left_out(void **state)
{
	static const char *const damaged[] = {"", "{", "[]", "{\"v1\": []}", "nonsense"};
	const struct made_machine *m = *state;
	autofree char *deep = mem_zalloc(200001);

	for (size_t i = 0; i < ARRAY_LEN(damaged); i++) {
		made_file(&m->root, INSTANCE, damaged[i]);
		expect(&m->root, "", "", "");
	}
	memset(deep, '[', 200000);
	made_file(&m->root, INSTANCE, deep);
	expect(&m->root, "", "", "");
	made_file(&m->root, INSTANCE, "{\"v1\": {\"region\": \"a\\u001b[2J\"}}");
	expect(&m->root, "", "", "a\\x1b[2J");
}

int main(void)
{
#define TEST(f) \
	cmocka_unit_test_setup_teardown(f, made_machine_set_up, made_machine_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_machine_that_says_nothing_has_no_kind),
		TEST(dmi_and_cloud_init_are_read),
		TEST(a_board_has_its_model),
		TEST(what_is_hostile_is_made_fit_or_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
