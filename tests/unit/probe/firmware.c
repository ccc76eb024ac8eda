/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Firmware facts are told where they are known, and unknown elsewhere; a variable too
 * short is not read beyond its end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "made-machine.h"
#include "probe/firmware.h"

#define GLOBAL  "-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define SHIM    "-605dab50-e046-4300-abb6-3dd810dd8b23"
#define EFIVARS "/sys/firmware/efi/efivars/"

static struct firmware probed(const struct made_machine *m)
{
	struct firmware firmware = {0};

	assert_int_equal(firmware_probe(&m->root, &firmware, NULL), 0);
	return firmware;
}

static void made_variable(const struct made_machine *m, const char *path,
			  const char *data, size_t len)
{
	char content[16] = {0x16, 0, 0, 0};

	memcpy(content + 4, data, len);
	made_bytes(&m->root, path, content, 4 + len);
}

static void bios_is_no_efi(void **state)
{
	struct firmware firmware = probed(*state);

	assert_false(firmware.efi);
	assert_false(firmware.secure_boot_known);
	assert_int_equal(firmware.boot_current, -1);
}

static void efi_without_variables_is_unknown(void **state)
{
	const struct made_machine *m = *state;
	struct firmware firmware;

	made_dir(&m->root, "/sys/firmware/efi");
	firmware = probed(m);
	assert_true(firmware.efi);
	assert_false(firmware.secure_boot_known);
	assert_int_equal(firmware.boot_current, -1);
}

static void variables_are_read(void **state)
{
	const struct made_machine *m = *state;
	struct firmware firmware;

	made_variable(m, EFIVARS "SecureBoot" GLOBAL, "\1", 1);
	made_variable(m, EFIVARS "BootCurrent" GLOBAL, "\3\1", 2);
	firmware = probed(m);
	assert_true(firmware.secure_boot_known);
	assert_true(firmware.secure_boot);
	assert_int_equal(firmware.boot_current, 0x103);
}

static void switched_off_secure_boot_is_known(void **state)
{
	const struct made_machine *m = *state;
	struct firmware firmware;

	made_variable(m, EFIVARS "SecureBoot" GLOBAL, "\0", 1);
	firmware = probed(m);
	assert_true(firmware.secure_boot_known);
	assert_false(firmware.secure_boot);
}

static void shim_told_not_to_check_enforces_nothing(void **state)
{
	const struct made_machine *m = *state;
	struct firmware firmware;

	made_variable(m, EFIVARS "SecureBoot" GLOBAL, "\1", 1);
	made_variable(m, EFIVARS "MokSBStateRT" SHIM, "\1", 1);
	firmware = probed(m);
	assert_true(firmware.secure_boot_known);
	assert_false(firmware.secure_boot);
}

static void short_variables_say_nothing(void **state)
{
	const struct made_machine *m = *state;
	struct firmware firmware;

	made_variable(m, EFIVARS "SecureBoot" GLOBAL, "", 0);
	made_variable(m, EFIVARS "BootCurrent" GLOBAL, "\1", 1);
	firmware = probed(m);
	assert_false(firmware.secure_boot_known);
	assert_int_equal(firmware.boot_current, -1);
	made_bytes(&m->root, EFIVARS "SecureBoot" GLOBAL, "\1", 1);
	assert_false(probed(m).secure_boot_known);
}

static void real_machine_does_not_fail(void **state)
{
	struct firmware firmware = {0};
	struct root root;

	(void)state;
	assert_int_equal(root_open(&root, "/", NULL), 0);
	assert_int_equal(firmware_probe(&root, &firmware, NULL), 0);
	assert_int_equal(firmware.efi, root_exists(&root, "/sys/firmware/efi"));
	root_done(&root);
}

#define MACHINE_TEST(f) \
	cmocka_unit_test_setup_teardown(f, made_machine_set_up, made_machine_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(bios_is_no_efi),
		MACHINE_TEST(efi_without_variables_is_unknown),
		MACHINE_TEST(variables_are_read),
		MACHINE_TEST(switched_off_secure_boot_is_known),
		MACHINE_TEST(shim_told_not_to_check_enforces_nothing),
		MACHINE_TEST(short_variables_say_nothing),
		cmocka_unit_test(real_machine_does_not_fail),
	};

	return cmocka_run_group_tests_name("firmware", tests, NULL, NULL);
}
