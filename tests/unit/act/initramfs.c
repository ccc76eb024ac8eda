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
#define STAGING "/var/lib/kuro/staging"
#define STAGED  STAGING "/initramfs-" RELEASE

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
	assert_true(fake_ran(m, "mkinitramfs -v -o " STAGED " " RELEASE));
	assert_false(root_exists(&m->root, STAGING));
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
	assert_false(root_exists(&m->root, STAGING));
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
	assert_false(root_exists(&m->root, STAGING));
}

static void a_failure_is_told_in_the_generators_own_words(void **state)
{
	struct fake_machine *m = debian(state, "", "mkinitramfs|1|said|\n");
	struct error err = {0};

	fake_file(m, "/fake/said",
		  "Copying module directory kernel/fs\n"
		  "Calling hook lvm2\n"
		  "E: lvm2 failed with return 1.\n"
		  "Adding binary /bin/x\n"
		  "W: Possible missing firmware /lib/firmware/x for module x\n");
	assert_int_equal(initramfs_build(&m->run, RELEASE, &err), -ERROR_PROGRAM);
	assert_non_null(strstr(err.message, "status 1 after Calling hook lvm2: "
					    "E: lvm2 failed with return 1."));
	assert_null(strstr(err.message, "firmware"));
	/* shown: the stage and the words, not what is for the log alone */
	assert_string_equal(text_str(&m->lines),
			    "Calling hook lvm2\nE: lvm2 failed with return 1.\n");
}

static void a_generator_that_says_nothing(void **state)
{
	struct fake_machine *m = debian(state, "", "mkinitramfs|3||\n");
	struct error err = {0};

	assert_int_equal(initramfs_build(&m->run, RELEASE, &err), -ERROR_PROGRAM);
	assert_non_null(strstr(err.message, "mkinitramfs ended with status 3"));
}

/* Anybody may have made a name in /var/tmp first: it is not used, nor removed. */
/* So much is free in each place, in their order. */
static uint64_t room_of(void *data, const char *path)
{
	const uint64_t *room = data;

	return str_starts(path, "/var/lib/") ? room[0]
	       : str_starts(path, "/var/")   ? room[1]
					     : room[2];
}

static const char *chosen(uint64_t need, uint64_t first, uint64_t second, uint64_t third)
{
	uint64_t room[] = {first, second, third};
	const struct initramfs_staging staging = {.need = need,
						  .room = room_of,
						  .data = room};

	return initramfs_staging_choose(&staging);
}

static void staging_is_the_first_place_with_room(void **state)
{
	(void)state;
	assert_string_equal(chosen(10, 10, 90, 90), STAGING);
	assert_string_equal(chosen(10, 9, 10, 90), "/var/tmp/kuro-staging");
	assert_string_equal(chosen(10, 9, 0, 11), "/tmp/kuro-staging");
	assert_string_equal(chosen(10, 7, 8, 6), "/var/tmp/kuro-staging");
	assert_string_equal(chosen(10, 0, 0, 0), STAGING);
}

static void only_directories_of_ones_own_are_staging(void **state)
{
	struct fake_machine *m = debian(state, "070701 x", "mkinitramfs|0||image\n");

	fake_file(m, "/var/lib/kuro/staging", "a file is in the way");
	fake_file(m, "/srv/elsewhere/file", "");
	assert_int_equal(root_mkdirs(&m->root, "/var/tmp", 0777, NULL), 0);
	assert_int_equal(root_symlink(&m->root, "/srv/elsewhere",
				      "/var/tmp/kuro-staging"),
			 0);
	assert_int_equal(initramfs_build(&m->run, RELEASE, NULL), 0);
	assert_true(fake_ran(m, "-o /tmp/kuro-staging/initramfs-" RELEASE));
	assert_true(root_exists(&m->root, "/srv/elsewhere/file"));
	assert_false(root_exists(&m->root, "/tmp/kuro-staging"));
}

static void no_generator_is_told(void **state)
{
	struct fake_machine *m = fake_machine(state);
	struct error err = {0};

	assert_int_equal(initramfs_build(&m->run, RELEASE, &err), -ERROR_UNSUPPORTED);
	assert_null(initramfs_generator(&m->root));
}

static void the_generator_is_recognised(void **state)
{
	struct fake_machine *m = fake_machine(state);

	fake_file(m, "/usr/bin/mkinitcpio", "");
	assert_string_equal(initramfs_generator(&m->root)->name, "mkinitcpio");
	fake_file(m, "/usr/bin/dracut", "");
	assert_string_equal(initramfs_generator(&m->root)->name, "dracut");
	assert_false(initramfs_generator(&m->root)->by_rename);
	fake_file(m, "/etc/mkinitcpio.d/linux.preset", "");
	assert_string_equal(initramfs_generator(&m->root)->name, "mkinitcpio");
	fake_file(m, "/usr/sbin/mkinitramfs", "");
	fake_file(m, "/usr/sbin/update-initramfs", "");
	fake_file(m, "/etc/kernel/postinst.d/initramfs-tools", "");
	assert_string_equal(initramfs_generator(&m->root)->name, "initramfs-tools");
	assert_true(initramfs_generator(&m->root)->by_rename);
}

static void mkinitcpios_images_are_named_by_package(void **state)
{
	struct fake_machine *m = fake_machine(state);
	autofree char *path = NULL, *hostile = NULL;

	fake_file(m, "/usr/bin/mkinitcpio", "");
	fake_file(m, "/usr/lib/modules/6.9-arch1/pkgbase", "linux-lts\n");
	fake_file(m, "/usr/lib/modules/6.8-arch1/pkgbase", "../../etc/passwd\n");
	path = initramfs_path(&m->root, "6.9-arch1");
	assert_string_equal(path, "/boot/initramfs-linux-lts.img");
	hostile = initramfs_path(&m->root, "6.8-arch1");
	assert_string_equal(hostile, "/boot/initramfs-6.8-arch1.img");
}

static void settings_are_read_without_a_shell(void **state)
{
	struct fake_machine *m = fake_machine(state);
	char *word = NULL, *source = NULL;

	fake_file(m, "/usr/bin/dracut", "");
	initramfs_compression(&m->root, &word, &source);
	assert_null(word);
	fake_file(m, "/etc/dracut.conf",
		  "#compress=xz\nadd_drivers+=\" x \"\ncompress=\"gzip\"\n");
	initramfs_compression(&m->root, &word, &source);
	assert_string_equal(word, "gzip");
	free(word);
	free(source);
	fake_file(m, "/etc/dracut.conf.d/z.conf", "  compress='lz4 -l' # quick\n");
	initramfs_compression(&m->root, &word, &source);
	assert_string_equal(word, "lz4");
	assert_string_equal(source, "/etc/dracut.conf.d/z.conf");
	free(word);
	free(source);
	fake_file(m, "/etc/dracut.conf.d/zz.conf", "compress=$(choose)\n");
	initramfs_compression(&m->root, &word, &source);
	assert_null(word);
	assert_string_equal(source, "/etc/dracut.conf.d/zz.conf");
	free(source);
}

static void a_module_younger_than_the_image_makes_it_stale(void **state)
{
	struct fake_machine *m = debian(state, "070701 x", "mkinitramfs|0||image\n");

	fake_file(m, "/lib/modules/" RELEASE "/kernel/a.ko", "a");
	assert_int_equal(initramfs_is_stale(&m->root, RELEASE, NULL), -ENOENT);
	assert_int_equal(initramfs_build(&m->run, RELEASE, NULL), 0);
	fake_file(m, "/lib/modules/" RELEASE "/modules.dep", "an index");
	assert_int_equal(initramfs_is_stale(&m->root, RELEASE, NULL), 0);
	(void)usleep(20000); /* a tick of the file system's clock */
	fake_file(m, "/lib/modules/" RELEASE "/updates/b.ko.zst", "b");
	assert_int_equal(initramfs_is_stale(&m->root, RELEASE, NULL), 1);
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
		CASE(a_failure_is_told_in_the_generators_own_words),
		CASE(a_generator_that_says_nothing),
		CASE(only_directories_of_ones_own_are_staging),
		CASE(staging_is_the_first_place_with_room),
		CASE(no_generator_is_told),
		CASE(the_generator_is_recognised),
		CASE(mkinitcpios_images_are_named_by_package),
		CASE(settings_are_read_without_a_shell),
		CASE(a_module_younger_than_the_image_makes_it_stale),
		CASE(a_killed_runs_left_overs_go),
		CASE(a_name_that_is_no_release_is_refused),
		CASE(places_are_the_distributions),
	};

	return cmocka_run_group_tests_name("initramfs", tests, NULL, NULL);
}
