/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What packages take is reckoned from their own lists, file by file and directory by
 * directory, on the file system where each would go; what is installed, from what lies
 * there; what is only offered, from the index.
 */
#include <archive.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "made-machine.h"
#include "made-package.h"
#include "probe/package-file.h"
#include "probe/space.h"

#define PATH "/made.deb"
#define INFO "/var/lib/dpkg/info"

static const struct root *machine(void **state)
{
	const struct made_machine *m = *state;

	return &m->root;
}

#define MACHINE_TEST(f) \
	cmocka_unit_test_setup_teardown(f, made_machine_set_up, made_machine_tear_down)

static void place_is_the_nearest_directory_that_is_there(void **state)
{
	static const char *const paths[] = {"/boot/kuro/gen/3", "/boot", "/",
					    "/none/at/all"};
	autospaceplan struct space_plan plan = {0};
	struct statvfs vfs;
	size_t space = 7;

	made_file(machine(state), "/boot/vmlinuz", "x");
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		assert_int_equal(space_place(machine(state), paths[i], &plan, &space,
					     NULL),
				 0);
		assert_int_equal(space, 0);
	}
	assert_int_equal(plan.space_count, 1);
	assert_string_equal(plan.spaces[0].mount, "/");
	assert_int_equal(statvfs(machine(state)->path, &vfs), 0);
	assert_int_equal(plan.spaces[0].block, vfs.f_frsize);
	assert_int_equal(plan.spaces[0].total, vfs.f_blocks * vfs.f_frsize);
	assert_true(plan.spaces[0].free <= plan.spaces[0].total);
}

/* A kernel: two files, and two directories of its own below one that is there. */
static const struct made_member kernel[] = {
	MADE_FILE("./boot/vmlinuz-6.1", "image"),
	{.name = "./lib/modules/6.1/kernel/a.ko", .size = 5000},
	{.name = "./lib/modules/6.1/kernel/b.ko", .size = 4096},
	{.name = "./lib/modules/6.1/build", .target = "/usr/src/x"},
	{0},
};

static void package_takes_files_and_new_directories(void **state)
{
	const struct root *root = machine(state);
	autotext struct text deb = made_deb(ARCHIVE_FILTER_XZ, kernel);
	autospaceplan struct space_plan plan = {0};
	autotally struct space_tally tally = {0};
	uint64_t block;

	made_file(root, "/boot/x", "");
	made_file(root, "/lib/modules/x", "");
	made_bytes(root, PATH, deb.data, deb.len);
	assert_int_equal(space_package_file(root, PATH, &plan, &tally, NULL), 0);
	assert_int_equal(tally.count, 1);
	block = plan.spaces[0].block;
	assert_int_equal(block, 4096);
	/* three files, 6.1 and 6.1/kernel */
	assert_int_equal(tally.items[0].inodes, 5);
	/* 1 + 2 + 1 of content, 2 directories, and one for names */
	assert_int_equal(tally.items[0].bytes, 7 * block);
}

/* Whoever reads the kernel out of it notes its files in passing. */
static void files_noted_in_passing_take_the_same(void **state)
{
	const struct root *root = machine(state);
	autotext struct text deb = made_deb(ARCHIVE_FILTER_XZ, kernel);
	autospaceplan struct space_plan plan = {0};
	autotally struct space_tally tally = {0}, noted = {0};
	autopackaged struct packaged_kernels kernels = {0};
	autostrv struct strv paths = {0};
	const struct package_files *files;

	strv_add(&paths, PATH);
	made_bytes(root, PATH, deb.data, deb.len);
	assert_int_equal(packaged_kernels_read(root, &paths, &kernels, NULL), 0);
	assert_int_equal(space_package_file(root, PATH, &plan, &tally, NULL), 0);
	files = package_lists_find(&kernels.lists, PATH);
	assert_non_null(files);
	assert_int_equal(files->count, 3);
	assert_null(package_lists_find(&kernels.lists, "/other.deb"));
	/* the package itself is not looked at */
	made_bytes(root, PATH, deb.data, deb.len - 50);
	assert_int_equal(space_package_files(root, files, &plan, &noted, NULL), 0);
	assert_int_equal(noted.count, tally.count);
	assert_int_equal(noted.items[0].bytes, tally.items[0].bytes);
	assert_int_equal(noted.items[0].inodes, tally.items[0].inodes);
}

/* What was begun and not read to its end is no list. */
static void a_list_that_was_cut_off_is_none(void **state)
{
	const struct package_member member = {.path = "/a", .size = 1};
	autolists struct package_lists lists = {0};
	struct package_files *files = package_lists_begin(&lists, PATH);

	(void)state;
	package_files_add(files, &member);
	assert_null(package_lists_find(&lists, PATH));
	package_files_end(files);
	assert_ptr_equal(package_lists_find(&lists, PATH), files);
	files = package_lists_begin(&lists, PATH);
	assert_null(package_lists_find(&lists, PATH));
	assert_int_equal(files->count, 0);
}

static void damaged_package_is_said_to_be(void **state)
{
	const struct root *root = machine(state);
	autotext struct text deb = made_deb(ARCHIVE_FILTER_XZ, kernel);
	autospaceplan struct space_plan plan = {0};
	autotally struct space_tally tally = {0};
	struct error err = {0};

	made_bytes(root, PATH, deb.data, deb.len - 50);
	assert_int_equal(space_package_file(root, PATH, &plan, &tally, &err),
			 -ERROR_DAMAGED);
	assert_non_null(strstr(err.message, PATH));
	assert_int_equal(tally.count, 0);
}

static void installed_package_takes_what_lies_there(void **state)
{
	const struct root *root = machine(state);
	autospaceplan struct space_plan plan = {0};
	autotally struct space_tally tally = {0};
	autofree char *large = mem_zalloc(5000);

	made_bytes(root, "/boot/vmlinuz-6.1", large, 5000);
	made_file(root, "/lib/modules/6.1/a.ko", "module");
	made_file(root, INFO "/linux-image-6.1.list",
		  "/.\n/boot\n/boot/vmlinuz-6.1\n/lib\n/lib/modules\n/lib/modules/6.1\n"
		  "/lib/modules/6.1/a.ko\n/lib/modules/6.1/gone.ko\n");
	assert_int_equal(space_package_installed(root, "linux-image-6.1:amd64", &plan,
						 &tally, NULL),
			 0);
	assert_int_equal(tally.items[0].inodes, 3);
	assert_int_equal(tally.items[0].bytes, (2 + 1 + 1 + 1) * 4096);
	assert_int_equal(space_package_installed(root, "linux-image", &plan, &tally,
						 NULL),
			 -ENOENT);
}

static void list_may_carry_the_architecture(void **state)
{
	const struct root *root = machine(state);
	autospaceplan struct space_plan plan = {0};
	autotally struct space_tally tally = {0};

	made_file(root, "/usr/lib/x.so", "x");
	made_file(root, INFO "/libx:amd64.list", "/usr/lib/x.so\n");
	assert_int_equal(space_package_installed(root, "libx", &plan, &tally, NULL), 0);
	assert_int_equal(tally.items[0].inodes, 1);
}

static void index_tells_sizes(void **state)
{
	autosizes struct package_sizes sizes = {0};
	const struct package_size *size;

	(void)state;
	package_sizes_parse("Package: linux-image-6.1.0-56-amd64\nVersion: 6.1.192-2\n"
			    "Installed-Size: 400652\nDescription: x\n Size: 9\n"
			    "Size: 70550672\n\n\n"
			    "Package: other\nInstalled-Size: 1\n\n"
			    "Package: third\nVersion: 1\nInstalled-Size: -1\n"
			    "Size: 99999999999999999999\n",
			    &sizes);
	assert_int_equal(sizes.count, 2);
	size = package_sizes_find(&sizes, "linux-image-6.1.0-56-amd64:amd64",
				  "6.1.192-2");
	assert_non_null(size);
	assert_int_equal(size->installed, (uint64_t)400652 * 1024);
	assert_int_equal(size->archive, 70550672);
	assert_null(package_sizes_find(&sizes, "linux-image-6.1.0-56-amd64", "6.1"));
	size = package_sizes_find(&sizes, "third", NULL);
	assert_non_null(size);
	assert_int_equal(size->installed, 0);
	assert_int_equal(size->archive, 0);
}

static void siblings_are_of_one_flavour(void **state)
{
	static const struct {
		const char *a, *b;
		bool sibling;
	} cases[] = {
		{"linux-image-6.1.0-53-amd64", "linux-image-6.1.0-56-amd64", true},
		{"linux-image-6.1.0-53-amd64", "linux-image-6.12.117+deb12-amd64", true},
		{"linux-image-6.1.0-53-amd64", "linux-image-6.1.0-53-cloud-amd64", false},
		{"linux-image-6.1.0-53-rt-amd64", "linux-image-6.1.0-56-rt-amd64", true},
		{"linux-image-6.1.0-53-amd64", "linux-headers-6.1.0-53-amd64", false},
		{"linux-headers-6.1.0-53-common", "linux-headers-6.1.0-56-common", true},
		{"linux-modules-extra-6.8.0-31-generic",
		 "linux-modules-extra-6.8.0-45-generic", true},
		{"linux-modules-6.8.0-31-generic", "linux-modules-extra-6.8.0-31-generic",
		 false},
		{"linux-kbuild-6.1", "linux-kbuild-6.12", true},
		{"linux-image-amd64", "linux-image-amd64", false},
		{"linux-image-6.1.0-53-amd64:amd64", "linux-image-6.1.0-56-amd64", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (package_is_sibling(cases[i].a, cases[i].b) != cases[i].sibling ||
		    package_is_sibling(cases[i].b, cases[i].a) != cases[i].sibling)
			fail_msg("%s and %s", cases[i].a, cases[i].b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(place_is_the_nearest_directory_that_is_there),
		MACHINE_TEST(package_takes_files_and_new_directories),
		MACHINE_TEST(files_noted_in_passing_take_the_same),
		cmocka_unit_test(a_list_that_was_cut_off_is_none),
		MACHINE_TEST(damaged_package_is_said_to_be),
		MACHINE_TEST(installed_package_takes_what_lies_there),
		MACHINE_TEST(list_may_carry_the_architecture),
		cmocka_unit_test(index_tells_sizes),
		cmocka_unit_test(siblings_are_of_one_flavour),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
