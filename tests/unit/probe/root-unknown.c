/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What can't be told of the root's needs is said, or an error where it is all of them:
 * silence would prove every image.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "made-devices.h"
#include "made-machine.h"
#include "made-tree.h"
#include "probe/initramfs.h"

#define MACHINE_TEST(f) \
	cmocka_unit_test_setup_teardown(f, made_machine_set_up, made_machine_tear_down)

#define NEW "6.12.1-amd64"

#define DISK   "pci0000:00/0000:00:02.0"
#define VIRTIO DISK "/virtio1"

static const struct made_tree_row tree[] = {{"fs/zfs/zfs.ko", NULL, NULL, false},
					    {"drivers/virtio/virtio_pci.ko",
					     "alias=pci:v00001AF4d*sv*", NULL, false},
					    {"drivers/block/virtio_blk.ko",
					     "alias=virtio:d00000002v*", NULL, false},
					    {NULL, NULL, NULL, false}};

static const struct root *machine(void **state)
{
	const struct made_machine *m = *state;

	return &m->root;
}

static void probe(void **state, struct root_needs *ret)
{
	struct error err = {0};

	made_file(machine(state), "/boot/config-" NEW, "CONFIG_RD_ZSTD=y\n");
	made_file(machine(state), "/boot/vmlinuz-" NEW, "an image");
	made_file(machine(state), "/proc/sys/kernel/osrelease", NEW "\n");
	if (root_needs_probe(machine(state), NEW, ret, &err) < 0)
		fail_msg("%s", err.message);
}

static void put_disk(const struct root *root)
{
	put_device(root, DISK, "pci:v00001AF4d00001042sv1", "pci/virtio-pci",
		   "virtio_pci");
	put_device(root, VIRTIO, "virtio:d00000002v00001AF4", "virtio/virtio_blk",
		   "virtio_blk");
	put_block(root, "254:0", VIRTIO "/block/vda", "");
	put_partition(root, "254:1", VIRTIO "/block/vda/vda1");
}

static void assert_modules(const struct root_needs *needs, const char *wanted)
{
	autostrv struct strv names = {0};
	autofree char *is = NULL;

	for (size_t i = 0; i < needs->modules.count; i++)
		strv_add(&names, needs->modules.items[i].name);
	strv_sort(&names);
	is = strv_join(&names, " ");
	assert_string_equal(is, wanted);
}

static void root_of_a_container_is_not_known(void **state)
{
	autoneeds struct root_needs needs = {0};

	made_tree(*state, NEW, tree);
	put_mounts(machine(state), "1 1 0:30 / / rw - overlay overlay rw\n");
	probe(state, &needs);
	assert_modules(&needs, "");
	assert_non_null(strstr(needs.unknown.items[0], "/ is overlay here"));
}

static void machine_without_mounts_is_not_known(void **state)
{
	autoneeds struct root_needs needs = {0};

	made_tree(*state, NEW, tree);
	probe(state, &needs);
	assert_modules(&needs, "");
	assert_non_null(strstr(needs.unknown.items[0], "can't be told"));
}

/* Its members are known by udev alone, and by name where that has read their labels. */
static void pool_of_which_no_disk_is_known_is_said(void **state)
{
	autoneeds struct root_needs needs = {0};

	made_tree(*state, NEW, tree);
	put_disk(machine(state));
	put_mounts(machine(state), "1 1 0:30 / / rw - zfs rpool/ROOT/debian rw\n");
	probe(state, &needs);
	assert_modules(&needs, "zfs");
	assert_int_equal(needs.unknown.count, 1);
	assert_non_null(strstr(needs.unknown.items[0], "no disk of the root file"));
	root_needs_done(&needs);
	made_file(machine(state), "/run/udev/data/b254:1",
		  "E:ID_FS_LABEL=rpool\nE:ID_FS_TYPE=zfs_member\n");
	probe(state, &needs);
	assert_modules(&needs, "virtio_blk virtio_pci zfs");
	assert_int_equal(needs.unknown.count, 0);
}

static void release_without_a_tree_is_an_error(void **state)
{
	autoneeds struct root_needs needs = {0};
	struct error err = {0};

	assert_int_equal(root_needs_probe(machine(state), NEW, &needs, &err), -ENOENT);
	assert_non_null(strstr(err.message, NEW));
	assert_null(needs.release);
}

/* What a depmod leaves that was killed, or had no room on the disk. */
static void torn_index_of_dependencies_is_an_error(void **state)
{
	static const char *const left[][2] = {{"modules.dep.bin", "torn"},
					      {"modules.dep", ""},
					      {"modules.dep", "kernel/fs/zfs/zfs.ko: k"}};

	for (size_t i = 0; i < ARRAY_LEN(left); i++) {
		autoneeds struct root_needs needs = {0};
		struct error err = {0};

		made_tree(*state, NEW, tree);
		made_at(machine(state), left[i][1], "/lib/modules/" NEW "/%s",
			left[i][0]);
		assert_int_equal(root_needs_probe(machine(state), NEW, &needs, &err),
				 -ERROR_DAMAGED);
		assert_non_null(strstr(err.message, "run: depmod " NEW));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(root_of_a_container_is_not_known),
		MACHINE_TEST(machine_without_mounts_is_not_known),
		MACHINE_TEST(pool_of_which_no_disk_is_known_is_said),
		MACHINE_TEST(release_without_a_tree_is_an_error),
		MACHINE_TEST(torn_index_of_dependencies_is_an_error),
	};

	return cmocka_run_group_tests_name("root-unknown", tests, NULL, NULL);
}
