/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Third-party modules are those that the kernel's packages do not own, whoever put them
 * there, and each is told with what this machine uses it for.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "machine.h"
#include "made-machine.h"
#include "made-module.h"
#include "probe/third-party.h"

#define REL  "6.1.0-9-amd64"
#define TREE "/lib/modules/" REL
#define INFO "/var/lib/dpkg/info"
#define MACHINE_TEST(f) \
	cmocka_unit_test_setup_teardown(f, made_machine_set_up, made_machine_tear_down)

static const struct root *machine(void **state)
{
	const struct made_machine *m = *state;

	return &m->root;
}

/* A Debian kernel of two modules, whose package owns them. */
static void put_kernel(const struct root *root)
{
	made_file(root, "/var/lib/dpkg/status", "");
	made_file(root, INFO "/linux-image-" REL ".list",
		  "/.\n/boot/vmlinuz-" REL "\n" TREE "\n" TREE "/kernel/fs\n" TREE
		  "/kernel/fs/ext4.ko\n/usr" TREE "/kernel/net/tun.ko\n" TREE
		  "/modules.order\n");
	made_file(root, TREE "/kernel/fs/ext4.ko", "");
	made_file(root, TREE "/kernel/net/tun.ko.xz", "");
	made_file(root, TREE "/modules.order", "");
	made_file(root, TREE "/modules.dep.ko.old", "");
}

static void put_loaded(const struct root *root, const char *modules)
{
	made_file(root, "/proc/sys/kernel/osrelease", REL "\n");
	made_file(root, "/proc/modules", modules);
}

/* "NAME PROVIDER PACKAGE USE USER" of each, in one text; the caller frees. */
static char *told(const struct third_party_list *list)
{
	struct text text = {0};

	for (size_t i = 0; i < list->count; i++) {
		const struct third_party *known = &list->items[i];

		text_appendf(&text, "%s %s %s %s %s\n", known->name,
			     module_provider_name(known->provider),
			     known->package ? known->package : "-",
			     module_use_name(known->use),
			     known->user ? known->user : "-");
	}
	return text_take(&text);
}

static void assert_told(const struct root *root, const char *wanted)
{
	autothirdparty struct third_party_list list = {0};
	autofree char *text = NULL;
	struct error err = {0};

	assert_int_equal(third_party_probe(root, REL, &list, &err), 0);
	text = told(&list);
	assert_string_equal(text, wanted);
}

static void what_the_kernels_package_owns_is_not_told(void **state)
{
	const struct root *root = machine(state);

	put_kernel(root);
	assert_told(root, "");
}

static void what_nobody_owns_is_told(void **state)
{
	const struct root *root = machine(state);

	put_kernel(root);
	made_file(root, TREE "/kernel/fs/ext4-new.ko.zst", "");
	made_file(root, TREE "/updates/mine.ko", "");
	made_file(root, TREE "/updates/readme.kof", "");
	made_link(root, "/usr/src/linux-headers", TREE "/build");
	assert_told(root, "ext4_new unowned - none -\n"
			  "mine unowned - none -\n");
}

static void a_kernel_in_several_packages_is_one(void **state)
{
	const struct root *root = machine(state);

	put_kernel(root);
	made_file(root, TREE "/kernel/extra/far.ko", "");
	made_file(root, TREE "/updates/odd.ko", "");
	made_file(root, INFO "/linux-modules-extra-" REL ":amd64.list",
		  TREE "/kernel/extra/far.ko\n" TREE "/updates/odd.ko\n");
	/* beside kernel/, only the package of the kernel itself owns */
	assert_told(root, "odd unowned - none -\n");
}

static void another_releases_package_owns_nothing_here(void **state)
{
	const struct root *root = machine(state);

	put_kernel(root);
	made_file(root, INFO "/linux-image-" REL "-rt.list",
		  TREE "-rt/kernel/x.ko\n" TREE "-rt/modules.order\n");
	made_file(root, TREE "/kernel/x.ko", "");
	assert_told(root, "x unowned - none -\n");
}

static void packages_are_named(void **state)
{
	const struct root *root = machine(state);

	put_kernel(root);
	made_file(root, TREE "/updates/a.ko", "");
	made_file(root, TREE "/kernel/misc/b.ko", "");
	made_file(root, INFO "/some-modules-" REL ".list",
		  "/usr" TREE "/updates/a.ko\n" TREE "/updates/a.ko.old\n");
	made_file(root, INFO "/other:amd64.list", TREE "/kernel/misc/b.ko\n");
	assert_told(root, "a package some-modules-" REL " none -\n"
			  "b package other none -\n");
}

static void a_diverted_file_is_not_the_kernels(void **state)
{
	const struct root *root = machine(state);

	put_kernel(root);
	made_file(root, "/var/lib/dpkg/diversions",
		  "/bin/sh\n/bin/sh.distrib\ndash\n" TREE "/kernel/fs/ext4.ko\n" TREE
		  "/kernel/fs/ext4.ko.distrib\next4-next\n");
	made_file(root, INFO "/ext4-next.list", TREE "/kernel/fs/ext4.ko\n");
	assert_told(root, "ext4 package ext4-next none -\n");
}

static void without_lists_the_trees_own_order_tells(void **state)
{
	const struct root *root = machine(state);

	made_file(root, TREE "/kernel/fs/ext4.ko.xz", "");
	made_file(root, TREE "/kernel/fs/more.ko.xz", "");
	made_file(root, TREE "/modules.order", "kernel/fs/ext4.ko\nupdates/x.ko\n");
	made_file(root, TREE "/updates/x.ko", "");
	assert_told(root, "more unowned - none -\n"
			  "x unowned - none -\n");
}

/* depmod has listed these, now or in the future: later than all that is there. */
static void put_index(const struct root *root, const char *text, time_t ahead)
{
	struct timespec times[2] = {{.tv_sec = time(NULL) + ahead},
				    {.tv_sec = time(NULL) + ahead}};
	int fd;

	made_file(root, TREE "/modules.dep", text);
	fd = root_openat(root, TREE "/modules.dep", O_WRONLY, 0);
	assert_true(fd >= 0);
	assert_int_equal(futimens(fd, times), 0);
	assert_int_equal(close(fd), 0);
}

static void what_depmod_lists_is_believed_below_kernel(void **state)
{
	const struct root *root = machine(state);

	put_kernel(root);
	made_file(root, TREE "/kernel/net/listed.ko", "");
	made_link(root, "/lib/modules/6.1.0-1/kernel/x.ko", TREE "/kernel/net/weak.ko");
	made_file(root, TREE "/kernel/net/not-listed.ko", "");
	made_file(root, TREE "/updates/not-listed-too.ko", "");
	put_index(root,
		  "kernel/fs/ext4.ko:\nkernel/net/tun.ko.xz: kernel/fs/ext4.ko\n"
		  "kernel/net/listed.ko: kernel/gone.ko\nkernel/net/gone.ko:\n"
		  "kernel/net/weak.ko:\nupdates/gone.ko:\nkernel/\n\nkernel/x.ko",
		  60);
	assert_told(root, "listed unowned - none -\n"
			  "not_listed_too unowned - none -\n"
			  "weak weak - none -\n");
}

static void what_came_after_depmod_is_found(void **state)
{
	const struct root *root = machine(state);

	put_kernel(root);
	made_file(root, TREE "/kernel/fs/deep/new.ko", "");
	put_index(root, "kernel/fs/ext4.ko:\n", -60);
	assert_told(root, "new unowned - none -\n");
	put_index(root, "/lib/modules/" REL "/kernel/fs/ext4.ko:\n", 60);
	assert_told(root, "new unowned - none -\n");
}

static void a_kernel_of_an_unusual_package_owns_its_modules(void **state)
{
	const struct root *root = machine(state);

	put_kernel(root);
	made_file(root, TREE "/kernel/odd.ko", "");
	made_file(root, INFO "/linux-modules-odd-" REL ".list", TREE "/kernel/odd.ko\n");
	assert_told(root, "");
	assert_int_equal(root_unlink(root, INFO "/linux-image-" REL ".list", NULL), 0);
	made_file(root, INFO "/pve-kernel-" REL "-x.list",
		  TREE "/kernel/fs/ext4.ko\n" TREE "/kernel/net/tun.ko\n");
	assert_told(root, "");
}

static void dkms_is_known_by_its_record(void **state)
{
	const struct root *root = machine(state);

	put_kernel(root);
	made_file(root, TREE "/updates/dkms/one-two.ko.xz", "");
	made_file(root, TREE "/extra/three.ko", "");
	made_file(root, TREE "/updates/dkms/lost.ko", "");
	made_file(root, "/var/lib/dkms/pkg-a/2.0/" REL "/x86_64/module/one-two.ko.xz",
		  "");
	made_file(root, "/var/lib/dkms/pkg-a/1.0/" REL "/x86_64/module/one_two.ko", "");
	made_link(root, "2.0/" REL "/x86_64",
		  "/var/lib/dkms/pkg-a/kernel-" REL "-x86_64");
	made_file(root, "/var/lib/dkms/pkg-b/7/" REL "/x86_64/module/three.ko", "");
	made_file(root, "/var/lib/dkms/pkg-b/7/other-release/x86_64/module/lost.ko", "");
	made_file(root, "/var/lib/dkms/mok.key", "");
	assert_told(root, "lost dkms - none -\n"
			  "one_two dkms pkg-a/2.0 none -\n"
			  "three dkms pkg-b/7 none -\n");
}

static void a_record_that_leads_out_is_none(void **state)
{
	const struct root *root = machine(state);

	put_kernel(root);
	made_file(root, TREE "/updates/a.ko", "");
	made_file(root, "/var/lib/dkms/--all/1/" REL "/x86_64/module/a.ko", "");
	made_file(root, "/etc/1/module/a.ko", "");
	made_link(root, "../../../../etc/1", "/var/lib/dkms/p/kernel-" REL "-x86_64");
	assert_told(root, "a unowned - none -\n");
}

static void other_providers_are_told(void **state)
{
	const struct root *root = machine(state);

	put_kernel(root);
	made_file(root, TREE "/extra/nvidia/nvidia-drm.ko.xz", "");
	made_file(root, TREE "/extra/simple-kmod.ko", "");
	made_file(root, "/usr/src/akmods/nvidia-kmod-535.src.rpm", "");
	made_link(root, "nvidia-kmod-535.src.rpm", "/usr/src/akmods/nvidia-kmod.latest");
	made_file(root, "/etc/kvc/simple.conf",
		  "KMOD_SOFTWARE_VERSION=dd1a7d4\n"
		  "KMOD_NAMES=\"simple-kmod simple-procfs-kmod\"\n");
	made_link(root, "/lib/modules/6.1.0-1/extra/weak.ko",
		  TREE "/weak-updates/weak.ko");
	made_file(root, "/var/lib/dkms/pkg/1/6.1.0-1/x86_64/module/weak.ko", "");
	made_link(root, "/lib/modules/6.1.0-1/updates/kmp.ko", TREE "/updates/kmp.ko");
	made_link(root, "../" REL "/kernel/fs/ext4.ko", TREE "/updates/own.ko");
	assert_told(root, "kmp weak - none -\n"
			  "nvidia_drm akmods akmod-nvidia none -\n"
			  "own unowned - none -\n"
			  "simple_kmod container simple none -\n"
			  "weak weak pkg/1 none -\n");
}

static void of_two_files_the_one_that_is_loaded_counts(void **state)
{
	const struct root *root = machine(state);
	autothirdparty struct third_party_list list = {0};

	put_kernel(root);
	made_file(root, TREE "/weak-updates/a-b.ko", "");
	made_file(root, TREE "/misc/a_b.ko", "");
	made_file(root, TREE "/updates/a_b.ko", "");
	made_file(root, TREE "/extra/a-b.ko", "");
	assert_int_equal(third_party_probe(root, REL, &list, NULL), 0);
	assert_int_equal(list.count, 1);
	assert_string_equal(list.items[0].path, TREE "/updates/a_b.ko");
}

static void its_file_tells_the_version(void **state)
{
	const struct root *root = machine(state);
	autothirdparty struct third_party_list list = {0};
	autofree void *bytes = NULL;
	size_t len;

	bytes = made_module_bytes(&made_whole, &len);
	put_kernel(root);
	made_bytes(root, TREE "/updates/whole.ko", bytes, len);
	made_file(root, TREE "/updates/junk.ko", "junk");
	assert_int_equal(third_party_probe(root, REL, &list, NULL), 0);
	assert_int_equal(list.count, 2);
	assert_null(list.items[0].version);
	assert_null(list.items[0].built_for);
	assert_string_equal(list.items[1].version, "1.2");
	assert_string_equal(list.items[1].built_for, "6.1.0-made");
	assert_string_equal(list.items[1].release, REL);
}

static void a_release_without_a_tree_has_none(void **state)
{
	const struct root *root = machine(state);
	autothirdparty struct third_party_list list = {0};

	assert_told(root, "");
	assert_int_equal(third_party_probe(root, "../x", &list, NULL), -EINVAL);
	assert_int_equal(list.count, 0);
}

/* sysfs has relative links; these lead from /sys/a/b/c back to /sys. */
static void put_card(const struct root *root)
{
	made_file(root, "/proc/net/route",
		  "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
		  "eth0\t00000000\t0102A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n");
	made_file(root, "/sys/devices/pci0/0000:00:03.0/virtio1/net/eth0/uevent",
		  "INTERFACE=eth0\n");
	made_link(root, "../../devices/pci0/0000:00:03.0/virtio1/net/eth0",
		  "/sys/class/net/eth0");
	made_link(root, "../../../bus/pci/drivers/card",
		  "/sys/module/card/drivers/pci:card");
	made_link(root, "../../../../devices/pci0/0000:00:03.0",
		  "/sys/bus/pci/drivers/card/0000:00:03.0");
	made_link(root, "../../../../module/card", "/sys/bus/pci/drivers/card/module");
	made_file(root, "/sys/bus/pci/drivers/card/bind", "");
}

static void put_updates(const struct root *root, const char *names)
{
	autostrv struct strv words = {0};

	strv_split(&words, names, " ");
	for (size_t i = 0; i < words.count; i++) {
		autofree char *path = str_format(TREE "/updates/%s.ko", words.items[i]);

		made_file(root, path, "");
	}
}

static void a_card_below_the_default_route_is_the_link(void **state)
{
	const struct root *root = machine(state);

	put_kernel(root);
	put_updates(root, "card core idle gone");
	put_card(root);
	put_loaded(root, "card 1 1 - Live 0x0 (O)\n"
			 "core 1 1 card, Live 0x0 (O)\n"
			 "idle 1 0 - Live 0x0 (O)\n");
	assert_told(root, "card unowned - link eth0\n"
			  "core unowned - link eth0\n"
			  "gone unowned - none -\n"
			  "idle unowned - loaded -\n");
}

static void a_bound_device_is_a_use(void **state)
{
	const struct root *root = machine(state);

	put_kernel(root);
	put_updates(root, "card other");
	put_card(root);
	made_file(root, "/proc/net/route", "");
	made_link(root, "../../../bus/usb/drivers/other",
		  "/sys/module/other/drivers/usb:other");
	made_link(root, "../../../../devices/usb1/1-1:1.0",
		  "/sys/bus/usb/drivers/other/1-1:1.0");
	put_loaded(root, "card 1 0 - Live 0x0\nother 1 0 - Live 0x0\n");
	assert_told(root, "card unowned - device 0000:00:03.0\n"
			  "other unowned - device 1-1:1.0\n");
}

static void mounted_types_are_uses(void **state)
{
	const struct root *root = machine(state);

	put_kernel(root);
	put_updates(root, "zfs spl openafs busy");
	made_file(root, TREE "/modules.alias",
		  "# Aliases\nalias fs-afs openafs\nalias fs-zfs zfs\n");
	made_file(root, "/proc/self/mountinfo",
		  "20 1 0:30 / / rw - tmpfs tmpfs rw\n"
		  "21 20 0:31 / /srv rw shared:1 - zfs pool/srv rw\n"
		  "22 20 0:32 / /afs rw - afs AFS rw\n");
	put_loaded(root, "zfs 1 2 - Live 0x0 (PO)\nspl 1 1 zfs, Live 0x0 (O)\n"
			 "openafs 1 1 - Live 0x0 (PO)\nbusy 1 1 - Live 0x0 (O)\n");
	assert_told(root, "busy unowned - loaded a process or the kernel\n"
			  "openafs unowned - mount /afs\n"
			  "spl unowned - mount /srv\n"
			  "zfs unowned - mount /srv\n");
}

static void the_root_file_system_is_the_worst_use(void **state)
{
	const struct root *root = machine(state);

	put_kernel(root);
	put_updates(root, "ctrl rootfs drbd");
	made_file(root, "/proc/self/mountinfo",
		  "20 1 254:1 / / rw - rootfs /dev/vda1 rw\n"
		  "21 20 254:1 /x /x rw - rootfs /dev/vda1 rw\n"
		  "22 20 147:0 / /srv rw - ext4 /dev/drbd0 rw\n");
	made_file(root, "/proc/devices",
		  "Character devices:\n147 other\n\nBlock devices:\n147 drbd\n");
	made_file(root, "/sys/devices/pci0/0000:00:04.0/block/vda/vda1/partition", "1\n");
	made_file(root, "/sys/devices/virtual/block/drbd0/dev", "147:0\n");
	made_link(root, "../../devices/pci0/0000:00:04.0/block/vda/vda1",
		  "/sys/dev/block/254:1");
	made_link(root, "../../devices/virtual/block/drbd0", "/sys/dev/block/147:0");
	made_link(root, "../../../bus/pci/drivers/ctrl",
		  "/sys/module/ctrl/drivers/pci:ctrl");
	made_link(root, "../../../../devices/pci0/0000:00:04.0",
		  "/sys/bus/pci/drivers/ctrl/0000:00:04.0");
	put_loaded(root, "ctrl 1 1 - Live 0x0\nrootfs 1 1 - Live 0x0\n"
			 "drbd 1 1 - Live 0x0\n");
	assert_told(root, "ctrl unowned - root /\n"
			  "drbd unowned - mount /srv\n"
			  "rootfs unowned - root /\n");
}

static void a_link_without_a_device_is_its_modules(void **state)
{
	const struct root *root = machine(state);

	put_kernel(root);
	put_updates(root, "wireguard tun");
	made_file(root, "/sys/devices/virtual/net/wg0/uevent",
		  "DEVTYPE=wireguard\nINTERFACE=wg0\n");
	made_file(root, "/sys/devices/virtual/net/tun0/tun_flags", "0x1\n");
	made_file(root, "/sys/devices/virtual/net/tun0/uevent", "INTERFACE=tun0\n");
	made_link(root, "../../devices/virtual/net/tun0", "/sys/class/net/tun0");
	made_file(root, "/proc/net/route",
		  "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
		  "tun0\t00000000\t0102A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n");
	put_loaded(root, "wireguard 1 0 - Live 0x0\ntun 1 2 - Live 0x0\n");
	assert_told(root, "tun unowned - link tun0\n"
			  "wireguard unowned - device wg0\n");
}

static void only_the_running_release_is_in_use(void **state)
{
	const struct root *root = machine(state);

	put_kernel(root);
	put_updates(root, "card");
	put_card(root);
	put_loaded(root, "card 1 1 - Live 0x0 (O)\n");
	made_file(root, "/proc/sys/kernel/osrelease", "6.1.0-8-amd64\n");
	assert_told(root, "card unowned - none -\n");
}

static void a_loaded_module_without_a_file_is_told(void **state)
{
	const struct root *root = machine(state);
	autothirdparty struct third_party_list list = {0};
	autofree char *text = NULL;

	put_kernel(root);
	put_updates(root, "here");
	put_card(root);
	made_file(root, "/sys/module/card/version", "4.2\n");
	made_file(root, "/etc/kvc/simple.conf", "KMOD_NAMES=in-container\n");
	put_loaded(root, "card 1 1 - Live 0x0 (OE)\nhere 1 0 - Live 0x0 (O)\n"
			 "in_container 1 0 - Live 0x0 (O)\next4 1 0 - Live 0x0\n"
			 "forced 1 0 - Live 0x0 (F)\n");
	assert_int_equal(third_party_probe(root, REL, &list, NULL), 0);
	assert_int_equal(third_party_probe_loaded(root, &list, NULL), 0);
	text = told(&list);
	assert_string_equal(text, "card unowned - link eth0\n"
				  "here unowned - loaded -\n"
				  "in_container container simple loaded -\n");
	assert_null(list.items[0].path);
	assert_string_equal(list.items[0].version, "4.2");
	assert_int_equal(third_party_probe_loaded(root, &list, NULL), 0);
	assert_int_equal(list.count, 3);
}

static void hostile_tables_harm_nothing(void **state)
{
	const struct root *root = machine(state);

	put_kernel(root);
	put_updates(root, "a");
	put_loaded(root, "a 1 99999999999999999999 a,b,[permanent],, Live\n\n(\nb\n"
			 "b 1 -1 a, Live (\n");
	made_file(root, "/proc/self/mountinfo",
		  "1\n1 2 3 4 5 6 7 -\n1 2 3:4 5 / - . - .");
	made_file(root, "/proc/devices", "Block devices:\n\n1\nx y z\n");
	made_link(root, "loop", "/sys/module/a/drivers");
	made_link(root, ".", "/sys/module/a/loop");
	made_file(root, INFO "/linux-image-" REL "-x.list",
		  "\n\n/\n/usr\n" TREE "\n" TREE "/\n" TREE "/.ko\n");
	made_file(root, "/var/lib/dpkg/diversions", TREE "/");
	assert_told(root, "a unowned - loaded -\n");
}

/* rpm is a program; the machine is one of fakes. */
static void rpm_names_the_owners(void **state)
{
	struct fake_machine *m = fake_machine(state);

	fake_program(m, "rpm");
	fake_file(m, "/var/lib/rpm/rpmdb.sqlite", "");
	fake_file(m, TREE "/modules.order", "kernel/fs/ext4.ko\n");
	fake_file(m, TREE "/kernel/fs/ext4.ko.xz", "");
	assert_told(&m->root, "");
	assert_false(fake_ran(m, "rpm"));
	fake_file(m, TREE "/extra/a.ko.xz", "");
	fake_file(m, TREE "/extra/b.ko.xz", "");
	fake_file(m, TREE "/extra/c.ko.xz", "");
	fake_file(m, "/fake/answer",
		  "kmod-a\tkmod-a-1-2.x86_64\t/usr/share/doc/a\n"
		  "kmod-a\tkmod-a-1-2.x86_64\t" TREE "/extra/a.ko.xz\n"
		  "file " TREE "/extra/b.ko.xz is not owned by any package\n"
		  "kernel-modules-extra\tkernel-modules-extra-6.x86_64\t" TREE
		  "/extra/c.ko.xz\n\t\t\n\t\n");
	fake_rules(m, "rpm -qf|1|answer|\n");
	assert_told(&m->root, "a package kmod-a-1-2.x86_64 none -\n"
			      "b unowned - none -\n");
	assert_true(fake_ran(m, "%{FILENAMES}\\n] " TREE "/extra/a.ko.xz " TREE
				"/extra/b.ko.xz " TREE "/extra/c.ko.xz\n"));
}

static void without_rpm_there_are_no_names(void **state)
{
	struct fake_machine *m = fake_machine(state);

	fake_file(m, "/var/lib/rpm/rpmdb.sqlite", "");
	fake_file(m, TREE "/extra/a.ko.xz", "");
	assert_told(&m->root, "a unowned - none -\n");
}

static void firmware_is_found_where_the_kernel_looks(void **state)
{
	const struct root *root = machine(state);

	made_file(root, "/lib/firmware/a/one.bin", "");
	made_file(root, "/lib/firmware/" REL "/two.bin.xz", "");
	made_file(root, "/lib/firmware/updates/three.bin.zst", "");
	made_file(root, "/opt/fw/four.bin", "");
	made_file(root, "/sys/module/firmware_class/parameters/path", "/opt/fw\n");
	assert_true(firmware_present(root, REL, "a/one.bin"));
	assert_true(firmware_present(root, REL, "two.bin"));
	assert_true(firmware_present(root, REL, "three.bin"));
	assert_true(firmware_present(root, REL, "four.bin"));
	assert_true(firmware_present(root, REL, "a/*"));
	assert_true(firmware_present(root, REL, "a/o*.bin"));
	assert_false(firmware_present(root, REL, "b/*"));
	assert_false(firmware_present(root, "other", "two.bin"));
	assert_false(firmware_present(root, REL, "five.bin"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(what_the_kernels_package_owns_is_not_told),
		MACHINE_TEST(what_nobody_owns_is_told),
		MACHINE_TEST(a_kernel_in_several_packages_is_one),
		MACHINE_TEST(another_releases_package_owns_nothing_here),
		MACHINE_TEST(packages_are_named),
		MACHINE_TEST(a_diverted_file_is_not_the_kernels),
		MACHINE_TEST(without_lists_the_trees_own_order_tells),
		MACHINE_TEST(what_depmod_lists_is_believed_below_kernel),
		MACHINE_TEST(what_came_after_depmod_is_found),
		MACHINE_TEST(a_kernel_of_an_unusual_package_owns_its_modules),
		MACHINE_TEST(dkms_is_known_by_its_record),
		MACHINE_TEST(a_record_that_leads_out_is_none),
		MACHINE_TEST(other_providers_are_told),
		MACHINE_TEST(of_two_files_the_one_that_is_loaded_counts),
		MACHINE_TEST(its_file_tells_the_version),
		MACHINE_TEST(a_release_without_a_tree_has_none),
		MACHINE_TEST(a_card_below_the_default_route_is_the_link),
		MACHINE_TEST(a_bound_device_is_a_use),
		MACHINE_TEST(mounted_types_are_uses),
		MACHINE_TEST(the_root_file_system_is_the_worst_use),
		MACHINE_TEST(a_link_without_a_device_is_its_modules),
		MACHINE_TEST(only_the_running_release_is_in_use),
		MACHINE_TEST(a_loaded_module_without_a_file_is_told),
		MACHINE_TEST(hostile_tables_harm_nothing),
		MACHINE_TEST(firmware_is_found_where_the_kernel_looks),
		cmocka_unit_test_setup_teardown(rpm_names_the_owners, fake_machine_set_up,
						fake_machine_tear_down),
		cmocka_unit_test_setup_teardown(without_rpm_there_are_no_names,
						fake_machine_set_up,
						fake_machine_tear_down),
	};

	return cmocka_run_group_tests_name("third-party", tests, NULL, NULL);
}
