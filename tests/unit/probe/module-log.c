/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Only the loader's own words on a module count as a refusal; the lines are as real
 * kernels log them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "made-machine.h"
#include "probe/module-log.h"

static void refusals_name_their_module(void **state)
{
	static const char *const lines[][2] = {
		{"4,1,2,-;zfs: disagrees about version of symbol module_layout", "zfs"},
		{"4,1,2,-;nf_nat_x: Unknown symbol nf_hook (err -2)", "nf_nat_x"},
		{"4,1,2,-;a: no symbol version for b", "a"},
		{"3,1,2,-;v4l2loopback: version magic '6.1 SMP ' should be '6.12 SMP '",
		 "v4l2loopback"},
		{"3,1,2,-;module evdi: .gnu.linkonce.this_module section size must match "
		 "the kernel's built struct module size at run time",
		 "evdi"},
		{"3,1,2,-;x: exports duplicate symbol y (owned by kernel)", "x"},
		{"3,1,2,-;module x uses symbol y from namespace Z, but does not import "
		 "it.",
		 "x"},
		{"4,1,2,-;failed to validate module [hello-x] BTF: -22", "hello_x"},
		{"6,1,2,-;Module pcspkr is blacklisted", "pcspkr"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		autofree char *module = NULL;

		assert_non_null(module_log_refusal(lines[i][0], &module));
		assert_string_equal(module, lines[i][1]);
	}
}

static void other_lines_are_none(void **state)
{
	static const char *const lines[] = {
		"",
		"4,1,2,-",
		"zfs: Unknown symbol x",
		"4,1,2,-;zfs: loading out-of-tree module taints kernel.",
		"4,1,2,-;zfs: module verification failed: signature and/or required key "
		"missing - tainting kernel",
		"4,1,2,-;usb 1-1: Unknown symbol x",
		"4,1,2,-;: Unknown symbol x",
		/* a program wrote this one */
		"12,1,2,-;zfs: Unknown symbol x (err -2)",
		"4,1,2,-;../../etc: Unknown symbol x",
		"4,1,2,-;"
		"a1234567890123456789012345678901234567890123456789012345678901234567"
		": Unknown symbol x",
	};
	char *module = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		assert_null(module_log_refusal(lines[i], &module));
	assert_null(module);
}

/* The kernel's log names no module where a signature is refused: who asked for it does.
 */
static void rejected_signatures_are_told_by_who_loads(void **state)
{
	static const struct {
		const char *line, *unlocked, *locked;
	} rows[] = {
		{"modprobe: ERROR: could not insert 'zfs': Key was rejected by service",
		 "zfs", "zfs"},
		{"insmod: ERROR: could not insert module ./a/x-y.ko: Required key not "
		 "available",
		 "x_y", "x_y"},
		{"Failed to insert module 'v4l2loopback': Key was rejected by service",
		 "v4l2loopback", "v4l2loopback"},
		{"Failed to insert 'old': Operation not permitted", NULL, "old"},
		{"modprobe: ERROR: could not insert 'zfs': No such device", NULL, NULL},
		{"modprobe: ERROR: could not insert 'z fs': Key was rejected by service",
		 NULL, NULL},
		{"modprobe: ERROR: could not insert '': Key was rejected by service",
		 NULL, NULL},
		{"modprobe: FATAL: Module zfs not found in directory /lib/modules/6.1",
		 NULL, NULL},
		{"could not insert 'zfs'", NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (int locked = 0; locked < 2; locked++) {
			const char *name = locked ? rows[i].locked : rows[i].unlocked;
			autofree char *module = NULL;
			const char *message =
				module_log_rejection(rows[i].line, locked, &module);

			assert_int_equal(message != NULL, name != NULL);
			assert_true(str_eq(module, name));
		}
	}
}

static void a_log_that_is_not_there_is_told(void **state)
{
	const struct made_machine *m = *state;
	autorefusals struct module_refusals refusals = {0};

	assert_int_equal(module_log_read(&m->root, &refusals), -ENOENT);
	made_file(&m->root, "/dev/kmsg",
		  "4,1,2,-;zfs: Unknown symbol x (err -2)\n DEVICE=+x\n");
	assert_int_equal(module_log_read(&m->root, &refusals), 0);
	assert_int_equal(refusals.count, 1);
	assert_string_equal(refusals.items[0].module, "zfs");
	assert_string_equal(refusals.items[0].text, "zfs: Unknown symbol x (err -2)");
}

int main(void)
{
#define TEST(f) \
	cmocka_unit_test_setup_teardown(f, made_machine_set_up, made_machine_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(refusals_name_their_module),
		TEST(other_lines_are_none),
		TEST(rejected_signatures_are_told_by_who_loads),
		TEST(a_log_that_is_not_there_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
