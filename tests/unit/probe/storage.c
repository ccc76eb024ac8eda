/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What booting stands on is told from mountinfo, sysfs and udev's data: every layer by
 * name, plain only where GRUB can write, no automount triggered, nothing believed that
 * has no end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/sysmacros.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "made-machine.h"
#include "probe/storage.h"
#include "storage-source.h"
#include "storage-stack.h"

/* A device in the made sysfs: below another one for a partition, with its slaves. */
static void made_device(const struct made_machine *m, const char *number,
			const char *where, const char *files)
{
	const char *name = strrchr(where, '/') + 1;
	autofree char *dir = str_format("/sys/devices/%s", where);
	autofree char *dev = str_format("%s/dev", dir);
	autofree char *uevent = str_format("%s/uevent", dir);
	autofree char *link = str_format("/sys/dev/block/%s", number);
	autofree char *class = str_format("/sys/class/block/%s", name);
	autofree char *target = str_format("../../devices/%s", where);
	autofree char *event = str_format("MAJOR=0\nDEVNAME=%s\n", name);
	autostrv struct strv words = {0};

	made_file(&m->host, dev, number);
	made_file(&m->host, uevent, event);
	made_link(&m->host, target, link);
	made_link(&m->host, target, class);
	strv_split(&words, files, " ");
	for (size_t i = 0; i < words.count; i++) {
		char *value = strchr(words.items[i], '=');
		autofree char *path = NULL;

		*value = '\0';
		path = str_format("%s/%s", dir, words.items[i]);
		made_file(&m->host, path, value + 1);
	}
}

static void made_disk(const struct made_machine *m)
{
	made_device(m, "254:0", "x/vda", "device/vendor=0x1af4");
	made_device(m, "254:1", "x/vda/vda1", "partition=1");
	made_device(m, "254:2", "x/vda/vda2", "partition=2");
	made_device(m, "254:3", "x/vda/vda3", "partition=3");
	made_device(m, "254:16", "x/vdb", "device/vendor=0x1af4");
}

static void probe_as(const struct made_machine *m, const char *prefix,
		     const char *mountinfo, struct storage_map *ret)
{
	struct storage_source source = {&m->root, &m->host, prefix};
	struct error err = {0};

	made_file(&m->host, "/proc/self/mountinfo", mountinfo);
	if (storage_probe_from(&source, ret, &err) < 0)
		fail_msg("%s", err.message);
}

static void assert_stack(const struct storage *s, const char *want)
{
	autofree char *stack = strv_join(&s->stack, ", ");

	assert_string_equal(stack, want);
}

static void partitions_are_plain(void **state)
{
	const struct made_machine *m = *state;
	autostorage struct storage_map map = {0};
	const struct storage *root = &map.roles[STORAGE_ROOT];
	const struct storage *boot = &map.roles[STORAGE_BOOT];
	const struct storage *esp = &map.roles[STORAGE_ESP];

	made_disk(m);
	made_dir(&m->root, "/boot/efi");
	made_file(&m->host, "/run/udev/data/b254:2", "S:x\nE:ID_FS_UUID=boot-uuid\n");
	made_link(&m->host, "../../vda3", "/dev/disk/by-uuid/root-uuid");
	probe_as(m, "",
		 "9001 1 254:3 / / rw,relatime shared:1 - ext4 /dev/vda3 rw,errors=c\n"
		 "9002 9001 254:2 / /boot ro,relatime - ext4 /dev/vda2 rw\n"
		 "9003 9002 254:1 / /boot/efi rw - vfat /dev/vda1 rw,fmask=0077\n",
		 &map);
	assert_true(root->present && boot->present && esp->present);
	assert_string_equal(root->mount, "/");
	assert_string_equal(root->device, "/dev/vda3");
	assert_string_equal(root->uuid, "root-uuid");
	assert_string_equal(root->type, "ext4");
	assert_string_equal(root->options, "rw,relatime,errors=c");
	assert_stack(root, "partition vda3, disk vda");
	assert_true(root->plain);
	assert_false(root->read_only);
	assert_true(root->total > 0 && root->free <= root->total);
	assert_string_equal(boot->uuid, "boot-uuid");
	assert_true(boot->read_only);
	assert_string_equal(esp->mount, "/boot/efi");
	assert_null(esp->uuid);
	assert_stack(esp, "partition vda1, disk vda");
}

static void boot_on_root_has_no_own_mount(void **state)
{
	const struct made_machine *m = *state;
	autostorage struct storage_map map = {0};

	made_disk(m);
	probe_as(m, "", "9001 1 254:3 / / rw - xfs /dev/vda3 rw\n", &map);
	assert_false(map.roles[STORAGE_BOOT].present);
	assert_false(map.roles[STORAGE_ESP].present);
	assert_ptr_equal(storage_of_boot(&map), &map.roles[STORAGE_ROOT]);
}

static void last_mount_on_a_point_is_the_one_seen(void **state)
{
	const struct made_machine *m = *state;
	autostorage struct storage_map map = {0};

	made_disk(m);
	probe_as(m, "",
		 "9001 1 0:2 / / rw - rootfs rootfs rw\n"
		 "9002 1 254:3 / / rw - ext4 /dev/vda3 rw\n",
		 &map);
	assert_string_equal(map.roles[STORAGE_ROOT].type, "ext4");
}

static void layers_are_named_downwards(void **state)
{
	const struct made_machine *m = *state;
	autostorage struct storage_map map = {0};
	const struct storage *root = &map.roles[STORAGE_ROOT];

	made_disk(m);
	made_device(m, "253:1", "v/dm-1",
		    "dm/name=vg-root dm/uuid=LVM-abc slaves/dm-0/dev=253:0");
	made_device(m, "253:0", "v/dm-0",
		    "dm/name=luks-1 dm/uuid=CRYPT-LUKS2-abc-x slaves/md0/dev=9:0");
	made_device(m, "9:0", "v/md0",
		    "md/level=raid1 slaves/vda3/dev=254:3 slaves/vdb/dev=254:16");
	probe_as(m, "", "9001 1 253:1 / / rw - ext4 /dev/mapper/vg-root rw\n", &map);
	assert_stack(root, "lvm vg-root, crypt luks-1, raid md0, partition vda3, "
			   "disk vda, disk vdb");
	assert_false(root->plain);
	assert_string_equal(root->device, "/dev/mapper/vg-root");
}

static void multipath_and_its_partitions_are_told(void **state)
{
	const struct made_machine *m = *state;
	autostorage struct storage_map map = {0};

	made_disk(m);
	made_device(m, "253:1", "v/dm-1",
		    "dm/name=mpatha1 dm/uuid=part1-mpath-3600 slaves/dm-0/dev=253:0");
	made_device(m, "253:0", "v/dm-0",
		    "dm/name=mpatha dm/uuid=mpath-3600 slaves/vda/dev=254:0 "
		    "slaves/vdb/dev=254:16");
	probe_as(m, "", "9001 1 253:1 / / rw - ext4 /dev/mapper/mpatha1 rw\n", &map);
	assert_stack(&map.roles[STORAGE_ROOT],
		     "partition mpatha1, multipath mpatha, disk vda, disk vdb");
	assert_false(map.roles[STORAGE_ROOT].plain);
}

static void disks_without_hardware_are_not_plain(void **state)
{
	const struct made_machine *m = *state;
	autostorage struct storage_map map = {0};

	made_device(m, "43:0", "v/nbd0", "");
	probe_as(m, "", "9001 1 43:0 / / rw - ext4 /dev/nbd0 rw\n", &map);
	assert_stack(&map.roles[STORAGE_ROOT], "virtual nbd0");
	assert_false(map.roles[STORAGE_ROOT].plain);
}

static void btrfs_has_the_device_of_its_source(void **state)
{
	const struct made_machine *m = *state;
	autostorage struct storage_map map = {0};
	const struct storage *root = &map.roles[STORAGE_ROOT];

	made_disk(m);
	made_file(&m->host, "/run/udev/data/b254:3", "E:ID_FS_UUID=aa-bb\n");
	made_file(&m->host, "/sys/fs/btrfs/aa-bb/devices/vda3/dev", "254:3\n");
	probe_as(m, "",
		 "9001 1 0:31 /@ / rw - btrfs /dev/vda3 rw,subvolid=256,subvol=/@\n",
		 &map);
	assert_string_equal(root->uuid, "aa-bb");
	assert_stack(root, "partition vda3, disk vda");
	assert_true(root->plain);
}

static void btrfs_over_devices_is_not_plain(void **state)
{
	const struct made_machine *m = *state;
	autostorage struct storage_map map = {0};

	made_disk(m);
	made_file(&m->host, "/run/udev/data/b254:3", "E:ID_FS_UUID=aa-bb\n");
	made_file(&m->host, "/sys/fs/btrfs/aa-bb/devices/vda3/dev", "254:3\n");
	made_file(&m->host, "/sys/fs/btrfs/aa-bb/devices/vdb/dev", "254:16\n");
	probe_as(m, "", "9001 1 0:31 / / rw - btrfs /dev/vda3 rw\n", &map);
	assert_stack(&map.roles[STORAGE_ROOT],
		     "btrfs vda3 vdb, partition vda3, disk vda, disk vdb");
	assert_false(map.roles[STORAGE_ROOT].plain);
}

static void zfs_names_its_pool(void **state)
{
	const struct made_machine *m = *state;
	autostorage struct storage_map map = {0};

	probe_as(m, "", "9001 1 0:31 / / rw - zfs rpool/ROOT/debian rw\n", &map);
	assert_stack(&map.roles[STORAGE_ROOT], "zfs rpool");
	assert_string_equal(map.roles[STORAGE_ROOT].device, "rpool/ROOT/debian");
	assert_false(map.roles[STORAGE_ROOT].plain);
}

static void waiting_esp_is_told_not_mounted(void **state)
{
	const struct made_machine *m = *state;
	autostorage struct storage_map map = {0};
	const struct storage *esp = &map.roles[STORAGE_ESP];

	made_disk(m);
	made_dir(&m->root, "/efi");
	probe_as(m, "",
		 "9001 1 254:3 / / rw - ext4 /dev/vda3 rw\n"
		 "9002 9001 0:40 / /efi rw - autofs systemd-1 rw,fd=50\n",
		 &map);
	assert_true(esp->present);
	assert_string_equal(esp->type, "autofs");
	assert_string_equal(esp->mount, "/efi");
	assert_null(esp->device);
	assert_int_equal(esp->total, 0);
}

static void mounted_esp_hides_its_automount(void **state)
{
	const struct made_machine *m = *state;
	autostorage struct storage_map map = {0};

	made_disk(m);
	probe_as(m, "",
		 "9001 1 254:3 / / rw - ext4 /dev/vda3 rw\n"
		 "9002 9001 0:40 / /efi rw - autofs systemd-1 rw,fd=50\n"
		 "9003 9002 254:1 / /efi rw - vfat /dev/vda1 rw\n",
		 &map);
	assert_string_equal(map.roles[STORAGE_ESP].device, "/dev/vda1");
}

static void boot_can_be_the_esp(void **state)
{
	const struct made_machine *m = *state;
	autostorage struct storage_map map = {0};

	made_disk(m);
	probe_as(m, "",
		 "9001 1 254:3 / / rw - ext4 /dev/vda3 rw\n"
		 "9002 9001 254:1 / /boot rw - vfat /dev/vda1 rw\n",
		 &map);
	assert_string_equal(map.roles[STORAGE_BOOT].device, "/dev/vda1");
	assert_string_equal(map.roles[STORAGE_ESP].mount, "/boot");
}

static void another_root_has_the_mounts_below_it(void **state)
{
	const struct made_machine *m = *state;
	autostorage struct storage_map map = {0};

	made_disk(m);
	probe_as(m, "/mnt",
		 "9001 1 254:16 / / rw - ext4 /dev/vdb rw\n"
		 "9002 9001 254:16 / /boot rw - ext4 /dev/vdb rw\n"
		 "9003 9001 254:3 / /mnt rw - xfs /dev/vda3 rw\n"
		 "9004 9003 254:2 / /mnt/boot rw - ext4 /dev/vda2 rw\n",
		 &map);
	assert_string_equal(map.roles[STORAGE_ROOT].device, "/dev/vda3");
	assert_string_equal(map.roles[STORAGE_ROOT].mount, "/");
	assert_string_equal(map.roles[STORAGE_BOOT].device, "/dev/vda2");
	assert_string_equal(map.roles[STORAGE_BOOT].mount, "/boot");
}

static void root_without_mount_is_what_it_lies_on(void **state)
{
	const struct made_machine *m = *state;
	autostorage struct storage_map map = {0};

	made_disk(m);
	probe_as(m, "/mnt/tree",
		 "9001 1 254:16 / / rw - ext4 /dev/vdb rw\n"
		 "9002 9001 254:3 / /mnt rw - xfs /dev/vda3 rw\n"
		 "9003 9001 254:2 / /mnt/tr rw - ext4 /dev/vda2 rw\n"
		 "9004 9001 254:2 / /boot rw - ext4 /dev/vda2 rw\n",
		 &map);
	assert_string_equal(map.roles[STORAGE_ROOT].device, "/dev/vda3");
	assert_false(map.roles[STORAGE_BOOT].present);
}

static void loop_counts_as_disk_from_outside_only(void **state)
{
	const struct made_machine *m = *state;
	autostorage struct storage_map outside = {0}, live = {0};

	made_device(m, "7:0", "v/loop0", "loop/backing_file=/img");
	probe_as(m, "/mnt", "9001 1 7:0 / /mnt rw - ext4 /dev/loop0 rw\n", &outside);
	assert_stack(&outside.roles[STORAGE_ROOT], "loop loop0");
	assert_true(outside.roles[STORAGE_ROOT].plain);
	probe_as(m, "", "9001 1 7:0 / / rw - ext4 /dev/loop0 rw\n", &live);
	assert_false(live.roles[STORAGE_ROOT].plain);
}

static void old_dev_root_gets_its_name(void **state)
{
	const struct made_machine *m = *state;
	autostorage struct storage_map map = {0};

	made_disk(m);
	probe_as(m, "", "9001 1 254:3 / / rw - ext4 /dev/root rw\n", &map);
	assert_string_equal(map.roles[STORAGE_ROOT].device, "/dev/vda3");
}

static void circles_come_to_an_end(void **state)
{
	const struct made_machine *m = *state;
	autostorage struct storage_map map = {0};

	made_device(m, "253:0", "v/dm-0", "dm/name=a slaves/dm-1/dev=253:1");
	made_device(m, "253:1", "v/dm-1", "dm/name=b slaves/dm-0/dev=253:0");
	probe_as(m, "", "9001 1 253:0 / / rw - ext4 /dev/mapper/a rw\n", &map);
	assert_stack(&map.roles[STORAGE_ROOT], "dm a, dm b");
}

static void depth_and_width_are_bounded(void **state)
{
	const struct made_machine *m = *state;
	autostrv struct strv deep = {0}, wide = {0};
	autotext struct text slaves = {0};

	for (int i = 0; i < 100; i++) {
		autofree char *number = str_format("253:%d", i);
		autofree char *where = str_format("v/dm-%d", i);
		autofree char *below =
			str_format("dm/name=n%d slaves/s/dev=253:%d", i, i + 1);

		made_device(m, number, where, below);
		text_appendf(&slaves, "slaves/s%d/dev=253:%d ", i, i);
	}
	storage_stack_add(&m->host, makedev(253, 0), &deep);
	assert_in_range(deep.count, 2, 20);
	made_device(m, "9:0", "v/md0", text_str(&slaves));
	storage_stack_add(&m->host, makedev(9, 0), &wide);
	assert_in_range(wide.count, 21, 64);
}

static void nonsense_is_no_device(void **state)
{
	const struct made_machine *m = *state;
	autostrv struct strv stack = {0};

	made_device(m, "253:0", "v/dm-0",
		    "dm/name=a slaves/a/dev=x slaves/b/dev=1:x slaves/c/dev=-1:2 "
		    "slaves/d/dev=99999999999:1 slaves/e/dev= slaves/f/dev=0:0");
	storage_stack_add(&m->host, makedev(253, 0), &stack);
	assert_int_equal(stack.count, 1);
	assert_int_equal(block_device_number(&m->host, "../../../etc"), 0);
	assert_null(block_device_name(&m->host, makedev(1, 1)));
}

static void no_mountinfo_is_an_error(void **state)
{
	const struct made_machine *m = *state;
	struct storage_source source = {&m->root, &m->host, ""};
	autostorage struct storage_map map = {0};
	struct error err = {0};

	assert_int_equal(storage_probe_from(&source, &map, &err), -ENOENT);
	assert_non_null(strstr(err.message, "mountinfo"));
}

/* Whatever this machine is: its root has a type and room, and a tree lies somewhere. */
static void real_machine_is_described(void **state)
{
	const struct made_machine *m = *state;
	autostorage struct storage_map live = {0}, tree = {0};
	struct root root;

	assert_int_equal(root_open(&root, "/", NULL), 0);
	assert_int_equal(storage_probe(&root, &live, NULL), 0);
	root_done(&root);
	assert_true(live.roles[STORAGE_ROOT].present);
	assert_true(live.roles[STORAGE_ROOT].total > 0);
	assert_int_equal(storage_probe(&m->root, &tree, NULL), 0);
	assert_true(tree.roles[STORAGE_ROOT].present);
	assert_false(tree.roles[STORAGE_BOOT].present);
	assert_string_equal(tree.roles[STORAGE_ROOT].mount, "/");
}

#define MACHINE_TEST(f) \
	cmocka_unit_test_setup_teardown(f, made_machine_set_up, made_machine_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(partitions_are_plain),
		MACHINE_TEST(boot_on_root_has_no_own_mount),
		MACHINE_TEST(last_mount_on_a_point_is_the_one_seen),
		MACHINE_TEST(layers_are_named_downwards),
		MACHINE_TEST(multipath_and_its_partitions_are_told),
		MACHINE_TEST(disks_without_hardware_are_not_plain),
		MACHINE_TEST(btrfs_has_the_device_of_its_source),
		MACHINE_TEST(btrfs_over_devices_is_not_plain),
		MACHINE_TEST(zfs_names_its_pool),
		MACHINE_TEST(waiting_esp_is_told_not_mounted),
		MACHINE_TEST(mounted_esp_hides_its_automount),
		MACHINE_TEST(boot_can_be_the_esp),
		MACHINE_TEST(another_root_has_the_mounts_below_it),
		MACHINE_TEST(root_without_mount_is_what_it_lies_on),
		MACHINE_TEST(loop_counts_as_disk_from_outside_only),
		MACHINE_TEST(old_dev_root_gets_its_name),
		MACHINE_TEST(circles_come_to_an_end),
		MACHINE_TEST(depth_and_width_are_bounded),
		MACHINE_TEST(nonsense_is_no_device),
		MACHINE_TEST(no_mountinfo_is_an_error),
		MACHINE_TEST(real_machine_is_described),
	};

	return cmocka_run_group_tests_name("storage", tests, NULL, NULL);
}
