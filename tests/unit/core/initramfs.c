/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Images made to keep a judge busy: so many links or modules that whoever compares each
 * with each is not done within the time that a test has.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/initramfs.h"

#define MANY    100000
#define RELEASE "6.1.0"

static struct initramfs image_with_init(void)
{
	return (struct initramfs){.init = true, .init_executable = true};
}

static void judge(const struct initramfs *image, struct root_needs *needs,
		  struct initramfs_proof *ret)
{
	needs->release = str_dup(RELEASE);
	initramfs_judge(image, needs, NULL, 30, ret);
}

/* Each could be the program, and leads to a name that nothing has. */
static void links_without_number(void **state)
{
	autoinitramfs struct initramfs image = image_with_init();
	autoneeds struct root_needs needs = {0};
	autoproof struct initramfs_proof proof = {0};

	(void)state;
	for (int i = 0; i < MANY; i++)
		strv_add_take(&image.files, str_format("%06d/bin/lvm -> no%d", i, i));
	(void)root_need_add(&needs.tools, "lvm", "vg-root", false);
	judge(&image, &needs, &proof);
	assert_int_equal(proof.count, 1);
	assert_int_equal(proof.reasons[0].code, INITRAMFS_TOOL_MISSING);
}

static void links_to_the_like(void **state)
{
	autoinitramfs struct initramfs image = image_with_init();
	autoneeds struct root_needs needs = {0};
	autoproof struct initramfs_proof proof = {0};

	(void)state;
	strv_add(&image.files, "sbin/lvm -> ../else/lvm");
	(void)root_need_add(&needs.tools, "lvm", "vg-root", false);
	judge(&image, &needs, &proof);
	assert_int_equal(proof.count, 1); /* a link is not what it leads to */
	initramfs_proof_done(&proof);
	strv_add(&image.files, "else/lvm");
	initramfs_judge(&image, &needs, NULL, 30, &proof);
	assert_int_equal(proof.count, 0);
}

static void modules_without_number(void **state)
{
	autoinitramfs struct initramfs image = image_with_init();
	autoneeds struct root_needs needs = {0};
	autoproof struct initramfs_proof proof = {0};

	(void)state;
	image.modules = mem_zalloc(MANY * sizeof(*image.modules));
	needs.installed.items = mem_zalloc(MANY * sizeof(*needs.installed.items));
	strv_add(&image.trees, RELEASE);
	for (int i = 0; i < MANY; i++) {
		image.modules[i].name = str_format("m%06d", i);
		image.modules[i].path = str_format("lib/modules/" RELEASE "/m%06d.ko", i);
		needs.installed.items[i].name = str_format("m%06d", i);
	}
	image.module_count = needs.installed.count = MANY;
	judge(&image, &needs, &proof);
	assert_int_equal(proof.count, MANY);
	assert_true(proof.boots);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links_without_number),
		cmocka_unit_test(links_to_the_like),
		cmocka_unit_test(modules_without_number),
	};

	return cmocka_run_group_tests_name("initramfs", tests, NULL, NULL);
}
