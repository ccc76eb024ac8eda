/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kernels out of packages, as distributions split them: what belongs to a release comes
 * together, in whatever order it is given; what is not the kernel's own stays apart.
 */
#include <archive.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "made-machine.h"
#include "made-module.h"
#include "made-package.h"
#include "probe/package-file.h"

#define TREE     "./lib/modules/6.8.0-1-generic/"
#define SECTIONS 32

static const struct root *machine(void **state)
{
	const struct made_machine *m = *state;

	return &m->root;
}

#define MACHINE_TEST(f) \
	cmocka_unit_test_setup_teardown(f, made_machine_set_up, made_machine_tear_down)

/* A module like made_whole that says these things of itself. */
static void *module_saying(const char *info, size_t info_len, size_t *ret_len)
{
	struct made_section sections[SECTIONS] = {0};
	const struct made_module module = {sections, made_whole.symbols};

	for (size_t i = 0; made_whole.sections[i].name; i++) {
		assert_true(i < SECTIONS - 1);
		sections[i] = made_whole.sections[i];
		if (strcmp(sections[i].name, ".modinfo") == 0) {
			sections[i].data = info;
			sections[i].len = info_len;
		}
	}
	return made_module_bytes(&module, ret_len);
}

static void put(const struct root *root, const char *path, struct text package)
{
	made_bytes(root, path, package.data, package.len);
	text_done(&package);
}

static void put_deb(const struct root *root, const char *path,
		    const struct made_member *members)
{
	put(root, path, made_deb(ARCHIVE_FILTER_XZ, members));
}

/* Reads those packages, "a.deb b.deb" below the root. */
static int read_kernels(const struct root *root, const char *names,
			struct packaged_kernels *ret, struct error *err)
{
	autostrv struct strv paths = {0};

	strv_split(&paths, names, " ");
	return packaged_kernels_read(root, &paths, ret, err);
}

static void assert_file(const struct packaged_kernel *kernel, const char *what,
			const char *text)
{
	const void *data = NULL;
	size_t len = 0;
	int r = kernel->source.file(kernel->source.data, what, &data, &len, NULL);

	if (!text) {
		assert_int_equal(r, -ENOENT);
		return;
	}
	assert_int_equal(r, 0);
	assert_int_equal(len, strlen(text));
	assert_memory_equal(data, text, len);
}

static void assert_words(const struct strv *words, const char *expected)
{
	autofree char *joined = strv_join(words, " ");

	assert_string_equal(joined, expected);
}

/* Ubuntu's three packages. */
static void put_split(const struct root *root)
{
	static const char builtin[] =
		"x_y.license=GPL\0x_y.alias=pci:v1d*\0x_y.alias=two words\0"
		"x-z.alias=acpi*:Q:*\0none\0.alias=nobody";
	static const struct made_member image[] = {
		MADE_FILE("./boot/vmlinuz-6.8.0-1-generic", "image"), {0}};
	static const struct made_member modules[] = {
		MADE_FILE("./boot/config-6.8.0-1-generic", "CONFIG_MODULES=y\n"),
		MADE_FILE(TREE "kernel/a.ko", "a"),
		MADE_FILE(TREE "kernel/fs/b-b.ko", "bb"),
		MADE_FILE(TREE "modules.builtin", "kernel/fs/ext4.ko\nkernel/x-y.ko\n"),
		{.name = TREE "modules.builtin.modinfo",
		 .text = builtin,
		 .size = sizeof(builtin) - 1},
		{0},
	};
	static const struct made_member extra[] = {MADE_FILE(TREE "kernel/drivers/c.ko",
							     "ccc"),
						   {0}};

	put_deb(root, "/image.deb", image);
	put_deb(root, "/modules.deb", modules);
	put_deb(root, "/extra.deb", extra);
}

static void split_packages_are_one_kernel(void **state)
{
	static const char *const orders[][2] = {
		{"/image.deb /modules.deb /extra.deb", "a b_b c"},
		{"/extra.deb /modules.deb /image.deb", "c a b_b"},
		{"/modules.deb /image.deb /modules.deb /extra.deb", "a b_b c"},
	};

	put_split(machine(state));
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		autopackaged struct packaged_kernels kernels = {0};
		const struct packaged_kernel *kernel;
		struct driver_names names;

		assert_int_equal(read_kernels(machine(state), orders[i][0], &kernels,
					      NULL),
				 0);
		assert_int_equal(kernels.count, 1);
		assert_int_equal(kernels.module_count, 0);
		kernel = &kernels.items[0];
		assert_string_equal(kernel->release, "6.8.0-1-generic");
		assert_string_equal(kernel->source.release, "6.8.0-1-generic");
		assert_int_equal(kernel->packages.count, 3);
		assert_file(kernel, "image", "image");
		assert_file(kernel, "config", "CONFIG_MODULES=y\n");
		assert_file(kernel, "symvers", NULL);
		assert_file(kernel, "no such thing", NULL);
		assert_int_equal(packaged_kernel_drivers(kernel, &names, NULL), 0);
		assert_words(&names.modules, orders[i][1]);
		assert_words(&names.built_in, "ext4 x_y");
		assert_words(&names.aliases, "pci:v1d* x_y acpi*:Q:* x_z");
		driver_names_done(&names);
	}
}

/* Debian since 7.2, Fedora: everything in the tree, below /usr where it says so. */
static void tree_is_looked_at_before_boot(void **state)
{
	static const struct made_member members[] = {
		MADE_FILE("./boot/vmlinuz-7.2", "boot's"),
		MADE_FILE("./boot/config-7.2", "boot's"),
		MADE_FILE("./usr/lib/modules/7.2/vmlinuz", "tree's"),
		MADE_FILE("./usr/lib/modules/7.2/config", "tree's"),
		MADE_FILE("./boot/vmlinuz-7.2", "boot's again"),
		MADE_FILE("./boot/.vmlinuz-7.2.hmac", "sum"),
		MADE_FILE("./boot/vmlinux-7.2.xz", "for debuggers"),
		MADE_FILE("./usr/lib/modules/7.2/kernel/a.ko", "a"),
		MADE_FILE("./usr/lib/debug/lib/modules/7.2/kernel/d.ko", "d"),
		MADE_FILE("./usr/lib/modules/x y/kernel/e.ko", "e"),
		MADE_FILE("./usr/lib/modules/f.ko", "f"),
		{0},
	};
	autopackaged struct packaged_kernels kernels = {0};

	put_deb(machine(state), "/a.deb", members);
	assert_int_equal(read_kernels(machine(state), "/a.deb", &kernels, NULL), 0);
	assert_int_equal(kernels.count, 1);
	assert_file(&kernels.items[0], "image", "tree's");
	assert_file(&kernels.items[0], "config", "tree's");
	assert_file(&kernels.items[0], "modules", "/lib/modules/7.2/kernel/a.ko\n");
}

static void symvers_come_plain(void **state)
{
	static const char line[] = "0x12345678\tprintk\tvmlinux\tEXPORT_SYMBOL\t\n";
	autotext struct text xz = made_compressed(ARCHIVE_FILTER_XZ, line, strlen(line));
	const struct made_member members[] = {
		MADE_FILE("./lib/modules/5.14/vmlinuz", "image"),
		{.name = "./lib/modules/5.14/symvers.xz",
		 .text = xz.data,
		 .size = xz.len},
		{0},
	};
	autopackaged struct packaged_kernels kernels = {0};

	put(machine(state), "/a.rpm", made_rpm(ARCHIVE_FILTER_ZSTD, members));
	assert_int_equal(read_kernels(machine(state), "/a.rpm", &kernels, NULL), 0);
	assert_file(&kernels.items[0], "symvers", line);
}

/* RHEL's kernel-modules-extra, whatever comes first; a kmod's stay a third party's. */
static void extra_modules_of_the_kernels_package_are_its_own(void **state)
{
	static const char *const orders[] = {
		"/kernel-core-5.14.rpm /kernel-modules-extra-5.14.rpm /kmod-y.rpm",
		"/kmod-y.rpm /kernel-modules-extra-5.14.rpm /kernel-core-5.14.rpm"};
	static const struct made_member core[] = {
		MADE_FILE("./lib/modules/5.14/vmlinuz", "image"),
		MADE_FILE("./lib/modules/5.14/kernel/a.ko", "a"),
		{0}};
	static const struct made_member extra[] = {
		MADE_FILE("./lib/modules/5.14/extra/net/sctp.ko", "sctp"), {0}};
	static const struct made_member kmod[] = {
		MADE_FILE("./lib/modules/5.14/extra/y/y.ko", "y"), {0}};

	put(machine(state), "/kernel-core-5.14.rpm", made_rpm(ARCHIVE_FILTER_GZIP, core));
	put(machine(state), "/kernel-modules-extra-5.14.rpm",
	    made_rpm(ARCHIVE_FILTER_GZIP, extra));
	put(machine(state), "/kmod-y.rpm", made_rpm(ARCHIVE_FILTER_GZIP, kmod));
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		autopackaged struct packaged_kernels kernels = {0};
		struct driver_names names;

		assert_int_equal(read_kernels(machine(state), orders[i], &kernels, NULL),
				 0);
		assert_int_equal(kernels.count, 1);
		assert_int_equal(kernels.module_count, 1);
		assert_string_equal(kernels.modules[0].name, "y");
		assert_int_equal(packaged_kernel_drivers(&kernels.items[0], &names, NULL),
				 0);
		assert_words(&names.modules, i == 0 ? "a sctp" : "sctp a");
		driver_names_done(&names);
	}
}

static void two_kernels_are_two(void **state)
{
	static const struct made_member old[] = {MADE_FILE("boot/vmlinuz-6.9.1", "old"),
						 {0}};
	static const struct made_member new[] = {MADE_FILE("boot/vmlinuz-6.10.2", "new"),
						 MADE_FILE("boot/vmlinuz-6.8.3",
							   "oldest"),
						 {0}};
	autopackaged struct packaged_kernels kernels = {0};

	put_deb(machine(state), "/old.deb", old);
	put_deb(machine(state), "/new.deb", new);
	assert_int_equal(read_kernels(machine(state), "/old.deb /new.deb", &kernels,
				      NULL),
			 0);
	assert_int_equal(kernels.count, 3);
	assert_file(&kernels.items[0], "image", "new");
	assert_file(&kernels.items[1], "image", "old");
	assert_file(&kernels.items[2], "image", "oldest");
	assert_words(&kernels.items[1].packages, "/old.deb");
}

static void third_party_modules_stay_apart(void **state)
{
	static const struct made_member kmod[] = {
		MADE_FILE("./lib/modules/6.8.0-1-generic/extra/v/kvdo.ko", "k"),
		MADE_FILE("./lib/modules/6.7.0/updates/w.ko", "w"),
		{0}};
	static const struct made_member own[] = {
		MADE_FILE("./lib/modules/6.8.0-1-generic/zfs/zfs.ko", "z"),
		MADE_FILE("./lib/modules/6.8.0-1-generic/kernel/y.ko", "y"),
		{0}};
	autopackaged struct packaged_kernels kernels = {0};

	put_split(machine(state));
	put_deb(machine(state), "/kmod.deb", kmod);
	put_deb(machine(state), "/own.deb", own);
	assert_int_equal(read_kernels(machine(state), "/kmod.deb /image.deb /own.deb",
				      &kernels, NULL),
			 0);
	assert_int_equal(kernels.count, 1);
	assert_words(&kernels.items[0].packages, "/image.deb /own.deb");
	assert_file(&kernels.items[0], "modules",
		    "/lib/modules/6.8.0-1-generic/kernel/y.ko\n"
		    "/lib/modules/6.8.0-1-generic/zfs/zfs.ko\n");
	assert_int_equal(kernels.module_count, 2);
	assert_string_equal(kernels.modules[0].name, "kvdo");
	assert_string_equal(kernels.modules[0].path,
			    "/lib/modules/6.8.0-1-generic/extra/v/kvdo.ko");
	assert_non_null(kernels.modules[0].fault); /* "k" is no ELF file */
	assert_string_equal(kernels.modules[1].name, "w");
}

/* An addition to a kernel that is installed already. */
static void modules_without_an_image_are_third_party(void **state)
{
	size_t len;
	autofree void *bytes = made_module_bytes(&made_whole, &len);
	const struct made_member members[] = {
		{.name = "./lib/modules/6.7.0/kernel/nvidia/nvidia.ko",
		 .text = bytes,
		 .size = len},
		MADE_FILE("./lib/modules/6.7.0/extra/other.ko", "o"),
		MADE_FILE("./boot/config-6.7.0", "x"),
		{0},
	};
	static const char *const orders[] = {"/kmod.deb /image.deb",
					     "/image.deb /kmod.deb"};

	put_split(machine(state));
	put_deb(machine(state), "/kmod.deb", members);
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		autopackaged struct packaged_kernels kernels = {0};

		assert_int_equal(read_kernels(machine(state), orders[i], &kernels, NULL),
				 0);
		assert_int_equal(kernels.count, 1);
		assert_int_equal(kernels.module_count, 2);
		assert_string_equal(kernels.modules[0].path,
				    "/lib/modules/6.7.0/kernel/nvidia/nvidia.ko");
		assert_null(kernels.modules[0].fault);
		assert_int_equal(kernels.modules[0].export_count, 2);
		assert_string_equal(kernels.modules[1].name, "other");
	}
}

static void modules_of_a_kernel_want_its_image(void **state)
{
	struct made_member members[PACKAGED_MODULES_MAX + 2] = {0};
	autostrv struct strv names = {0};
	autopackaged struct packaged_kernels kernels = {0};
	struct error err = {0};

	for (size_t i = 0; i <= PACKAGED_MODULES_MAX; i++) {
		strv_add_take(&names, str_format(TREE "kernel/m%zu.ko", i));
		members[i] = (struct made_member){.name = names.items[i], .text = "x"};
	}
	put_deb(machine(state), "/modules.deb", members);
	assert_int_equal(read_kernels(machine(state), "/modules.deb", &kernels, &err),
			 -ERROR_REFUSED);
	assert_non_null(strstr(err.message, "/modules.deb"));
	assert_non_null(strstr(err.message, "6.8.0-1-generic"));
	for (size_t i = 0; i <= PACKAGED_MODULES_MAX; i++)
		memcpy(names.items[i] + strlen(TREE), "extra_", 6);
	put_deb(machine(state), "/modules.deb", members);
	assert_int_equal(read_kernels(machine(state), "/modules.deb", &kernels, &err),
			 -ERROR_REFUSED);
}

static void other_packages_are_refused(void **state)
{
	static const struct made_member members[] = {
		MADE_FILE("./usr/bin/true", "x"),
		MADE_FILE("./boot/config-6.1", "x"),
		MADE_FILE("./lib/modules/6.1/modules.builtin", "x"),
		{0}};
	struct packaged_kernels kernels;
	struct error err = {0};

	put_deb(machine(state), "/a.deb", members);
	put(machine(state), "/b.rpm", made_rpm(ARCHIVE_FILTER_GZIP, members));
	assert_int_equal(read_kernels(machine(state), "/a.deb /b.rpm", &kernels, &err),
			 -ERROR_REFUSED);
	assert_non_null(strstr(err.message, "/a.deb, /b.rpm"));
}

struct seen {
	struct text paths;
	unsigned int left;
};

static int see(void *data, const char *path, const void *bytes, size_t len,
	       struct error *err)
{
	struct seen *seen = data;

	(void)err;
	text_appendf(&seen->paths, "%s=%.*s\n", path, (int)len, (const char *)bytes);
	return --seen->left == 0 ? 5 : 0;
}

static void modules_are_read_again(void **state)
{
	autopackaged struct packaged_kernels kernels = {0};
	struct seen all = {.left = 9}, first = {.left = 1};
	const struct kernel_source *source;
	autofree void *bytes = NULL;
	struct error err = {0};
	size_t len;

	put_split(machine(state));
	assert_int_equal(read_kernels(machine(state),
				      "/image.deb /modules.deb /extra.deb", &kernels,
				      NULL),
			 0);
	source = &kernels.items[0].source;
	assert_int_equal(source->modules(source->data, see, &all, NULL), 0);
	assert_string_equal(text_str(&all.paths),
			    "/lib/modules/6.8.0-1-generic/kernel/a.ko=a\n"
			    "/lib/modules/6.8.0-1-generic/kernel/fs/b-b.ko=bb\n"
			    "/lib/modules/6.8.0-1-generic/kernel/drivers/c.ko=ccc\n");
	assert_int_equal(source->modules(source->data, see, &first, NULL), 5);
	assert_int_equal(source->module(source->data,
					"/usr/lib/modules/6.8.0-1-generic/"
					"kernel/drivers/c.ko",
					&bytes, &len, NULL),
			 0);
	assert_int_equal(len, 3);
	assert_memory_equal(bytes, "ccc", len);
	free(take_ptr(bytes));
	assert_int_equal(source->module(source->data,
					"/lib/modules/6.8.0-1-generic/kernel/a.ko",
					&bytes, &len, NULL),
			 0);
	assert_int_equal(len, 1);
	assert_int_equal(root_unlink(machine(state), "/modules.deb", NULL), 0);
	assert_int_equal(source->modules(source->data, see, &all, &err), -ENOENT);
	assert_int_equal(source->module(source->data, "/lib/modules/6.8.0-1-generic/z.ko",
					&(void *){NULL}, &len, &err),
			 -ENOENT);
	text_done(&all.paths);
	text_done(&first.paths);
}

/* Compressed modules, their exports and their aliases. */
static void exports_and_aliases_are_gathered(void **state)
{
	static const char info[] =
		"license=GPL\0alias=pci:v00008086d*\0"
		"firmware=a/b c.bin\0firmware=a\nx y\0"
		"alias=with space\0depends=\0firmware=d\0alias=usb:v1p2*";
	size_t len;
	autofree void *bytes = module_saying(info, sizeof(info), &len);
	autotext struct text xz = made_compressed(ARCHIVE_FILTER_XZ, bytes, len);
	const struct made_member members[] = {
		MADE_FILE("./lib/modules/6.1/vmlinuz", "image"),
		{.name = "./lib/modules/6.1/kernel/my-net.ko.xz",
		 .text = xz.data,
		 .size = xz.len},
		{0},
	};
	autopackaged struct packaged_kernels kernels = {0};
	const struct symbol_table *table;
	const struct symbol *symbol;
	struct driver_names names;
	const void *firmware;

	put_deb(machine(state), "/a.deb", members);
	assert_int_equal(read_kernels(machine(state), "/a.deb", &kernels, NULL), 0);
	table = kernels.items[0].source.exports(kernels.items[0].source.data);
	assert_int_equal(symbol_table_count(table), 2);
	symbol = symbol_table_find(table, "made_open");
	assert_non_null(symbol);
	assert_true(symbol->gpl);
	assert_string_equal(symbol->name_space, "MADE");
	assert_string_equal(symbol->owner, "my_net");
	assert_int_equal(packaged_kernel_drivers(&kernels.items[0], &names, NULL), 0);
	assert_words(&names.aliases, "pci:v00008086d* my_net usb:v1p2* my_net");
	assert_words(&names.modules, "my_net");
	driver_names_done(&names);
	assert_int_equal(kernels.items[0].source.file(kernels.items[0].source.data,
						      "firmware", &firmware, &len, NULL),
			 0);
	assert_int_equal(len, strlen("my_net a/b c.bin\nmy_net d\n"));
	assert_memory_equal(firmware, "my_net a/b c.bin\nmy_net d\n", len);
}

static void damaged_modules_damage_the_package(void **state)
{
	autofree char *zeroes = mem_zalloc(80 << 20);
	autotext struct text bomb = made_compressed(ARCHIVE_FILTER_XZ, zeroes, 80 << 20);
	const struct {
		const char *name;
		size_t len;
	} cases[] = {
		{"./lib/modules/6.1/kernel/bomb.ko.xz", bomb.len},
		{"./lib/modules/6.1/extra/bomb.ko.xz", bomb.len},
		{"./lib/modules/6.1/kernel/cut.ko.xz", bomb.len / 2},
		{"./lib/modules/6.1/symvers.xz", 100},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct made_member members[] = {
			MADE_FILE("./boot/vmlinuz-6.1", "image"),
			{.name = cases[i].name, .text = bomb.data, .size = cases[i].len},
			{0},
		};
		struct packaged_kernels kernels;
		struct error err = {0};

		put_deb(machine(state), "/a.deb", members);
		assert_int_equal(read_kernels(machine(state), "/a.deb", &kernels, &err),
				 -ERROR_DAMAGED);
		assert_non_null(strstr(err.message, "/a.deb"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(split_packages_are_one_kernel),
		MACHINE_TEST(tree_is_looked_at_before_boot),
		MACHINE_TEST(symvers_come_plain),
		MACHINE_TEST(extra_modules_of_the_kernels_package_are_its_own),
		MACHINE_TEST(two_kernels_are_two),
		MACHINE_TEST(third_party_modules_stay_apart),
		MACHINE_TEST(modules_without_an_image_are_third_party),
		MACHINE_TEST(modules_of_a_kernel_want_its_image),
		MACHINE_TEST(other_packages_are_refused),
		MACHINE_TEST(modules_are_read_again),
		MACHINE_TEST(exports_and_aliases_are_gathered),
		MACHINE_TEST(damaged_modules_damage_the_package),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
