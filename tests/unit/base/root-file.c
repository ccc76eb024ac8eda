/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Nothing leaves the root; a write shows the old or the new content; removing what is
 * not there is success; removing a tree never follows a link.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/root-file.h"

struct fixture {
	char dir[64];     /* below it: "outside" and "machine" */
	struct root root; /* opened on "machine" */
	struct root all;  /* opened on dir */
};

static int set_up(void **state)
{
	struct fixture *f = mem_zalloc(sizeof(*f));
	autofree char *machine = NULL;

	strcpy(f->dir, "/tmp/kuro-root-file.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(root_open(&f->all, f->dir, NULL), 0);
	assert_int_equal(root_mkdirs(&f->all, "/machine/etc", 0755, NULL), 0);
	assert_int_equal(root_write(&f->all, "/outside", 0644, "secret", 6, NULL), 0);
	machine = str_format("%s/machine", f->dir);
	assert_int_equal(root_open(&f->root, machine, NULL), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	struct root tmp = {0};

	root_done(&f->root);
	root_done(&f->all);
	assert_int_equal(root_open(&tmp, "/tmp", NULL), 0);
	assert_int_equal(root_remove_tree(&tmp, f->dir + strlen("/tmp"), NULL), 0);
	root_done(&tmp);
	free(f);
	return 0;
}

static void open_says_what_is_wrong(void **state)
{
	struct fixture *f = *state;
	autofree char *file = str_format("%s/outside", f->dir);
	struct root root = {0};
	struct error err = {0};

	assert_int_equal(root_open(&root, "/nowhere/at/all", &err), -ENOENT);
	assert_non_null(strstr(err.message, "/nowhere/at/all"));
	assert_int_equal(root_open(&root, file, &err), -ENOTDIR);
	assert_non_null(strstr(err.message, file));
}

static void only_slash_is_live(void **state)
{
	struct fixture *f = *state;
	autofree char *joined = root_path(&f->root, "/boot/kuro/env");
	autofree char *expected = str_format("%s/machine/boot/kuro/env", f->dir);
	autofree char *plain = NULL;
	struct root live = {0};

	assert_false(root_is_live(&f->root));
	assert_string_equal(joined, expected);
	assert_int_equal(root_open(&live, "/", NULL), 0);
	assert_true(root_is_live(&live));
	plain = root_path(&live, "/boot/kuro/env");
	assert_string_equal(plain, "/boot/kuro/env");
	root_done(&live);
}

static void links_and_dots_stay_inside(void **state)
{
	static const char *const ways[] = {"/etc/up", "/etc/absolute", "/../outside",
					   "/etc/../../outside"};
	struct fixture *f = *state;
	autofree char *absolute = str_format("%s/outside", f->dir);
	autofree char *data = NULL;
	struct stat st;

	assert_int_equal(root_symlink(&f->root, "../../outside", "/etc/up"), 0);
	assert_int_equal(root_symlink(&f->root, absolute, "/etc/absolute"), 0);
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		assert_true(root_read(&f->root, ways[i], 100, &data, NULL, NULL) < 0);
		assert_true(root_stat(&f->root, ways[i], &st) < 0);
		assert_false(root_exists(&f->root, ways[i]));
	}
	assert_null(data);
	assert_int_equal(root_lstat(&f->root, "/etc/up", &st), 0);
	assert_true(S_ISLNK(st.st_mode));
}

static void absolute_links_mean_the_machine_root(void **state)
{
	struct fixture *f = *state;
	autofree char *data = NULL;
	autofree char *target = NULL;

	assert_int_equal(root_write(&f->root, "/etc/real", 0600, "inside", 6, NULL), 0);
	assert_int_equal(root_symlink(&f->root, "/etc/real", "/etc/link"), 0);
	assert_int_equal(root_read(&f->root, "/etc/link", 100, &data, NULL, NULL), 0);
	assert_string_equal(data, "inside");
	assert_int_equal(root_readlink(&f->root, "/etc/link", &target), 0);
	assert_string_equal(target, "/etc/real");
}

static void write_replaces_whole_files(void **state)
{
	struct fixture *f = *state;
	autofree char *first = NULL;
	autofree char *second = NULL;
	autoclose int old = -1;
	autostrv struct strv names = {0};
	struct stat st;

	assert_int_equal(root_write(&f->root, "/etc/a", 0640, "one", 3, NULL), 0);
	old = root_openat(&f->root, "/etc/a", O_RDONLY, 0);
	assert_true(old >= 0);
	assert_int_equal(root_write(&f->root, "/etc/a", 0640, "second", 6, NULL), 0);
	assert_int_equal(fd_read_all(old, "a", 100, &first, NULL, NULL), 0);
	assert_string_equal(first, "one");
	assert_int_equal(root_read(&f->root, "/etc/a", 100, &second, NULL, NULL), 0);
	assert_string_equal(second, "second");
	assert_int_equal(root_stat(&f->root, "/etc/a", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(root_list(&f->root, "/etc", &names, NULL), 0);
	assert_int_equal(names.count, 1);
}

static void reading_has_a_limit(void **state)
{
	struct fixture *f = *state;
	struct error err = {0};
	autofree char *data = NULL;
	size_t len = 0;

	assert_int_equal(root_write(&f->root, "/etc/a", 0644,
				    "12\0"
				    "45",
				    5, NULL),
			 0);
	assert_int_equal(root_read(&f->root, "/etc/a", 4, &data, NULL, &err), -EFBIG);
	assert_null(data);
	assert_non_null(strstr(err.message, "/etc/a"));
	assert_int_equal(root_read(&f->root, "/etc/a", 5, &data, &len, &err), 0);
	assert_int_equal(len, 5);
	assert_memory_equal(data,
			    "12\0"
			    "45",
			    6);
}

static void reading_takes_regular_files_only(void **state)
{
	struct fixture *f = *state;
	struct error err = {0};
	char *data = NULL;

	assert_true(root_read(&f->root, "/etc", 100, &data, NULL, &err) < 0);
	assert_non_null(strstr(err.message, "/etc"));
	assert_int_equal(root_read(&f->root, "/none", 100, &data, NULL, &err), -ENOENT);
	assert_null(data);
}

static void sizeless_files_are_read_whole(void **state)
{
	autofree char *data = NULL;
	struct root live = {0};
	size_t len = 0;

	(void)state;
	assert_int_equal(root_open(&live, "/", NULL), 0);
	assert_int_equal(root_read(&live, "/proc/self/mountinfo", 1 << 20, &data, &len,
				   NULL),
			 0);
	assert_true(len > 0);
	root_done(&live);
}

static void first_line_is_stripped(void **state)
{
	struct fixture *f = *state;
	struct error err = {0};
	autofree char *line = NULL;

	assert_int_equal(root_write(&f->root, "/etc/id", 0644, " ab \nc\n", 7, NULL), 0);
	assert_int_equal(root_read_line(&f->root, "/etc/id", &line, NULL), 0);
	assert_string_equal(line, "ab");
	assert_int_equal(root_read_line(&f->root, "/etc/none", &line, &err), -ENOENT);
	assert_string_equal(err.message, "");
}

static void lists_are_sorted_and_missing_is_empty(void **state)
{
	struct fixture *f = *state;
	autostrv struct strv names = {0};
	autostrv struct strv none = {0};
	autofree char *joined = NULL;

	assert_int_equal(root_write(&f->root, "/etc/b", 0644, "", 0, NULL), 0);
	assert_int_equal(root_write(&f->root, "/etc/.a", 0644, "", 0, NULL), 0);
	assert_int_equal(root_mkdirs(&f->root, "/etc/c/d", 0755, NULL), 0);
	assert_int_equal(root_mkdirs(&f->root, "/etc/c/d", 0755, NULL), 0);
	assert_int_equal(root_list(&f->root, "/etc", &names, NULL), 0);
	joined = strv_join(&names, " ");
	assert_string_equal(joined, ".a b c");
	assert_int_equal(root_list(&f->root, "/missing", &none, NULL), 0);
	assert_int_equal(none.count, 0);
}

static void names_change_inside_the_root(void **state)
{
	struct fixture *f = *state;
	struct stat a, b;

	assert_int_equal(root_write(&f->root, "/etc/a", 0644, "x", 1, NULL), 0);
	assert_int_equal(root_link(&f->root, "/etc/a", "/etc/b"), 0);
	assert_int_equal(root_link(&f->root, "/etc/a", "/etc/b"), -EEXIST);
	assert_int_equal(root_stat(&f->root, "/etc/a", &a), 0);
	assert_int_equal(root_stat(&f->root, "/etc/b", &b), 0);
	assert_int_equal(a.st_ino, b.st_ino);
	assert_int_equal(root_rename(&f->root, "/etc/b", "/etc/c"), 0);
	assert_false(root_exists(&f->root, "/etc/b"));
	assert_int_equal(root_rename(&f->root, "/etc/b", "/etc/d"), -ENOENT);
	assert_int_equal(root_sync_dir(&f->root, "/etc", NULL), 0);
	assert_int_equal(root_unlink(&f->root, "/etc/c", NULL), 0);
	assert_int_equal(root_unlink(&f->root, "/etc/c", NULL), 0);
}

static void removing_a_tree_follows_no_link(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(root_mkdirs(&f->root, "/gen/7/deep", 0700, NULL), 0);
	assert_int_equal(root_mkdirs(&f->root, "/keep", 0700, NULL), 0);
	assert_int_equal(root_write(&f->root, "/keep/me", 0600, "x", 1, NULL), 0);
	assert_int_equal(root_write(&f->root, "/gen/7/deep/f", 0600, "x", 1, NULL), 0);
	assert_int_equal(root_symlink(&f->root, "/keep", "/gen/7/link"), 0);
	assert_int_equal(root_symlink(&f->root, "../../../outside", "/gen/7/up"), 0);
	assert_int_equal(root_remove_tree(&f->root, "/gen/7", NULL), 0);
	assert_false(root_exists(&f->root, "/gen/7"));
	assert_true(root_exists(&f->root, "/gen"));
	assert_true(root_exists(&f->root, "/keep/me"));
	assert_true(root_exists(&f->all, "/outside"));
	assert_int_equal(root_remove_tree(&f->root, "/gen/7", NULL), 0);
}

#define test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(open_says_what_is_wrong),
		test(only_slash_is_live),
		test(links_and_dots_stay_inside),
		test(absolute_links_mean_the_machine_root),
		test(write_replaces_whole_files),
		test(reading_has_a_limit),
		test(reading_takes_regular_files_only),
		test(sizeless_files_are_read_whole),
		test(first_line_is_stripped),
		test(lists_are_sorted_and_missing_is_empty),
		test(names_change_inside_the_root),
		test(removing_a_tree_follows_no_link),
	};

	return cmocka_run_group_tests_name("root-file", tests, NULL, NULL);
}
