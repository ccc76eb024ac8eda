/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A module is linked into another release's tree beside what is there, once however often
 * it is asked for, and taken out again without a trace.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "act/module-link.h"
#include "base/cleanup.h"
#include "machine.h"

#define FROM "/lib/modules/1-a/extra/x.ko.xz"
#define TO   "/lib/modules/2-a/weak-updates/kuro/x.ko.xz"

static struct fake_machine *link_machine(void **state)
{
	struct fake_machine *m = fake_machine(state);

	fake_program(m, "depmod");
	fake_file(m, FROM, "content");
	fake_file(m, "/lib/modules/2-a/modules.dep", "");
	fake_file(m, "/lib/modules/2-a/weak-updates/theirs.ko", "");
	return m;
}

static void a_link_outlives_what_it_was_made_from(void **state)
{
	struct fake_machine *m = link_machine(state);
	autostrv struct strv paths = {0};
	autofree char *content = NULL;

	strv_add(&paths, FROM);
	assert_int_equal(module_link_all(&m->run, &paths, "2-a", NULL), 0);
	assert_int_equal(module_link_all(&m->run, &paths, "2-a", NULL), 0);
	assert_true(fake_ran(m, "depmod 2-a"));
	assert_int_equal(root_unlink(&m->root, FROM, NULL), 0);
	assert_int_equal(root_read(&m->root, TO, 100, &content, NULL, NULL), 0);
	assert_string_equal(content, "content");
}

static void undo_takes_only_its_own(void **state)
{
	struct fake_machine *m = link_machine(state);
	autostrv struct strv paths = {0};

	autostrv struct strv more = {0};

	fake_file(m, "/lib/modules/1-a/extra/y.ko", "");
	strv_add(&paths, FROM);
	strv_add(&more, "/lib/modules/1-a/extra/y.ko");
	assert_int_equal(module_link_undo(&m->run, &paths, "2-a", NULL), 0);
	assert_false(fake_ran(m, "depmod"));
	assert_int_equal(module_link_all(&m->run, &paths, "2-a", NULL), 0);
	assert_int_equal(module_link_undo(&m->run, &paths, "2-a", NULL), 0);
	assert_false(root_exists(&m->root, "/lib/modules/2-a/weak-updates/kuro"));
	assert_int_equal(module_link_all(&m->run, &paths, "2-a", NULL), 0);
	assert_int_equal(module_link_all(&m->run, &more, "2-a", NULL), 0);
	assert_int_equal(module_link_undo(&m->run, &paths, "2-a", NULL), 0);
	assert_false(root_exists(&m->root, TO));
	assert_true(root_exists(&m->root, "/lib/modules/2-a/weak-updates/kuro/y.ko"));
	assert_true(root_exists(&m->root, "/lib/modules/2-a/weak-updates/theirs.ko"));
	assert_true(root_exists(&m->root, FROM));
}

static void nothing_is_linked_into_what_is_no_release(void **state)
{
	struct fake_machine *m = link_machine(state);
	autostrv struct strv paths = {0};
	struct error err = {0};

	strv_add(&paths, FROM);
	assert_int_equal(module_link_all(&m->run, &paths, "../1-a", &err), -EINVAL);
	assert_int_equal(module_link_undo(&m->run, &paths, "..", &err), -EINVAL);
	strv_add(&paths, "/etc/passwd");
	assert_int_equal(module_link_all(&m->run, &paths, "2-a", &err), -EINVAL);
	assert_int_equal(module_link_all(&m->run, &(struct strv){0}, "2-a", &err), 0);
	assert_false(fake_ran(m, "depmod"));
}

#define CASE(f) \
	cmocka_unit_test_setup_teardown(f, fake_machine_set_up, fake_machine_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_link_outlives_what_it_was_made_from),
		CASE(undo_takes_only_its_own),
		CASE(nothing_is_linked_into_what_is_no_release),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
