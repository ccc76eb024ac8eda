/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What counts as left behind, and by whom: never what a kernel that is there, a package
 * or a person may need, and what nobody is known to have made is told as that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "made-machine.h"
#include "probe/kernels.h"
#include "probe/left-overs.h"

#define HERE "6.1.0-9-amd64"
#define GONE "6.1.0-5-amd64"
#define TREE "/usr/lib/modules/"
#define DPKG "/var/lib/dpkg/status"

/* What is asked about a machine with one kernel. */
struct asked {
	struct kernel_list kernels;
	struct kernel_package_list packages;
	struct strv needed, going;
	struct left_over_question q;
	struct left_over_list found;
};

static void asked_done(struct asked *a)
{
	kernel_list_done(&a->kernels);
	kernel_package_list_done(&a->packages);
	strv_done(&a->needed);
	strv_done(&a->going);
	left_over_list_done(&a->found);
}

static void asked_init(const struct made_machine *m, struct asked *a)
{
	made_file(&m->root, "/boot/vmlinuz-" HERE, "kernel");
	made_file(&m->root, TREE HERE "/modules.order", "");
	assert_int_equal(kernels_probe(&m->root, true, &a->kernels, NULL), 0);
	a->q = (struct left_over_question){
		.root = &m->root,
		.kernels = &a->kernels,
		.packages = &a->packages,
		.needed = &a->needed,
		.going = &a->going,
		.alone = true,
		.now = (int64_t)time(NULL) + 2 * LEFT_OVER_AGE,
	};
}

static void ask(struct asked *a)
{
	left_over_list_done(&a->found);
	left_overs_probe(&a->q, &a->found);
}

/* Debian's layout, and a package's file, without which nobody knows who owns what. */
static void put_dpkg(const struct made_machine *m)
{
	made_file(&m->root, DPKG, "");
	made_file(&m->root, "/var/lib/dpkg/info/linux-image-" HERE ".list",
		  "/.\n/boot/vmlinuz-" HERE "\n");
}

/* What it is taken for; LEFTOVER_NONE: it is not among them. */
static enum leftover kind_of(const struct asked *a, const char *path)
{
	for (size_t i = 0; i < a->found.count; i++)
		if (str_eq(a->found.items[i].path, path))
			return a->found.items[i].kind;
	return LEFTOVER_NONE;
}

static void names_in_boot_are_told_apart(void **state)
{
	static const struct {
		const char *path;
		enum leftover kind;
	} files[] = {
		{"/boot/initrd.img-" HERE, LEFTOVER_NONE},
		{"/boot/config-" HERE, LEFTOVER_NONE},
		{"/boot/initrd.img-" GONE, LEFTOVER_INITRAMFS},
		{"/boot/initramfs-" GONE ".img", LEFTOVER_UNKNOWN},
		{"/boot/config-" GONE, LEFTOVER_UNKNOWN},
		{"/boot/initrd.img-" HERE ".old-dkms", LEFTOVER_BACKUP},
		{"/boot/initrd.img-" HERE ".bak", LEFTOVER_BACKUP},
		{"/boot/initrd.img-" HERE ".new", LEFTOVER_BACKUP},
		{"/boot/vmlinuz-" GONE ".dpkg-new", LEFTOVER_BACKUP},
		{"/boot/initrd.img-" HERE ".mine", LEFTOVER_UNKNOWN},
		{"/boot/initrd.img-" GONE ".old", LEFTOVER_UNKNOWN},
		{"/boot/initrd.img-test", LEFTOVER_UNKNOWN},
		{"/boot/vmlinuz-" HERE ".bak", LEFTOVER_UNKNOWN},
		{"/boot/notes.txt", LEFTOVER_UNKNOWN},
		{"/boot/.hidden", LEFTOVER_NONE},
		{"/boot/.initrd.img-" GONE ".kuro-Ab12", LEFTOVER_STAGING},
	};
	const struct made_machine *m = *state;
	struct asked a cleanup(asked_done) = {0};

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		made_file(&m->root, files[i].path, "x");
	put_dpkg(m);
	asked_init(m, &a);
	ask(&a);
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (kind_of(&a, files[i].path) != files[i].kind)
			fail_msg("%s is taken for %d", files[i].path,
				 (int)kind_of(&a, files[i].path));
}

/* An image is a left-over by the name that this distribution's generator gives it. */
static void names_of_other_makers_are_nobodys(void **state)
{
	static const struct {
		const char *marker, *path;
		enum leftover kind;
	} rows[] = {
		{DPKG, "/boot/initrd-5.10-recovery.gz", LEFTOVER_UNKNOWN},
		{DPKG, "/boot/initrd-" GONE, LEFTOVER_UNKNOWN},
		{DPKG, "/boot/initrd.img-5.10-recovery", LEFTOVER_UNKNOWN},
		{DPKG, "/boot/initrd.img-" GONE, LEFTOVER_INITRAMFS},
		{"/etc/SUSE-brand", "/boot/initrd-12.5.img", LEFTOVER_UNKNOWN},
		{"/etc/SUSE-brand", "/boot/initrd-5.10.1.img", LEFTOVER_UNKNOWN},
		{"/etc/SUSE-brand", "/boot/initrd-5.14.21-150500.55-default",
		 LEFTOVER_INITRAMFS},
		{"/etc/fedora-release", "/boot/initrd.img-" GONE, LEFTOVER_UNKNOWN},
		{"/etc/fedora-release", "/boot/initramfs-" GONE ".img",
		 LEFTOVER_INITRAMFS},
	};
	const struct made_machine *m = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct asked a cleanup(asked_done) = {0};

		if (str_eq(rows[i].marker, DPKG))
			put_dpkg(m);
		made_file(&m->root, rows[i].marker, "");
		made_file(&m->root, rows[i].path, "x");
		asked_init(m, &a);
		ask(&a);
		if (kind_of(&a, rows[i].path) != rows[i].kind)
			fail_msg("%s is taken for %d", rows[i].path,
				 (int)kind_of(&a, rows[i].path));
		assert_int_equal(root_unlink(&m->root, rows[i].marker, NULL), 0);
		assert_int_equal(root_unlink(&m->root, rows[i].path, NULL), 0);
	}
}

/* Kernels that kuro doesn't see: under a name of their own, or on another disk. */
static void image_of_a_kernel_under_another_name_stays(void **state)
{
	static const char tree[] = "/boot/initrd.img-6.5.0-custom";
	static const char beside[] = "/boot/initrd.img-6.5.1-custom";
	static const char gone[] = "/boot/initrd.img-6.5.2-custom";
	const struct made_machine *m = *state;
	struct asked a cleanup(asked_done) = {0};

	put_dpkg(m);
	made_file(&m->root, tree, "x");
	made_file(&m->root, TREE "6.5.0-custom/kernel/fs/x.ko", "x");
	made_file(&m->root, TREE "6.5.0-custom/modules.order", "kernel/fs/x.ko\n");
	made_file(&m->root, beside, "x");
	made_file(&m->root, "/boot/bzImage-6.5.1-custom", "x");
	made_file(&m->root, gone, "x");
	made_file(&m->root, TREE "6.5.2-custom/updates/dkms/x.ko", "x");
	made_file(&m->root, "/boot/config-6.5.2-custom", "x");
	asked_init(m, &a);
	ask(&a);
	assert_int_equal(kind_of(&a, tree), LEFTOVER_UNKNOWN);
	assert_int_equal(kind_of(&a, beside), LEFTOVER_UNKNOWN);
	assert_int_equal(kind_of(&a, gone), LEFTOVER_INITRAMFS);
}

static void what_is_young_may_be_somebodys_work(void **state)
{
	const struct made_machine *m = *state;
	struct asked a cleanup(asked_done) = {0};

	made_file(&m->root, "/boot/initrd.img-" HERE ".new", "x");
	asked_init(m, &a);
	a.q.now -= 2 * LEFT_OVER_AGE;
	ask(&a);
	assert_int_equal(kind_of(&a, "/boot/initrd.img-" HERE ".new"), LEFTOVER_NONE);
	a.q.urgent = true;
	ask(&a);
	assert_int_equal(kind_of(&a, "/boot/initrd.img-" HERE ".new"), LEFTOVER_BACKUP);
}

static void staging_is_left_only_where_no_other_is_at_work(void **state)
{
	static const char *const paths[] = {"/var/lib/kuro/staging/initramfs-1",
					    "/var/tmp/kuro-staging", "/tmp/kuro-staging",
					    "/boot/kuro/gen/.9.new",
					    "/boot/grub/grub.cfg.kuro-new"};
	const struct made_machine *m = *state;
	struct asked a cleanup(asked_done) = {0};

	made_file(&m->root, "/var/lib/kuro/staging/initramfs-1", "x");
	made_file(&m->root, "/var/tmp/kuro-staging/work/x", "x");
	made_file(&m->root, "/tmp/kuro-staging/x", "x");
	made_file(&m->root, "/boot/kuro/gen/.9.new/vmlinuz", "x");
	made_file(&m->root, "/boot/grub/grub.cfg.kuro-new", "x");
	asked_init(m, &a);
	ask(&a);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		assert_int_equal(kind_of(&a, paths[i]), LEFTOVER_STAGING);
	a.q.alone = false;
	ask(&a);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		assert_int_equal(kind_of(&a, paths[i]), LEFTOVER_NONE);
}

/* Anybody may make a directory of that name there. */
static void staging_that_others_could_write_to_is_not_touched(void **state)
{
	const struct made_machine *m = *state;
	struct asked a cleanup(asked_done) = {0};
	autofree char *path = str_format("%s/root/tmp/kuro-staging", m->dir);

	made_file(&m->root, "/tmp/kuro-staging/x", "x");
	made_link(&m->root, "../../etc", "/var/tmp/kuro-staging");
	assert_int_equal(chmod(path, 0777), 0);
	asked_init(m, &a);
	ask(&a);
	assert_int_equal(kind_of(&a, "/tmp/kuro-staging"), LEFTOVER_NONE);
	assert_int_equal(kind_of(&a, "/var/tmp/kuro-staging"), LEFTOVER_NONE);
}

static void trees_without_kernel_are_left_unless_they_are_whole(void **state)
{
	const struct made_machine *m = *state;
	struct asked a cleanup(asked_done) = {0};

	made_file(&m->root, TREE GONE "/updates/dkms/x.ko", "x");
	made_file(&m->root, TREE GONE "/modules.dep", "x");
	made_file(&m->root, TREE "6.6.6-mine/kernel/fs/x.ko", "x");
	made_file(&m->root, TREE "6.6.7-built/modules.order", "x");
	asked_init(m, &a);
	ask(&a);
	assert_int_equal(kind_of(&a, TREE GONE), LEFTOVER_TREE);
	assert_int_equal(kind_of(&a, TREE "6.6.6-mine"), LEFTOVER_UNKNOWN);
	assert_int_equal(kind_of(&a, TREE "6.6.7-built"), LEFTOVER_UNKNOWN);
	assert_int_equal(kind_of(&a, TREE HERE), LEFTOVER_NONE);
	strv_add(&a.needed, GONE);
	ask(&a);
	assert_int_equal(kind_of(&a, TREE GONE), LEFTOVER_NONE);
}

static void builds_for_kernels_that_are_gone_are_left(void **state)
{
	const struct made_machine *m = *state;
	struct asked a cleanup(asked_done) = {0};

	made_file(&m->root, "/var/lib/dkms/zfs/2.1/" GONE "/x86_64/module/zfs.ko", "x");
	made_file(&m->root, "/var/lib/dkms/zfs/2.1/" HERE "/x86_64/module/zfs.ko", "x");
	made_file(&m->root, "/var/lib/dkms/zfs/2.1/source/dkms.conf", "x");
	asked_init(m, &a);
	ask(&a);
	assert_int_equal(kind_of(&a, "/var/lib/dkms/zfs/2.1/" GONE), LEFTOVER_DKMS);
	assert_int_equal(kind_of(&a, "/var/lib/dkms/zfs/2.1/" HERE), LEFTOVER_NONE);
	assert_int_equal(kind_of(&a, "/var/lib/dkms/zfs/2.1/source"), LEFTOVER_NONE);
}

/* What a package owns is that package's to remove. */
static void what_a_package_owns_is_none(void **state)
{
	const struct made_machine *m = *state;
	struct asked a cleanup(asked_done) = {0};

	made_file(&m->root, "/boot/memtest86+x64.bin", "x");
	made_file(&m->root, "/boot/mine.bin", "x");
	made_file(&m->root, "/var/lib/dpkg/status", "");
	made_file(&m->root, "/var/lib/dpkg/info/memtest86+.list",
		  "/.\n/boot\n/boot/memtest86+x64.bin\n");
	asked_init(m, &a);
	ask(&a);
	assert_int_equal(kind_of(&a, "/boot/memtest86+x64.bin"), LEFTOVER_NONE);
	assert_int_equal(kind_of(&a, "/boot/mine.bin"), LEFTOVER_UNKNOWN);
}

/* As if its packages were gone: what others put into its tree, and what was built for
 * it. */
static void what_a_kernel_will_leave_is_foretold(void **state)
{
	static const char info[] = "/var/lib/dpkg/info/linux-image-" HERE ".list";
	const struct made_machine *m = *state;
	struct asked a cleanup(asked_done) = {0};

	made_file(&m->root, "/boot/initrd.img-" HERE, "x");
	made_file(&m->root, "/var/lib/dkms/zfs/2.1/" HERE "/x86_64/module/zfs.ko", "x");
	made_file(&m->root, "/var/lib/dpkg/status", "");
	made_file(&m->root, info,
		  "/.\n/boot/vmlinuz-" HERE "\n" TREE HERE "\n" TREE HERE
		  "/modules.order\n");
	asked_init(m, &a);
	strv_add(&a.needed, HERE);
	ask(&a);
	assert_int_equal(a.found.count, 0);
	strv_add(&a.going, HERE);
	ask(&a);
	assert_int_equal(kind_of(&a, "/boot/initrd.img-" HERE), LEFTOVER_INITRAMFS);
	assert_int_equal(kind_of(&a, "/var/lib/dkms/zfs/2.1/" HERE), LEFTOVER_DKMS);
	assert_int_equal(kind_of(&a, "/boot/vmlinuz-" HERE), LEFTOVER_NONE);
	assert_int_equal(kind_of(&a, TREE HERE), LEFTOVER_NONE);
	made_file(&m->root, TREE HERE "/updates/dkms/zfs.ko", "x");
	ask(&a);
	assert_int_equal(kind_of(&a, TREE HERE), LEFTOVER_TREE);
}

#define MADE(f) \
	cmocka_unit_test_setup_teardown(f, made_machine_set_up, made_machine_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MADE(names_in_boot_are_told_apart),
		MADE(names_of_other_makers_are_nobodys),
		MADE(image_of_a_kernel_under_another_name_stays),
		MADE(what_is_young_may_be_somebodys_work),
		MADE(staging_is_left_only_where_no_other_is_at_work),
		MADE(staging_that_others_could_write_to_is_not_touched),
		MADE(trees_without_kernel_are_left_unless_they_are_whole),
		MADE(builds_for_kernels_that_are_gone_are_left),
		MADE(what_a_package_owns_is_none),
		MADE(what_a_kernel_will_leave_is_foretold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
