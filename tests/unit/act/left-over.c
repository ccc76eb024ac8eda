/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Left-overs are removed only where there are any, with what others noted of them; what
 * is protected stands where apt and dnf look.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "act/left-over.h"
#include "act/protection.h"
#include "base/cleanup.h"
#include "machine.h"

#define GONE "6.1.0-5-amd64"
#define DKMS "/var/lib/dkms/zfs/"

static void only_the_places_of_a_kind_are_touched(void **state)
{
	static const struct {
		enum leftover kind;
		const char *path;
	} wrong[] = {
		{LEFTOVER_INITRAMFS, "/etc/passwd"},
		{LEFTOVER_INITRAMFS, "/boot/../etc/passwd"},
		{LEFTOVER_INITRAMFS, "/boot/"},
		{LEFTOVER_TREE, "/usr/lib/modules/"},
		{LEFTOVER_TREE, "/usr/lib/modules/x/.."},
		{LEFTOVER_DKMS, "/boot/vmlinuz-" GONE},
		{LEFTOVER_STAGING, "/boot/vmlinuz-" GONE},
		{LEFTOVER_STAGING, "/var/tmp/kuro-staging-of-mine"},
		{LEFTOVER_STAGING, "/tmp"},
		{LEFTOVER_UNKNOWN, "/home/x"},
		{LEFTOVER_NONE, "/boot/x"},
		{(enum leftover)99, "/boot/x"},
	};
	struct fake_machine *m = fake_machine(state);

	fake_file(m, "/etc/passwd", "x");
	fake_file(m, "/boot/vmlinuz-" GONE, "x");
	fake_file(m, "/var/tmp/kuro-staging-of-mine", "x");
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct error err = {0};

		if (left_over_remove(&m->root, wrong[i].kind, wrong[i].path, &err) !=
		    -EINVAL)
			fail_msg("%s was let through", wrong[i].path);
	}
	assert_true(root_exists(&m->root, "/etc/passwd"));
	assert_true(root_exists(&m->root, "/boot/vmlinuz-" GONE));
	assert_true(root_exists(&m->root, "/var/tmp/kuro-staging-of-mine"));
}

static void removed(struct fake_machine *m, enum leftover kind, const char *path)
{
	struct error err = {0};

	if (left_over_remove(&m->root, kind, path, &err) < 0)
		fail_msg("%s: %s", path, err.message);
	assert_false(root_exists(&m->root, path));
	/* a second time it is so already */
	assert_int_equal(left_over_remove(&m->root, kind, path, &err), 0);
}

static void staging_goes_wherever_it_was(void **state)
{
	struct fake_machine *m = fake_machine(state);

	fake_file(m, "/var/tmp/kuro-staging/mkinitramfs_x/init", "x");
	fake_file(m, "/tmp/kuro-staging/x", "x");
	fake_file(m, "/var/lib/kuro/staging/initramfs-1", "x");
	removed(m, LEFTOVER_STAGING, "/var/tmp/kuro-staging");
	removed(m, LEFTOVER_STAGING, "/tmp/kuro-staging");
	removed(m, LEFTOVER_STAGING, "/var/lib/kuro/staging/initramfs-1");
}

/* update-initramfs would make a noted image anew. */
static void an_initramfs_goes_with_its_note(void **state)
{
	struct fake_machine *m = fake_machine(state);

	fake_file(m, "/boot/initrd.img-" GONE, "x");
	fake_file(m, "/var/lib/initramfs-tools/" GONE, "x");
	fake_file(m, "/var/lib/initramfs-tools/6.1.0-9-amd64", "x");
	removed(m, LEFTOVER_INITRAMFS, "/boot/initrd.img-" GONE);
	assert_false(root_exists(&m->root, "/var/lib/initramfs-tools/" GONE));
	assert_true(root_exists(&m->root, "/var/lib/initramfs-tools/6.1.0-9-amd64"));
}

/* Links that lead to other builds stay. */
static void a_build_goes_with_the_links_to_it(void **state)
{
	struct fake_machine *m = fake_machine(state);
	autofree char *target = NULL;

	fake_file(m, DKMS "2.1/" GONE "/x86_64/module/zfs.ko", "x");
	fake_file(m, DKMS "2.2/" GONE "/x86_64/module/zfs.ko", "x");
	assert_int_equal(root_symlink(&m->root, "2.1/" GONE "/x86_64",
				      DKMS "kernel-" GONE "-x86_64"),
			 0);
	assert_int_equal(root_symlink(&m->root, "2.2/" GONE "/aarch64",
				      DKMS "kernel-" GONE "-aarch64"),
			 0);
	removed(m, LEFTOVER_DKMS, DKMS "2.1/" GONE);
	assert_int_equal(root_readlink(&m->root, DKMS "kernel-" GONE "-x86_64", &target),
			 -ENOENT);
	assert_int_equal(root_readlink(&m->root, DKMS "kernel-" GONE "-aarch64", &target),
			 0);
	assert_true(root_exists(&m->root, DKMS "2.2/" GONE "/x86_64/module/zfs.ko"));
}

/* A cut anywhere leaves the image, by which the next run knows the kernel. */
static void a_kernel_that_is_half_removed_can_be_removed(void **state)
{
	static char image[] = "/boot/vmlinuz-" GONE, config[] = "/boot/config-" GONE;
	static char initramfs[] = "/boot/initrd.img-" GONE, release[] = GONE;
	static char entry[] = "/boot/loader/entries/x-" GONE ".conf";
	static char tree[] = "/usr/lib/modules/" GONE;
	static const char note[] = "/var/lib/initramfs-tools/" GONE;
	const char *const files[] = {image, config, initramfs, entry, note};
	const char *const in_the_way[] = {entry, note, initramfs, config,
					  "/boot/System.map-" GONE};
	const struct kernel kernel = {.release = release,
				      .image.path = image,
				      .initramfs.path = initramfs,
				      .config.path = config,
				      .loader_entry = entry,
				      .modules = tree};
	struct fake_machine *m = fake_machine(state);

	for (size_t n = 0; n < ARRAY_LEN(in_the_way); n++) {
		for (size_t i = 0; i < ARRAY_LEN(files); i++)
			fake_file(m, files[i], "x");
		fake_file(m, "/usr/lib/modules/" GONE "/modules.order", "x");
		assert_int_equal(root_unlink(&m->root, in_the_way[n], NULL), 0);
		assert_int_equal(root_mkdirs(&m->root, in_the_way[n], 0755, NULL), 0);
		assert_true(kernel_files_remove(&m->root, &kernel, NULL) < 0);
		assert_true(root_exists(&m->root, image));
		assert_int_equal(root_remove_tree(&m->root, in_the_way[n], NULL), 0);
		assert_int_equal(kernel_files_remove(&m->root, &kernel, NULL), 0);
		for (size_t i = 0; i < ARRAY_LEN(files); i++)
			assert_false(root_exists(&m->root, files[i]));
		assert_false(root_exists(&m->root, tree));
	}
}

static void protected_kernels_stand_where_apt_looks(void **state)
{
	struct fake_machine *m = fake_machine(state);
	autostrv struct strv releases = {0};
	autofree char *text = NULL;

	fake_file(m, "/etc/apt/apt.conf.d/01autoremove", "");
	strv_add(&releases, GONE);
	strv_add(&releases, "not a release");
	assert_int_equal(protection_write(&m->root, &releases, false, NULL), 0);
	text = fake_read(m, PROTECTION_APT);
	assert_non_null(strstr(text, "APT::NeverAutoRemove {"));
	assert_non_null(strstr(text, "\"^linux-.*-6\\.1\\.0-5-amd64$\";"));
	assert_null(strstr(text, "not a release"));
	assert_int_equal(protection_clear(&m->root, NULL), 0);
	assert_false(root_exists(&m->root, PROTECTION_APT));
	assert_int_equal(protection_clear(&m->root, NULL), 0);
}

/* Only where its limit of installed kernels would take one that a boot needs. */
static void dnf_is_told_only_where_its_limit_would_take_one(void **state)
{
	struct fake_machine *m = fake_machine(state);
	autostrv struct strv releases = {0};
	autofree char *text = NULL;

	fake_file(m, "/etc/dnf/protected.d/dnf.conf", "dnf\n");
	strv_add(&releases, "5.14.0-1.el9.x86_64");
	assert_int_equal(protection_write(&m->root, &releases, false, NULL), 0);
	assert_false(root_exists(&m->root, PROTECTION_DNF));
	assert_int_equal(protection_write(&m->root, &releases, true, NULL), 0);
	text = fake_read(m, PROTECTION_DNF);
	assert_non_null(strstr(text, "\nkernel-core\n"));
	assert_int_equal(protection_write(&m->root, &releases, false, NULL), 0);
	assert_false(root_exists(&m->root, PROTECTION_DNF));
	assert_false(root_exists(&m->root, PROTECTION_APT));
}

#define FAKE(f) \
	cmocka_unit_test_setup_teardown(f, fake_machine_set_up, fake_machine_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAKE(only_the_places_of_a_kind_are_touched),
		FAKE(staging_goes_wherever_it_was),
		FAKE(an_initramfs_goes_with_its_note),
		FAKE(a_build_goes_with_the_links_to_it),
		FAKE(a_kernel_that_is_half_removed_can_be_removed),
		FAKE(protected_kernels_stand_where_apt_looks),
		FAKE(dnf_is_told_only_where_its_limit_would_take_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
