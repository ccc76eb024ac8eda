/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a root file system needs in the target's initramfs, for the layouts that there
 * are: all of its chain, in the target's modules, and nothing beside it.
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

#define OLD "6.1.0-1-amd64"
#define NEW "6.12.1-amd64"

#define DISK    "pci0000:00/0000:00:02.0"
#define VIRTIO  DISK "/virtio1"
#define LOADER  "modprobe systemd-udevd|udevd"
#define INDEXES "lib/modules/" NEW "/modules.dep.bin|lib/modules/" NEW "/modules.dep"

static const struct made_tree_row whole_tree[] = {
	{"fs/ext4/ext4.ko", "alias=fs-ext4\nalias=fs-ext3\nsoftdep=pre: crypto-crc32c",
	 "jbd2", false},
	{"fs/jbd2/jbd2.ko", "softdep=pre: crypto-crc32c", NULL, false},
	{"fs/btrfs/btrfs.ko",
	 "alias=fs-btrfs\nsoftdep=pre: blake2b-256\nsoftdep=pre: crypto-crc32c",
	 "libcrc32c", false},
	{"fs/nfs/nfs.ko", "alias=fs-nfs\nalias=fs-nfs4", NULL, false},
	{"fs/nfs/nfsv4.ko", NULL, "nfs", false},
	{"lib/libcrc32c.ko", "softdep=pre: crc32c", NULL, false},
	{"crypto/crc32c_generic.ko", "alias=crypto-crc32c\nalias=crc32c", NULL, false},
	{"crypto/blake2b_generic.ko", "alias=crypto-blake2b-256\nalias=blake2b-256", NULL,
	 false},
	{"arch/x86/crypto/crc32c-intel.ko",
	 "alias=crypto-crc32c\nalias=crc32c\nalias=cpu:type:x86,ven*fam*mod*:feature:*"
	 "0094*",
	 NULL, false},
	{"arch/x86/crypto/aesni-intel.ko",
	 "alias=crypto-aes\nalias=cpu:type:x86,ven*fam*mod*:feature:*0099*", NULL, false},
	{"crypto/aes_generic.ko", "alias=crypto-aes", NULL, false},
	{"crypto/xts.ko", "alias=crypto-xts\nsoftdep=pre: ecb", NULL, false},
	{"crypto/ecb.ko", "alias=crypto-ecb", NULL, false},
	{"crypto/cbc.ko", "alias=crypto-cbc", NULL, false},
	{"crypto/essiv.ko", "alias=crypto-essiv", NULL, false},
	{"crypto/sha256_generic.ko", "alias=crypto-sha256", NULL, true},
	{"drivers/virtio/virtio_pci.ko", "alias=pci:v00001AF4d*sv*", "virtio", false},
	{"drivers/virtio/virtio.ko", NULL, NULL, false},
	{"drivers/block/virtio_blk.ko", "alias=virtio:d00000002v*", "virtio", false},
	{"drivers/nvme/host/nvme.ko", "alias=pci:v*d*sv*sd*bc01sc08i02*", "nvme_core",
	 false},
	{"drivers/nvme/host/nvme-core.ko", NULL, NULL, false},
	{"drivers/nvme/host/nvme-tcp.ko", NULL, "nvme_core", false},
	{"drivers/ata/ahci.ko", "alias=pci:v*d*sv*sd*bc01sc06i01*", "libata", false},
	{"drivers/ata/libata.ko", NULL, "scsi_mod", false},
	{"drivers/scsi/scsi_mod.ko", NULL, NULL, true},
	{"drivers/scsi/sd_mod.ko", "alias=scsi:t-0x00*", NULL, false},
	{"drivers/scsi/qla2xxx.ko",
	 "alias=pci:v00001077*\nfirmware=ql2400_fw.bin\nfirmware=ql9999_fw.bin", NULL,
	 false},
	{"drivers/scsi/iscsi_tcp.ko", NULL, NULL, false},
	{"drivers/md/dm-mod.ko", NULL, NULL, false},
	{"drivers/md/dm-crypt.ko", NULL, "dm_mod", false},
	{"drivers/md/dm-thin-pool.ko", NULL, "dm_mod", false},
	{"drivers/md/dm-multipath.ko", NULL, "dm_mod", false},
	{"drivers/md/dm-service-time.ko", NULL, "dm_multipath", false},
	{"drivers/md/md-mod.ko", NULL, NULL, false},
	{"drivers/md/raid1.ko", NULL, "md_mod", false},
	{"drivers/md/raid10.ko", NULL, "md_mod", false},
	{"drivers/md/dm-verity.ko", NULL, "dm_mod", false},
	{"drivers/md/bcache/bcache.ko", NULL, NULL, false},
	{"drivers/net/e1000e.ko", "alias=pci:v00008086*", NULL, false},
	{NULL, NULL, NULL, false}};

static const struct root *machine(void **state)
{
	const struct made_machine *m = *state;

	return &m->root;
}

static void probe(void **state, struct root_needs *ret)
{
	struct error err = {0};

	made_file(machine(state), "/boot/config-" NEW,
		  "CONFIG_RD_ZSTD=y\n"
		  "# CONFIG_RD_LZ4 is not set\n");
	made_file(machine(state), "/boot/vmlinuz-" NEW, "an image");
	made_file(machine(state), "/proc/sys/kernel/osrelease", OLD "\n");
	if (root_needs_probe(machine(state), NEW, ret, &err) < 0)
		fail_msg("%s", err.message);
}

/* "a b? (c)": in the order of names, with ? what is optional, in brackets built in. */
static void assert_list(const struct root_need_list *list, const char *expected)
{
	autostrv struct strv names = {0}, wanted = {0};
	autofree char *is = NULL, *want = NULL;

	for (size_t i = 0; i < list->count; i++) {
		const struct root_need *need = &list->items[i];

		assert_non_null(need->why);
		strv_add_take(&names, str_format(need->built_in ? "(%s%s)" : "%s%s",
						 need->name, need->optional ? "?" : ""));
	}
	strv_split(&wanted, expected, " ");
	strv_sort(&names);
	strv_sort(&wanted);
	is = strv_join(&names, " ");
	want = strv_join(&wanted, " ");
	assert_string_equal(is, want);
}

static const char *why(const struct root_need_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (str_eq(list->items[i].name, name))
			return list->items[i].why;
	fail_msg("%s is not needed", name);
	return NULL;
}

static void assert_known(const struct root_needs *needs)
{
	if (needs->unknown.count > 0)
		fail_msg("not known: %s", needs->unknown.items[0]);
}

/* Machines */

static void put_virtio_disk(const struct root *root)
{
	put_device(root, DISK, "pci:v00001AF4d00001042sv1", "pci/virtio-pci",
		   "virtio_pci");
	put_device(root, VIRTIO, "virtio:d00000002v00001AF4", "virtio/virtio_blk",
		   "virtio_blk");
	put_block(root, "254:0", VIRTIO "/block/vda", "");
	put_partition(root, "254:1", VIRTIO "/block/vda/vda1");
}

static void put_sata_disk(const struct root *root, const char *number, const char *name)
{
	autofree char *host = str_format("pci0000:00/0000:00:1%s.0", name + 2);
	autofree char *disk = str_format("%s/ata1/host0/0:0:0:0", host);
	autofree char *block = str_format("%s/block/%s", disk, name);

	put_device(root, host, "pci:v00008086d00002922sv1sd1bc01sc06i01", "pci/ahci",
		   "ahci");
	put_device(root, disk, "scsi:t-0x00", "scsi/sd", "sd_mod");
	put_block(root, number, block, "");
}

static void put_card(const struct root *root)
{
	put_device(root, "pci0000:00/0000:00:03.0", "pci:v00008086d1sv1", "pci/e1000e",
		   "e1000e");
	put_interface(root, "pci0000:00/0000:00:03.0/net/eth0", "");
	put_route(root, "eth0");
}

static void put_mapped(const struct root *root, unsigned int number, const char *name,
		       const char *uuid, const char *slaves)
{
	autofree char *dev = str_format("253:%u", number);
	autofree char *place = str_format("virtual/block/dm-%u", number);
	autofree char *name_line = str_format("%s\n", name);
	autofree char *uuid_line = str_format("%s\n", uuid);

	put_block(root, dev, place, slaves);
	made_at(root, name_line, "/sys/devices/%s/dm/name", place);
	made_at(root, uuid_line, "/sys/devices/%s/dm/uuid", place);
}

static void put_luks1(const struct root *root, const char *node, const char *cipher,
		      const char *mode)
{
	char head[592] = "LUKS\xba\xbe\0\1";

	strcpy(head + 8, cipher);
	strcpy(head + 40, mode);
	made_bytes(root, node, head, sizeof(head));
}

static void put_luks2(const struct root *root, const char *node, const char *cipher)
{
	static const char key_slots[] = "\"keyslots\":{\"0\":{\"encryption\":\"no\"}}";
	autofree char *json = str_format(
		"{%s,\"segments\":{\"0\":{\"type\":\"crypt\",\"encryption\":\"%s\"}}}",
		key_slots, cipher);
	char head[16384] = "LUKS\xba\xbe\0\2\0\0\0\0\0\0\x40\0";

	strcpy(head + 4096, json);
	made_bytes(root, node, head, sizeof(head));
}

#define EXT4   "ext4 jbd2 crc32c_generic|crc32c_intel "
#define BOARD  "virtio_pci virtio virtio_blk "
#define SATA   "ahci libata sd_mod "
#define CRC32C "crc32c_generic|crc32c_intel "

static void a_disk_of_virtio(void **state)
{
	autoneeds struct root_needs needs = {0};

	made_tree(*state, NEW, whole_tree);
	put_virtio_disk(machine(state));
	put_sata_disk(machine(state), "8:0", "sda");
	put_card(machine(state));
	put_mounts(machine(state), "1 1 254:1 / / rw - ext4 /dev/vda1 rw\n"
				   "2 1 8:0 / /srv rw - btrfs /dev/sda rw\n");
	probe(state, &needs);
	assert_list(&needs.modules, EXT4 BOARD);
	assert_list(&needs.tools, LOADER);
	assert_list(&needs.files, INDEXES);
	assert_list(&needs.firmware, "");
	assert_string_equal(why(&needs.modules, "ext4"), "root file system (ext4)");
	assert_string_equal(why(&needs.modules, "jbd2"), "ext4");
	assert_string_equal(why(&needs.modules, "virtio_blk"), "device virtio1");
	assert_int_equal(needs.unpacks.count, 1);
	assert_string_equal(needs.unpacks.items[0], "zstd");
	assert_known(&needs);
}

static void a_disk_of_sata(void **state)
{
	autoneeds struct root_needs needs = {0};

	made_tree(*state, NEW, whole_tree);
	put_sata_disk(machine(state), "8:0", "sda");
	put_mounts(machine(state), "1 1 8:0 / / rw - ext3 /dev/sda rw\n");
	probe(state, &needs);
	assert_list(&needs.modules, EXT4 SATA);
	assert_known(&needs);
}

static void a_disk_of_nvme(void **state)
{
	const struct root *root = machine(state);
	autoneeds struct root_needs needs = {0};

	made_tree(*state, NEW, whole_tree);
	put_device(root, DISK, "pci:v00001B36d00000010sv1sd1bc01sc08i02", "pci/nvme",
		   "nvme");
	put_block(root, "259:0", DISK "/nvme/nvme0/nvme0n1", "");
	put_mounts(root, "1 1 259:0 / / rw - ext4 /dev/nvme0n1 rw\n");
	probe(state, &needs);
	assert_list(&needs.modules, EXT4 "nvme nvme_core");
}

static void lvm_on_virtio(void **state)
{
	const struct root *root = machine(state);
	autoneeds struct root_needs needs = {0};

	made_tree(*state, NEW, whole_tree);
	put_virtio_disk(root);
	put_mapped(root, 0, "vg-root", "LVM-abc", "vda1");
	put_mounts(root, "1 1 253:0 / / rw - ext4 /dev/mapper/vg-root rw\n");
	probe(state, &needs);
	assert_list(&needs.modules, EXT4 BOARD "dm_mod");
	assert_list(&needs.tools, "lvm " LOADER);
	assert_string_equal(why(&needs.tools, "lvm"), "vg-root");
	assert_known(&needs);
}

static void thin_volume(void **state)
{
	const struct root *root = machine(state);
	autoneeds struct root_needs needs = {0};

	made_tree(*state, NEW, whole_tree);
	put_virtio_disk(root);
	put_mapped(root, 0, "vg-pool_tdata", "LVM-abc-tdata", "vda1");
	put_mapped(root, 1, "vg-pool-tpool", "LVM-abc-tpool", "dm-0");
	put_mapped(root, 2, "vg-root", "LVM-abd", "dm-1");
	put_mounts(root, "1 1 253:2 / / rw - ext4 /dev/mapper/vg-root rw\n");
	probe(state, &needs);
	assert_list(&needs.modules, EXT4 BOARD "dm_mod dm_thin_pool");
}

#define CRYPT      "cryptsetup|systemd-cryptsetup "
#define CRYPTTABLE "cryptroot/crypttab|etc/crypttab|etc/cmdline.d/*crypt*.conf"

/* LVM on LUKS on a partition. */
static void put_encrypted(const struct root *root)
{
	put_virtio_disk(root);
	put_mapped(root, 0, "cr", "CRYPT-LUKS2-abc-cr", "vda1");
	put_mapped(root, 1, "vg-root", "LVM-abc", "dm-0");
	put_mounts(root, "1 1 253:1 / / rw - ext4 /dev/mapper/vg-root rw\n");
}

static void lvm_on_luks(void **state)
{
	const struct root *root = machine(state);
	autoneeds struct root_needs needs = {0};

	made_tree(*state, NEW, whole_tree);
	put_encrypted(root);
	put_luks2(root, "/dev/vda1", "aes-xts-plain64");
	made_file(root, "/sys/devices/system/cpu/modalias",
		  "cpu:type:x86,ven0002fam000Fmod006B:feature:,0000,0001\n");
	probe(state, &needs);
	assert_list(&needs.modules, "ext4 jbd2 crc32c_generic " BOARD
				    "dm_mod dm_crypt xts ecb aes_generic");
	assert_list(&needs.tools, CRYPT "lvm " LOADER);
	assert_list(&needs.files, CRYPTTABLE " " INDEXES);
	assert_string_equal(why(&needs.modules, "xts"), "cipher aes-xts-plain64");
	assert_known(&needs);
}

/* What gives the running kernel its cipher may give it to the target alone. */
static void cipher_of_the_processor(void **state)
{
	const struct root *root = machine(state);
	autoneeds struct root_needs needs = {0};

	made_tree(*state, NEW, whole_tree);
	put_encrypted(root);
	put_luks2(root, "/dev/vda1", "aes-xts-plain64");
	made_file(root, "/sys/devices/system/cpu/modalias",
		  "cpu:type:x86,ven0000fam0006mod008E:feature:,0094,0099\n");
	made_file(root, "/proc/crypto",
		  "name         : xts(aes)\ndriver       : xts-aes-aesni\n"
		  "module       : aesni_intel\n\nname         : ecb(aes)\n"
		  "module       : kernel\n");
	probe(state, &needs);
	assert_list(&needs.modules, EXT4 BOARD "dm_mod dm_crypt aesni_intel|xts "
					       "aes_generic|aesni_intel");
}

static void cipher_of_luks1(void **state)
{
	const struct root *root = machine(state);
	autoneeds struct root_needs needs = {0};

	made_tree(*state, NEW, whole_tree);
	put_encrypted(root);
	put_luks1(root, "/dev/vda1", "aes", "cbc-essiv:sha256");
	probe(state, &needs);
	assert_list(&needs.modules, EXT4 BOARD "dm_mod dm_crypt cbc essiv "
					       "(sha256_generic) "
					       "aes_generic|aesni_intel");
}

static void cipher_that_can_not_be_read_is_said(void **state)
{
	autoneeds struct root_needs needs = {0};

	made_tree(*state, NEW, whole_tree);
	put_encrypted(machine(state));
	probe(state, &needs);
	assert_list(&needs.modules, EXT4 BOARD "dm_mod dm_crypt");
	assert_int_equal(needs.unknown.count, 1);
	assert_non_null(strstr(needs.unknown.items[0], "the cipher of cr"));
}

static void damaged_luks_headers_are_survived(void **state)
{
	static const unsigned char large[] = "LUKS\xba\xbe\0\2\xff\xff\xff\xff\xff";
	const struct root *root = machine(state);
	autoneeds struct root_needs needs = {0}, again = {0};
	char head[592] = {0};

	made_tree(*state, NEW, whole_tree);
	put_encrypted(root);
	memcpy(head, large, sizeof(large));
	made_bytes(root, "/dev/vda1", head, sizeof(head));
	probe(state, &needs);
	assert_int_equal(needs.unknown.count, 1);
	put_luks2(root, "/dev/vda1", "aes");
	probe(state, &again);
	assert_non_null(strstr(again.unknown.items[0], "the cipher aes is none"));
}

/* Fedora's way: the boot loader's entry says what to open. */
static void disks_on_the_command_line_need_no_table(void **state)
{
	autoneeds struct root_needs needs = {0};

	made_tree(*state, NEW, whole_tree);
	put_encrypted(machine(state));
	made_file(machine(state), "/proc/cmdline", "ro rd.luks.uuid=luks-abc quiet\n");
	probe(state, &needs);
	assert_list(&needs.files, CRYPTTABLE "? " INDEXES);
}

static void raid_1_of_two_disks(void **state)
{
	const struct root *root = machine(state);
	autoneeds struct root_needs needs = {0};

	made_tree(*state, NEW, whole_tree);
	put_sata_disk(root, "8:0", "sda");
	put_virtio_disk(root);
	put_block(root, "9:0", "virtual/block/md0", "sda vda1");
	made_at(root, "raid1\n", "/sys/devices/virtual/block/md0/md/level");
	put_mounts(root, "1 1 9:0 / / rw - ext4 /dev/md0 rw\n");
	probe(state, &needs);
	assert_list(&needs.modules, EXT4 BOARD SATA "md_mod raid1");
	assert_list(&needs.tools, "mdadm " LOADER);
	assert_list(&needs.files, "etc/mdadm/mdadm.conf|etc/mdadm.conf? " INDEXES);
}

/* Which is no RAID 1, whatever its name begins with. */
static void raid_10(void **state)
{
	const struct root *root = machine(state);
	autoneeds struct root_needs needs = {0};

	made_tree(*state, NEW, whole_tree);
	put_virtio_disk(root);
	put_block(root, "9:0", "virtual/block/md0", "vda1");
	made_at(root, "raid10\n", "/sys/devices/virtual/block/md0/md/level");
	put_mounts(root, "1 1 9:0 / / rw - ext4 /dev/md0 rw\n");
	probe(state, &needs);
	assert_list(&needs.modules, EXT4 BOARD "md_mod raid10");
}

/* It is set up by libcryptsetup, too, and nothing is encrypted. */
static void verified_disk(void **state)
{
	const struct root *root = machine(state);
	autoneeds struct root_needs needs = {0};

	made_tree(*state, NEW, whole_tree);
	put_virtio_disk(root);
	put_mapped(root, 0, "root", "CRYPT-VERITY-abc-root", "vda1");
	put_mounts(root, "1 1 253:0 / / ro - ext4 /dev/mapper/root ro\n");
	probe(state, &needs);
	assert_list(&needs.modules, EXT4 BOARD "dm_mod dm_verity");
	assert_list(&needs.tools, "veritysetup|systemd-veritysetup " LOADER);
	assert_known(&needs);
}

static void btrfs_on_two_devices(void **state)
{
	const struct root *root = machine(state);
	autoneeds struct root_needs needs = {0};

	made_tree(*state, NEW, whole_tree);
	put_sata_disk(root, "8:0", "sda");
	put_virtio_disk(root);
	made_at(root, "", "/sys/fs/btrfs/0123-4567/devices/sda/x");
	made_at(root, "", "/sys/fs/btrfs/0123-4567/devices/vda1/x");
	made_at(root, "crc32c (crc32c-intel)\n", "/sys/fs/btrfs/0123-4567/checksum");
	put_mounts(root, "1 1 0:30 / / rw - btrfs /dev/sda rw\n");
	probe(state, &needs);
	assert_list(&needs.modules,
		    "btrfs libcrc32c " CRC32C BOARD SATA "blake2b_generic?");
	assert_list(&needs.tools, "btrfs|systemd " LOADER);
}

/* Of what btrfs could use, the one that this one uses. */
static void btrfs_with_another_checksum(void **state)
{
	const struct root *root = machine(state);
	autoneeds struct root_needs needs = {0};

	made_tree(*state, NEW, whole_tree);
	put_virtio_disk(root);
	made_at(root, "", "/sys/fs/btrfs/0123-4567/devices/vda1/x");
	made_at(root, "blake2b\n", "/sys/fs/btrfs/0123-4567/checksum");
	put_mounts(root, "1 1 0:30 / / rw - btrfs /dev/vda1 rw\n");
	probe(state, &needs);
	assert_list(&needs.modules, "btrfs libcrc32c " CRC32C BOARD "blake2b_generic");
	assert_list(&needs.tools, LOADER);
}

static void one_path_of_several_is_enough(void **state)
{
	const struct root *root = machine(state);
	autoneeds struct root_needs needs = {0};

	made_tree(*state, NEW, whole_tree);
	put_sata_disk(root, "8:0", "sda");
	put_mapped(root, 0, "mpatha", "mpath-1234", "sda");
	put_mounts(root, "1 1 253:0 / / rw - ext4 /dev/mapper/mpatha rw\n");
	probe(state, &needs);
	assert_list(&needs.modules, EXT4 SATA "dm_mod dm_multipath? dm_service_time?");
	assert_list(&needs.tools, "multipath|multipathd? " LOADER);
}

static void cache_of_bcache(void **state)
{
	const struct root *root = machine(state);
	autoneeds struct root_needs needs = {0};

	made_tree(*state, NEW, whole_tree);
	put_virtio_disk(root);
	put_block(root, "252:0", "virtual/block/bcache0", "vda1");
	made_at(root, "254:1\n", "/sys/devices/virtual/block/bcache0/bcache/dev/dev");
	put_mounts(root, "1 1 252:0 / / rw - ext4 /dev/bcache0 rw\n");
	probe(state, &needs);
	assert_list(&needs.modules, EXT4 BOARD "bcache");
	assert_list(&needs.tools, "bcache-register|bcache " LOADER);
}

/* The network */

static void root_over_nfs(void **state)
{
	autoneeds struct root_needs needs = {0};

	made_tree(*state, NEW, whole_tree);
	put_card(machine(state));
	put_mounts(machine(state), "1 1 0:30 / / rw - nfs4 192.0.2.1:/root rw\n");
	probe(state, &needs);
	assert_list(&needs.modules, "nfs nfsv4 e1000e");
	assert_list(&needs.tools, "nfsmount|mount.nfs4|mount.nfs " LOADER);
	assert_known(&needs);
}

static void card_that_can_not_be_told_is_said(void **state)
{
	autoneeds struct root_needs needs = {0};

	made_tree(*state, NEW, whole_tree);
	put_mounts(machine(state), "1 1 0:30 / / rw - nfs4 192.0.2.1:/root rw\n");
	probe(state, &needs);
	assert_list(&needs.modules, "nfs nfsv4");
	assert_int_equal(needs.unknown.count, 1);
	assert_non_null(strstr(needs.unknown.items[0], "which network card"));
}

static void root_over_iscsi(void **state)
{
	static const char host[] = "platform/host2/session1/target2:0:0/2:0:0:0";
	const struct root *root = machine(state);
	autoneeds struct root_needs needs = {0};
	autofree char *block = str_format("%s/block/sdb", host);

	made_tree(*state, NEW, whole_tree);
	put_card(root);
	put_device(root, host, "scsi:t-0x00", "scsi/sd", "sd_mod");
	put_block(root, "8:16", block, "");
	made_at(root, "iscsi_tcp\n", "/sys/devices/platform/host2/scsi_host/host2/%s",
		"proc_name");
	put_mounts(root, "1 1 8:16 / / rw - ext4 /dev/sdb rw\n");
	probe(state, &needs);
	assert_list(&needs.modules, EXT4 "sd_mod iscsi_tcp e1000e");
	assert_list(&needs.tools, "iscsistart|iscsid " LOADER);
}

static void root_over_nvme_fabrics(void **state)
{
	static const char ctl[] = "virtual/nvme-fabrics/ctl/nvme0";
	const struct root *root = machine(state);
	autoneeds struct root_needs needs = {0};
	autofree char *block = str_format("%s/nvme0n1", ctl);

	made_tree(*state, NEW, whole_tree);
	put_card(root);
	put_block(root, "259:0", block, "");
	made_at(root, "tcp\n", "/sys/devices/%s/transport", ctl);
	put_mounts(root, "1 1 259:0 / / rw - ext4 /dev/nvme0n1 rw\n");
	probe(state, &needs);
	assert_list(&needs.modules, EXT4 "nvme_tcp nvme_core e1000e");
	assert_list(&needs.tools, "nvme " LOADER);
}

/* The target */

/* Built in today, a module there; and the other way round. */
static void what_is_built_in_changes(void **state)
{
	static const struct made_tree_row rows[] = {
		{"fs/ext4/ext4.ko", "alias=fs-ext4\nsoftdep=pre: crc32c", NULL, true},
		{"crypto/crc32c_generic.ko", "alias=crc32c", NULL, false},
		{"drivers/virtio/virtio_pci.ko", "alias=pci:v00001AF4d*", NULL, true},
		{"drivers/block/virtio_blk.ko", "alias=virtio:d00000002v*", NULL, false},
		{NULL, NULL, NULL, false}};
	const struct root *root = machine(state);
	autoneeds struct root_needs needs = {0};

	made_tree(*state, NEW, rows);
	put_device(root, DISK, "pci:v00001AF4d00001042sv1", "pci/virtio-pci",
		   "virtio_pci");
	put_device(root, VIRTIO, "virtio:d00000002v00001AF4", "virtio/virtio_blk",
		   "-virtio_blk");
	put_block(root, "254:0", VIRTIO "/block/vda", "");
	put_mounts(root, "1 1 254:0 / / rw - ext4 /dev/vda rw\n");
	probe(state, &needs);
	assert_list(&needs.modules, "(ext4) crc32c_generic (virtio_pci) virtio_blk");
}

/* One way to compute it is built in, a faster one is a module: nothing is needed. */
static void what_is_built_in_will_do(void **state)
{
	static const struct made_tree_row rows[] = {
		{"fs/ext4/ext4.ko", "alias=fs-ext4\nsoftdep=pre: crypto-crc32c", NULL,
		 false},
		{"crypto/crc32c_generic.ko", "alias=crypto-crc32c", NULL, true},
		{"arch/x86/crypto/crc32c-intel.ko", "alias=crypto-crc32c", NULL, false},
		{"virtio_pci.ko", "alias=pci:v00001AF4d*", NULL, true},
		{"virtio_blk.ko", "alias=virtio:d00000002v*", NULL, true},
		{NULL, NULL, NULL, false}};
	autoneeds struct root_needs needs = {0};

	made_tree(*state, NEW, rows);
	put_virtio_disk(machine(state));
	put_mounts(machine(state), "1 1 254:1 / / rw - ext4 /dev/vda1 rw\n");
	probe(state, &needs);
	assert_list(&needs.modules, "ext4 (virtio_pci) (virtio_blk) "
				    "(crc32c_generic|crc32c_intel)");
}

/* A mere hint of one module is a need of another, and so is what that one needs. */
static void what_is_needed_once_is_needed(void **state)
{
	static const struct made_tree_row rows[] = {
		{"fs/ext4.ko", "alias=fs-ext4\nsoftdep=pre: hinted", NULL, false},
		{"virtio_pci.ko", "alias=pci:v00001AF4d*", NULL, false},
		{"virtio_blk.ko", "alias=virtio:d00000002v*", "between", false},
		{"between.ko", NULL, "hinted", false},
		{"hinted.ko", NULL, "below", false},
		{"below.ko", NULL, NULL, false},
		{NULL, NULL, NULL, false}};
	autoneeds struct root_needs needs = {0};

	made_tree(*state, NEW, rows);
	put_virtio_disk(machine(state));
	put_mounts(machine(state), "1 1 254:1 / / rw - ext4 /dev/vda1 rw\n");
	probe(state, &needs);
	assert_list(&needs.modules, "ext4 virtio_pci virtio_blk between hinted below");
}

static void nothing_is_asked_of_a_kernel_that_has_all(void **state)
{
	static const struct made_tree_row rows[] = {
		{"fs/ext4/ext4.ko", "alias=fs-ext4", NULL, true},
		{"drivers/virtio/virtio_pci.ko", "alias=pci:v00001AF4d*", NULL, true},
		{"drivers/block/virtio_blk.ko", "alias=virtio:d00000002v*", NULL, true},
		{NULL, NULL, NULL, false}};
	autoneeds struct root_needs needs = {0};

	made_tree(*state, NEW, rows);
	put_virtio_disk(machine(state));
	put_mounts(machine(state), "1 1 254:1 / / rw - ext4 /dev/vda1 rw\n");
	probe(state, &needs);
	assert_list(&needs.modules, "(ext4) (virtio_pci) (virtio_blk)");
	assert_list(&needs.tools, "");
	assert_list(&needs.files, "");
}

/* A cloud kernel without the board's controller can't be given it by an initramfs. */
static void driver_that_the_target_lacks_is_needed(void **state)
{
	static const struct made_tree_row rows[] = {{"fs/ext4/ext4.ko", "alias=fs-ext4",
						     NULL, true},
						    {"drivers/scsi/sd_mod.ko",
						     "alias=scsi:t-0x00*", NULL, true},
						    {NULL, NULL, NULL, false}};
	autoneeds struct root_needs needs = {0};

	made_tree(*state, NEW, rows);
	made_tree(*state, OLD, whole_tree);
	put_sata_disk(machine(state), "8:0", "sda");
	put_mounts(machine(state), "1 1 8:0 / / rw - ext4 /dev/sda rw\n");
	probe(state, &needs);
	assert_list(&needs.modules, "(ext4) (sd_mod) ahci");
	assert_non_null(
		strstr(why(&needs.modules, "ahci"), "for which " NEW " has no driver"));
}

static void firmware_that_is_here_is_asked_for(void **state)
{
	const struct root *root = machine(state);
	autoneeds struct root_needs needs = {0};

	made_tree(*state, NEW, whole_tree);
	put_device(root, DISK, "pci:v00001077d1", "pci/qla2xxx", "qla2xxx");
	put_block(root, "8:0", DISK "/host1/block/sda", "");
	made_file(root, "/lib/firmware/ql2400_fw.bin.xz", "x");
	put_mounts(root, "1 1 8:0 / / rw - ext4 /dev/sda rw\n");
	probe(state, &needs);
	assert_list(&needs.firmware, "ql2400_fw.bin?");
	assert_string_equal(why(&needs.firmware, "ql2400_fw.bin"), "qla2xxx");
}

static void torn_index_of_aliases_changes_nothing(void **state)
{
	autoneeds struct root_needs needs = {0};

	made_tree(*state, NEW, whole_tree);
	made_file(machine(state), "/lib/modules/" NEW "/modules.alias.bin", "torn");
	put_virtio_disk(machine(state));
	put_mounts(machine(state), "1 1 254:1 / / rw - ext4 /dev/vda1 rw\n");
	probe(state, &needs);
	assert_list(&needs.modules, EXT4 BOARD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(a_disk_of_virtio),
		MACHINE_TEST(a_disk_of_sata),
		MACHINE_TEST(a_disk_of_nvme),
		MACHINE_TEST(lvm_on_virtio),
		MACHINE_TEST(thin_volume),
		MACHINE_TEST(lvm_on_luks),
		MACHINE_TEST(cipher_of_the_processor),
		MACHINE_TEST(cipher_of_luks1),
		MACHINE_TEST(cipher_that_can_not_be_read_is_said),
		MACHINE_TEST(damaged_luks_headers_are_survived),
		MACHINE_TEST(disks_on_the_command_line_need_no_table),
		MACHINE_TEST(raid_1_of_two_disks),
		MACHINE_TEST(raid_10),
		MACHINE_TEST(verified_disk),
		MACHINE_TEST(btrfs_on_two_devices),
		MACHINE_TEST(btrfs_with_another_checksum),
		MACHINE_TEST(one_path_of_several_is_enough),
		MACHINE_TEST(cache_of_bcache),
		MACHINE_TEST(root_over_nfs),
		MACHINE_TEST(card_that_can_not_be_told_is_said),
		MACHINE_TEST(root_over_iscsi),
		MACHINE_TEST(root_over_nvme_fabrics),
		MACHINE_TEST(what_is_built_in_changes),
		MACHINE_TEST(what_is_built_in_will_do),
		MACHINE_TEST(what_is_needed_once_is_needed),
		MACHINE_TEST(nothing_is_asked_of_a_kernel_that_has_all),
		MACHINE_TEST(driver_that_the_target_lacks_is_needed),
		MACHINE_TEST(firmware_that_is_here_is_asked_for),
		MACHINE_TEST(torn_index_of_aliases_changes_nothing),
	};

	return cmocka_run_group_tests_name("root-needs", tests, NULL, NULL);
}
