/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices are told with their drivers and with what stands on them, whatever lies between
 * a file system or a route and the hardware.
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
#include "probe/devices.h"

#define MACHINE_TEST(f) \
	cmocka_unit_test_setup_teardown(f, made_machine_set_up, made_machine_tear_down)

static const struct root *machine(void **state)
{
	const struct made_machine *m = *state;

	return &m->root;
}

static void probe(const struct root *root, struct device_list *ret)
{
	struct error err = {0};

	if (devices_probe(root, ret, &err) < 0)
		fail_msg("%s", err.message);
}

static const struct device *device_at(const struct device_list *list, const char *path)
{
	for (size_t i = 0; i < list->count; i++)
		if (str_eq(list->items[i].path, path))
			return &list->items[i];
	fail_msg("%s is not listed", path);
	return NULL;
}

static void assert_use(const struct device_list *list, const char *path,
		       enum module_use use, const char *user)
{
	const struct device *device = device_at(list, path);

	assert_int_equal(device->use, use);
	if (user)
		assert_string_equal(device->user, user);
	else
		assert_null(device->user);
}

/* The walk */

#define PCI_DISK "pci0000:00/0000:00:02.0"
#define PCI_NIC  "pci0000:00/0000:00:03.0"

static void devices_with_a_driver_are_listed(void **state)
{
	const struct root *root = machine(state);
	autodevices struct device_list list = {0};
	const struct device *device;

	put_device(root, PCI_DISK, "pci:v00001AF4d00001042sv1", "pci/virtio-pci",
		   "virtio_pci");
	put_device(root, PCI_DISK "/virtio1", "virtio:d00000002v00001AF4",
		   "virtio/virtio_blk", NULL);
	put_device(root, PCI_NIC, "pci:v00001AF4d00001041sv1", NULL, NULL);
	put_device(root, "platform/serial8250", NULL, "platform/serial8250", "-8250");
	put_device(root, "x/power", "x:y", "x/y", NULL);
	probe(root, &list);
	assert_int_equal(list.count, 3);
	device = device_at(&list, PCI_DISK);
	assert_string_equal(device->modalias, "pci:v00001AF4d00001042sv1");
	assert_string_equal(device->driver, "virtio-pci");
	assert_string_equal(device->module, "virtio_pci");
	assert_false(device->built_in);
	assert_int_equal(device->use, MODULE_USE_DEVICE);
	device = device_at(&list, PCI_DISK "/virtio1");
	assert_null(device->module);
	assert_true(device->built_in);
	device = device_at(&list, "platform/serial8250");
	assert_string_equal(device->modalias, "");
	assert_string_equal(device->module, "8250");
	assert_true(device->built_in);
}

static void two_devices_of_a_driver_have_its_module(void **state)
{
	const struct root *root = machine(state);
	autodevices struct device_list list = {0};

	put_device(root, "a/b/c/1", "usb:1", "usb/usbhid", "usbhid");
	put_device(root, "a/2", "usb:2", "usb/usbhid", "usbhid");
	probe(root, &list);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.items[0].module, "usbhid");
	assert_string_equal(list.items[1].module, "usbhid");
}

static void root_without_sysfs_has_no_devices(void **state)
{
	autodevices struct device_list list = {0};
	autostrv struct strv modules = {0};

	probe(machine(state), &list);
	assert_int_equal(list.count, 0);
	assert_int_equal(root_chain_modules(machine(state), &modules, NULL), 0);
	assert_int_equal(modules.count, 0);
}

static void links_are_not_followed_on_the_walk(void **state)
{
	const struct root *root = machine(state);
	autodevices struct device_list list = {0};

	put_device(root, "a/b", "x:y", "x/y", NULL);
	put_link(root, "/sys/devices/a/b/loop", "/sys/devices");
	probe(root, &list);
	assert_int_equal(list.count, 1);
}

static void tree_without_end_is_an_error(void **state)
{
	autodevices struct device_list list = {0};
	autotext struct text path = {0};
	struct error err = {0};

	text_append(&path, "/sys/devices");
	for (size_t i = 0; i < 60; i++)
		text_append(&path, "/d");
	made_dir(machine(state), text_str(&path));
	assert_int_equal(devices_probe(machine(state), &list, &err), -ERROR_DAMAGED);
	assert_non_null(strstr(err.message, "/sys/devices"));
	assert_int_equal(list.count, 0);
}

static void what_sysfs_says_is_made_printable(void **state)
{
	autodevices struct device_list list = {0};

	put_device(machine(state), "a", "x:\033[31m\n", "x/y", NULL);
	probe(machine(state), &list);
	assert_string_equal(list.items[0].modalias, "x:\\x1b[31m");
}

/* What stands on them */

static void put_two_disks(const struct root *root)
{
	put_device(root, PCI_DISK, "pci:a", "pci/ahci", "ahci");
	put_device(root, PCI_DISK "/ata1/host0/0:0:0:0", "scsi:t-0x00", "scsi/sd",
		   "sd_mod");
	put_device(root, "pci0000:00/0000:00:09.0", "pci:b", "pci/nvme", "nvme");
	put_device(root, PCI_NIC, "pci:c", "pci/e1000e", "e1000e");
	put_block(root, "8:0", PCI_DISK "/ata1/host0/0:0:0:0/block/sda", "");
	put_partition(root, "8:1", PCI_DISK "/ata1/host0/0:0:0:0/block/sda/sda1");
	put_partition(root, "8:2", PCI_DISK "/ata1/host0/0:0:0:0/block/sda/sda2");
	put_block(root, "259:0", "pci0000:00/0000:00:09.0/nvme/nvme0/nvme0n1", "");
	put_partition(root, "259:1",
		      "pci0000:00/0000:00:09.0/nvme/nvme0/nvme0n1/nvme0n1p1");
	put_interface(root, PCI_NIC "/net/eth0", "");
}

static void all_between_root_and_hardware_is_roots(void **state)
{
	const struct root *root = machine(state);
	autodevices struct device_list list = {0};

	put_two_disks(root);
	put_route(root, "eth0");
	put_mounts(root, "1 1 8:2 / / rw - ext4 /dev/sda2 rw\n"
			 "2 1 8:1 / /boot rw - ext4 /dev/sda1 rw\n"
			 "3 1 259:1 / /srv/a\\040b rw - xfs /dev/nvme0n1p1 rw\n");
	probe(root, &list);
	assert_use(&list, PCI_DISK, MODULE_USE_ROOT, "/");
	assert_use(&list, PCI_DISK "/ata1/host0/0:0:0:0", MODULE_USE_ROOT, "/");
	assert_use(&list, PCI_NIC, MODULE_USE_LINK, "eth0");
	assert_use(&list, "pci0000:00/0000:00:09.0", MODULE_USE_MOUNT, "/srv/a b");
	assert_string_equal(list.items[0].path, PCI_DISK);
	assert_string_equal(list.items[2].path, PCI_NIC);
}

static void unused_devices_are_only_devices(void **state)
{
	const struct root *root = machine(state);
	autodevices struct device_list list = {0};

	put_two_disks(root);
	put_mounts(root, "1 1 8:2 / / rw - ext4 /dev/sda2 rw\n");
	probe(root, &list);
	assert_use(&list, "pci0000:00/0000:00:09.0", MODULE_USE_DEVICE, NULL);
	assert_use(&list, PCI_NIC, MODULE_USE_DEVICE, NULL);
}

/* LVM on LUKS on RAID 10 of both disks and of a disk whose driver is built in. */
static void layers_lead_to_every_disk(void **state)
{
	const struct root *root = machine(state);
	autodevices struct device_list list = {0};
	autostrv struct strv modules = {0};
	autofree char *joined = NULL;

	put_two_disks(root);
	put_device(root, "pci0000:00/0000:00:0a.0", "pci:e", "pci/old", "-old");
	put_block(root, "8:32", "pci0000:00/0000:00:0a.0/host9/block/sdc", "");
	put_block(root, "9:0", "virtual/block/md0", "sda2 nvme0n1p1 sdc");
	made_at(root, "raid10\n", "/sys/devices/virtual/block/md0/md/level");
	put_block(root, "253:0", "virtual/block/dm-0", "md0");
	made_at(root, "CRYPT-LUKS2-a\n", "/sys/devices/virtual/block/dm-0/dm/uuid");
	put_block(root, "253:1", "virtual/block/dm-1", "dm-0");
	made_at(root, "LVM-a\n", "/sys/devices/virtual/block/dm-1/dm/uuid");
	for (size_t i = 0; i < 6; i++) {
		static const char *const loaded[] = {"dm_mod", "dm_crypt", "raid1",
						     "raid10", "ext4",     "xfs"};

		made_at(root, "live\n", "/sys/module/%s/initstate", loaded[i]);
	}
	put_mounts(root, "1 1 253:1 / / rw - ext4 /dev/mapper/v-root rw\n");
	probe(root, &list);
	assert_use(&list, PCI_DISK, MODULE_USE_ROOT, "/");
	assert_use(&list, "pci0000:00/0000:00:09.0", MODULE_USE_ROOT, "/");
	assert_use(&list, PCI_NIC, MODULE_USE_DEVICE, NULL);
	assert_int_equal(root_chain_modules(root, &modules, NULL), 0);
	joined = strv_join(&modules, " ");
	assert_string_equal(joined, "ahci dm_crypt dm_mod ext4 nvme raid10 sd_mod");
}

static void partition_of_a_raid_leads_to_its_disks(void **state)
{
	const struct root *root = machine(state);
	autodevices struct device_list list = {0};

	put_two_disks(root);
	put_block(root, "9:0", "virtual/block/md0", "nvme0n1");
	put_partition(root, "259:9", "virtual/block/md0/md0p1");
	put_mounts(root, "1 1 259:9 / / rw - ext4 /dev/md0p1 rw\n");
	probe(root, &list);
	assert_use(&list, "pci0000:00/0000:00:09.0", MODULE_USE_ROOT, "/");
	assert_use(&list, PCI_DISK, MODULE_USE_DEVICE, NULL);
	assert_string_equal(list.items[0].path, "pci0000:00/0000:00:09.0");
}

static void slaves_in_a_circle_end(void **state)
{
	const struct root *root = machine(state);
	autodevices struct device_list list = {0};

	put_two_disks(root);
	put_block(root, "253:0", "virtual/block/dm-0", "dm-1 sda");
	put_block(root, "253:1", "virtual/block/dm-1", "dm-0");
	put_mounts(root, "1 1 253:1 / / rw - ext4 /dev/dm-1 rw\n");
	probe(root, &list);
	assert_use(&list, PCI_DISK, MODULE_USE_ROOT, "/");
}

static void every_device_of_a_btrfs_is_roots(void **state)
{
	const struct root *root = machine(state);
	autodevices struct device_list list = {0};

	put_two_disks(root);
	put_block(root, "253:0", "virtual/block/dm-0", "sda2");
	made_at(root, "luks-1\n", "/sys/devices/virtual/block/dm-0/dm/name");
	made_at(root, "", "/sys/fs/btrfs/0123-4567/devices/dm-0/x");
	made_at(root, "", "/sys/fs/btrfs/0123-4567/devices/nvme0n1p1/x");
	made_at(root, "", "/sys/fs/btrfs/features/x");
	put_mounts(root, "1 1 0:30 /@ / rw - btrfs /dev/mapper/luks-1 rw\n");
	probe(root, &list);
	assert_use(&list, PCI_DISK, MODULE_USE_ROOT, "/");
	assert_use(&list, "pci0000:00/0000:00:09.0", MODULE_USE_ROOT, "/");
	assert_use(&list, PCI_NIC, MODULE_USE_DEVICE, NULL);
}

static void bcachefs_names_its_devices(void **state)
{
	const struct root *root = machine(state);
	autodevices struct device_list list = {0};

	put_two_disks(root);
	put_mounts(root, "1 1 0:30 / / rw - bcachefs /dev/sda2:/dev/nvme0n1p1 rw\n");
	probe(root, &list);
	assert_use(&list, PCI_DISK, MODULE_USE_ROOT, "/");
	assert_use(&list, "pci0000:00/0000:00:09.0", MODULE_USE_ROOT, "/");
}

static void members_of_a_pool_are_udevs(void **state)
{
	const struct root *root = machine(state);
	autodevices struct device_list list = {0};

	put_two_disks(root);
	made_file(root, "/run/udev/data/b259:1",
		  "E:ID_FS_LABEL=rpool\nE:ID_FS_TYPE=zfs_member\n");
	made_file(root, "/run/udev/data/b8:2",
		  "E:ID_FS_LABEL=rpool2\nE:ID_FS_TYPE=zfs_member\n");
	put_mounts(root, "1 1 0:30 / / rw - zfs rpool/ROOT/debian rw\n");
	probe(root, &list);
	assert_use(&list, "pci0000:00/0000:00:09.0", MODULE_USE_ROOT, "/");
	assert_use(&list, PCI_DISK, MODULE_USE_DEVICE, NULL);
}

static void every_path_to_an_nvme_disk_is_roots(void **state)
{
	static const char subsystem[] = "virtual/nvme-subsystem/nvme-subsys0";
	const struct root *root = machine(state);
	autodevices struct device_list list = {0};

	put_device(root, PCI_DISK, "pci:a", "pci/nvme", "nvme");
	put_device(root, PCI_NIC, "pci:b", "pci/nvme", "nvme");
	made_dir(root, "/sys/devices/" PCI_DISK "/nvme/nvme0");
	made_dir(root, "/sys/devices/" PCI_NIC "/nvme/nvme1");
	put_link(root, "/sys/class/nvme/nvme0", "/sys/devices/" PCI_DISK "/nvme/nvme0");
	put_link(root, "/sys/class/nvme/nvme1", "/sys/devices/" PCI_NIC "/nvme/nvme1");
	put_block(root, "259:0", "virtual/nvme-subsystem/nvme-subsys0/nvme0n1", "");
	made_at(root, "", "/sys/devices/%s/nvme0/x", subsystem);
	put_mounts(root, "1 1 259:0 / / rw - ext4 /dev/nvme0n1 rw\n");
	probe(root, &list);
	assert_use(&list, PCI_DISK, MODULE_USE_ROOT, "/");
	assert_use(&list, PCI_NIC, MODULE_USE_DEVICE, NULL);
}

static void network_root_stands_on_the_link(void **state)
{
	const struct root *root = machine(state);
	autodevices struct device_list list = {0};

	put_two_disks(root);
	put_route(root, "eth0");
	put_mounts(root, "1 1 0:30 / / rw - nfs4 192.0.2.1:/root rw\n");
	probe(root, &list);
	assert_use(&list, PCI_NIC, MODULE_USE_ROOT, "/");
	assert_use(&list, PCI_DISK, MODULE_USE_DEVICE, NULL);
}

static void iscsi_root_stands_on_the_link(void **state)
{
	const struct root *root = machine(state);
	autodevices struct device_list list = {0};

	put_two_disks(root);
	put_route(root, "eth0");
	put_block(root, "8:16", "platform/host2/session1/target2:0:0/2:0:0:0/block/sdb",
		  "");
	put_mounts(root, "1 1 8:16 / / rw - ext4 /dev/sdb rw\n");
	probe(root, &list);
	assert_use(&list, PCI_NIC, MODULE_USE_ROOT, "/");
}

static void network_mount_makes_no_root_of_the_link(void **state)
{
	const struct root *root = machine(state);
	autodevices struct device_list list = {0};

	put_two_disks(root);
	put_route(root, "eth0");
	put_mounts(root, "1 1 8:2 / / rw - ext4 /dev/sda2 rw\n"
			 "2 1 0:30 / /home rw - nfs4 192.0.2.1:/home rw\n");
	probe(root, &list);
	assert_use(&list, PCI_NIC, MODULE_USE_LINK, "eth0");
}

static void virtiofs_root_stands_on_its_driver(void **state)
{
	const struct root *root = machine(state);
	autodevices struct device_list list = {0};

	put_device(root, PCI_DISK "/virtio1", "virtio:d1A", "virtio/virtiofs", NULL);
	put_device(root, PCI_NIC "/virtio2", "virtio:d1", "virtio/virtio_net", NULL);
	put_mounts(root, "1 1 0:30 / / rw - virtiofs root rw\n");
	probe(root, &list);
	assert_use(&list, PCI_DISK "/virtio1", MODULE_USE_ROOT, "/");
	assert_use(&list, PCI_NIC "/virtio2", MODULE_USE_DEVICE, NULL);
}

/* A VLAN on a bridge on a bond of two cards. */
static void route_leads_to_every_card_below(void **state)
{
	const struct root *root = machine(state);
	autodevices struct device_list list = {0};

	put_two_disks(root);
	put_device(root, "pci0000:00/0000:00:04.0", "pci:d", "pci/ixgbe", "ixgbe");
	put_device(root, "pci0000:00/0000:00:05.0", "pci:d", "pci/ixgbe", "ixgbe");
	put_interface(root, "pci0000:00/0000:00:04.0/net/eth1", "");
	put_interface(root, "pci0000:00/0000:00:05.0/net/eth2", "");
	put_interface(root, "virtual/net/bond0", "eth0 eth1 vlan9");
	put_interface(root, "virtual/net/br0", "bond0");
	put_interface(root, "virtual/net/vlan9", "br0");
	put_route(root, "vlan9");
	probe(root, &list);
	assert_use(&list, PCI_NIC, MODULE_USE_LINK, "vlan9");
	assert_use(&list, "pci0000:00/0000:00:04.0", MODULE_USE_LINK, "vlan9");
	assert_use(&list, "pci0000:00/0000:00:05.0", MODULE_USE_DEVICE, NULL);
}

static void default_route_of_ipv6_counts(void **state)
{
	const struct root *root = machine(state);
	autodevices struct device_list list = {0};
	static const char zero[] = "00000000000000000000000000000000";
	autofree char *text =
		str_format("%s 00 %s 00 fe800000000000000000000000000001 00000400 "
			   "00000002 00000000 00000003 eth0\n",
			   zero, zero);

	put_two_disks(root);
	made_file(root, "/proc/net/ipv6_route", text);
	probe(root, &list);
	assert_use(&list, PCI_NIC, MODULE_USE_LINK, "eth0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(devices_with_a_driver_are_listed),
		MACHINE_TEST(two_devices_of_a_driver_have_its_module),
		MACHINE_TEST(root_without_sysfs_has_no_devices),
		MACHINE_TEST(links_are_not_followed_on_the_walk),
		MACHINE_TEST(tree_without_end_is_an_error),
		MACHINE_TEST(what_sysfs_says_is_made_printable),
		MACHINE_TEST(all_between_root_and_hardware_is_roots),
		MACHINE_TEST(unused_devices_are_only_devices),
		MACHINE_TEST(layers_lead_to_every_disk),
		MACHINE_TEST(partition_of_a_raid_leads_to_its_disks),
		MACHINE_TEST(slaves_in_a_circle_end),
		MACHINE_TEST(every_device_of_a_btrfs_is_roots),
		MACHINE_TEST(bcachefs_names_its_devices),
		MACHINE_TEST(members_of_a_pool_are_udevs),
		MACHINE_TEST(every_path_to_an_nvme_disk_is_roots),
		MACHINE_TEST(network_root_stands_on_the_link),
		MACHINE_TEST(iscsi_root_stands_on_the_link),
		MACHINE_TEST(network_mount_makes_no_root_of_the_link),
		MACHINE_TEST(virtiofs_root_stands_on_its_driver),
		MACHINE_TEST(route_leads_to_every_card_below),
		MACHINE_TEST(default_route_of_ipv6_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
