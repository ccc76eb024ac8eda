/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The running boot is told by /proc; what a person typed at the menu is not believed
 * beyond its bounds, and a root that is not live need not have a /proc.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/utsname.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "made-machine.h"
#include "probe/this-boot.h"

static const struct root *machine(void **state)
{
	const struct made_machine *m = *state;

	return &m->root;
}

#define MACHINE_TEST(f) \
	cmocka_unit_test_setup_teardown(f, made_machine_set_up, made_machine_tear_down)

#define BOOT_ID "0f6bb8b7-1f7c-4b43-a2a5-6b0a8f3b7a11"

static void boot_is_read_from_proc(void **state)
{
	const struct root *root = machine(state);
	autothisboot struct this_boot b = {0};

	made_file(root, "/proc/sys/kernel/random/boot_id", BOOT_ID "\n");
	made_file(root, "/proc/sys/kernel/osrelease", "6.1.0-50-amd64\n");
	made_file(root, "/proc/cmdline",
		  "BOOT_IMAGE=/vmlinuz root=UUID=1 ro kuro.generation=7 kuro.trial=1\n");
	made_file(root, "/proc/stat", "cpu 1 2\nintr 5\nbtime 1763863200\nctxt 3\n");
	assert_int_equal(this_boot_probe(root, &b, NULL), 0);
	assert_string_equal(b.boot_id, BOOT_ID);
	assert_string_equal(b.release, "6.1.0-50-amd64");
	assert_int_equal(b.generation, 7);
	assert_true(b.trial);
	assert_int_equal(b.begun, 1763863200);
	assert_int_equal(b.command_line.count, 5);
}

static void missing_proc_leaves_fields_empty(void **state)
{
	autothisboot struct this_boot b = {0};

	assert_int_equal(this_boot_probe(machine(state), &b, NULL), 0);
	assert_null(b.boot_id);
	assert_null(b.release);
	assert_int_equal(b.generation, 0);
	assert_false(b.trial);
	assert_int_equal(b.begun, 0);
}

static void numbers_outside_their_bounds_are_no_generation(void **state)
{
	static const char *const lines[] = {
		"kuro.generation=0",  "kuro.generation=1000000",
		"kuro.generation=-1", "kuro.generation=7x",
		"kuro.generation",    "kuro.generation=",
		"xkuro.generation=7", "kuro.generation=18446744073709551623",
		"kuro.trial=0",       "kuro.trial=11",
		"kuro.trial"};

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		autothisboot struct this_boot b = {0};

		made_file(machine(state), "/proc/cmdline", lines[i]);
		assert_int_equal(this_boot_probe(machine(state), &b, NULL), 0);
		assert_int_equal(b.generation, 0);
		assert_false(b.trial);
	}
}

static void damaged_proc_is_told(void **state)
{
	static const char *const files[][2] = {
		{"/proc/sys/kernel/random/boot_id", "not a boot id\n"},
		{"/proc/sys/kernel/osrelease", "../../etc\n"},
		{"/proc/stat", "cpu 1\n"},
		{"/proc/stat", "btime soon\n"},
	};

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct this_boot b = {0};
		struct error err = {0};

		made_file(machine(state), files[i][0], files[i][1]);
		assert_int_equal(this_boot_probe(machine(state), &b, &err),
				 -ERROR_DAMAGED);
		assert_non_null(strstr(err.message, files[i][0]));
		assert_int_equal(root_unlink(machine(state), files[i][0], NULL), 0);
	}
}

static void this_machine_can_be_asked(void **state)
{
	autothisboot struct this_boot b = {0};
	struct root live = {0};
	struct utsname uts;

	(void)state;
	assert_int_equal(root_open(&live, "/", NULL), 0);
	assert_int_equal(this_boot_probe(&live, &b, NULL), 0);
	assert_int_equal(uname(&uts), 0);
	assert_string_equal(b.release, uts.release);
	assert_non_null(b.boot_id);
	assert_true(b.begun > 0);
	root_done(&live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(boot_is_read_from_proc),
		MACHINE_TEST(missing_proc_leaves_fields_empty),
		MACHINE_TEST(numbers_outside_their_bounds_are_no_generation),
		MACHINE_TEST(damaged_proc_is_told),
		cmocka_unit_test(this_machine_can_be_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
