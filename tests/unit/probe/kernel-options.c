/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What decides what a module loader accepts is taken from the configuration, the command
 * line and the firmware; whose kernel it is, from its banner.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "made-kernel.h"
#include "probe/kernel-abi.h"

/* How the module for lockdown can be configured: asked always, by the list, never. */
#define EARLY    "CONFIG_SECURITY_LOCKDOWN_LSM=y\nCONFIG_SECURITY_LOCKDOWN_LSM_EARLY=y\n"
#define LISTED   "CONFIG_SECURITY_LOCKDOWN_LSM=y\nCONFIG_LSM=\"landlock,lockdown,yama\"\n"
#define UNLISTED "CONFIG_SECURITY_LOCKDOWN_LSM=y\nCONFIG_LSM=\"landlock,yama\"\n"

static void probe(const struct kernel_source *source, struct kernel_abi *ret)
{
	struct error err = {0};

	if (kernel_abi_probe(source, NULL, ret, &err) < 0)
		fail_msg("%s", err.message);
}

static void options_come_from_the_configuration(void **state)
{
	static const struct {
		const char *config;
		bool modversions, force_load, sig, enforced, livepatch, btf, import;
	} cases[] = {
		{"", false, false, false, false, false, false, false},
		{"CONFIG_MODVERSIONS=y", true, false, false, false, false, false, false},
		{"CONFIG_MODVERSIONS=yes\n", false, false, false, false, false, false,
		 false},
		{"X\nXCONFIG_MODVERSIONS=y\n", false, false, false, false, false, false,
		 false},
		{"# CONFIG_LIVEPATCH=y\nCONFIG_MODULE_FORCE_LOAD=y\r\n", false, true,
		 false, false, false, false, false},
		{"CONFIG_MODULE_SIG=y\nCONFIG_MODULE_SIG_FORCE=y\nCONFIG_LIVEPATCH=y\n",
		 false, false, true, true, true, false, false},
		{"CONFIG_MODULE_SIG=y\nCONFIG_LOCK_DOWN_KERNEL_FORCE_INTEGRITY=y\n" EARLY,
		 false, false, true, true, false, false, false},
		{"CONFIG_MODULE_SIG=y\nCONFIG_LOCK_DOWN_KERNEL_FORCE_INTEGRITY="
		 "y\n" LISTED,
		 false, false, true, true, false, false, false},
		{"CONFIG_MODULE_SIG=y\nCONFIG_LOCK_DOWN_KERNEL_FORCE_INTEGRITY="
		 "y\n" UNLISTED,
		 false, false, true, false, false, false, false},
		{"CONFIG_DEBUG_INFO_BTF_MODULES=y\n", false, false, false, false, false,
		 true, false},
		{"CONFIG_DEBUG_INFO_BTF_MODULES=y\nCONFIG_MODULE_ALLOW_BTF_MISMATCH=y\n",
		 false, false, false, false, false, false, false},
		{"CONFIG_MODULE_ALLOW_MISSING_NAMESPACE_IMPORTS=y\n", false, false, false,
		 false, false, false, true},
	};
	const struct made_machine *m = *state;

	made_kernel(m, "/boot/vmlinuz-" REL, VERMAGIC);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autosource struct kernel_source source = {0};
		autoabi struct kernel_abi abi = {0};

		made_file(&m->root, "/boot/config-" REL, cases[i].config);
		made_source(m, &source);
		probe(&source, &abi);
		assert_true(abi.config_known);
		assert_int_equal(abi.modversions, cases[i].modversions);
		assert_int_equal(abi.force_load, cases[i].force_load);
		assert_int_equal(abi.sig_checked, cases[i].sig);
		assert_int_equal(abi.sig_enforced, cases[i].enforced);
		assert_int_equal(abi.livepatch, cases[i].livepatch);
		assert_int_equal(abi.btf_fatal, cases[i].btf);
		assert_int_equal(abi.missing_import_allowed, cases[i].import);
	}
}

static void boot_adds_what_its_command_line_says(void **state)
{
	static const struct {
		const char *config, *line;
		bool secure_boot, enforced;
		const char *blacklisted;
	} cases[] = {
		{"CONFIG_MODULE_SIG=y\n", NULL, false, false, ""},
		{"CONFIG_MODULE_SIG=y\n", "quiet module.sig_enforce", false, true, ""},
		{"CONFIG_MODULE_SIG=y\n", "module.sig-enforce=1", false, true, ""},
		{"CONFIG_MODULE_SIG=y\n", "module.sig_enforce=0", false, false, ""},
		{"CONFIG_MODULE_SIG=y\n", "module.sig_enforce=on", false, true, ""},
		{"CONFIG_MODULE_SIG=y\n", "-- module.sig_enforce=1", false, false, ""},
		{"CONFIG_MODULE_SIG=y\n", "lockdown=integrity", false, false, ""},
		{"CONFIG_MODULE_SIG=y\n" EARLY, "lockdown=integrity", false, true, ""},
		{"CONFIG_MODULE_SIG=y\n" EARLY, "lockdown=none", false, false, ""},
		{"CONFIG_MODULE_SIG=y\n" EARLY, "lsm=yama lockdown=integrity", false,
		 true, ""},
		{"CONFIG_MODULE_SIG=y\n" LISTED, "lockdown=confidentiality", false, true,
		 ""},
		{"CONFIG_MODULE_SIG=y\n" LISTED, "lockdown=integrity lsm=yama,bpf", false,
		 false, ""},
		{"CONFIG_MODULE_SIG=y\n" UNLISTED, "lockdown=integrity", false, false,
		 ""},
		{"CONFIG_MODULE_SIG=y\n" UNLISTED, "lsm=lockdown,yama lockdown=integrity",
		 false, true, ""},
		{"CONFIG_MODULE_SIG=y\nCONFIG_LOCK_DOWN_KERNEL=y\n", "lockdown=integrity",
		 false, true, ""},
		{"CONFIG_MODULE_SIG=y\nCONFIG_MODULE_SIG_FORCE=y\n" UNLISTED, "", false,
		 true, ""},
		{"CONFIG_MODULE_SIG=y\n"
		 "CONFIG_LOCK_DOWN_KERNEL_FORCE_CONFIDENTIALITY=y\n" LISTED,
		 "lsm=yama", false, false, ""},
		{"", "module.sig_enforce=1", false, false, ""},
		{"CONFIG_MODULE_SIG=y\n", "", true, false, ""},
		{"CONFIG_MODULE_SIG=y\nCONFIG_LOCK_DOWN_IN_EFI_SECURE_BOOT=y\n", "", true,
		 true, ""},
		{"CONFIG_MODULE_SIG=y\nCONFIG_LOCK_DOWN_IN_EFI_SECURE_BOOT=y\n", "",
		 false, false, ""},
		{"", "module_blacklist=a,b_c ro", false, false, "a b_c"},
		{"", "module_blacklist=a module_blacklist=b", false, false, "b"},
		{"", "modprobe.blacklist=a", false, false, ""},
	};
	const struct made_machine *m = *state;

	made_kernel(m, "/boot/vmlinuz-" REL, VERMAGIC);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autosource struct kernel_source source = {0};
		autoabi struct kernel_abi abi = {0};
		autofree char *blacklisted = NULL;

		made_file(&m->root, "/boot/config-" REL, cases[i].config);
		made_source(m, &source);
		probe(&source, &abi);
		kernel_abi_boot(&abi, &source, cases[i].line, cases[i].secure_boot);
		blacklisted = strv_join(&abi.blacklisted, " ");
		assert_int_equal(abi.sig_enforced, cases[i].enforced);
		assert_string_equal(blacklisted, cases[i].blacklisted);
	}
}

/* Linux as it is published lets a symbol go that a module names no version of. */
static void a_missing_version_is_refused_by_debians_kernels(void **state)
{
	static const struct {
		const char *banner;
		bool allowed;
	} cases[] = {
		{"Linux version " REL " (debian-kernel@lists.debian.org) (gcc-12", false},
		{"Linux version 6.6.9-amd64 (devel@kali.org) (gcc-13", false},
		{"Linux version 6.8.0-41-generic (buildd@lcy02-amd64-100) (gcc-13", true},
		{"ask debian-kernel@lists.debian.org", true},
	};
	const struct made_machine *m = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autosource struct kernel_source source = {0};
		autoabi struct kernel_abi abi = {0};

		made_kernel(m, "/boot/vmlinuz-" REL, cases[i].banner);
		made_source(m, &source);
		probe(&source, &abi);
		assert_int_equal(abi.missing_version_allowed, cases[i].allowed);
	}
}

static void without_an_image_the_compiler_tells_whose_kernel_it_is(void **state)
{
	static const struct {
		const char *config;
		bool allowed;
	} cases[] = {
		{"#\nCONFIG_CC_VERSION_TEXT=\"gcc-12 (Debian 12.2.0-14) 12.2.0\"\n",
		 false},
		{"#\nCONFIG_CC_VERSION_TEXT=\"gcc (SUSE Linux) 13.2.1\"\n# (Debian \n",
		 true},
		{"#\nCONFIG_CC_VERSION_TEXT=\"gcc (Debian ", true},
	};
	const struct made_machine *m = *state;

	made_file(&m->root, TREE "/build/Module.symvers",
		  "0x12345678\talpha\tvmlinux\tEXPORT_SYMBOL\t\n");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autosource struct kernel_source source = {0};
		autoabi struct kernel_abi abi = {0};

		made_file(&m->root, "/boot/config-" REL, cases[i].config);
		made_source(m, &source);
		probe(&source, &abi);
		assert_true(abi.from_symvers);
		assert_int_equal(abi.missing_version_allowed, cases[i].allowed);
	}
}

#define MACHINE_TEST(f) \
	cmocka_unit_test_setup_teardown(f, made_machine_set_up, made_machine_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(options_come_from_the_configuration),
		MACHINE_TEST(boot_adds_what_its_command_line_says),
		MACHINE_TEST(a_missing_version_is_refused_by_debians_kernels),
		MACHINE_TEST(without_an_image_the_compiler_tells_whose_kernel_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
