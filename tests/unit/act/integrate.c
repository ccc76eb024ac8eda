/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * grub.cfg is replaced by a whole and checked one or not at all; units, deadline,
 * reboot and the login sentence are asked for in the right words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "act/integrate.h"
#include "base/cleanup.h"
#include "base/process.h"
#include "machine.h"

#define CFG     "/boot/grub/grub.cfg"
#define BEGIN   "### BEGIN /etc/grub.d/09_kuro ###\n"
#define END     "### END /etc/grub.d/09_kuro ###\n"
#define ENTRIES BEGIN "menuentry \"x\" --id kuro-good {\n}\n" END
#define OLD     "### BEGIN /etc/grub.d/00_header ###\nold\n"
#define MAKES   "grub-mkconfig|0||new\n"

static struct fake_machine *grub(void **state, const char *made)
{
	struct fake_machine *m = fake_machine(state);

	fake_program(m, "grub-mkconfig");
	fake_program(m, "grub-script-check");
	fake_file(m, CFG, OLD);
	fake_file(m, "/etc/grub.d/09_kuro", "#!/bin/sh\n");
	fake_file(m, "/fake/new", made);
	fake_rules(m, MAKES);
	return m;
}

static mode_t mode_of(struct fake_machine *m, const char *path)
{
	struct stat st;

	assert_int_equal(root_stat(&m->root, path, &st), 0);
	return st.st_mode & 07777;
}

static void assert_cfg(struct fake_machine *m, const char *text)
{
	autofree char *cfg = fake_read(m, CFG);

	assert_string_equal(cfg, text);
	assert_false(root_exists(&m->root, CFG ".kuro-new"));
	assert_false(root_exists(&m->root, CFG ".kuro-new.new"));
}

static void a_checked_file_takes_the_place(void **state)
{
	struct fake_machine *m = grub(state, ENTRIES);
	struct error err = {0};

	fake_file(m, "/boot/kuro/env", "block");
	assert_int_equal(integrate_regenerate_grub(&m->run, &err), 0);
	assert_cfg(m, ENTRIES);
	assert_true(integrate_grub_has_kuro(&m->root));
	assert_true(fake_ran(m, "grub-mkconfig -o " CFG ".kuro-new\n"
				"grub-script-check " CFG ".kuro-new\n"));
	assert_int_equal(mode_of(m, CFG), 0644);
}

static void a_password_stays_unreadable(void **state)
{
	struct fake_machine *m = grub(state, OLD "password_pbkdf2 root grub.x\n");

	assert_int_equal(integrate_regenerate_grub(&m->run, NULL), 0);
	assert_int_equal(mode_of(m, CFG), 0600);
}

static void what_the_checker_refuses_is_not_used(void **state)
{
	struct fake_machine *m = grub(state, ENTRIES);
	struct error err = {0};

	fake_rules(m, MAKES "grub-script-check|1|said|\n");
	fake_file(m, "/fake/said", "syntax error at line 3\n");
	assert_int_equal(integrate_regenerate_grub(&m->run, &err), -ERROR_PROGRAM);
	assert_non_null(strstr(err.message, "syntax error at line 3"));
	assert_cfg(m, OLD);
}

static void a_failed_generation_changes_nothing(void **state)
{
	struct fake_machine *m = grub(state, ENTRIES);

	fake_rules(m, "grub-mkconfig|1||new\n");
	assert_int_equal(integrate_regenerate_grub(&m->run, NULL), -ERROR_PROGRAM);
	assert_cfg(m, OLD);
}

static void without_the_drop_in_that_is_said(void **state)
{
	struct fake_machine *m = grub(state, OLD);
	struct error err = {0};

	fake_file(m, "/boot/kuro/env", "block");
	assert_int_equal(root_unlink(&m->root, "/etc/grub.d/09_kuro", NULL), 0);
	assert_int_equal(integrate_regenerate_grub(&m->run, &err), -ENOENT);
	assert_non_null(strstr(err.message, "/etc/grub.d/09_kuro"));
	assert_cfg(m, OLD);
}

static void entries_must_be_there_where_the_block_is(void **state)
{
	struct fake_machine *m = grub(state, BEGIN END);

	fake_file(m, "/boot/kuro/grub.conf",
		  "KURO_MISS_LIMIT=3\nKURO_ENV=/boot/efi/env\n");
	assert_int_equal(integrate_regenerate_grub(&m->run, NULL), 0);
	fake_file(m, "/boot/efi/env", "block");
	assert_int_equal(integrate_regenerate_grub(&m->run, NULL), -ERROR_PROGRAM);
	assert_cfg(m, BEGIN END);
}

static void entries_must_be_gone_where_it_is_not(void **state)
{
	struct fake_machine *m = grub(state, ENTRIES);

	assert_int_equal(integrate_regenerate_grub(&m->run, NULL), -ERROR_PROGRAM);
	assert_cfg(m, OLD);
}

static void an_empty_file_is_no_grub_cfg(void **state)
{
	struct fake_machine *m = grub(state, "");

	assert_int_equal(integrate_regenerate_grub(&m->run, NULL), -ERROR_PROGRAM);
	assert_cfg(m, OLD);
}

static void a_machine_without_grub_is_told_so(void **state)
{
	struct fake_machine *m = fake_machine(state);

	assert_null(integrate_grub_cfg(&m->root));
	assert_int_equal(integrate_regenerate_grub(&m->run, NULL), -ERROR_UNSUPPORTED);
	fake_file(m, "/boot/grub2/grub.cfg", "");
	assert_string_equal(integrate_grub_cfg(&m->root), "/boot/grub2/grub.cfg");
	assert_int_equal(integrate_regenerate_grub(&m->run, NULL), -ERROR_UNSUPPORTED);
}

static void grub_conf_is_the_policys(void **state)
{
	struct fake_machine *m = grub(state, OLD);
	autofree char *conf = NULL, *open = NULL;

	assert_int_equal(policy_set(&m->policy, POLICY_BOOT_MISS_LIMIT, "5", NULL), 0);
	assert_int_equal(integrate_write_grub_conf(&m->root, &m->policy, "/boot/kuro/env",
						   NULL),
			 0);
	conf = fake_read(m, "/boot/kuro/grub.conf");
	assert_non_null(strstr(conf, "\nKURO_MISS_LIMIT=5\nKURO_MENU_TIMEOUT=5\n"));
	assert_non_null(
		strstr(conf, "\nKURO_UNRESTRICTED=no\nKURO_ENV=/boot/kuro/env\n"));
	fake_file(m, CFG, "menuentry 'Debian' --class debian --unrestricted {\n}\n");
	assert_int_equal(integrate_write_grub_conf(&m->root, &m->policy, "/boot/kuro/env",
						   NULL),
			 0);
	open = fake_read(m, "/boot/kuro/grub.conf");
	assert_non_null(strstr(open, "\nKURO_UNRESTRICTED=yes\n"));
}

static void a_strange_block_path_is_refused(void **state)
{
	static const char *const paths[] = {"", "env", "/boot/k env", "/boot/\"; reboot",
					    "/boot/a\nKURO_X=1"};
	struct fake_machine *m = fake_machine(state);

	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		assert_int_equal(integrate_write_grub_conf(&m->root, &m->policy, paths[i],
							   NULL),
				 -EINVAL);
}

static struct fake_machine *units(void **state)
{
	struct fake_machine *m = fake_machine(state);

	fake_program(m, "systemctl");
	fake_file(m, "/usr/lib/systemd/system/kuro-boot.service", "");
	fake_file(m, "/usr/lib/systemd/system/kuro-health.service", "");
	fake_file(m, "/usr/lib/systemd/system/kuro-verdict.service", "");
	fake_file(m, "/usr/lib/systemd/system/kuro-recover.service", "");
	fake_file(m, "/usr/lib/systemd/system/kuro-deadman.timer", "");
	fake_file(m, "/usr/lib/systemd/system/kuro-prune.timer", "");
	return m;
}

static void units_are_enabled_below_the_root(void **state)
{
	struct fake_machine *m = units(state);
	autofree char *words = str_format("systemctl --root=%s --no-ask-password enable "
					  "kuro-boot.service kuro-health.service "
					  "kuro-verdict.service kuro-recover.service "
					  "kuro-deadman.timer kuro-prune.timer\n",
					  m->dir);
	autofree char *deadline = NULL;

	assert_int_equal(policy_set(&m->policy, POLICY_HEALTH_DEADLINE, "900", NULL), 0);
	assert_int_equal(integrate_enable_units(&m->run, NULL), 0);
	assert_true(fake_ran(m, words));
	assert_false(fake_ran(m, "daemon-reload"));
	deadline =
		fake_read(m, "/etc/systemd/system/kuro-deadman.timer.d/50-policy.conf");
	assert_non_null(strstr(deadline, "[Timer]\nOnBootSec=\nOnBootSec=900s\n"));
}

static void a_missing_unit_is_named(void **state)
{
	struct fake_machine *m = units(state);
	struct error err = {0};

	assert_int_equal(root_unlink(&m->root,
				     "/usr/lib/systemd/system/kuro-health.service", NULL),
			 0);
	assert_int_equal(integrate_enable_units(&m->run, &err), -ENOENT);
	assert_non_null(strstr(err.message, "kuro-health.service"));
	assert_false(fake_ran(m, "systemctl"));
}

static void units_are_disabled_and_the_deadline_goes(void **state)
{
	struct fake_machine *m = units(state);

	assert_int_equal(integrate_enable_units(&m->run, NULL), 0);
	assert_int_equal(integrate_disable_units(&m->run, NULL), 0);
	assert_true(fake_ran(m, " disable kuro-boot.service"));
	assert_false(root_exists(&m->root, "/etc/systemd/system/kuro-deadman.timer.d"));
	assert_int_equal(integrate_disable_units(&m->run, NULL), 0);
}

static void units_that_are_gone_hinder_nobody(void **state)
{
	struct fake_machine *m = fake_machine(state);

	fake_program(m, "systemctl");
	assert_int_equal(integrate_disable_units(&m->run, NULL), 0);
	assert_false(fake_ran(m, "systemctl"));
}

static void only_the_live_machine_is_rebooted(void **state)
{
	struct fake_machine *m = units(state);

	assert_int_equal(integrate_reboot(&m->root, false, NULL), -ERROR_UNSUPPORTED);
	assert_int_equal(integrate_reboot(&m->root, true, NULL), -ERROR_UNSUPPORTED);
	assert_false(fake_ran(m, "systemctl"));
}

static void init_is_asked_and_told_who_asks(void **state)
{
	struct fake_machine *m = units(state);
	struct root live;

	assert_int_equal(root_open(&live, "/", NULL), 0);
	/* nothing but the fake may be found: this would be a reboot */
	assert_non_null(strstr(getenv("KURO_PATH"), m->dir));
	assert_true(process_exists(NULL, "systemctl"));
	assert_int_equal(integrate_reboot(&live, false, NULL), 0);
	assert_true(fake_ran(m, "--message=kuro: "));
	assert_false(fake_ran(m, "--force"));
	assert_int_equal(integrate_reboot(&live, true, NULL), 0);
	assert_true(fake_ran(m, "--force"));
	fake_rules(m, "systemctl|1||\n");
	assert_int_equal(integrate_reboot(&live, true, NULL), -ERROR_PROGRAM);
	root_done(&live);
}

static void the_login_sentence_comes_and_goes(void **state)
{
	struct fake_machine *m = fake_machine(state);
	autofree char *text = NULL;

	assert_int_equal(integrate_motd(&m->root, NULL, NULL), 0);
	assert_int_equal(integrate_motd(&m->root, "6.1 failed\033[2J", NULL), 0);
	text = fake_read(m, "/run/motd.d/kuro");
	assert_string_equal(text, "6.1 failed\\x1b[2J\n");
	assert_int_equal(integrate_motd(&m->root, NULL, NULL), 0);
	assert_false(root_exists(&m->root, "/run/motd.d/kuro"));
}

#define CASE(f) \
	cmocka_unit_test_setup_teardown(f, fake_machine_set_up, fake_machine_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_checked_file_takes_the_place),
		CASE(a_password_stays_unreadable),
		CASE(what_the_checker_refuses_is_not_used),
		CASE(a_failed_generation_changes_nothing),
		CASE(without_the_drop_in_that_is_said),
		CASE(entries_must_be_there_where_the_block_is),
		CASE(entries_must_be_gone_where_it_is_not),
		CASE(an_empty_file_is_no_grub_cfg),
		CASE(a_machine_without_grub_is_told_so),
		CASE(grub_conf_is_the_policys),
		CASE(a_strange_block_path_is_refused),
		CASE(units_are_enabled_below_the_root),
		CASE(a_missing_unit_is_named),
		CASE(units_are_disabled_and_the_deadline_goes),
		CASE(units_that_are_gone_hinder_nobody),
		CASE(only_the_live_machine_is_rebooted),
		CASE(init_is_asked_and_told_who_asks),
		CASE(the_login_sentence_comes_and_goes),
	};

	return cmocka_run_group_tests_name("integrate", tests, NULL, NULL);
}
