/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel command line is the one that the distribution's own boot menu would carry;
 * what takes a shell to read is passed over aloud, never run and never guessed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "made-machine.h"
#include "probe/distribution.h"

/* A kernel with an initramfs, and an ext4 root on a partition, unless a test says so. */
static struct kernel made_kernel(void)
{
	static char release[] = "6.1.0-9", initramfs[] = "/boot/initrd.img-6.1.0-9";

	return (struct kernel){.release = release, .initramfs.path = initramfs};
}

static struct storage made_storage(void)
{
	static char device[] = "/dev/vda3", uuid[] = "aa-bb", type[] = "ext4";

	return (struct storage){.present = true,
				.device = device,
				.uuid = uuid,
				.type = type};
}

static char *asked(const struct made_machine *m, const struct kernel *kernel,
		   const struct storage *storage, char **ret_source)
{
	autostrv struct strv args = {0};
	autofree char *source = NULL;
	struct error err = {0};

	if (distribution_command_line(&m->root, kernel, storage, &args, &source, &err) <
	    0)
		return str_format("error: %s", err.message);
	if (ret_source)
		*ret_source = take_ptr(source);
	return strv_join(&args, " ");
}

static void assert_line(const struct made_machine *m, const char *want)
{
	struct kernel kernel = made_kernel();
	struct storage storage = made_storage();
	autofree char *line = asked(m, &kernel, &storage, NULL);

	assert_string_equal(line, want);
}

static void grub_settings_are_put_together(void **state)
{
	const struct made_machine *m = *state;

	made_file(&m->root, "/etc/default/grub",
		  "# If you change this file, run 'update-grub' afterwards\n"
		  "GRUB_DEFAULT=0\nGRUB_TIMEOUT=5\n"
		  "GRUB_DISTRIBUTOR=`( . /etc/os-release; echo ${NAME:-Debian} ) "
		  "2>/dev/null || echo Debian`\n"
		  "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n"
		  "GRUB_CMDLINE_LINUX=\"console=tty0 console=ttyS0,115200\"\n");
	assert_line(m, "root=UUID=aa-bb ro console=tty0 console=ttyS0,115200 quiet");
}

static void drop_ins_come_after_and_may_add(void **state)
{
	const struct made_machine *m = *state;

	made_file(&m->root, "/etc/default/grub",
		  "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet splash\"\n"
		  "GRUB_CMDLINE_LINUX=\"\"\n");
	made_file(&m->root, "/etc/default/grub.d/10-cloud.cfg",
		  "GRUB_CMDLINE_LINUX_DEFAULT=\"console=ttyS0\"\n");
	made_file(&m->root, "/etc/default/grub.d/kdump.cfg",
		  "GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT "
		  "crashkernel=384M-:128M\"\n"
		  "GRUB_CMDLINE_LINUX=\"${GRUB_CMDLINE_LINUX} a=b\"\n");
	made_file(&m->root, "/etc/default/grub.d/not.txt", "GRUB_CMDLINE_LINUX=no\n");
	made_file(&m->root, "/etc/default/grub.d/.not.cfg", "GRUB_CMDLINE_LINUX=no\n");
	assert_line(m, "root=UUID=aa-bb ro a=b console=ttyS0 crashkernel=384M-:128M");
}

static void root_follows_grub_mkconfig(void **state)
{
	static char lvm[] = "lvm vg-root", mapper[] = "/dev/mapper/vg-root";
	static char *stack[] = {lvm, NULL};
	const struct made_machine *m = *state;
	struct kernel kernel = made_kernel();
	struct storage storage = made_storage();
	autofree char *bare = NULL, *no_uuid = NULL, *on_lvm = NULL, *off = NULL;

	made_file(&m->root, "/etc/default/grub", "");
	kernel.initramfs.path = NULL;
	bare = asked(m, &kernel, &storage, NULL);
	assert_string_equal(bare, "root=/dev/vda3 ro");
	kernel = made_kernel();
	storage.uuid = NULL;
	no_uuid = asked(m, &kernel, &storage, NULL);
	assert_string_equal(no_uuid, "root=/dev/vda3 ro");
	storage = made_storage();
	storage.device = mapper;
	storage.stack = (struct strv){stack, 1};
	on_lvm = asked(m, &kernel, &storage, NULL);
	assert_string_equal(on_lvm, "root=/dev/mapper/vg-root ro");
	storage = made_storage();
	made_file(&m->root, "/etc/default/grub", "GRUB_DISABLE_LINUX_UUID=true\n");
	off = asked(m, &kernel, &storage, NULL);
	assert_string_equal(off, "root=/dev/vda3 ro");
}

static void btrfs_keeps_its_subvolume(void **state)
{
	static char options[] = "rw,relatime,subvolid=256,subvol=/@rootfs",
		    btrfs[] = "btrfs";
	static char whole[] = "rw,subvolid=5,subvol=/";
	const struct made_machine *m = *state;
	struct kernel kernel = made_kernel();
	struct storage storage = made_storage();
	autofree char *line = NULL, *top = NULL, *suse = NULL;

	made_file(&m->root, "/etc/default/grub", "GRUB_CMDLINE_LINUX=x\n");
	storage.type = btrfs;
	storage.options = options;
	line = asked(m, &kernel, &storage, NULL);
	assert_string_equal(line, "root=UUID=aa-bb ro rootflags=subvol=@rootfs x");
	storage.options = whole;
	top = asked(m, &kernel, &storage, NULL);
	assert_string_equal(top, "root=UUID=aa-bb ro x");
	storage.options = options;
	made_file(&m->root, "/etc/default/grub",
		  "SUSE_BTRFS_SNAPSHOT_BOOTING=\"true\"\n");
	suse = asked(m, &kernel, &storage, NULL);
	assert_string_equal(suse, "root=UUID=aa-bb ro");
}

static void unknown_root_is_not_guessed(void **state)
{
	static char pool[] = "rpool/ROOT", zfs[] = "zfs";
	const struct made_machine *m = *state;
	struct kernel kernel = made_kernel();
	struct storage storage = made_storage();
	autofree char *line = NULL, *partition = NULL;

	made_file(&m->root, "/etc/default/grub", "");
	storage.device = pool;
	storage.type = zfs;
	storage.uuid = NULL;
	line = asked(m, &kernel, &storage, NULL);
	assert_non_null(strstr(line, "root= for zfs on rpool/ROOT is not known"));
	storage = made_storage();
	made_file(&m->root, "/etc/default/grub",
		  "GRUB_DISABLE_LINUX_UUID=true\nGRUB_DISABLE_LINUX_PARTUUID=false\n");
	partition = asked(m, &kernel, &storage, NULL);
	assert_non_null(strstr(partition, "PARTUUID"));
}

static void fstab_tells_root_of_another_machine(void **state)
{
	const struct made_machine *m = *state;

	made_file(&m->root, "/etc/default/grub", "GRUB_CMDLINE_LINUX=x\n");
	made_file(&m->root, "/etc/fstab",
		  "# made by the installer\nUUID=cc-dd /boot ext4 defaults 0 2\n"
		  "UUID=ee-ff / btrfs defaults,subvol=@ 0 1\n");
	assert_line(m, "root=UUID=ee-ff ro rootflags=subvol=@ x");
	made_file(&m->root, "/etc/fstab", "overlay / overlay defaults 0 0\n");
	assert_line(m, "root=UUID=aa-bb ro x");
}

static void kernel_cmdline_comes_first(void **state)
{
	const struct made_machine *m = *state;
	struct kernel kernel = made_kernel();
	struct storage storage = made_storage();
	autofree char *line = NULL, *source = NULL;

	made_file(&m->root, "/etc/default/grub", "GRUB_CMDLINE_LINUX=no\n");
	made_file(&m->root, "/etc/kernel/cmdline",
		  "# by hand\nroot=LABEL=r  rw\n dyndbg=\"a b\"\n");
	line = asked(m, &kernel, &storage, &source);
	assert_string_equal(line, "root=LABEL=r rw dyndbg=a b");
	assert_string_equal(source, "/etc/kernel/cmdline");
	made_file(&m->root, "/etc/kernel/cmdline", "\n");
	assert_line(m, "root=UUID=aa-bb ro no");
}

static void entry_options_come_before_grub_settings(void **state)
{
	static char entry[] = "/boot/loader/entries/a.conf";
	static char options[] = "root=UUID=1 ro $kernelopts x $tuned_params";
	const struct made_machine *m = *state;
	struct kernel kernel = made_kernel();
	struct storage storage = made_storage();
	autofree char *line = NULL, *source = NULL;

	made_file(&m->root, "/etc/default/grub", "GRUB_CMDLINE_LINUX=no\n");
	made_file(&m->root, "/boot/grub2/grubenv",
		  "# GRUB Environment Block\nsaved_entry=a\nkernelopts=k=1 k=2 \n####");
	made_file(&m->root, "/etc/tuned/bootcmdline",
		  "TUNED_BOOT_CMDLINE=\"skew_tick=1 isolcpus=2\"\n"
		  "TUNED_BOOT_INITRD_ADD=\n");
	kernel.loader_entry = entry;
	kernel.loader_options = options;
	line = asked(m, &kernel, &storage, &source);
	assert_string_equal(line, "root=UUID=1 ro k=1 k=2 x skew_tick=1 isolcpus=2");
	assert_string_equal(source, entry);
}

static void unknown_grub_variables_are_passed_over(void **state)
{
	static char entry[] = "/boot/loader/entries/a.conf";
	static char options[] = "root=UUID=1 $kernelopts";
	const struct made_machine *m = *state;
	struct kernel kernel = made_kernel();
	struct storage storage = made_storage();
	autofree char *line = NULL, *source = NULL;

	made_file(&m->root, "/etc/default/grub", "GRUB_CMDLINE_LINUX=from-grub\n");
	kernel.loader_entry = entry;
	kernel.loader_options = options;
	line = asked(m, &kernel, &storage, &source);
	assert_string_equal(line, "root=UUID=aa-bb ro from-grub");
	assert_non_null(strstr(source, "/etc/default/grub (passed over: "));
	assert_non_null(strstr(source, "$kernelopts"));
}

/* Each of these takes a shell, or would be read once more by GRUB. */
static void shell_code_falls_through_aloud(void **state)
{
	static const struct {
		const char *settings, *why;
	} rows[] = {
		{"GRUB_CMDLINE_LINUX=\"$(cat /etc/args)\"\n", "GRUB_CMDLINE_LINUX"},
		{"GRUB_CMDLINE_LINUX=`cat /etc/args`\n", "GRUB_CMDLINE_LINUX"},
		{"GRUB_CMDLINE_LINUX=\"${X:-y}\"\n", "GRUB_CMDLINE_LINUX"},
		{"GRUB_CMDLINE_LINUX=\"$UNKNOWN\"\n", "GRUB_CMDLINE_LINUX"},
		{"GRUB_CMDLINE_LINUX='$vt_handoff'\n", "script"},
		{"GRUB_CMDLINE_LINUX='a;reboot'\n", "script"},
		{"X=1\nif true; then\nGRUB_CMDLINE_LINUX=a\nfi\n", "line 2"},
		{". /etc/other\n", "line 1"},
		{"GRUB_CMDLINE_LINUX=a reboot\n", "shell command"},
		{"GRUB_CMDLINE_LINUX+=a\n", "shell command"},
		{"GRUB_CMDLINE_LINUX=\"a\n", "no end"},
	};
	const struct made_machine *m = *state;
	struct kernel kernel = made_kernel();
	struct storage storage = made_storage();

	made_file(
		&m->root, "/proc/cmdline",
		"BOOT_IMAGE=/vmlinuz-6 root=/dev/x kuro.generation=3 kuro.trial=1 ro\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autofree char *source = NULL, *line = NULL;

		made_file(&m->root, "/etc/default/grub", rows[i].settings);
		line = asked(m, &kernel, &storage, &source);
		assert_string_equal(line, "root=/dev/x ro");
		if (!strstr(source, "/proc/cmdline (passed over: /etc/default/grub") ||
		    !strstr(source, rows[i].why))
			fail_msg("%s: %s", rows[i].settings, source);
	}
}

static void settings_that_do_not_matter_may_be_anything(void **state)
{
	const struct made_machine *m = *state;

	made_file(&m->root, "/etc/default/grub",
		  "GRUB_DISTRIBUTOR=\"$(sed 's, release .*$,,g' /etc/system-release)\"\n"
		  "export GRUB_COLOR_NORMAL=\"light-blue/black\"; export OTHER\n"
		  "GRUB_BADRAM='0x01234567,0xfefefefe' # (comment) with 'quotes\n"
		  "A=1 B=2\\\n3\nGRUB_CMDLINE_LINUX=\"x \\\ny\"\n");
	assert_line(m, "root=UUID=aa-bb ro x y");
}

static void no_place_is_an_error_that_helps(void **state)
{
	const struct made_machine *m = *state;
	struct kernel kernel = made_kernel();
	struct storage storage = made_storage();
	autostrv struct strv args = {0};
	char *source = NULL;
	struct error err = {0};

	assert_int_equal(distribution_command_line(&m->root, &kernel, &storage, &args,
						   &source, &err),
			 -ENOENT);
	assert_non_null(strstr(err.message, "6.1.0-9"));
	assert_non_null(strstr(err.message, "/etc/kernel/cmdline"));
	assert_null(source);
	assert_int_equal(args.count, 0);
}

static void huge_files_are_refused(void **state)
{
	const struct made_machine *m = *state;
	autofree char *huge = mem_zalloc(100001);

	memset(huge, '#', 100000);
	made_file(&m->root, "/etc/default/grub", huge);
	made_file(&m->root, "/proc/cmdline", "ro");
	assert_line(m, "ro");
}

static void name_comes_from_os_release(void **state)
{
	const struct made_machine *m = *state;
	autofree char *none = NULL, *name = NULL, *hostile = NULL;

	assert_int_equal(distribution_name(&m->root, &none, NULL), 0);
	assert_string_equal(none, "Linux");
	made_file(&m->root, "/usr/lib/os-release",
		  "NAME=\"Debian GNU/Linux\"\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n");
	made_link(&m->root, "../usr/lib/os-release", "/etc/os-release");
	assert_int_equal(distribution_name(&m->root, &name, NULL), 0);
	assert_string_equal(name, "Debian GNU/Linux 12");
	made_file(&m->root, "/usr/lib/os-release", "NAME='a\033[2J'\nPRETTY_NAME=$(x)\n");
	assert_int_equal(distribution_name(&m->root, &hostile, NULL), 0);
	assert_string_equal(hostile, "a\\x1b[2J");
}

static void generator_is_the_one_in_use(void **state)
{
	const struct made_machine *m = *state;

	assert_int_equal(distribution_generator(&m->root), GENERATOR_NONE);
	made_file(&m->root, "/usr/bin/dracut", "");
	assert_int_equal(distribution_generator(&m->root), GENERATOR_DRACUT);
	made_file(&m->root, "/usr/sbin/mkinitramfs", "");
	made_file(&m->root, "/usr/sbin/update-initramfs", "");
	assert_int_equal(distribution_generator(&m->root), GENERATOR_DRACUT);
	made_file(&m->root, "/etc/kernel/postinst.d/initramfs-tools", "");
	assert_int_equal(distribution_generator(&m->root), GENERATOR_INITRAMFS_TOOLS);
}

#define MACHINE_TEST(f) \
	cmocka_unit_test_setup_teardown(f, made_machine_set_up, made_machine_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(grub_settings_are_put_together),
		MACHINE_TEST(drop_ins_come_after_and_may_add),
		MACHINE_TEST(root_follows_grub_mkconfig),
		MACHINE_TEST(btrfs_keeps_its_subvolume),
		MACHINE_TEST(unknown_root_is_not_guessed),
		MACHINE_TEST(fstab_tells_root_of_another_machine),
		MACHINE_TEST(kernel_cmdline_comes_first),
		MACHINE_TEST(entry_options_come_before_grub_settings),
		MACHINE_TEST(unknown_grub_variables_are_passed_over),
		MACHINE_TEST(shell_code_falls_through_aloud),
		MACHINE_TEST(settings_that_do_not_matter_may_be_anything),
		MACHINE_TEST(no_place_is_an_error_that_helps),
		MACHINE_TEST(huge_files_are_refused),
		MACHINE_TEST(name_comes_from_os_release),
		MACHINE_TEST(generator_is_the_one_in_use),
	};

	return cmocka_run_group_tests_name("distribution", tests, NULL, NULL);
}
