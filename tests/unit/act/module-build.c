/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Modules are built for another release package by package; what is in the tree
 * afterwards decides, and what was built, and nothing else, is taken back.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "act/module-build.h"
#include "base/cleanup.h"
#include "base/process.h"
#include "machine.h"

#define REL    "6.12.1-amd64"
#define TREE   "/lib/modules/" REL
#define DKMS   "/var/lib/dkms"
#define RECORD DKMS "/one/1.0/" REL "/x86_64/module/"
#define INSTALL_ONE                                                           \
	"dkms install one/1.0|0|said|ko|" TREE "/updates/dkms/one_a.ko " TREE \
	"/updates/dkms/one_b.ko " RECORD "one-a.ko " RECORD "one-b.ko\n"
#define UNBUILD_ONE                                                            \
	"dkms unbuild one/1.0|0|||" TREE "/updates/dkms/one_a.ko " TREE        \
	"/updates/dkms/one_b.ko " RECORD "one-a.ko " RECORD "one-b.ko " DKMS   \
	"/one/1.0/" REL "/x86_64/module " DKMS "/one/1.0/" REL "/x86_64 " DKMS \
	"/one/1.0/" REL "\n"

/* A machine with headers, a target tree, and the sources of one/1.0 and two/2.0. */
static struct fake_machine *dkms_machine(void **state, const char *rules)
{
	struct fake_machine *m = fake_machine(state);

	fake_program(m, "dkms");
	fake_program(m, "depmod");
	fake_file(m, TREE "/modules.order", "");
	fake_file(m, TREE "/modules.dep", "");
	fake_file(m, TREE "/build/include/generated/utsrelease.h",
		  "#define UTS_RELEASE \"" REL "\"\n");
	fake_file(m, TREE "/build/Makefile", "");
	fake_file(m, TREE "/build/scripts/x", "");
	fake_file(m, DKMS "/one/1.0/source/dkms.conf", "");
	fake_file(m, DKMS "/two/2.0/source/dkms.conf", "");
	assert_int_equal(root_mkdirs(&m->root, TREE "/updates/dkms", 0755, NULL), 0);
	fake_file(m, "/fake/ko", "module");
	fake_file(m, "/fake/said", "Building module:\n");
	fake_rules(m, rules);
	return m;
}

/* What /updates/dkms needs for a record of package one. */
static void make_record(struct fake_machine *m)
{
	assert_int_equal(root_mkdirs(&m->root, RECORD, 0755, NULL), 0);
}

/* one_a and one_b of one/1.0, two of two/2.0. */
static struct third_party_list wanted(void)
{
	static const struct {
		const char *name, *package;
	} rows[] = {{"one_a", "one/1.0"}, {"one_b", "one/1.0"}, {"two", "two/2.0"}};
	struct third_party_list list = {mem_zalloc(4 * sizeof(*list.items)), 4};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		list.items[i] = (struct third_party){
			.name = str_dup(rows[i].name),
			.package = str_dup(rows[i].package),
			.provider = PROVIDER_DKMS,
		};
	list.items[3] = (struct third_party){.name = str_dup("hand"),
					     .provider = PROVIDER_UNOWNED};
	return list;
}

static int build(struct fake_machine *m, struct module_build_list *ret, struct error *err)
{
	autothirdparty struct third_party_list list = wanted();

	return module_build_all(&m->run, &list, NULL, REL, ret, err);
}

static void each_package_is_built_by_itself(void **state)
{
	struct fake_machine *m =
		dkms_machine(state, INSTALL_ONE "dkms install two|0|said|ko|" TREE
						"/updates/dkms/two.ko\n");
	autobuilds struct module_build_list list = {0};
	struct error err = {0};

	make_record(m);
	assert_int_equal(build(m, &list, &err), 0);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.items[0].package, "one/1.0");
	assert_true(list.items[0].built && list.items[1].built);
	assert_null(list.items[0].first_error);
	assert_true(fake_ran(m, "dkms install one/1.0 -k " REL " --no-depmod\n"));
	assert_true(fake_ran(m, "--no-depmod\ndepmod " REL "\n"));
	assert_non_null(strstr(text_str(&m->lines), "Building module:"));
}

static void what_others_build_is_waited_for(void **state)
{
	struct fake_machine *m =
		dkms_machine(state, INSTALL_ONE "dkms install two|0|said|ko|" TREE
						"/updates/dkms/two.ko\n");
	autobuilds struct module_build_list list = {0};
	autofree char *log = NULL;

	make_record(m);
	fake_file(m, DKMS "/one/1.0/source/dkms.conf", "BUILD_DEPENDS[0]=\"two\"\n");
	assert_int_equal(build(m, &list, NULL), 0);
	assert_true(list.items[0].built && list.items[1].built);
	log = fake_read(m, "/fake/log");
	assert_true(strstr(log, "install two") < strstr(log, "install one"));
}

static void who_waits_is_tried_when_others_were_built(void **state)
{
	struct fake_machine *m = dkms_machine(
		state, "dkms install one|13|failed||\ndkms install two|0|said|ko|" TREE
		       "/updates/dkms/two.ko\n");
	autobuilds struct module_build_list list = {0};
	autofree char *log = NULL;
	const char *first;

	fake_file(m, "/fake/failed", "Error! missing BUILD_DEPENDS: none\n");
	fake_file(m, DKMS "/one/1.0/source/dkms.conf", "BUILD_DEPENDS=none\n");
	fake_file(m, DKMS "/two/2.0/source/dkms.conf", "BUILD_DEPENDS=some\n");
	assert_int_equal(build(m, &list, NULL), 0);
	assert_string_equal(list.items[0].first_error,
			    "Error! missing BUILD_DEPENDS: none");
	assert_true(list.items[1].built);
	/* and once more, since two had been built */
	log = fake_read(m, "/fake/log");
	first = strstr(log, "install one");
	assert_non_null(strstr(first + 1, "install one"));
	assert_null(strstr(strstr(first + 1, "install one") + 1, "install one"));
}

static void one_that_fails_does_not_stop_the_others(void **state)
{
	struct fake_machine *m = dkms_machine(
		state, "dkms install one|10|failed||\ndkms install two|0|said|ko|" TREE
		       "/updates/dkms/two.ko\n");
	autobuilds struct module_build_list list = {0};

	fake_file(m, "/fake/failed",
		  "Error! Bad return status for module build on kernel: x\n");
	fake_file(m, DKMS "/one/1.0/build/make.log",
		  "DKMS make.log for one-1.0 for kernel " REL " (x86_64)\n"
		  "  CC [M]  one.o\none.c:7:1: warning: unused [-Wunused]\n"
		  "one.c:8:2: error: implicit declaration of 'gone'\n"
		  "one.c:9:2: error: another\nmake: *** [all] Error 2\n");
	assert_int_equal(build(m, &list, NULL), 0);
	assert_int_equal(list.count, 2);
	assert_false(list.items[0].built);
	assert_string_equal(list.items[0].first_error,
			    "one.c:8:2: error: implicit declaration of 'gone'");
	assert_string_equal(list.items[0].log, DKMS "/one/1.0/build/make.log");
	assert_true(list.items[1].built);
}

static void an_old_log_explains_nothing(void **state)
{
	struct fake_machine *m = dkms_machine(state, "dkms install|10|failed||\n");
	autobuilds struct module_build_list list = {0};

	fake_file(m, "/fake/failed", "Error! Your kernel headers are odd.\n");
	fake_file(m, DKMS "/one/1.0/build/make.log",
		  "DKMS make.log for one-1.0 for kernel 6.1.0-9 (x86_64)\n"
		  "one.c:8:2: error: old\n");
	assert_int_equal(build(m, &list, NULL), 0);
	assert_string_equal(list.items[0].first_error,
			    "Error! Your kernel headers are odd.");
	assert_null(list.items[0].log);
	assert_false(fake_ran(m, "depmod " REL));
}

static void success_without_a_module_is_a_failure(void **state)
{
	struct fake_machine *m = dkms_machine(state, "");
	autobuilds struct module_build_list list = {0};

	assert_int_equal(build(m, &list, NULL), 0);
	assert_false(list.items[0].built);
	assert_string_equal(list.items[0].first_error,
			    "it ended well and left no module");
}

static void failure_with_a_module_is_a_success(void **state)
{
	struct fake_machine *m =
		dkms_machine(state,
			     "dkms install|1|said|ko|" TREE "/updates/dkms/one_a.ko " TREE
			     "/updates/dkms/one_b.ko " TREE "/updates/dkms/two.ko\n");
	autobuilds struct module_build_list list = {0};

	assert_int_equal(build(m, &list, NULL), 0);
	assert_true(list.items[0].built);
}

static void a_module_that_is_missing_is_named(void **state)
{
	struct fake_machine *m = dkms_machine(state, "dkms install one|0|said|ko|" TREE
						     "/updates/dkms/one_a.ko\n");
	autobuilds struct module_build_list list = {0};

	assert_int_equal(build(m, &list, NULL), 0);
	assert_true(list.items[0].built);
	assert_string_equal(list.items[0].first_error, "it was built without one_b");
}

static void what_is_there_is_not_built_again(void **state)
{
	struct fake_machine *m = dkms_machine(state, "");
	autobuilds struct module_build_list list = {0};

	fake_file(m, TREE "/updates/dkms/one-a.ko.xz", "");
	fake_file(m, TREE "/extra/one_b.ko", "");
	fake_file(m, TREE "/updates/dkms/two.ko", "");
	assert_int_equal(build(m, &list, NULL), 0);
	assert_int_equal(list.count, 0);
	assert_false(fake_ran(m, "dkms"));
}

static void what_cannot_be_built_is_not_tried(void **state)
{
	struct fake_machine *m = dkms_machine(state, "");
	autobuilds struct module_build_list list = {0};

	fake_file(m, DKMS "/one/1.0/source/dkms.conf", "BUILD_EXCLUSIVE_KERNEL=^5\n");
	assert_int_equal(root_unlink(&m->root, DKMS "/two/2.0/source/dkms.conf", NULL),
			 0);
	assert_int_equal(build(m, &list, NULL), 0);
	assert_int_equal(list.count, 2);
	assert_non_null(strstr(list.items[0].first_error, "BUILD_EXCLUSIVE_KERNEL"));
	assert_non_null(strstr(list.items[1].first_error, "source of two 2.0 is gone"));
	assert_false(fake_ran(m, "dkms"));
}

static void a_lost_file_is_put_back_and_stays(void **state)
{
	struct fake_machine *m = dkms_machine(state, INSTALL_ONE UNBUILD_ONE);
	autobuilds struct module_build_list list = {0};

	fake_file(m, RECORD "one-a.ko", "");
	fake_file(m, RECORD "one-b.ko", "");
	fake_file(m, TREE "/updates/dkms/one_a.ko", "");
	assert_int_equal(root_symlink(&m->root, "1.0/" REL "/x86_64",
				      DKMS "/one/kernel-" REL "-x86_64"),
			 0);
	assert_int_equal(build(m, &list, NULL), 0);
	assert_true(fake_ran(m, "dkms uninstall one/1.0 -k " REL " --no-depmod\n"
				"dkms install one/1.0"));
	assert_true(root_exists(&m->root, TREE "/updates/dkms/one_b.ko"));
	assert_null(list.items[0].first_error);
	assert_false(list.items[0].built);
	assert_int_equal(module_build_undo(&m->run, &list, REL, NULL), 0);
	assert_false(fake_ran(m, "unbuild"));
}

/* Built for another kernel of that name: dkms would install the same file again. */
static void what_is_of_no_use_is_built_anew(void **state)
{
	struct fake_machine *m = dkms_machine(state, INSTALL_ONE UNBUILD_ONE);
	autothirdparty struct third_party_list modules = wanted();
	autobuilds struct module_build_list list = {0};
	autostrv struct strv stale = {0};

	fake_file(m, RECORD "one-a.ko", "");
	fake_file(m, RECORD "one-b.ko", "");
	fake_file(m, TREE "/updates/dkms/one_a.ko", "stale");
	fake_file(m, TREE "/updates/dkms/one_b.ko", "stale");
	fake_file(m, TREE "/updates/dkms/two.ko", "of use");
	strv_add(&stale, "one_b");
	assert_int_equal(module_build_all(&m->run, &modules, &stale, REL, &list, NULL),
			 0);
	assert_int_equal(list.count, 1);
	assert_null(list.items[0].first_error);
	assert_true(list.items[0].mends && !list.items[0].built);
	assert_true(fake_ran(m, "dkms unbuild one/1.0 -k " REL " --no-depmod\n"
				"dkms install one/1.0"));
	assert_true(root_exists(&m->root, TREE "/updates/dkms/one_b.ko"));
	assert_false(fake_ran(m, "two"));
}

static void what_was_there_before_a_failure_stays(void **state)
{
	struct fake_machine *m = dkms_machine(state, UNBUILD_ONE);
	autobuilds struct module_build_list list = {0};

	/* this version makes no one_b */
	fake_file(m, RECORD "one-a.ko", "");
	fake_file(m, TREE "/updates/dkms/one_a.ko", "");
	assert_int_equal(build(m, &list, NULL), 0);
	assert_string_equal(list.items[0].first_error,
			    "one/1.0 is built for " REL " and has no module one_b");
	assert_false(fake_ran(m, "one/1.0"));
}

static void undo_takes_back_what_was_built(void **state)
{
	struct fake_machine *m = dkms_machine(state, INSTALL_ONE UNBUILD_ONE);
	autobuilds struct module_build_list list = {0};
	struct error err = {0};

	make_record(m);
	assert_int_equal(build(m, &list, NULL), 0);
	assert_true(list.items[0].built);
	assert_false(list.items[1].built);
	fake_forget(m);
	assert_int_equal(module_build_undo(&m->run, &list, REL, &err), 0);
	assert_false(root_exists(&m->root, TREE "/updates/dkms/one_a.ko"));
	assert_false(root_exists(&m->root, DKMS "/one/1.0/" REL));
	assert_true(fake_ran(m, "dkms unbuild one/1.0 -k " REL " --no-depmod\ndepmod"));
	assert_false(fake_ran(m, "two"));
	fake_forget(m);
	assert_int_equal(module_build_undo(&m->run, &list, REL, &err), 0);
	assert_false(root_exists(&m->root, "/fake/log"));
}

/* Stopped after dkms copied the module and before it noted that: the plan is all there
 * is.
 */
static void what_was_planned_is_taken_back_when_cut_off(void **state)
{
	struct fake_machine *m = dkms_machine(state, "");
	autothirdparty struct third_party_list modules = wanted();
	autobuilds struct module_build_list plan = {0}, back = {0};
	autofree char *text = NULL;

	fake_file(m, TREE "/extra/two.ko", "was there before");
	assert_int_equal(module_build_plan(&m->run, &modules, NULL, REL, &plan, NULL), 0);
	assert_int_equal(plan.count, 1);
	assert_false(root_exists(&m->root, "/fake/log"));
	text = module_build_format(&plan);
	assert_int_equal(module_build_parse(text, &back, NULL), 0);
	make_record(m);
	fake_file(m, RECORD "one-a.ko", "half");
	fake_file(m, TREE "/updates/dkms/one_a.ko", "half");
	assert_int_equal(module_build_undo(&m->run, &back, REL, NULL), 0);
	assert_false(root_exists(&m->root, TREE "/updates/dkms/one_a.ko"));
	assert_false(root_exists(&m->root, DKMS "/one/1.0/" REL));
	assert_true(root_exists(&m->root, TREE "/extra/two.ko"));
}

static void what_was_built_before_stays_built(void **state)
{
	struct fake_machine *m =
		dkms_machine(state, INSTALL_ONE UNBUILD_ONE
			     "dkms uninstall one/1.0|0|||" TREE
			     "/updates/dkms/one_a.ko " TREE "/updates/dkms/one_b.ko " DKMS
			     "/one/kernel-" REL "-x86_64\n");
	autobuilds struct module_build_list list = {0}, back = {0};
	autofree char *text = NULL;

	make_record(m);
	fake_file(m, RECORD "one-a.ko", "");
	fake_file(m, RECORD "one-b.ko", "");
	assert_int_equal(build(m, &list, NULL), 0);
	assert_true(list.items[0].built);
	text = module_build_format(&list);
	assert_int_equal(module_build_parse(text, &back, NULL), 0);
	assert_int_equal(root_symlink(&m->root, "1.0/" REL "/x86_64",
				      DKMS "/one/kernel-" REL "-x86_64"),
			 0);
	assert_int_equal(module_build_undo(&m->run, &back, REL, NULL), 0);
	assert_false(root_exists(&m->root, TREE "/updates/dkms/one_a.ko"));
	assert_true(root_exists(&m->root, RECORD "one-a.ko"));
}

/* Between dkms' uninstall and install: what was there before is put back. */
static void mending_that_was_cut_off_is_finished(void **state)
{
	struct fake_machine *m = dkms_machine(state, INSTALL_ONE);
	autothirdparty struct third_party_list modules = wanted();
	autobuilds struct module_build_list plan = {0}, back = {0};
	autofree char *text = NULL;

	fake_file(m, RECORD "one-a.ko", "");
	fake_file(m, RECORD "one-b.ko", "");
	assert_int_equal(root_symlink(&m->root, "1.0/" REL "/x86_64",
				      DKMS "/one/kernel-" REL "-x86_64"),
			 0);
	assert_int_equal(module_build_plan(&m->run, &modules, NULL, REL, &plan, NULL), 0);
	assert_true(plan.items[0].mends && !plan.items[0].built);
	text = module_build_format(&plan);
	assert_int_equal(module_build_parse(text, &back, NULL), 0);
	assert_int_equal(root_unlink(&m->root, DKMS "/one/kernel-" REL "-x86_64", NULL),
			 0);
	assert_int_equal(module_build_undo(&m->run, &back, REL, NULL), 0);
	assert_true(root_exists(&m->root, TREE "/updates/dkms/one_a.ko"));
}

static void an_old_dkms_is_undone_too(void **state)
{
	struct fake_machine *m =
		dkms_machine(state, INSTALL_ONE "unbuild|4|||\ndkms uninstall|0|||" TREE
						"/updates/dkms/one_a.ko " TREE
						"/updates/dkms/one_b.ko " DKMS
						"/one/kernel-" REL "-x86_64\n");
	autobuilds struct module_build_list list = {0};

	make_record(m);
	assert_int_equal(build(m, &list, NULL), 0);
	assert_int_equal(root_symlink(&m->root, "1.0/" REL "/x86_64",
				      DKMS "/one/kernel-" REL "-x86_64"),
			 0);
	assert_int_equal(module_build_undo(&m->run, &list, REL, NULL), 0);
	assert_false(root_exists(&m->root, DKMS "/one/1.0/" REL));
	assert_true(root_exists(&m->root, DKMS "/one/1.0/source/dkms.conf"));
}

static void what_stays_after_undo_is_told(void **state)
{
	struct fake_machine *m =
		dkms_machine(state, INSTALL_ONE "unbuild|1|||\nuninstall|1|no||\n");
	autobuilds struct module_build_list list = {0};
	struct error err = {0};

	fake_file(m, "/fake/no", "Error! read-only\n");
	make_record(m);
	assert_int_equal(build(m, &list, NULL), 0);
	assert_int_equal(root_symlink(&m->root, "1.0/" REL "/x86_64",
				      DKMS "/one/kernel-" REL "-x86_64"),
			 0);
	assert_int_equal(module_build_undo(&m->run, &list, REL, &err), -ERROR_PROGRAM);
	assert_non_null(strstr(err.message, "one/1.0"));
	assert_non_null(strstr(err.message, "read-only"));
}

static void depmod_that_fails_takes_all_back(void **state)
{
	struct fake_machine *m =
		dkms_machine(state, INSTALL_ONE UNBUILD_ONE "depmod|1|||\n");
	struct module_build_list list = {0};
	struct error err = {0};

	make_record(m);
	assert_int_equal(build(m, &list, &err), -ERROR_PROGRAM);
	assert_true(str_starts(err.message, "indexing the modules of " REL));
	assert_int_equal(list.count, 0);
	assert_false(root_exists(&m->root, TREE "/updates/dkms/one_a.ko"));
}

static void akmods_build_for_one_release(void **state)
{
	struct fake_machine *m =
		dkms_machine(state, "akmods|0|said|ko|" TREE
				    "/extra/nvidia/nvidia.ko\nrpm -e|0|||" TREE
				    "/extra/nvidia/nvidia.ko\n");
	struct third_party module = {.provider = PROVIDER_AKMODS};
	struct third_party_list modules = {&module, 1};
	autobuilds struct module_build_list list = {0};
	autofree char *name = str_dup("nvidia"), *package = str_dup("akmod-nvidia");

	fake_program(m, "akmods");
	fake_program(m, "rpm");
	module.name = name;
	module.package = package;
	assert_int_equal(root_mkdirs(&m->root, TREE "/extra/nvidia", 0755, NULL), 0);
	fake_file(m, "/usr/src/akmods/nvidia-kmod.latest", "");
	assert_int_equal(module_build_all(&m->run, &modules, NULL, REL, &list, NULL), 0);
	assert_int_equal(list.count, 1);
	assert_true(list.items[0].built);
	assert_true(fake_ran(m, "akmods --akmod nvidia --kernels " REL "\n"));
	assert_int_equal(module_build_undo(&m->run, &list, REL, NULL), 0);
	assert_true(fake_ran(m, "rpm -e kmod-nvidia-" REL "\n"));
}

static void akmods_failure_is_explained(void **state)
{
	struct fake_machine *m = dkms_machine(state, "akmods|1|said||\n");
	struct third_party module = {.provider = PROVIDER_AKMODS};
	struct third_party_list modules = {&module, 1};
	autobuilds struct module_build_list list = {0};
	autofree char *name = str_dup("nvidia"), *package = str_dup("akmod-nvidia");

	fake_program(m, "akmods");
	module.name = name;
	module.package = package;
	fake_file(m, "/usr/src/akmods/nvidia-kmod.latest", "");
	fake_file(m, "/var/cache/akmods/nvidia/535.9-1-for-" REL ".failed.log",
		  "a.c:1:1: error: older\n");
	fake_file(m, "/var/cache/akmods/nvidia/535.10-1-for-" REL ".failed.log",
		  "a.c:1:1: error: newer\n");
	assert_int_equal(module_build_all(&m->run, &modules, NULL, REL, &list, NULL), 0);
	assert_string_equal(list.items[0].first_error, "a.c:1:1: error: newer");
	assert_false(fake_ran(m, "rpm"));
}

static void without_dkms_it_is_told(void **state)
{
	struct fake_machine *m = dkms_machine(state, "");
	autobuilds struct module_build_list list = {0};

	assert_int_equal(root_unlink(&m->root, "/fake/bin/dkms", NULL), 0);
	assert_int_equal(build(m, &list, NULL), 0);
	assert_string_equal(list.items[0].first_error,
			    "there is no program dkms on this machine");
}

static void a_release_that_is_none_is_refused(void **state)
{
	struct fake_machine *m = dkms_machine(state, "");
	struct module_build_list list = {0};

	assert_int_equal(module_build_all(&m->run, &(struct third_party_list){0}, NULL,
					  "-k", &list, NULL),
			 -EINVAL);
	assert_int_equal(module_build_undo(&m->run, &list, "a/b", NULL), -EINVAL);
}

static void records_are_read_back(void **state)
{
	char one[] = "one/1.0", error[] = "a\"b: error: \xff", log[] = "/x";
	char two[] = "akmod-n";
	struct module_build items[] = {
		{.package = one, .first_error = error, .log = log},
		{.package = two, .built = true},
	};
	struct module_build_list list = {items, 2};
	autobuilds struct module_build_list back = {0};
	autofree char *text = module_build_format(&list);

	(void)state;
	assert_int_equal(module_build_parse(text, &back, NULL), 0);
	assert_int_equal(back.count, 2);
	assert_string_equal(back.items[0].package, one);
	assert_string_equal(back.items[0].first_error, "a\"b: error: \\xff");
	assert_string_equal(back.items[0].log, log);
	assert_false(back.items[0].built);
	assert_true(back.items[1].built);
	assert_null(back.items[1].first_error);
}

static void damaged_records_are_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"[]",
		"{\"builds\":{}}",
		"{\"builds\":[1]}",
		"{\"builds\":[{\"package\":\"a/1\"}]}",
		"{\"builds\":[{\"package\":\"a/1\",\"built\":1}]}",
		"{\"builds\":[{\"package\":\"--all\",\"built\":true}]}",
		"{\"builds\":[{\"package\":\"a/--all\",\"built\":true}]}",
		"{\"builds\":[{\"package\":\"../a/1\",\"built\":true}]}",
		"{\"builds\":[{\"package\":\"a/1/2\",\"built\":true}]}",
		"{\"builds\":[{\"package\":\"akmod-\",\"built\":true}]}",
		"{\"builds\":[{\"package\":\"akmod--e\",\"built\":true}]}",
		"{\"builds\":[{\"package\":\"a/1\\u0000\",\"built\":true}]}",
		"{\"builds\":[{\"package\":\"a/1\",\"built\":true,\"log\":7}]}",
		"{\"builds\":[{\"package\":\"a/1\",\"built\":true}]",
		"{\"builds\":[{\"package\":\"a/1\",\"built\":true,\"mends\":1}]}",
		"{\"builds\":[{\"package\":\"a/1\",\"built\":true,\"modules\":{}}]}",
		"{\"builds\":[{\"package\":\"a/1\",\"built\":true,\"modules\":[1]}]}",
		"{\"builds\":[[[[[[]]]]]]}",
	};
	struct module_build_list list = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(module_build_parse(texts[i], &list, NULL),
				 -ERROR_DAMAGED);
		assert_null(list.items);
	}
}

static void the_first_error_of_a_log_is_found(void **state)
{
	static const struct {
		const char *log, *found;
	} cases[] = {
		{"", NULL},
		{"  CC [M] a.o\n  LD [M] a.ko\n", NULL},
		{"a.c:1:2: warning: x [-Werror]\na.c:2:2: error: first\nb.c: error: 2\n",
		 "a.c:2:2: error: first"},
		{"make[2]: *** [a.o] Error 1\na.h:1:10: fatal error: linux/x.h: No such "
		 "file or directory\n",
		 "a.h:1:10: fatal error: linux/x.h: No such file or directory"},
		{"ERROR: modpost: \"x\" [/b/a.ko] undefined!\n",
		 "ERROR: modpost: \"x\" [/b/a.ko] undefined!"},
		{"a.c:1: error: x\ncc1: fatal error: opening a.s: No space left on "
		 "device\n",
		 "cc1: fatal error: opening a.s: No space left on device"},
		{"make: *** No rule to make target 'x'.  Stop.\n",
		 "make: *** No rule to make target 'x'.  Stop."},
		{"/bin/sh: 1: gcc-12: not found\nmake: *** [x] Error 127\n",
		 "/bin/sh: 1: gcc-12: not found"},
		{"make: *** [x] Error 127\r\n", "make: *** [x] Error 127"},
		{"\033[1mERROR: odd\n", "\\x1b[1mERROR: odd"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autofree char *found = module_build_first_error(cases[i].log);

		if (cases[i].found)
			assert_string_equal(found, cases[i].found);
		else
			assert_null(found);
	}
}

/* The last test: the signal is never forgotten. */
static void interrupted_builds_are_taken_back(void **state)
{
	struct fake_machine *m = dkms_machine(state, INSTALL_ONE UNBUILD_ONE);
	struct module_build_list list = {0};

	process_catch_signals();
	assert_int_equal(raise(SIGTERM), 0);
	make_record(m);
	assert_int_equal(build(m, &list, NULL), -ERROR_INTERRUPTED);
	assert_int_equal(list.count, 0);
	assert_false(fake_ran(m, "dkms install"));
}

#define CASE(f) \
	cmocka_unit_test_setup_teardown(f, fake_machine_set_up, fake_machine_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(each_package_is_built_by_itself),
		CASE(what_others_build_is_waited_for),
		CASE(who_waits_is_tried_when_others_were_built),
		CASE(one_that_fails_does_not_stop_the_others),
		CASE(an_old_log_explains_nothing),
		CASE(success_without_a_module_is_a_failure),
		CASE(failure_with_a_module_is_a_success),
		CASE(a_module_that_is_missing_is_named),
		CASE(what_is_there_is_not_built_again),
		CASE(what_cannot_be_built_is_not_tried),
		CASE(a_lost_file_is_put_back_and_stays),
		CASE(what_is_of_no_use_is_built_anew),
		CASE(what_was_there_before_a_failure_stays),
		CASE(undo_takes_back_what_was_built),
		CASE(what_was_planned_is_taken_back_when_cut_off),
		CASE(what_was_built_before_stays_built),
		CASE(mending_that_was_cut_off_is_finished),
		CASE(an_old_dkms_is_undone_too),
		CASE(what_stays_after_undo_is_told),
		CASE(depmod_that_fails_takes_all_back),
		CASE(akmods_build_for_one_release),
		CASE(akmods_failure_is_explained),
		CASE(without_dkms_it_is_told),
		CASE(a_release_that_is_none_is_refused),
		cmocka_unit_test(records_are_read_back),
		cmocka_unit_test(damaged_records_are_refused),
		cmocka_unit_test(the_first_error_of_a_log_is_found),
		CASE(interrupted_builds_are_taken_back),
	};

	return cmocka_run_group_tests_name("module-build", tests, NULL, NULL);
}
