/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every installed release is found once, newest first, on Debian's, Fedora's and SUSE's
 * layouts; what only looks like one is not; a hostile tree leads nowhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "loader-entries.h"
#include "made-machine.h"
#include "probe/kernels.h"

static void probe(const struct made_machine *m, struct kernel_list *ret)
{
	struct error err = {0};

	if (kernels_probe(&m->root, true, ret, &err) < 0)
		fail_msg("%s", err.message);
}

static const struct kernel *sole_kernel(const struct kernel_list *list)
{
	assert_int_equal(list->count, 1);
	return &list->items[0];
}

static void no_boot_is_no_kernel(void **state)
{
	autokernels struct kernel_list list = {0};

	probe(*state, &list);
	assert_int_equal(list.count, 0);
}

static void debian_layout_is_found(void **state)
{
	const struct made_machine *m = *state;
	autokernels struct kernel_list list = {0};
	const struct kernel *kernel;

	made_file(&m->root, "/boot/vmlinuz-6.1.0-9-amd64", "kernel");
	made_file(&m->root, "/boot/initrd.img-6.1.0-9-amd64", "initramfs!");
	made_file(&m->root, "/boot/config-6.1.0-9-amd64", "CONFIG_X=y\n");
	made_file(&m->root, "/lib/modules/6.1.0-9-amd64/kernel/a.ko", "module");
	probe(m, &list);
	kernel = sole_kernel(&list);
	assert_string_equal(kernel->release, "6.1.0-9-amd64");
	assert_string_equal(kernel->image.path, "/boot/vmlinuz-6.1.0-9-amd64");
	assert_int_equal(kernel->image.size, 6);
	assert_true(kernel->image.room >= 512);
	assert_string_equal(kernel->initramfs.path, "/boot/initrd.img-6.1.0-9-amd64");
	assert_int_equal(kernel->initramfs.size, 10);
	assert_string_equal(kernel->config.path, "/boot/config-6.1.0-9-amd64");
	assert_string_equal(kernel->modules, "/lib/modules/6.1.0-9-amd64");
	assert_true(kernel->modules_room >= 512);
	assert_null(kernel->loader_entry);
	assert_false(kernel->running);
}

static void merged_usr_is_listed_once(void **state)
{
	const struct made_machine *m = *state;
	autokernels struct kernel_list list = {0};

	made_file(&m->root, "/usr/lib/modules/6.1.0-9-amd64/modules.order", "");
	made_link(&m->root, "usr/lib", "/lib");
	probe(m, &list);
	assert_string_equal(sole_kernel(&list)->modules,
			    "/usr/lib/modules/6.1.0-9-amd64");
	assert_null(list.items[0].image.path);
}

static void newest_release_comes_first(void **state)
{
	static const char *const order[] = {"6.12.0-1", "6.10.0-1", "6.9.0-2", "6.9.0-1"};
	const struct made_machine *m = *state;
	autokernels struct kernel_list list = {0};

	made_file(&m->root, "/boot/vmlinuz-6.9.0-1", "k");
	made_file(&m->root, "/boot/vmlinuz-6.12.0-1", "k");
	made_file(&m->root, "/boot/vmlinuz-6.10.0-1", "k");
	made_file(&m->root, "/boot/vmlinuz-6.9.0-2", "k");
	probe(m, &list);
	assert_int_equal(list.count, ARRAY_LEN(order));
	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		assert_string_equal(list.items[i].release, order[i]);
}

#define FEDORA "6.5.6-300.fc39.x86_64"

static void fedora_layout_is_found(void **state)
{
	const struct made_machine *m = *state;
	autokernels struct kernel_list list = {0};
	const struct kernel *kernel;

	made_file(&m->root, "/usr/lib/modules/" FEDORA "/vmlinuz", "kernel");
	made_file(&m->root, "/usr/lib/modules/" FEDORA "/config", "CONFIG_X=y\n");
	made_file(&m->root, "/boot/vmlinuz-" FEDORA, "kernel");
	made_file(&m->root, "/boot/initramfs-" FEDORA ".img", "initramfs");
	made_file(&m->root, "/boot/initramfs-" FEDORA "kdump.img", "other");
	made_file(&m->root, "/boot/loader/entries/0123-" FEDORA ".conf",
		  "title Fedora Linux\nversion " FEDORA "\nlinux /vmlinuz-" FEDORA
		  "\ninitrd /initramfs-" FEDORA ".img $tuned_initrd\n"
		  "options root=UUID=1 ro $tuned_params\ngrub_users $grub_users\n");
	probe(m, &list);
	kernel = sole_kernel(&list);
	assert_string_equal(kernel->image.path, "/boot/vmlinuz-" FEDORA);
	assert_string_equal(kernel->initramfs.path, "/boot/initramfs-" FEDORA ".img");
	assert_string_equal(kernel->config.path, "/usr/lib/modules/" FEDORA "/config");
	assert_string_equal(kernel->loader_entry,
			    "/boot/loader/entries/0123-" FEDORA ".conf");
	assert_string_equal(kernel->loader_options, "root=UUID=1 ro $tuned_params");
}

static void image_of_the_tree_serves_where_boot_has_none(void **state)
{
	const struct made_machine *m = *state;
	autokernels struct kernel_list list = {0};

	made_file(&m->root, "/usr/lib/modules/" FEDORA "/vmlinuz", "kernel");
	probe(m, &list);
	assert_string_equal(sole_kernel(&list)->image.path,
			    "/usr/lib/modules/" FEDORA "/vmlinuz");
}

static void suse_links_are_followed_inside(void **state)
{
	const struct made_machine *m = *state;
	autokernels struct kernel_list list = {0};

	made_file(&m->root, "/usr/lib/modules/6.4.0-1-default/vmlinuz", "kernel");
	made_link(&m->root, "../usr/lib/modules/6.4.0-1-default/vmlinuz",
		  "/boot/vmlinuz-6.4.0-1-default");
	made_file(&m->root, "/boot/initrd-6.4.0-1-default", "initramfs");
	made_link(&m->root, "vmlinuz-6.4.0-1-default", "/boot/vmlinuz");
	probe(m, &list);
	assert_string_equal(sole_kernel(&list)->image.path,
			    "/boot/vmlinuz-6.4.0-1-default");
	assert_int_equal(list.items[0].image.size, 6);
	assert_string_equal(list.items[0].initramfs.path, "/boot/initrd-6.4.0-1-default");
}

/* kernel-install's own layout: only the entry knows where the image is. */
static void entry_alone_names_image(void **state)
{
	const struct made_machine *m = *state;
	autokernels struct kernel_list list = {0};
	const struct kernel *kernel;

	made_file(&m->root, "/etc/machine-id", "abcd\n");
	made_file(&m->root, "/efi/abcd/6.6.1/linux", "kernel");
	made_file(&m->root, "/efi/abcd/6.6.1/initrd", "initramfs");
	made_file(&m->root, "/efi/abcd/ucode.img", "microcode");
	made_file(&m->root, "/efi/loader/entries/abcd-6.6.1.conf",
		  "# made by kernel-install\ntitle x\nmachine-id abcd\n"
		  "options root=LABEL=r\noptions quiet\nlinux\t/abcd/6.6.1/linux\n"
		  "initrd /abcd/ucode.img\ninitrd /abcd/6.6.1/initrd\n");
	probe(m, &list);
	kernel = sole_kernel(&list);
	assert_string_equal(kernel->release, "6.6.1");
	assert_string_equal(kernel->image.path, "/efi/abcd/6.6.1/linux");
	assert_string_equal(kernel->initramfs.path, "/efi/abcd/6.6.1/initrd");
	assert_string_equal(kernel->loader_options, "root=LABEL=r quiet");
}

static void entries_of_other_machines_are_not_ours(void **state)
{
	const struct made_machine *m = *state;
	autokernels struct kernel_list list = {0};

	made_file(&m->root, "/etc/machine-id", "abcd\n");
	made_file(&m->root, "/boot/vmlinuz-6.6.1", "kernel");
	made_file(&m->root, "/boot/loader/entries/a.conf",
		  "machine-id ffff\nversion 6.6.1\nlinux /vmlinuz-6.6.1\noptions no\n");
	probe(m, &list);
	assert_null(sole_kernel(&list)->loader_entry);
}

static void entry_with_its_image_comes_first(void **state)
{
	const struct made_machine *m = *state;
	autokernels struct kernel_list list = {0};

	made_file(&m->root, "/boot/vmlinuz-6.6.1", "kernel");
	made_file(&m->root, "/boot/loader/entries/a.conf",
		  "version 6.6.1\nlinux /gone\noptions gone\n");
	made_file(&m->root, "/boot/loader/entries/b.conf",
		  "version 6.6.1\nlinux /boot/vmlinuz-6.6.1\noptions there\n");
	probe(m, &list);
	assert_string_equal(sole_kernel(&list)->loader_options, "there");
}

static void what_only_looks_like_a_kernel_is_none(void **state)
{
	static const char *const names[] = {
		"/boot/vmlinuz-0-rescue-0123456789abcdef",
		"/boot/vmlinuz-6.1.0-1.old",
		"/boot/vmlinuz-6.1.0-1.dpkg-tmp",
		"/boot/vmlinuz-6.1.0-1.rpmsave",
		"/boot/vmlinux-6.4.0-1-default.xz",
		"/boot/vmlinuz-6.1.0 1",
		"/boot/vmlinuz-6.1..0",
		"/boot/vmlinuz-$(reboot)",
		"/boot/vmlinuz-",
		"/boot/kuro/gen/1/vmlinuz",
		"/usr/lib/modules/6.1.0-1/build/Makefile",
		"/usr/lib/modules/.hidden/kernel/a.ko",
	};
	const struct made_machine *m = *state;
	autokernels struct kernel_list list = {0};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		made_file(&m->root, names[i], "x");
	made_dir(&m->root, "/boot/vmlinuz-6.2.0");
	made_link(&m->root, "nowhere", "/boot/vmlinuz-6.3.0");
	made_file(&m->root, "/boot/loader/entries/rescue.conf",
		  "version 0-rescue-0123\n"
		  "linux /vmlinuz-0-rescue-0123456789abcdef\n");
	probe(m, &list);
	for (size_t i = 0; i < list.count; i++)
		print_message("found %s\n", list.items[i].release);
	assert_int_equal(list.count, 0);
}

/* A person may call a kernel so; its tree proves it. */
static void odd_release_with_tree_counts(void **state)
{
	const struct made_machine *m = *state;
	autokernels struct kernel_list list = {0};

	made_file(&m->root, "/boot/vmlinuz-6.1.0-test.old", "kernel");
	made_file(&m->root, "/usr/lib/modules/6.1.0-test.old/modules.dep", "");
	probe(m, &list);
	assert_string_equal(sole_kernel(&list)->image.path,
			    "/boot/vmlinuz-6.1.0-test.old");
}

static void links_do_not_lead_out(void **state)
{
	const struct made_machine *m = *state;
	autokernels struct kernel_list list = {0};
	autofree char *outside = str_format("%s/outside", m->dir);
	struct root all;

	assert_int_equal(root_open(&all, m->dir, NULL), 0);
	made_file(&all, "/outside", "not of this machine");
	root_done(&all);
	made_link(&m->root, outside, "/boot/vmlinuz-6.1.0");
	made_link(&m->root, "../../outside", "/boot/vmlinuz-6.2.0");
	made_file(&m->root, "/boot/vmlinuz-6.3.0", "kernel");
	made_file(&m->root, "/boot/loader/entries/a.conf",
		  "version 6.3.0\nlinux /../../outside\ninitrd /../../outside\n");
	probe(m, &list);
	assert_string_equal(sole_kernel(&list)->release, "6.3.0");
	assert_null(list.items[0].initramfs.path);
}

static void hostile_entries_are_left_out(void **state)
{
	const struct made_machine *m = *state;
	autokernels struct kernel_list list = {0};
	autofree char *huge = mem_zalloc(70001);

	memset(huge, 'x', 70000);
	made_file(&m->root, "/boot/vmlinuz-6.3.0", "kernel");
	made_file(&m->root, "/boot/loader/entries/a.conf", huge);
	made_bytes(&m->root, "/boot/loader/entries/b.conf", "linux\0 /x\nversion", 17);
	made_file(&m->root, "/boot/loader/entries/c.conf", "");
	made_link(&m->root, "c.conf", "/boot/loader/entries/d.conf");
	made_link(&m->root, "e.conf", "/boot/loader/entries/e.conf");
	made_dir(&m->root, "/boot/loader/entries/f.conf");
	probe(m, &list);
	assert_null(sole_kernel(&list)->loader_entry);
}

static void too_many_kernels_are_not_believed(void **state)
{
	const struct made_machine *m = *state;
	autokernels struct kernel_list list = {0};
	struct error err = {0};

	for (int i = 0; i < 600; i++) {
		autofree char *path = str_format("/usr/lib/modules/6.%d/kernel", i);

		made_dir(&m->root, path);
	}
	assert_int_equal(kernels_probe(&m->root, false, &list, &err), -E2BIG);
	assert_non_null(strstr(err.message, "/usr/lib/modules"));
	assert_null(list.items);
}

static void size_of_tree_follows_no_link(void **state)
{
	const struct made_machine *m = *state;
	autokernels struct kernel_list before = {0}, after = {0};
	autofree char *big = mem_zalloc(1 << 20);

	memset(big, 'x', (1 << 20) - 1);
	made_file(&m->root, "/usr/lib/modules/6.1/kernel/a.ko", "module");
	made_file(&m->root, "/usr/src/big", big);
	probe(m, &before);
	made_link(&m->root, "/usr/src", "/usr/lib/modules/6.1/build");
	made_link(&m->root, "..", "/usr/lib/modules/6.1/kernel/loop");
	probe(m, &after);
	assert_true(before.items[0].modules_room >= 512);
	assert_true(after.items[0].modules_room <
		    before.items[0].modules_room + (1 << 19));
}

static void entry_text_is_taken_as_it_stands(void **state)
{
	struct loader_entry entry = {0};

	(void)state;
	loader_entry_parse(
		"\r\n  title   A  B \r\nversion\nunknown x\n# linux /no\n"
		"linux /a\nlinux /b\ninitrd $early /c /d\noptions  x \"y z\"\n",
		&entry);
	assert_string_equal(entry.title, "A  B");
	assert_null(entry.version);
	assert_string_equal(entry.image, "/b");
	assert_int_equal(entry.initrds.count, 2);
	assert_string_equal(entry.initrds.items[1], "/d");
	assert_string_equal(entry.options, "x \"y z\"");
	loader_entry_done(&entry);
}

static void release_of_an_entry(void **state)
{
	static const struct {
		const char *text, *release;
	} rows[] = {
		{"version 6.1\nlinux /x\n", "6.1"},
		{"version 6.1@2\nlinux /opensuse/6.4.0-1-default/linux-0a1b\n",
		 "6.4.0-1-default"},
		{"linux /vmlinuz-6.1\n", "6.1"},
		{"linux /boot/vmlinuz-6.1\n", "6.1"},
		{"linux /id/6.1/linux\n", "6.1"},
		{"linux /linux\n", NULL},
		{"linux linux\n", NULL},
		{"linux /vmlinuz-..\n", NULL},
		{"linux /memtest86+x64.bin\n", NULL},
		{"version 0-rescue-12\nlinux /vmlinuz-6.1\n", NULL},
		{"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct loader_entry entry = {0};
		autofree char *release = NULL;

		loader_entry_parse(rows[i].text, &entry);
		release = loader_entry_release(&entry);
		if (!str_eq(release, rows[i].release))
			fail_msg("%s gives %s", rows[i].text, release);
		loader_entry_done(&entry);
	}
}

/* The package manager is a program on the PATH; a made one answers as dpkg-query does. */
static void with_program(const struct made_machine *m, const char *name, const char *text)
{
	autofree char *path = str_format("/bin/%s", name);

	made_file(&m->host, path, text);
	free(path);
	path = root_path(&m->host, "/bin");
	assert_int_equal(setenv("KURO_PATH", path, 1), 0);
	free(path);
	path = str_format("%s/host/bin/%s", m->dir, name);
	assert_int_equal(chmod(path, 0755), 0);
}

static void owners_come_from_dpkg(void **state)
{
	const struct made_machine *m = *state;
	autokernels struct kernel_list list = {0};

	made_file(&m->root, "/var/lib/dpkg/status", "");
	made_file(&m->root, "/boot/vmlinuz-6.1.0-3", "k");
	made_file(&m->root, "/boot/vmlinuz-6.1.0-2", "k");
	made_file(&m->root, "/boot/vmlinuz-6.1.0-1", "k");
	with_program(m, "dpkg-query",
		     "#!/bin/sh\n[ \"$1\" = --admindir ] || exit 9\n"
		     "echo 'diversion by x from: /boot/vmlinuz-6.1.0-1'\n"
		     "echo 'linux-image-3:amd64, other: /boot/vmlinuz-6.1.0-3'\n"
		     "echo 'linux-image-2: /boot/vmlinuz-6.1.0-2'\n"
		     "echo 'no path found matching pattern' >&2\nexit 1\n");
	probe(m, &list);
	assert_int_equal(kernels_probe_packages(&m->root, &list, NULL), 0);
	assert_string_equal(list.items[0].package, "linux-image-3");
	assert_string_equal(list.items[1].package, "linux-image-2");
	assert_null(list.items[2].package);
}

static void owners_come_from_rpm(void **state)
{
	const struct made_machine *m = *state;
	autokernels struct kernel_list list = {0};

	made_dir(&m->root, "/usr/lib/sysimage/rpm");
	made_file(&m->root, "/boot/vmlinuz-6.5.6-2", "k");
	made_file(&m->root, "/boot/vmlinuz-6.5.6-1", "k");
	with_program(
		m, "rpm",
		"#!/bin/sh\nn=kernel-core-6.5.6-2.x86_64\n"
		"case $*\\  in *--dbpath\\ /usr/lib/sysimage/rpm\\ -qa\\ *) ;; *) exit "
		"9;; esac\n"
		"printf 'other-1-1.noarch\\t/usr/bin/x\\n%s\\t/boot/vmlinuz-6.5.6-2\\n' "
		"$n\n"
		"printf '%s\\t/usr/lib/modules/6.5.6-2/vmlinuz\\nno\\tend' $n\n");
	probe(m, &list);
	assert_int_equal(kernels_probe_packages(&m->root, &list, NULL), 0);
	assert_string_equal(list.items[0].package, "kernel-core-6.5.6-2.x86_64");
	assert_null(list.items[1].package);
}

static void no_package_manager_is_no_error(void **state)
{
	const struct made_machine *m = *state;
	autokernels struct kernel_list list = {0};

	made_file(&m->root, "/boot/vmlinuz-6.1.0-1", "k");
	probe(m, &list);
	assert_int_equal(kernels_probe_packages(&m->root, &list, NULL), 0);
	made_file(&m->root, "/var/lib/dpkg/status", "");
	assert_int_equal(setenv("KURO_PATH", "/nonexistent", 1), 0);
	assert_int_equal(kernels_probe_packages(&m->root, &list, NULL), 0);
	assert_null(list.items[0].package);
}

#define MACHINE_TEST(f) \
	cmocka_unit_test_setup_teardown(f, made_machine_set_up, made_machine_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(no_boot_is_no_kernel),
		MACHINE_TEST(debian_layout_is_found),
		MACHINE_TEST(merged_usr_is_listed_once),
		MACHINE_TEST(newest_release_comes_first),
		MACHINE_TEST(fedora_layout_is_found),
		MACHINE_TEST(image_of_the_tree_serves_where_boot_has_none),
		MACHINE_TEST(suse_links_are_followed_inside),
		MACHINE_TEST(entry_alone_names_image),
		MACHINE_TEST(entries_of_other_machines_are_not_ours),
		MACHINE_TEST(entry_with_its_image_comes_first),
		MACHINE_TEST(what_only_looks_like_a_kernel_is_none),
		MACHINE_TEST(odd_release_with_tree_counts),
		MACHINE_TEST(links_do_not_lead_out),
		MACHINE_TEST(hostile_entries_are_left_out),
		MACHINE_TEST(too_many_kernels_are_not_believed),
		MACHINE_TEST(size_of_tree_follows_no_link),
		cmocka_unit_test(entry_text_is_taken_as_it_stands),
		cmocka_unit_test(release_of_an_entry),
		MACHINE_TEST(owners_come_from_dpkg),
		MACHINE_TEST(owners_come_from_rpm),
		MACHINE_TEST(no_package_manager_is_no_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
