/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Why a program failed is read from its lines: a full disk, another package manager, a
 * hook that said no.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "machine.h"
#include "run.h"

static int run_saying(struct fake_machine *m, int status, const char *output,
		      struct error *err)
{
	static const char *const argv[] = {"tool", "a b", NULL};
	autofree char *rules = str_format("tool|%d|said|\n", status);

	fake_program(m, "tool");
	fake_file(m, "/fake/said", output);
	fake_rules(m, rules);
	return run_program(&m->run, &(struct run_program){.argv = argv}, err);
}

static void every_line_is_passed_on(void **state)
{
	struct fake_machine *m = fake_machine(state);

	assert_int_equal(run_saying(m, 0, "one\ntwo\n", NULL), 0);
	assert_string_equal(text_str(&m->lines), "one\ntwo\n");
	assert_true(fake_ran(m, "tool a b\n"));
}

static void a_cause_is_told_with_its_own_code(void **state)
{
	static const struct {
		const char *said;
		int code;
		const char *told;
	} cases[] = {
		{"x\n cannot copy to '/boot/v.dpkg-new': failed to write (No space left "
		 "on "
		 "device)\ny\n",
		 -ENOSPC, "/boot/v.dpkg-new"},
		{"E: You don't have enough free space in /var/cache/apt/archives/.\n",
		 -ENOSPC, "/var/cache/apt/archives"},
		{"dpkg: error processing archive x (--unpack):\n No space left on "
		 "device\n",
		 -ENOSPC, "No space left"},
		{"E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by "
		 "process "
		 "7 (apt)\n",
		 -ERROR_BUSY, "process 7 (apt)"},
		{"Waiting for cache lock: Could not get lock /x. It is held by process "
		 "7\n"
		 "E: no such thing\n",
		 -ERROR_PROGRAM, "no such thing"},
		{"E: dpkg was interrupted, you must manually run 'dpkg --configure -a'\n",
		 -ERROR_PROGRAM, "kuro recover"},
		{"E: Held packages were changed and -y was used\n", -ERROR_REFUSED,
		 "apt-mark showhold"},
		{"run-parts: /etc/kernel/postinst.d/zz exited with return code 1\n"
		 "dpkg: error processing package linux-image-x (--configure):\n",
		 -ERROR_PROGRAM, "/etc/kernel/postinst.d/zz"},
		{"\033]0;title\007No space left on device\n", -ENOSPC, "\\x1b"},
	};
	struct fake_machine *m = fake_machine(state);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = {0};

		assert_int_equal(run_saying(m, 100, cases[i].said, &err), cases[i].code);
		assert_non_null(strstr(err.message, cases[i].told));
	}
}

static void success_needs_no_cause(void **state)
{
	struct fake_machine *m = fake_machine(state);

	assert_int_equal(run_saying(m, 0, "No space left on device\n", NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_line_is_passed_on,
						fake_machine_set_up,
						fake_machine_tear_down),
		cmocka_unit_test_setup_teardown(a_cause_is_told_with_its_own_code,
						fake_machine_set_up,
						fake_machine_tear_down),
		cmocka_unit_test_setup_teardown(success_needs_no_cause,
						fake_machine_set_up,
						fake_machine_tear_down),
	};

	return cmocka_run_group_tests_name("run", tests, NULL, NULL);
}
