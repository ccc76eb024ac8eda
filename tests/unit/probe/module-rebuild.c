/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A module can be made for another release where its source and that release's own
 * headers are, and its package does not say no; dkms.conf is never run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "dkms-conf.h"
#include "made-machine.h"
#include "probe/third-party.h"

#define REL     "6.12.1-amd64"
#define HEADERS "/usr/src/linux-headers-" REL
#define MACHINE_TEST(f) \
	cmocka_unit_test_setup_teardown(f, made_machine_set_up, made_machine_tear_down)

static const struct root *machine(void **state)
{
	const struct made_machine *m = *state;

	return &m->root;
}

/* Debian's headers: kernel.release is not what uname -r prints. */
static void put_headers(const struct root *root, const char *of)
{
	autofree char *release = str_format("#define UTS_RELEASE \"%s\"\n", of);

	made_file(root, "/var/lib/dpkg/status", "");
	made_link(root, HEADERS, "/lib/modules/" REL "/build");
	made_file(root, HEADERS "/include/generated/utsrelease.h", release);
	made_file(root, HEADERS "/include/config/kernel.release", "6.12.1\n");
	made_file(root, HEADERS "/Makefile", "");
	made_dir(root, "/usr/lib/linux-kbuild-6.12/scripts");
	made_link(root, "../../lib/linux-kbuild-6.12/scripts", HEADERS "/scripts");
	made_file(root, HEADERS "/.config",
		  "# CONFIG_A is not set\nCONFIG_B=y\nCONFIG_C=m\nCONFIG_D=\"y\"\n");
}

static void put_source(const struct root *root, const char *version, const char *conf)
{
	autofree char *source = str_format("/usr/src/pkg-%s", version);
	autofree char *file = str_format("%s/dkms.conf", source);
	autofree char *link = str_format("/var/lib/dkms/pkg/%s/source", version);

	made_file(root, file, conf);
	made_link(root, source, link);
}

static void ask(const struct root *root, enum module_provider provider,
		const char *package, struct rebuild *ret)
{
	char name[] = "made";
	autofree char *owned = str_dup(package);
	struct third_party module = {.name = name,
				     .provider = provider,
				     .package = owned};

	assert_int_equal(third_party_rebuild(root, &module, REL, ret, NULL), 0);
}

static void source_and_headers_are_enough(void **state)
{
	const struct root *root = machine(state);
	autorebuild struct rebuild answer = {0};

	put_headers(root, REL);
	put_source(root, "1.0", "PACKAGE_NAME=pkg\n");
	ask(root, PROVIDER_DKMS, "pkg/1.0", &answer);
	assert_true(answer.source && answer.headers && !answer.excluded);
	assert_null(answer.why);
	assert_string_equal(answer.package, "pkg/1.0");
	assert_string_equal(answer.command, "dkms install pkg/1.0 -k " REL);
}

/* dkms says of it that it is there already, and builds nothing. */
static void what_is_built_already_is_forced(void **state)
{
	const struct root *root = machine(state);
	autorebuild struct rebuild answer = {0};

	put_headers(root, REL);
	put_source(root, "1.0", "");
	made_dir(root, "/var/lib/dkms/pkg/1.0/" REL "/x86_64/module");
	ask(root, PROVIDER_DKMS, "pkg/1.0", &answer);
	assert_string_equal(answer.command, "dkms build --force pkg/1.0 -k " REL
					    " && dkms install --force pkg/1.0 -k " REL);
}

static void another_version_serves_where_the_old_one_is_gone(void **state)
{
	const struct root *root = machine(state);
	autorebuild struct rebuild answer = {0};

	put_headers(root, REL);
	put_source(root, "1.9", "");
	put_source(root, "1.10", "");
	made_dir(root, "/var/lib/dkms/pkg/2.0");
	ask(root, PROVIDER_DKMS, "pkg/1.0", &answer);
	assert_true(answer.source);
	assert_string_equal(answer.package, "pkg/1.10");
}

static void source_that_dkms_has_not_added_serves(void **state)
{
	const struct root *root = machine(state);
	autorebuild struct rebuild answer = {0};

	put_headers(root, REL);
	made_file(root, "/usr/src/pkg-1.0/dkms.conf", "");
	ask(root, PROVIDER_DKMS, "pkg/1.0", &answer);
	assert_true(answer.source && answer.headers);
}

static void without_source_nothing_is_made(void **state)
{
	const struct root *root = machine(state);
	static const char *const packages[] = {"pkg/1.0", NULL, "pkg", "../x/1",
					       "pkg/-k"};

	put_headers(root, REL);
	made_link(root, "/usr/src/pkg-1.0", "/var/lib/dkms/pkg/1.0/source");
	for (size_t i = 0; i < ARRAY_LEN(packages); i++) {
		autorebuild struct rebuild answer = {0};

		ask(root, PROVIDER_DKMS, packages[i], &answer);
		assert_false(answer.source);
		assert_non_null(answer.why);
		assert_null(answer.command);
	}
}

static void missing_headers_are_told_with_the_way_to_get_them(void **state)
{
	const struct root *root = machine(state);
	autorebuild struct rebuild answer = {0};

	made_file(root, "/var/lib/dpkg/status", "");
	put_source(root, "1.0", "");
	made_link(root, HEADERS, "/lib/modules/" REL "/build");
	ask(root, PROVIDER_DKMS, "pkg/1.0", &answer);
	assert_true(answer.source);
	assert_false(answer.headers);
	assert_string_equal(answer.why, "the headers of " REL " are not installed");
	assert_string_equal(answer.command, "apt install linux-headers-" REL);
}

static void headers_of_another_kernel_are_none(void **state)
{
	const struct root *root = machine(state);
	autorebuild struct rebuild answer = {0};

	put_headers(root, "6.12.0-\033[1mamd64");
	put_source(root, "1.0", "");
	ask(root, PROVIDER_DKMS, "pkg/1.0", &answer);
	assert_false(answer.headers);
	assert_non_null(strstr(answer.why, "6.12.0-\\x1b[1mamd64"));
}

static void headers_that_lack_a_part_are_none(void **state)
{
	static const char *const parts[] = {HEADERS "/include", HEADERS "/Makefile",
					    "/usr/lib/linux-kbuild-6.12"};
	const struct root *root = machine(state);

	put_source(root, "1.0", "");
	put_headers(root, REL);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		autorebuild struct rebuild answer = {0};

		assert_int_equal(root_rename(root, parts[i], "/away"), 0);
		ask(root, PROVIDER_DKMS, "pkg/1.0", &answer);
		assert_false(answer.headers);
		assert_non_null(strstr(answer.why, "not complete"));
		assert_int_equal(root_rename(root, "/away", parts[i]), 0);
	}
}

static void fedoras_headers_name_their_release(void **state)
{
	const struct root *root = machine(state);
	autorebuild struct rebuild answer = {0};

	put_headers(root, REL);
	assert_int_equal(root_unlink(root, HEADERS "/include/generated/utsrelease.h",
				     NULL),
			 0);
	made_file(root, HEADERS "/include/config/kernel.release", REL "\n");
	put_source(root, "1.0", "");
	ask(root, PROVIDER_DKMS, "pkg/1.0", &answer);
	assert_true(answer.headers);
}

static void a_package_that_says_no_is_believed(void **state)
{
	const struct root *root = machine(state);
	autorebuild struct rebuild answer = {0};

	put_headers(root, REL);
	put_source(root, "1.0", "BUILD_EXCLUSIVE_CONFIG=\"CONFIG_B !CONFIG_C\"\n");
	ask(root, PROVIDER_DKMS, "pkg/1.0", &answer);
	assert_true(answer.excluded);
	assert_string_equal(answer.why, "pkg 1.0 is not for " REL ": its dkms.conf says "
					"BUILD_EXCLUSIVE_CONFIG=\"!CONFIG_C\"");
}

static void the_administrators_word_comes_after_the_packages(void **state)
{
	const struct root *root = machine(state);
	autorebuild struct rebuild lifted = {0}, excluded = {0};

	put_headers(root, REL);
	put_source(root, "1.0", "BUILD_EXCLUSIVE_KERNEL=^5\n");
	made_file(root, "/etc/dkms/pkg.conf", "BUILD_EXCLUSIVE_KERNEL=\"\"\n");
	ask(root, PROVIDER_DKMS, "pkg/1.0", &lifted);
	assert_false(lifted.excluded);
	made_file(root, "/etc/dkms/pkg-1.0-" REL ".conf", "BUILD_EXCLUSIVE_KERNEL=^4\n");
	ask(root, PROVIDER_DKMS, "pkg/1.0", &excluded);
	assert_true(excluded.excluded);
}

static void akmods_need_their_source_package(void **state)
{
	const struct root *root = machine(state);
	autorebuild struct rebuild without = {0}, with = {0};

	put_headers(root, REL);
	ask(root, PROVIDER_AKMODS, "akmod-nvidia", &without);
	assert_false(without.source);
	made_file(root, "/usr/src/akmods/nvidia-kmod.latest", "");
	ask(root, PROVIDER_AKMODS, "akmod-nvidia", &with);
	assert_true(with.source && with.headers);
	assert_string_equal(with.command, "akmods --akmod nvidia --kernels " REL);
}

static void what_nobody_makes_is_told_so(void **state)
{
	const struct root *root = machine(state);
	static const enum module_provider providers[] = {PROVIDER_WEAK, PROVIDER_PACKAGE,
							 PROVIDER_UNOWNED};

	put_headers(root, REL);
	for (size_t i = 0; i < ARRAY_LEN(providers); i++) {
		autorebuild struct rebuild answer = {0};

		ask(root, providers[i],
		    providers[i] == PROVIDER_WEAK ? NULL : "kmod-made", &answer);
		assert_false(answer.source || answer.headers);
		assert_non_null(strstr(answer.why, "made"));
		assert_null(answer.package);
	}
}

static void what_dkms_made_and_others_link_can_be_made(void **state)
{
	const struct root *root = machine(state);
	autorebuild struct rebuild answer = {0};

	put_headers(root, REL);
	put_source(root, "1.0", "");
	ask(root, PROVIDER_WEAK, "pkg/1.0", &answer);
	assert_true(answer.source && answer.headers);
}

static void a_container_brings_all_it_needs(void **state)
{
	const struct root *root = machine(state);
	autorebuild struct rebuild answer = {0};

	ask(root, PROVIDER_CONTAINER, "simple", &answer);
	assert_true(answer.source && answer.headers);
	assert_string_equal(answer.command, "kmods-via-containers build simple " REL);
}

static void a_release_that_is_none_is_refused(void **state)
{
	const struct root *root = machine(state);
	struct third_party module = {0};
	struct rebuild answer = {0};

	assert_int_equal(third_party_rebuild(root, &module, "a/../b", &answer, NULL),
			 -EINVAL);
}

#define K "BUILD_EXCLUSIVE_KERNEL"
#define C "BUILD_EXCLUSIVE_CONFIG"
#define A "BUILD_EXCLUSIVE_ARCH"

static const struct {
	const char *conf;
	bool excluded;
} directive_cases[] = {
	{"", false},
	{K "=\"^6\\.12\\.\"\n", false},
	{K "='^6\\.(1|6)\\.'\n", true},
	{K "=12\n", false}, /* anywhere in the release, as =~ does */
	{K "=\"^(5\\.[0-9]+|6\\.[0-9])\\.\"\n", true},
	{"  export " K "=^5 # older only\n", true},
	{K "=^5\n" K "=^6\n", false}, /* the last one counts */
	{K "_MIN=6.12\n", false},
	{K "_MIN=6.13\n", true},
	{K "_MIN=6.2\n", false}, /* 2 is before 12 */
	{K "_MAX=6.13\n", false},
	{K "_MAX=6.9.99\n", true},
	{K "_MAX=6.12\n", true}, /* 6.12.1 is later */
	{A "=x86_64\n", false},
	{A "=\"(aarch64|ppc64)\"\n", true},
	{C "=CONFIG_B\n", false},
	{C "=\"CONFIG_B CONFIG_A\"\n", true},
	{C "=\"!CONFIG_A !CONFIG_D\"\n", false},
	{C "=\"!CONFIG_B\"\n", true},
	{C "=CONFIG_\n", true},
	{"V=5\n" K "=\"^$V\\.\"\n", true},
	{K "=\"^6.12$\"\n", true}, /* a $ that begins nothing */
	{K "=\"(amd64$|^5)\"\n", false},
	{K "=\"(arm64$|^5)\"\n", true},
	{K "=^6$\n", true},
	{K "='^6$'\n", true},
	{K "=\"\\$amd64$\"\n", true},
	{K "=$'^5'\n", false},
	/* what only bash could tell excludes nothing */
	{K "=$(uname -r)\n", false},
	{K "=\"^$kernelver\"\n", false},
	{"if [ -e /x ]; then\n" K "=^5\nfi\n", false},
	{"if true; then " K "=^5; fi\n", false},
	{"[[ $a ]] && " K "=^5\n", false},
	{K "=^5\n[[ $a ]] && " K "=^6\n", false},
	{K "=^5\n" K "+=x\n", false},
	{"V=5\nif x; then\n\tV=6\nfi\n" K "=\"^$V\"\n", false},
	{"f() {\n" K "=^5\n}\n", false},
	{"case $a in\nb) " K "=^5 ;;\nesac\n" A "=arm\n", true},
	{K "=\"^5\n", false},
	{K "=\"(\"\n", false},
	{K "=\"(((x{1,255}){1,255}){1,255})\"\n", false},
	{K "=\"(.)\\\\1\"\n", false},
	{K "=\"((x{1,50}){1,50}){1,9}\"\n", false},
	{K "=\"((x{50}){50}){9}\"\n", false},
	{K "=\"((((((((((((x+)+)+)+)+)+)+)+)+)+)+)+)\"\n", false},
	{K "=\"^6[.]1{2,3}[.]\"\n", true},
	{K "=\"^5[.]1{1,2}\"\n", true},
	{"MAKE[0]=\"make\"\nBUILT_MODULE_NAME[0]=x\n" A "=arm\n", true},
	{"# " K "=^5\n", false},
};

static void directives_are_read_as_dkms_does(void **state)
{
	static const struct dkms_target target = {
		REL, "x86_64",
		"# CONFIG_A is not set\nCONFIG_B=y\nCONFIG_C=m\nCONFIG_D=\"y\"\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(directive_cases); i++) {
		autofree char *why = NULL;
		bool excluded =
			dkms_text_excludes(directive_cases[i].conf, &target, &why);

		if (excluded != directive_cases[i].excluded)
			fail_msg("%s: %s", directive_cases[i].conf,
				 why ? why : "not excluded");
		assert_true(excluded == (why != NULL));
	}
}

static void without_a_config_none_is_asked_for(void **state)
{
	static const struct dkms_target target = {REL, "x86_64", NULL};
	char *why = NULL;

	(void)state;
	assert_false(dkms_text_excludes(C "=CONFIG_B\n", &target, &why));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(source_and_headers_are_enough),
		MACHINE_TEST(what_is_built_already_is_forced),
		MACHINE_TEST(another_version_serves_where_the_old_one_is_gone),
		MACHINE_TEST(source_that_dkms_has_not_added_serves),
		MACHINE_TEST(without_source_nothing_is_made),
		MACHINE_TEST(missing_headers_are_told_with_the_way_to_get_them),
		MACHINE_TEST(headers_of_another_kernel_are_none),
		MACHINE_TEST(headers_that_lack_a_part_are_none),
		MACHINE_TEST(fedoras_headers_name_their_release),
		MACHINE_TEST(a_package_that_says_no_is_believed),
		MACHINE_TEST(the_administrators_word_comes_after_the_packages),
		MACHINE_TEST(akmods_need_their_source_package),
		MACHINE_TEST(what_nobody_makes_is_told_so),
		MACHINE_TEST(what_dkms_made_and_others_link_can_be_made),
		MACHINE_TEST(a_container_brings_all_it_needs),
		MACHINE_TEST(a_release_that_is_none_is_refused),
		cmocka_unit_test(directives_are_read_as_dkms_does),
		cmocka_unit_test(without_a_config_none_is_asked_for),
	};

	return cmocka_run_group_tests_name("module-rebuild", tests, NULL, NULL);
}
