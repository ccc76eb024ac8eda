/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The generator writes into staging; only a plausible image gets to the boot file
 * system, and the one that is there is replaced, not written over.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "act/initramfs.h"
#include "base/cleanup.h"
#include "machine.h"

#define RELEASE "6.1.0-9-amd64"
#define TARGET  "/boot/initrd.img-" RELEASE
#define STAGED  "/var/lib/kuro/staging/initramfs-" RELEASE

static struct fake_machine *debian(void **state, const char *image, const char *rule)
{
	struct fake_machine *m = fake_machine(state);

	fake_program(m, "mkinitramfs");
	fake_file(m, "/usr/sbin/mkinitramfs", "");
	fake_file(m, "/usr/sbin/update-initramfs", "");
	fake_file(m, "/var/lib/dpkg/status", "");
	fake_file(m, "/boot/vmlinuz-" RELEASE, "");
	fake_file(m, "/fake/image", image);
	fake_rules(m, rule);
	return m;
}

static void the_image_is_put_in_its_place(void **state)
{
	struct fake_machine *m =
		debian(state, "070701 an archive", "mkinitramfs|0||image\n");
	autofree char *built = NULL;
	struct error err = {0};

	assert_int_equal(initramfs_build(&m->run, RELEASE, &err), 0);
	built = fake_read(m, TARGET);
	assert_string_equal(built, "070701 an archive");
	assert_true(fake_ran(m, "mkinitramfs -o " STAGED " " RELEASE));
	assert_false(root_exists(&m->root, STAGED));
}

static void a_hard_link_to_the_old_one_stays_true(void **state)
{
	struct fake_machine *m = debian(state, "070701 new", "mkinitramfs|0||image\n");
	autofree char *linked = NULL;

	fake_file(m, TARGET, "070701 old");
	assert_int_equal(root_link(&m->root, TARGET, "/boot/generation"), 0);
	assert_int_equal(initramfs_build(&m->run, RELEASE, NULL), 0);
	linked = fake_read(m, "/boot/generation");
	assert_string_equal(linked, "070701 old");
}

static void what_is_no_archive_stays_in_staging(void **state)
{
	struct fake_machine *m =
		debian(state, "not an archive", "mkinitramfs|0||image\n");
	struct error err = {0};

	assert_int_equal(initramfs_build(&m->run, RELEASE, &err), -ERROR_DAMAGED);
	assert_non_null(strstr(err.message, RELEASE));
	assert_false(root_exists(&m->root, TARGET));
	assert_false(root_exists(&m->root, STAGED));
}

static void a_failed_generator_leaves_nothing(void **state)
{
	struct fake_machine *m =
		debian(state, "070701 half", "mkinitramfs|1|said|image\n");
	struct error err = {0};

	fake_file(m, "/fake/said", "zstd: /var/x: No space left on device\n");
	assert_int_equal(initramfs_build(&m->run, RELEASE, &err), -ENOSPC);
	assert_non_null(strstr(err.message, "No space left"));
	assert_false(root_exists(&m->root, TARGET));
	assert_false(root_exists(&m->root, STAGED));
}

static void a_killed_runs_left_overs_go(void **state)
{
	struct fake_machine *m = debian(state, "070701 new", "mkinitramfs|0||image\n");

	fake_file(m, "/boot/.initrd.img-" RELEASE ".kuro-77", "half");
	fake_file(m, "/boot/.initrd.img-mine", "a person's");
	assert_int_equal(initramfs_build(&m->run, RELEASE, NULL), 0);
	assert_false(root_exists(&m->root, "/boot/.initrd.img-" RELEASE ".kuro-77"));
	assert_true(root_exists(&m->root, "/boot/.initrd.img-mine"));
}

static void a_name_that_is_no_release_is_refused(void **state)
{
	struct fake_machine *m = debian(state, "070701", "mkinitramfs|0||image\n");

	assert_int_equal(initramfs_build(&m->run, "../etc/x", NULL), -EINVAL);
	assert_int_equal(initramfs_build(&m->run, "-v", NULL), -EINVAL);
	assert_false(fake_ran(m, "mkinitramfs"));
}

static void places_are_the_distributions(void **state)
{
	struct fake_machine *m = fake_machine(state);
	autofree char *plain = initramfs_path(&m->root, "6.1"), *debian = NULL;

	assert_string_equal(plain, "/boot/initramfs-6.1.img");
	fake_file(m, "/var/lib/dpkg/status", "");
	debian = initramfs_path(&m->root, "6.1");
	assert_string_equal(debian, "/boot/initrd.img-6.1");
}

#define CASE(f) \
	cmocka_unit_test_setup_teardown(f, fake_machine_set_up, fake_machine_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_image_is_put_in_its_place),
		CASE(a_hard_link_to_the_old_one_stays_true),
		CASE(what_is_no_archive_stays_in_staging),
		CASE(a_failed_generator_leaves_nothing),
		CASE(a_killed_runs_left_overs_go),
		CASE(a_name_that_is_no_release_is_refused),
		CASE(places_are_the_distributions),
	};

	return cmocka_run_group_tests_name("initramfs", tests, NULL, NULL);
}
