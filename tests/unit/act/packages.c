/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What apt-get and dpkg are told: exact versions, no questions, nothing removed that
 * the plan did not bring.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/utsname.h>

#include <cmocka.h>

#include "act/packages.h"
#include "base/cleanup.h"
#include "machine.h"

#define BEFORE "image-old\t1\tii \t\nlinux-image-amd64\t1\tii \t\n"
#define AFTER                                                                           \
	"image-old\t1\tii \t\nlinux-image-9-amd64\t2\tii \t\nlinux-image-amd64\t2\tii " \
	"\t\n"
#define MADISON_OLD "linux-image-amd64 | 1 | http://x y Packages\n"
#define UNDO_WORDS                                                              \
	"--allow-downgrades --fix-broken --purge install linux-image-9-amd64- " \
	"linux-image-amd64=1"

static struct fake_machine *apt_machine(void **state, const char *packages,
					const char *rules)
{
	struct fake_machine *m = fake_machine(state);
	autofree char *all = str_format("%sdpkg-query|0|packages|\n", rules);

	fake_program(m, "apt-get");
	fake_program(m, "apt-cache");
	fake_program(m, "apt-mark");
	fake_program(m, "dpkg");
	fake_program(m, "dpkg-query");
	fake_file(m, "/var/lib/dpkg/status", "");
	fake_file(m, "/fake/packages", packages);
	fake_file(m, "/fake/madison", MADISON_OLD);
	fake_rules(m, all);
	return m;
}

static void make_plan(struct package_plan *plan)
{
	assert_int_equal(
		package_plan_parse("{\"manager\":\"apt\",\"release\":\"9-amd64\","
				   "\"packages\":[{\"name\":\"linux-image-9-amd64\","
				   "\"new\":\"2\",\"automatic\":true},"
				   "{\"name\":\"linux-image-amd64\",\"old\":\"1\","
				   "\"new\":\"2\"}]}",
				   plan, NULL),
		0);
}

static void the_plans_versions_are_installed_without_questions(void **state)
{
	struct fake_machine *m = apt_machine(state, AFTER, "");
	autoplan struct package_plan plan = {0};
	struct error err = {0};

	make_plan(&plan);
	assert_int_equal(packages_install(&m->run, &plan, &err), 0);
	assert_true(fake_ran(m, "--download-only --no-remove install "
				"linux-image-9-amd64=2 linux-image-amd64=2 "
				"[noninteractive]\n"));
	assert_true(fake_ran(m, "Kernels=false --no-remove install linux-image-9-amd64=2 "
				"linux-image-amd64=2 [noninteractive]\n"));
	assert_true(fake_ran(m, "apt-get -y -q -o DPkg::Options::=--force-confdef -o "
				"DPkg::Options::=--force-confold -o "
				"DPkg::Lock::Timeout=120"));
	assert_true(fake_ran(m, "apt-mark auto linux-image-9-amd64 [noninteractive]\n"));
}

static void what_the_plan_removes_is_named(void **state)
{
	struct fake_machine *m = apt_machine(state, "", "");
	autoplan struct package_plan plan = {0};

	assert_int_equal(package_plan_parse("{\"packages\":[{\"name\":\"gone\","
					    "\"old\":\"1\"}]}",
					    &plan, NULL),
			 0);
	assert_int_equal(packages_install(&m->run, &plan, NULL), 0);
	assert_true(fake_ran(m, " install gone- "));
	assert_false(fake_ran(m, "--no-remove"));
}

static void nothing_is_installed_when_fetching_failed(void **state)
{
	struct fake_machine *m =
		apt_machine(state, BEFORE, "--download-only|100|said|\n");
	autoplan struct package_plan plan = {0};
	struct error err = {0};

	fake_file(m, "/fake/said", "E: Failed to fetch http://x 404 Not Found\n");
	make_plan(&plan);
	assert_int_equal(packages_install(&m->run, &plan, &err), -ERROR_PROGRAM);
	assert_true(str_starts(err.message, "fetching packages: "));
	assert_false(fake_ran(m, "Kernels=false --no-remove install"));
}

static void archives_are_fetched_and_found_before_anything_is_installed(void **state)
{
	struct fake_machine *m = apt_machine(state, BEFORE, "");
	autoplan struct package_plan plan = {0};
	autostrv struct strv none = {0}, one = {0}, both = {0};

	make_plan(&plan);
	assert_int_equal(packages_at_hand(&m->root, &plan, &none, NULL), 0);
	assert_int_equal(none.count, 0);
	fake_file(m, "/var/cache/apt/archives/linux-image-9-amd64_2_amd64.deb", "");
	fake_file(m, "/var/cache/apt/archives/linux-image-amd64_1_amd64.deb", "");
	assert_int_equal(packages_at_hand(&m->root, &plan, &one, NULL), 0);
	assert_int_equal(one.count, 1);
	assert_false(root_exists(&m->root, "/fake/log"));
	fake_file(m, "/var/cache/apt/archives/linux-image-amd64_2_all.deb", "");
	assert_int_equal(packages_download(&m->run, &plan, &both, NULL), 0);
	assert_int_equal(both.count, 2);
	assert_string_equal(both.items[0],
			    "/var/cache/apt/archives/linux-image-9-amd64_2_amd64.deb");
	assert_true(fake_ran(m, "--download-only --no-remove install "
				"linux-image-9-amd64=2 linux-image-amd64=2 "
				"[noninteractive]\n"));
	assert_false(fake_ran(m, "Kernels=false --no-remove install"));
}

static void a_full_disk_is_told_as_one(void **state)
{
	struct fake_machine *m =
		apt_machine(state, BEFORE, "--download-only|0||\napt-get|100|said|\n");
	autoplan struct package_plan plan = {0};
	struct error err = {0};

	fake_file(m, "/fake/said",
		  " cannot copy data to '/boot/vmlinuz-9.dpkg-new': failed to write (No "
		  "space left on device)\n");
	make_plan(&plan);
	assert_int_equal(packages_install(&m->run, &plan, &err), -ENOSPC);
	assert_non_null(strstr(err.message, "/boot/vmlinuz-9.dpkg-new"));
}

static void apts_word_alone_is_not_believed(void **state)
{
	struct fake_machine *m = apt_machine(state, BEFORE, "");
	autoplan struct package_plan plan = {0};

	make_plan(&plan);
	assert_int_equal(packages_install(&m->run, &plan, NULL), -ERROR_PROGRAM);
}

static void an_empty_plan_runs_nothing(void **state)
{
	struct fake_machine *m = apt_machine(state, BEFORE, "");
	autoplan struct package_plan plan = {0};

	assert_int_equal(packages_install(&m->run, &plan, NULL), 0);
	assert_int_equal(packages_undo(&m->run, &plan, NULL), 0);
	assert_false(root_exists(&m->root, "/fake/log"));
}

static void undo_goes_back_in_one_run(void **state)
{
	/* apt-get leaves the fake database as it is: that is noticed */
	struct fake_machine *m = apt_machine(state, AFTER, "madison|0|madison|\n");
	autoplan struct package_plan plan = {0};
	struct error err = {0};

	make_plan(&plan);
	assert_int_equal(packages_undo(&m->run, &plan, &err), -ERROR_PROGRAM);
	assert_non_null(strstr(err.message, "linux-image-9-amd64 is still there"));
	assert_true(fake_ran(m, "--simulate"));
	assert_true(fake_ran(m, "=--force-remove-reinstreq " UNDO_WORDS
				" [noninteractive]\n"));
}

static void undone_already_needs_no_run(void **state)
{
	struct fake_machine *m = apt_machine(state, BEFORE, "madison|0|madison|\n");
	autoplan struct package_plan plan = {0};

	make_plan(&plan);
	assert_int_equal(packages_undo(&m->run, &plan, NULL), 0);
	assert_false(fake_ran(m, "apt-get"));
}

static void a_cached_archive_serves_where_the_lists_do_not(void **state)
{
	struct fake_machine *m = apt_machine(state, AFTER, "");
	autoplan struct package_plan plan = {0};

	fake_file(m, "/var/cache/apt/archives/linux-image-amd64_1_amd64.deb", "");
	fake_file(m, "/var/cache/apt/archives/linux-image-amd64_1.5_amd64.deb", "");
	make_plan(&plan);
	assert_int_equal(packages_undo(&m->run, &plan, NULL), -ERROR_PROGRAM);
	assert_true(fake_ran(m,
			     "install linux-image-9-amd64- "
			     "/var/cache/apt/archives/linux-image-amd64_1_amd64.deb "));
}

static void what_nobody_has_stays_and_is_named(void **state)
{
	struct fake_machine *m = apt_machine(state, AFTER, "--simulate|0|removes|\n");
	autoplan struct package_plan plan = {0};
	struct error err = {0};

	fake_file(m, "/fake/removes",
		  "Purg linux-image-amd64 [2]\nPurg linux-image-9-amd64 [2]\n");
	make_plan(&plan);
	assert_int_equal(packages_undo(&m->run, &plan, &err), -ERROR_UNSUPPORTED);
	assert_non_null(strstr(err.message, "linux-image-amd64 1"));
	assert_false(fake_ran(m, "--download-only"));
}

static void undo_removes_nothing_that_was_there_before(void **state)
{
	struct fake_machine *m =
		apt_machine(state, AFTER, "madison|0|madison|\n--simulate|0|removes|\n");
	autoplan struct package_plan plan = {0};
	struct error err = {0};

	fake_file(m, "/fake/removes",
		  "Purg linux-image-9-amd64 [2]\nPurg precious [1]\n");
	make_plan(&plan);
	assert_int_equal(packages_undo(&m->run, &plan, &err), -ERROR_UNSUPPORTED);
	assert_non_null(strstr(err.message, "precious"));
	assert_false(fake_ran(m, "--download-only"));
}

static void someone_elses_later_change_stays(void **state)
{
	struct fake_machine *m = apt_machine(state, "linux-image-amd64\t3\tii \t\n",
					     "madison|0|madison|\n");
	autoplan struct package_plan plan = {0};

	make_plan(&plan);
	assert_int_equal(packages_undo(&m->run, &plan, NULL), 0);
	assert_false(fake_ran(m, "apt-get"));
}

static void what_was_cut_is_unpacked_before_it_is_removed(void **state)
{
	struct fake_machine *m = apt_machine(
		state, "linux-image-9-amd64\t2\tiHR\t\nlinux-image-amd64\t1\tii \t\n",
		"");
	autoplan struct package_plan plan = {0};

	fake_file(m, "/var/cache/apt/archives/linux-image-9-amd64_2_amd64.deb", "");
	make_plan(&plan);
	assert_int_equal(packages_undo(&m->run, &plan, NULL), 0);
	assert_true(fake_ran(m,
			     "dpkg --unpack "
			     "/var/cache/apt/archives/linux-image-9-amd64_2_amd64.deb"));
	assert_true(fake_ran(m, "--purge install linux-image-9-amd64- "));
}

static void a_stopped_dpkg_is_let_finish_first(void **state)
{
	struct fake_machine *m = apt_machine(state, BEFORE, "");
	autoplan struct package_plan plan = {0};

	fake_file(m, "/var/lib/dpkg/updates/0001", "");
	make_plan(&plan);
	(void)packages_undo(&m->run, &plan,
			    NULL); /* the fake does not clear its journal */
	assert_true(fake_ran(m, "dpkg --force-confdef --force-confold --configure -a"));
}

static void the_running_kernel_is_not_removed(void **state)
{
	struct fake_machine *m = apt_machine(state, AFTER, "");
	autoplan struct package_plan plan = {0};
	struct root live = {.fd = -1};
	struct package_run run = m->run;
	struct package_change *image;
	struct utsname name;
	autofree char *package = NULL;
	struct error err = {0};

	assert_int_equal(uname(&name), 0);
	package = str_format("linux-image-%s", name.release);
	image = package_plan_add(&plan, package);
	image->new_version = str_dup("1");
	assert_int_equal(root_open(&live, "/", NULL), 0);
	run.root = &live;
	if (packages_manager(&live)) {
		assert_int_equal(packages_undo(&run, &plan, &err), -ERROR_REFUSED);
		assert_false(fake_ran(m, "apt-get"));
	}
	root_done(&live);
}

static void repair_does_nothing_where_nothing_is_unfinished(void **state)
{
	struct fake_machine *m = apt_machine(state, BEFORE, "");

	assert_int_equal(packages_repair(&m->run, NULL), 0);
	assert_false(fake_ran(m, "--configure"));
}

static void repair_fetches_what_was_cut(void **state)
{
	struct fake_machine *m =
		apt_machine(state, "cut\t2\tiHR\t\n",
			    "--audit|1|packages|\n--configure|1|said|\n");
	struct error err = {0};

	fake_file(m, "/fake/said", "dpkg: error processing package cut (--configure):\n");
	assert_int_equal(packages_repair(&m->run, &err), -ERROR_PROGRAM);
	assert_true(fake_ran(m, "--no-remove --fix-broken --reinstall install cut "));
	assert_non_null(strstr(err.message, "dpkg --audit"));
}

static void repair_tells_what_configuring_said(void **state)
{
	struct fake_machine *m =
		apt_machine(state, BEFORE, "--audit|1|packages|\n--configure|1|said|\n");
	struct error err = {0};

	fake_file(m, "/fake/said", "run-parts: /etc/x exited with return code 1\n");
	assert_int_equal(packages_repair(&m->run, &err), -ERROR_PROGRAM);
	assert_non_null(strstr(err.message, "/etc/x"));
	assert_false(fake_ran(m, "--fix-broken"));
}

static void one_failing_mirror_fails_the_refresh(void **state)
{
	struct fake_machine *m = apt_machine(state, "", "update|100|said|\n");

	fake_file(m, "/fake/said", "E: Failed to fetch x\n");
	assert_int_equal(packages_refresh(&m->run, NULL), -ERROR_PROGRAM);
	assert_true(fake_ran(m, "APT::Update::Error-Mode=any update"));
}

#define CASE(f) \
	cmocka_unit_test_setup_teardown(f, fake_machine_set_up, fake_machine_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_plans_versions_are_installed_without_questions),
		CASE(what_the_plan_removes_is_named),
		CASE(nothing_is_installed_when_fetching_failed),
		CASE(archives_are_fetched_and_found_before_anything_is_installed),
		CASE(a_full_disk_is_told_as_one),
		CASE(apts_word_alone_is_not_believed),
		CASE(an_empty_plan_runs_nothing),
		CASE(undo_goes_back_in_one_run),
		CASE(undone_already_needs_no_run),
		CASE(a_cached_archive_serves_where_the_lists_do_not),
		CASE(what_nobody_has_stays_and_is_named),
		CASE(undo_removes_nothing_that_was_there_before),
		CASE(someone_elses_later_change_stays),
		CASE(what_was_cut_is_unpacked_before_it_is_removed),
		CASE(a_stopped_dpkg_is_let_finish_first),
		CASE(the_running_kernel_is_not_removed),
		CASE(repair_does_nothing_where_nothing_is_unfinished),
		CASE(repair_fetches_what_was_cut),
		CASE(repair_tells_what_configuring_said),
		CASE(one_failing_mirror_fails_the_refresh),
	};

	return cmocka_run_group_tests_name("packages", tests, NULL, NULL);
}
