/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kernels are found by their exact release, /boot's file system is its own mount or
 * root's, and what owns memory gives it back and may be given back twice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/kernel.h"

static struct kernel_list two_kernels(void)
{
	struct kernel_list list = {.items = mem_zalloc(2 * sizeof(struct kernel)),
				   .count = 2};

	list.items[0].release = str_dup("6.1.0-57-amd64");
	list.items[0].image.path = str_dup("/boot/vmlinuz-6.1.0-57-amd64");
	list.items[0].initramfs.path = str_dup("/boot/initrd.img-6.1.0-57-amd64");
	list.items[0].config.path = str_dup("/boot/config-6.1.0-57-amd64");
	list.items[0].modules = str_dup("/lib/modules/6.1.0-57-amd64");
	list.items[0].package = str_dup("linux-image-6.1.0-57-amd64");
	list.items[0].loader_entry = str_dup("entry");
	list.items[0].loader_options = str_dup("ro");
	list.items[1].release = str_dup("6.1.0-56-amd64");
	return list;
}

static void kernels_are_found_by_release(void **state)
{
	autokernels struct kernel_list list = two_kernels();
	struct kernel_list none = {0};

	(void)state;
	assert_ptr_equal(kernel_find(&list, "6.1.0-57-amd64"), &list.items[0]);
	assert_ptr_equal(kernel_find(&list, "6.1.0-56-amd64"), &list.items[1]);
	assert_null(kernel_find(&list, "6.1.0-56"));
	assert_null(kernel_find(&none, "6.1.0-56-amd64"));
}

static void freed_lists_are_empty(void **state)
{
	struct kernel_list list = two_kernels();

	(void)state;
	kernel_list_done(&list);
	assert_null(list.items);
	assert_int_equal(list.count, 0);
	kernel_list_done(&list);
	kernel_list_done(NULL);
	kernel_done(NULL);
	storage_map_done(NULL);
}

static void boot_lies_on_its_own_mount_or_on_root(void **state)
{
	autostorage struct storage_map map = {0};

	(void)state;
	map.roles[STORAGE_ROOT].present = true;
	map.roles[STORAGE_ROOT].uuid = str_dup("0a");
	strv_add(&map.roles[STORAGE_ROOT].stack, "disk vda");
	assert_ptr_equal(storage_of_boot(&map), &map.roles[STORAGE_ROOT]);
	map.roles[STORAGE_BOOT].present = true;
	map.roles[STORAGE_BOOT].mount = str_dup("/boot");
	assert_ptr_equal(storage_of_boot(&map), &map.roles[STORAGE_BOOT]);
}

static void roles_have_names(void **state)
{
	(void)state;
	assert_string_equal(storage_role_name(STORAGE_ROOT), "root");
	assert_string_equal(storage_role_name(STORAGE_BOOT), "boot");
	assert_string_equal(storage_role_name(STORAGE_ESP), "esp");
	assert_string_equal(storage_role_name(STORAGE_ROLES), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernels_are_found_by_release),
		cmocka_unit_test(freed_lists_are_empty),
		cmocka_unit_test(boot_lies_on_its_own_mount_or_on_root),
		cmocka_unit_test(roles_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
