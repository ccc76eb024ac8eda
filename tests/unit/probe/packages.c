/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Plans survive the database, hostile ones do not; which packages apt is asked for, and
 * what is read out of its answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "machine.h"
#include "probe/apt-answers.h"
#include "probe/apt-security.h"

#define DEBIAN                                                                          \
	"linux-base\t4.9\tii \t\n"                                                      \
	"linux-headers-6.1.0-50-amd64\t6.1.176-1\tii \tlinux-headers-6.1.0-50-common "  \
	"(= "                                                                           \
	"6.1.176-1)\n"                                                                  \
	"linux-headers-amd64\t6.1.176-1\tii \tlinux-headers-6.1.0-50-amd64 (= "         \
	"6.1.176-1)\n"                                                                  \
	"linux-image-6.1.0-50-amd64\t6.1.176-1\tii \tkmod, linux-base (>= 4.3~)\n"      \
	"linux-image-6.1.0-50-amd64-unsigned\t\tun \t\n"                                \
	"linux-image-6.12-cloud-amd64\t6.12.1-1\trc \tlinux-image-6.12.1-cloud-amd64\n" \
	"linux-image-amd64\t6.1.176-1\tii \tlinux-image-6.1.0-50-amd64 (= 6.1.176-1)\n"
#define UBUNTU                                                                       \
	"linux-firmware\t1\tii \t\n"                                                 \
	"linux-generic\t6.8.0-48.48\tii \tlinux-image-generic (= 6.8.0-48.48), "     \
	"linux-headers-generic (= 6.8.0-48.48)\n"                                    \
	"linux-headers-6.8.0-48-generic\t6.8.0-48.48\tii \tlinux-headers-6.8.0-48, " \
	"libc6\n"                                                                    \
	"linux-headers-generic\t6.8.0-48.48\tii \tlinux-headers-6.8.0-48-generic\n"  \
	"linux-image-6.8.0-48-generic\t6.8.0-48.48\tii \tkmod, "                     \
	"linux-modules-6.8.0-48-generic\n"                                           \
	"linux-image-generic\t6.8.0-48.48\tii \tlinux-image-6.8.0-48-generic | "     \
	"linux-image-unsigned-6.8.0-48-generic, linux-firmware\n"                    \
	"linux-modules-nvidia-535-generic\t6.8.0-48.48\tii "                         \
	"\tlinux-modules-nvidia-535-6.8.0-48-generic (= 6.8.0-48.48)\n"

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
	fake_file(
		m, "/fake/newer",
		"Reading package lists...\n"
		"Inst linux-image-6.1.0-56-amd64 (6.1.192-2 Debian-Security:12 [amd64])\n"
		"Inst linux-image-amd64 [6.1.176-1] (6.1.192-2 Debian-Security:12 "
		"[amd64])\n"
		"Conf linux-image-6.1.0-56-amd64 (6.1.192-2 Debian-Security:12 "
		"[amd64])\n");
	fake_file(m, "/fake/auto", "linux-base\nlinux-image-6.1.0-50-amd64\n");
	fake_rules(m, all);
	return m;
}

static void the_newer_kernel_is_found(void **state)
{
	struct fake_machine *m =
		apt_machine(state, DEBIAN,
			    "apt-get|0|newer|\napt-mark showauto|0|auto|\n");
	autoplan struct package_plan plan = {0};
	const struct package_change *image, *meta;

	assert_int_equal(packages_resolve(&m->root, &m->policy, NULL, &plan, NULL), 0);
	assert_string_equal(plan.manager, "apt");
	assert_string_equal(plan.release, "6.1.0-56-amd64");
	assert_int_equal(plan.count, 2);
	image = package_plan_find(&plan, "linux-image-6.1.0-56-amd64");
	assert_null(image->old_version);
	assert_string_equal(image->new_version, "6.1.192-2");
	assert_true(image->automatic);
	meta = package_plan_find(&plan, "linux-image-amd64");
	assert_string_equal(meta->old_version, "6.1.176-1");
	assert_false(meta->automatic);
	assert_true(fake_ran(m, "install --only-upgrade linux-image-amd64 "
				"linux-headers-amd64\n"));
}

static void ubuntus_chain_is_asked_for_as_a_whole(void **state)
{
	struct fake_machine *m = apt_machine(state, UBUNTU, "");
	autoplan struct package_plan plan = {0};

	assert_int_equal(packages_resolve(&m->root, &m->policy, NULL, &plan, NULL), 0);
	assert_null(plan.release);
	assert_int_equal(plan.count, 0);
	assert_true(fake_ran(m, "install --only-upgrade linux-image-generic "
				"linux-headers-generic linux-modules-nvidia-535-generic "
				"linux-generic\n"));
}

static void an_upgrade_of_the_same_release_counts(void **state)
{
	struct fake_machine *m = apt_machine(state, DEBIAN, "apt-get|0|same|\n");
	autoplan struct package_plan plan = {0};

	fake_file(m, "/fake/same",
		  "Inst linux-image-amd64 [1-1] (1-2 Debian [amd64])\n"
		  "Inst linux-image-6.1.0-50-amd64 [1-1] (1-2 Debian [amd64]) []\n"
		  "Inst linux-image-6.1.0-9-amd64-dbg (1-2 Debian [amd64])\n");
	assert_int_equal(packages_resolve(&m->root, &m->policy, NULL, &plan, NULL), 0);
	assert_string_equal(plan.release, "6.1.0-50-amd64");
}

static void a_machine_without_kernel_packages_is_told_so(void **state)
{
	struct fake_machine *m = apt_machine(state, "linux-base\t4.9\tii \t\n", "");
	autoplan struct package_plan plan = {0};
	struct error err = {0};

	assert_int_equal(packages_resolve(&m->root, &m->policy, NULL, &plan, &err),
			 -ERROR_UNSUPPORTED);
	assert_non_null(strstr(err.message, "--to"));
	assert_int_equal(root_unlink(&m->root, "/var/lib/dpkg/status", NULL), 0);
	assert_null(packages_manager(&m->root));
	assert_int_equal(packages_resolve(&m->root, &m->policy, NULL, &plan, &err),
			 -ERROR_UNSUPPORTED);
}

static void a_hold_is_told_not_overridden(void **state)
{
	struct fake_machine *m = apt_machine(state, DEBIAN,
					     "upgrade linux-image-amd64|0|held|\n"
					     "upgrade linux-headers-amd64|0||\n");
	autoplan struct package_plan plan = {0};

	fake_file(m, "/fake/held",
		  "The following held packages will be changed:\n  linux-image-amd64\n"
		  "The following packages will be upgraded:\n  linux-base\n"
		  "Inst linux-image-amd64 [1] (2 x [amd64])\n");
	assert_int_equal(packages_resolve(&m->root, &m->policy, NULL, &plan, NULL), 0);
	assert_null(plan.release);
	assert_int_equal(plan.count, 0);
	assert_int_equal(plan.kept_back.count, 1);
	assert_string_equal(plan.kept_back.items[0], "linux-image-amd64");
	assert_true(fake_ran(m, "--only-upgrade linux-headers-amd64\n"));
}

static void a_hold_on_what_is_needed_refuses(void **state)
{
	struct fake_machine *m = apt_machine(state, DEBIAN, "apt-get|0|held|\n");
	autoplan struct package_plan plan = {0};
	struct error err = {0};

	fake_file(m, "/fake/held",
		  "The following held packages will be changed:\n  initramfs-tools\n");
	assert_int_equal(packages_resolve(&m->root, &m->policy, NULL, &plan, &err),
			 -ERROR_REFUSED);
	assert_non_null(strstr(err.message, "initramfs-tools"));
}

static void a_release_by_name_brings_its_headers(void **state)
{
	struct fake_machine *m =
		apt_machine(state, DEBIAN, "madison|0|madison|\napt-get|0|newer|\n");
	autoplan struct package_plan plan = {0};

	fake_file(m, "/fake/newer",
		  "Inst linux-image-6.1.0-53-amd64 (6.1.187-1 x [amd64])\n"
		  "Inst linux-headers-6.1.0-53-common (6.1.187-1 x [all])\n"
		  "Inst linux-headers-6.1.0-53-amd64 (6.1.187-1 x [amd64])\n");
	fake_file(m, "/fake/madison",
		  "linux-image-6.1.0-53-amd64 | 6.1.187-1 | http://x y Packages\n"
		  "linux-headers-6.1.0-53-amd64 | 6.1.187-1 | http://x y Packages\n");
	assert_int_equal(packages_resolve(&m->root, &m->policy, "6.1.0-53-amd64", &plan,
					  NULL),
			 0);
	assert_string_equal(plan.release, "6.1.0-53-amd64");
	assert_true(fake_ran(m, " install linux-image-6.1.0-53-amd64 "
				"linux-headers-6.1.0-53-amd64\n"));
	assert_false(plan.items[0].automatic);
	assert_true(plan.items[1].automatic);
}

/* Headers that a person installed for other kernels come for the new one, too. */
static void the_newer_kernel_brings_its_headers(void **state)
{
	struct fake_machine *m = apt_machine(
		state, DEBIAN "linux-headers-6.1.0-50-amd64\t6.1.176-1\tii \t\n",
		"madison|0|madison|\nlinux-headers-6.1.0-56|0|with|\napt-get|0|newer|\n");
	autoplan struct package_plan plan = {0};

	fake_file(m, "/fake/madison",
		  "linux-headers-6.1.0-56-amd64 | 6.1.192-2 | http://x y Packages\n");
	fake_file(m, "/fake/with",
		  "Inst linux-image-6.1.0-56-amd64 (6.1.192-2 x [amd64])\n"
		  "Inst linux-headers-6.1.0-56-amd64 (6.1.192-2 x [amd64])\n");
	assert_int_equal(packages_resolve(&m->root, &m->policy, NULL, &plan, NULL), 0);
	assert_string_equal(plan.release, "6.1.0-56-amd64");
	assert_non_null(package_plan_find(&plan, "linux-headers-6.1.0-56-amd64"));
}

/* A mirror that lags: the kernel comes alone, and is vetted so. */
static void headers_that_can_not_be_had_stop_no_resolution(void **state)
{
	struct fake_machine *m =
		apt_machine(state,
			    DEBIAN "linux-headers-amd64\t6.1.176-1\tii "
				   "\tlinux-headers-6.1.0-50-amd64 (= 6.1.176-1)\n",
			    "madison|0||\nlinux-headers-amd64|100||\napt-get|0|newer|\n");
	autoplan struct package_plan plan = {0};

	assert_int_equal(packages_resolve(&m->root, &m->policy, NULL, &plan, NULL), 0);
	assert_string_equal(plan.release, "6.1.0-56-amd64");
	assert_int_equal(plan.count, 2);
}

static void an_unknown_release_is_named(void **state)
{
	struct fake_machine *m = apt_machine(state, DEBIAN, "madison|0|madison|\n");
	autoplan struct package_plan plan = {0};
	struct error err = {0};

	fake_file(m, "/fake/madison",
		  "linux-image-6.9 | 6.9 | http://x y Sources\nbroken line\n");
	assert_int_equal(packages_resolve(&m->root, &m->policy, "6.9", &plan, &err),
			 -ENOENT);
	assert_string_equal(err.message,
			    "apt knows no package linux-image-6.9; run apt-get update?");
	assert_int_equal(packages_resolve(&m->root, &m->policy, "-o", &plan, &err),
			 -ERROR_USAGE);
	assert_false(fake_ran(m, "apt-get"));
}

static void an_installed_release_needs_nothing(void **state)
{
	struct fake_machine *m = apt_machine(state, DEBIAN, "");
	autoplan struct package_plan plan = {0};

	assert_int_equal(packages_resolve(&m->root, &m->policy, "6.1.0-50-amd64", &plan,
					  NULL),
			 0);
	assert_int_equal(plan.count, 0);
}

static void apts_failure_is_told(void **state)
{
	struct fake_machine *m = apt_machine(state, DEBIAN, "apt-get|100|said|\n");
	autoplan struct package_plan plan = {0};
	struct error err = {0};

	fake_file(m, "/fake/said", "E: The list of sources could not be read.\n");
	assert_int_equal(packages_resolve(&m->root, &m->policy, NULL, &plan, &err),
			 -ERROR_PROGRAM);
	assert_non_null(strstr(err.message, "list of sources"));
}

#define ARCHIVES                                                                   \
	"Package files:\n"                                                         \
	" 100 /var/lib/dpkg/status\n     release a=now\n"                          \
	" 500 http://a x-security/main amd64 Packages\n"                           \
	"     release v=12,o=Debian,a=oldstable-security,n=x-security,"            \
	"l=Debian-Security,c=main,b=amd64\n     origin a\n"                        \
	" 500 http://security.a x/main amd64 Packages\n"                           \
	"     release v=12,o=Debian,a=oldstable,n=x,l=Debian,c=main,b=amd64\n"     \
	" 500 http://u jammy-updates/main amd64 Packages\n"                        \
	"     release v=22.04,o=Ubuntu,a=jammy-updates,n=jammy,l=Ubuntu,c=main\n"  \
	" -1 http://u jammy-security/main amd64 Packages\n"                        \
	"     release v=22.04,o=Ubuntu,a=jammy-security,n=jammy,l=Ubuntu,c=main\n" \
	"Pinned packages:\n     l -> 1 with priority 991\n"
#define VERSIONS                                                                     \
	"linux-image-6.1.0-57-amd64:\n  Installed: (none)\n  Candidate: 6.1.195-1\n" \
	"  Version table:\n     6.1.195-1 500\n"                                     \
	"        500 http://security.a x/main amd64 Packages\n"                      \
	"linux-image-6.1.0-56-amd64:\n  Installed: (none)\n  Candidate: 6.1.192-2\n" \
	"  Version table:\n     6.1.192-2 500\n"                                     \
	"        500 http://security.a x/main amd64 Packages\n"                      \
	"        500 http://a x-security/main amd64 Packages\n"                      \
	" *** 6.1.192-1 100 (phased 10%)\n        100 /var/lib/dpkg/status\n"        \
	"linux-image-amd64:i386:\n  Version table:\n     6.1.192-2 500\n"            \
	"         -1 http://u jammy-security/main amd64 Packages\n"                  \
	"     6.1.176-1 500\n        500 http://security.a x/main amd64 Packages\n"

static void security_is_what_the_archive_says(void **state)
{
	autostrv struct strv found = {0}, none = {0};

	(void)state;
	apt_security_parse(ARCHIVES, VERSIONS, &found);
	assert_int_equal(found.count, 2);
	assert_string_equal(found.items[0], "linux-image-6.1.0-56-amd64=6.1.192-2");
	assert_string_equal(found.items[1], "linux-image-amd64:i386=6.1.192-2");
	apt_security_parse("", VERSIONS, &none);
	apt_security_parse("500\n -\n500 \n     release l=Debian-Security\n",
			   "-x:\n     1 500\n        500 \n \n\n     ;\n       500 a\n",
			   &none);
	assert_int_equal(none.count, 0);
}

/* A machine with a newer kernel than that of the archive of security updates. */
static struct fake_machine *security_machine(void **state, const char *rules)
{
	autofree char *all = str_format("%sapt-cache policy linux|0|versions|\n"
					"apt-cache policy|0|archives|\n"
					"apt-mark showauto|0|auto|\n",
					rules);
	struct fake_machine *m = apt_machine(state, DEBIAN, all);

	fake_file(m, "/fake/archives", ARCHIVES);
	fake_file(m, "/fake/versions", VERSIONS);
	fake_file(m, "/fake/newest",
		  "Inst linux-image-6.1.0-57-amd64 (6.1.195-1 Debian:12 [amd64])\n"
		  "Inst linux-image-amd64 [6.1.176-1] (6.1.195-1 Debian:12 [amd64])\n");
	assert_int_equal(policy_set(&m->policy, POLICY_PACKAGES_SECURITY, "true", NULL),
			 0);
	return m;
}

static void a_security_update_is_taken_as_it_comes(void **state)
{
	struct fake_machine *m = security_machine(state, "apt-get|0|newer|\n");
	autoplan struct package_plan plan = {0};

	assert_int_equal(packages_resolve(&m->root, &m->policy, NULL, &plan, NULL), 0);
	assert_string_equal(plan.release, "6.1.0-56-amd64");
	assert_null(plan.passed_over);
	assert_false(fake_ran(m, "Dir::Etc::Preferences"));
}

static void an_older_security_update_is_taken_instead(void **state)
{
	struct fake_machine *m =
		security_machine(state,
				 "Preferences=/proc|0|newer|\napt-get|0|newest|\n");
	autoplan struct package_plan plan = {0};

	assert_int_equal(packages_resolve(&m->root, &m->policy, NULL, &plan, NULL), 0);
	assert_string_equal(plan.release, "6.1.0-56-amd64");
	assert_string_equal(plan.passed_over, "6.1.0-57-amd64");
}

static void without_a_security_update_nothing_comes(void **state)
{
	struct fake_machine *m = security_machine(state, "apt-get|0|newest|\n");
	autoplan struct package_plan plan = {0};

	assert_int_equal(packages_resolve(&m->root, &m->policy, NULL, &plan, NULL), 0);
	assert_null(plan.release);
	assert_int_equal(plan.count, 0);
	assert_string_equal(plan.passed_over, "6.1.0-57-amd64");
	assert_true(fake_ran(m, "--only-upgrade linux-headers-amd64\n"));
}

static void half_done_packages_are_seen(void **state)
{
	struct fake_machine *m = apt_machine(state, DEBIAN, "dpkg --audit|0||\n");

	assert_int_equal(packages_unfinished(&m->root, NULL), 0);
	fake_file(m, "/var/lib/dpkg/updates/0003", "");
	assert_int_equal(packages_unfinished(&m->root, NULL), 1);
	assert_int_equal(root_unlink(&m->root, "/var/lib/dpkg/updates/0003", NULL), 0);
	fake_rules(m, "dpkg --audit|1|packages|\n");
	assert_int_equal(packages_unfinished(&m->root, NULL), 1);
	fake_rules(m, "dpkg --audit|2||\n");
	assert_int_equal(packages_unfinished(&m->root, NULL), -ERROR_PROGRAM);
}

static void installed_means_configured_at_that_version(void **state)
{
	static const struct {
		const char *packages;
		int answer;
	} cases[] = {
		{"new\t2\tii \t\nchanged\t2\tii \t\n", 1},
		{"new\t2\tii \t\nchanged\t2\thi \t\ngone\t1\trc \t\n", 1},
		{"new\t2\tiU \t\nchanged\t2\tii \t\n", 0},
		{"new\t2\tiHR\t\nchanged\t2\tii \t\n", 0},
		{"new\t2\tit \t\nchanged\t2\tii \t\n", 0},
		{"new\t2\tii \t\nchanged\t1\tii \t\n", 0},
		{"new\t2\tii \t\n", 0},
		{"new\t2\tii \t\nchanged\t2\tii \t\ngone\t1\tii \t\n", 0},
	};
	struct fake_machine *m = apt_machine(state, "", "");
	autoplan struct package_plan plan = {0};

	assert_int_equal(package_plan_parse("{\"packages\":["
					    "{\"name\":\"new\",\"new\":\"2\"},"
					    "{\"name\":\"changed\",\"old\":\"1\",\"new\":"
					    "\"2\"},"
					    "{\"name\":\"gone\",\"old\":\"1\"}]}",
					    &plan, NULL),
			 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		fake_file(m, "/fake/packages", cases[i].packages);
		assert_int_equal(packages_installed(&m->root, &plan, NULL),
				 cases[i].answer);
	}
}

static void a_simulation_is_read_line_by_line(void **state)
{
	autoplan struct package_plan plan = {0};

	(void)state;
	assert_int_equal(
		apt_simulate_parse(
			"Remv moved [1:1.0-1]\n"
			"Inst a [1] (2 Label:1 (beta)/x [amd64]) [b:amd64 ]\n"
			"Purg p [3]\nPurg rc\nRemv gone:i386 [1.0~rc1] [x:amd64 ]\n"
			"Inst moved (1:2.0-1 x [all])\n"
			"Conf a (2 x [amd64])\nInstead of this, nothing\n",
			&plan, NULL),
		0);
	assert_int_equal(plan.count, 4);
	assert_string_equal(package_plan_find(&plan, "moved")->old_version, "1:1.0-1");
	assert_string_equal(package_plan_find(&plan, "moved")->new_version, "1:2.0-1");
	assert_string_equal(package_plan_find(&plan, "a")->new_version, "2");
	assert_null(package_plan_find(&plan, "p")->new_version);
	assert_string_equal(package_plan_find(&plan, "gone:i386")->old_version,
			    "1.0~rc1");
}

static void a_hostile_simulation_is_refused(void **state)
{
	static const char *const lines[] = {
		"Inst -y (1 x)\n",       "Inst a\n",
		"Inst a [1]\n",          "Inst a 1\n",
		"Inst a (;rm x)\n",      "Inst a (-1 x)\n",
		"Inst a [\033] (1 x)\n", "Inst a- (1 x)\n",
		"Inst a=1 (1 x)\n",      "Remv a\n",
		"Remv a (1)\n",          "Remv a []\n",
		"Purg ../x [1]\n",       "Purg ../x\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		autoplan struct package_plan plan = {0};

		assert_int_equal(apt_simulate_parse(lines[i], &plan, NULL),
				 -ERROR_DAMAGED);
	}
}

static void dpkg_lines_that_are_none_are_left_out(void **state)
{
	autodpkg struct dpkg_list list = {0};

	(void)state;
	dpkg_query_parse("a\t1\tii \tb, c\n\n-x\t1\tii \t\nb\t1\nc\t1 2\tii \t\n"
			 "d\t\tun \t\ne\t1\tiHR\t\n",
			 &list);
	assert_int_equal(list.count, 3);
	assert_true(dpkg_is_installed(&list, "a:amd64", "1"));
	assert_false(dpkg_is_installed(&list, "a", "2"));
	assert_false(dpkg_is_installed(&list, "d", NULL));
	assert_int_equal(dpkg_find(&list, "e")->broken, 'R');
	assert_null(dpkg_find(&list, "b"));
}

static void a_plan_survives_the_database(void **state)
{
	autoplan struct package_plan plan = {0}, back = {0};
	autofree char *text = NULL, *again = NULL;
	struct package_change *change;

	(void)state;
	plan.manager = str_dup("apt");
	plan.release = str_dup("6.1.0-56-amd64");
	change = package_plan_add(&plan, "linux-image-6.1.0-56-amd64");
	change->new_version = str_dup("1:6.1.192-2+b1~x");
	change->automatic = true;
	change = package_plan_add(&plan, "g++:amd64");
	change->old_version = str_dup("1");
	strv_add(&plan.kept_back, "linux-headers-amd64");
	text = package_plan_format(&plan);
	assert_int_equal(package_plan_parse(text, &back, NULL), 0);
	again = package_plan_format(&back);
	assert_string_equal(text, again);
	assert_true(back.items[0].automatic);
	assert_null(back.items[1].new_version);
}

static void a_damaged_plan_is_refused(void **state)
{
	static const char *const plans[] = {
		"",
		"[]",
		"nonsense",
		"{}",
		"{\"packages\":{}}",
		"{\"packages\":[1]}",
		"{\"packages\":[{\"name\":\"a\"}]}",
		"{\"packages\":[{\"new\":\"1\"}]}",
		"{\"packages\":[{\"name\":\"-y\",\"new\":\"1\"}]}",
		"{\"packages\":[{\"name\":\"a-\",\"new\":\"1\"}]}",
		"{\"packages\":[{\"name\":\"a\",\"new\":\"1 2\"}]}",
		"{\"packages\":[{\"name\":\"a\",\"new\":\"1\\u0000\"}]}",
		"{\"packages\":[{\"name\":\"a\",\"new\":7}]}",
		("{\"packages\":[{\"name\":\"a\",\"new\":\"1\"},{\"name\":\"a\",\"new\":"
		 "\"2\"}]}"),
		"{\"packages\":[],\"release\":\"../../etc\"}",
		"{\"packages\":[],\"manager\":\"-x\"}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(plans); i++) {
		autoplan struct package_plan plan = {0};

		assert_int_equal(package_plan_parse(plans[i], &plan, NULL),
				 -ERROR_DAMAGED);
		assert_int_equal(plan.count, 0);
	}
}

#define CASE(f) \
	cmocka_unit_test_setup_teardown(f, fake_machine_set_up, fake_machine_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_newer_kernel_is_found),
		CASE(ubuntus_chain_is_asked_for_as_a_whole),
		CASE(an_upgrade_of_the_same_release_counts),
		CASE(a_machine_without_kernel_packages_is_told_so),
		CASE(a_hold_is_told_not_overridden),
		CASE(a_hold_on_what_is_needed_refuses),
		CASE(a_release_by_name_brings_its_headers),
		CASE(the_newer_kernel_brings_its_headers),
		CASE(headers_that_can_not_be_had_stop_no_resolution),
		CASE(an_unknown_release_is_named),
		CASE(an_installed_release_needs_nothing),
		CASE(apts_failure_is_told),
		cmocka_unit_test(security_is_what_the_archive_says),
		CASE(a_security_update_is_taken_as_it_comes),
		CASE(an_older_security_update_is_taken_instead),
		CASE(without_a_security_update_nothing_comes),
		CASE(half_done_packages_are_seen),
		CASE(installed_means_configured_at_that_version),
		cmocka_unit_test(a_simulation_is_read_line_by_line),
		cmocka_unit_test(a_hostile_simulation_is_refused),
		cmocka_unit_test(dpkg_lines_that_are_none_are_left_out),
		cmocka_unit_test(a_plan_survives_the_database),
		cmocka_unit_test(a_damaged_plan_is_refused),
	};

	return cmocka_run_group_tests_name("packages", tests, NULL, NULL);
}
