/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Releases that wait outlive whoever marked them, newest first; a reboot is asked for as
 * long as a package wants one, and no longer.
 */
#include "act/pending.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "act/reboot-required.h"
#include "base/cleanup.h"
#include "machine.h"

static void marks_are_listed_newest_first(void **state)
{
	struct fake_machine *m = fake_machine(state);
	autostrv struct strv all = {0}, left = {0};

	assert_int_equal(pending_list(&m->root, &all, NULL), 0);
	assert_int_equal(all.count, 0);
	assert_int_equal(pending_add(&m->root, "6.1.0-9-amd64", NULL), 0);
	assert_int_equal(pending_add(&m->root, "6.1.0-10-amd64", NULL), 0);
	assert_int_equal(pending_add(&m->root, "6.1.0-10-amd64", NULL), 0);
	fake_file(m, PENDING_DIRECTORY "/.no-release", "");
	assert_int_equal(pending_list(&m->root, &all, NULL), 0);
	assert_int_equal(all.count, 2);
	assert_string_equal(all.items[0], "6.1.0-10-amd64");
	assert_int_equal(pending_remove(&m->root, "6.1.0-10-amd64", NULL), 0);
	assert_int_equal(pending_remove(&m->root, "6.1.0-10-amd64", NULL), 0);
	assert_int_equal(pending_list(&m->root, &left, NULL), 0);
	assert_int_equal(left.count, 1);
	assert_string_equal(left.items[0], "6.1.0-9-amd64");
}

static void what_is_no_release_is_not_marked(void **state)
{
	struct fake_machine *m = fake_machine(state);

	assert_int_equal(pending_add(&m->root, "../../etc/passwd", NULL), -EINVAL);
	assert_int_equal(pending_remove(&m->root, "", NULL), -EINVAL);
	assert_false(root_exists(&m->root, PENDING_DIRECTORY));
}

static void a_reboot_is_asked_for_once(void **state)
{
	struct fake_machine *m = fake_machine(state);
	autofree char *packages = NULL;

	fake_file(m, REBOOT_REQUIRED_PACKAGES, "libc6\n");
	assert_int_equal(reboot_required_add(&m->root, "1", NULL), 0);
	assert_int_equal(reboot_required_add(&m->root, "1", NULL), 0);
	packages = fake_read(m, REBOOT_REQUIRED_PACKAGES);
	assert_string_equal(packages, "libc6\nlinux-image-1\n");
	assert_true(root_exists(&m->root, REBOOT_REQUIRED));
	fake_file(m, REBOOT_REQUIRED_PACKAGES, "linux-image-unsigned-1\n");
	assert_int_equal(reboot_required_add(&m->root, "1", NULL), 0);
	free(packages);
	packages = fake_read(m, REBOOT_REQUIRED_PACKAGES);
	assert_string_equal(packages, "linux-image-unsigned-1\n");
}

static void what_others_want_stays(void **state)
{
	struct fake_machine *m = fake_machine(state);
	autofree char *packages = NULL;

	fake_file(m, REBOOT_REQUIRED, "*** System restart required ***\n");
	fake_file(m, REBOOT_REQUIRED_PACKAGES, "libc6\nlinux-image-1\nlinux-base\n");
	assert_int_equal(reboot_required_drop(&m->root, "2", NULL), 0);
	packages = fake_read(m, REBOOT_REQUIRED_PACKAGES);
	assert_string_equal(packages, "libc6\nlinux-image-1\nlinux-base\n");
	assert_int_equal(reboot_required_drop(&m->root, "1", NULL), 0);
	free(packages);
	packages = fake_read(m, REBOOT_REQUIRED_PACKAGES);
	assert_string_equal(packages, "libc6\n");
	assert_true(root_exists(&m->root, REBOOT_REQUIRED));
	fake_file(m, REBOOT_REQUIRED_PACKAGES,
		  "linux-image-unsigned-1\nlinux-base\nlinux-image-1-unsigned\n");
	assert_int_equal(reboot_required_drop(&m->root, "1", NULL), 0);
	assert_false(root_exists(&m->root, REBOOT_REQUIRED));
	assert_false(root_exists(&m->root, REBOOT_REQUIRED_PACKAGES));
}

#define TEST(f) \
	cmocka_unit_test_setup_teardown(f, fake_machine_set_up, fake_machine_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(marks_are_listed_newest_first),
		TEST(what_is_no_release_is_not_marked),
		TEST(a_reboot_is_asked_for_once),
		TEST(what_others_want_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
