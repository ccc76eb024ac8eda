/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What was kept comes back by its key and by no other; what was damaged, or could have
 * been written by others, does not; the oldest go; nothing is needed that can't be
 * written.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "act/symbol-cache.h"
#include "base/cleanup.h"

struct cache_test {
	char dir[32];
	struct root root;
	struct symbol_cache cache;
};

static int set_up(void **state)
{
	struct cache_test *t = mem_zalloc(sizeof(*t));

	(void)snprintf(t->dir, sizeof(t->dir), "/tmp/kuro-cache-XXXXXX");
	assert_non_null(mkdtemp(t->dir));
	assert_int_equal(root_open(&t->root, t->dir, NULL), 0);
	symbol_cache_open(&t->root, &t->cache);
	*state = t;
	return 0;
}

static int tear_down(void **state)
{
	struct cache_test *t = *state;

	assert_int_equal(root_remove_tree(&t->root, "/var", NULL), 0);
	root_done(&t->root);
	assert_int_equal(rmdir(t->dir), 0);
	free(t);
	return 0;
}

/* Key number n. */
static char *key_of(unsigned int n)
{
	return str_format("%064x", n);
}

static void keep(const struct cache_test *t, unsigned int n)
{
	autosymbols struct symbol_table *table = symbol_table_new();
	autofree char *key = key_of(n), *name = str_format("symbol_%u", n);
	const struct symbol symbol = {
		.name = name, .name_space = "", .owner = "", .crc = n, .has_crc = true};

	assert_int_equal(symbol_table_add(table, &symbol), 0);
	t->cache.store(t->cache.data, key, table);
}

static bool comes_back(const struct cache_test *t, unsigned int n)
{
	autosymbols struct symbol_table *table = NULL;
	autofree char *key = key_of(n), *name = str_format("symbol_%u", n);
	int r = t->cache.load(t->cache.data, key, &table);

	if (r < 0) {
		assert_int_equal(r, -ENOENT);
		assert_null(table);
		return false;
	}
	assert_int_equal(symbol_table_find(table, name)->crc, n);
	return true;
}

static char *path_of(unsigned int n)
{
	autofree char *key = key_of(n);

	return str_format("%s/%s", SYMBOL_CACHE_DIR, key);
}

static void what_is_kept_comes_back(void **state)
{
	struct cache_test *t = *state;

	assert_false(comes_back(t, 1));
	keep(t, 1);
	keep(t, 2);
	assert_true(comes_back(t, 1));
	assert_true(comes_back(t, 2));
	assert_false(comes_back(t, 3));
	assert_int_equal(root_remove_tree(&t->root, SYMBOL_CACHE_DIR, NULL), 0);
	assert_false(comes_back(t, 1));
}

static void what_is_of_a_release_is_kept_too(void **state)
{
	struct cache_test *t = *state;
	static const char *const keys[] = {SYMBOL_CACHE_FILES "6.1.0-9-amd64",
					   SYMBOL_CACHE_MODULES "6.1.0-9-amd64"};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		autosymbols struct symbol_table *table = symbol_table_new(), *back = NULL;

		assert_int_equal(symbol_table_note(table, "image", keys[i], 8), 0);
		assert_int_equal(t->cache.load(t->cache.data, keys[i], &back), -ENOENT);
		t->cache.store(t->cache.data, keys[i], table);
		assert_int_equal(t->cache.load(t->cache.data, keys[i], &back), 0);
		assert_memory_equal(symbol_table_noted(back, "image", NULL), keys[i], 8);
	}
}

static void another_key_s_file_is_no_cache(void **state)
{
	struct cache_test *t = *state;
	autofree char *one = path_of(1), *other = path_of(2);

	keep(t, 1);
	assert_int_equal(root_rename(&t->root, one, other), 0);
	assert_false(comes_back(t, 2));
}

static void damage_is_no_cache_and_is_mended(void **state)
{
	struct cache_test *t = *state;
	autofree char *path = path_of(1), *bytes = NULL;
	size_t len;

	keep(t, 1);
	assert_int_equal(root_read(&t->root, path, 1 << 20, &bytes, &len, NULL), 0);
	bytes[len / 2] ^= 4;
	assert_int_equal(root_write(&t->root, path, 0644, bytes, len, NULL), 0);
	assert_false(comes_back(t, 1));
	assert_int_equal(root_write(&t->root, path, 0644, bytes, 0, NULL), 0);
	assert_false(comes_back(t, 1));
	keep(t, 1);
	assert_true(comes_back(t, 1));
}

static void what_others_could_write_is_not_read(void **state)
{
	struct cache_test *t = *state;
	autofree char *path = path_of(1), *real = NULL;

	keep(t, 1);
	real = root_path(&t->root, path);
	assert_int_equal(chmod(real, 0646), 0);
	assert_false(comes_back(t, 1));
	assert_int_equal(chmod(real, 0664), 0);
	assert_false(comes_back(t, 1));
	assert_int_equal(chmod(real, 0644), 0);
	assert_true(comes_back(t, 1));
	if (geteuid() != 0)
		return;
	assert_int_equal(chown(real, 1000, 1000), 0);
	assert_false(comes_back(t, 1));
}

static void a_key_is_no_path(void **state)
{
	struct cache_test *t = *state;
	autosymbols struct symbol_table *table = symbol_table_new(), *back = NULL;
	autostrv struct strv names = {0};
	static const char big[] = "0123456789ABCDEF0123456789abcdef"
				  "0123456789abcdef0123456789abcdef";
	static const char *const keys[] = {
		"",       "../../escape",  "0123/",       big,
		"files-", "files-../../a", "modules-a/b", "else-6.1"};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		t->cache.store(t->cache.data, keys[i], table);
		assert_int_equal(t->cache.load(t->cache.data, keys[i], &back), -ENOENT);
	}
	assert_int_equal(root_list(&t->root, "/var", &names, NULL), 0);
	assert_int_equal(names.count, 0);
}

static void the_oldest_go(void **state)
{
	struct cache_test *t = *state;
	autostrv struct strv names = {0};

	for (unsigned int n = 1; n <= SYMBOL_CACHE_MAX + 3; n++) {
		autofree char *path = path_of(n), *real = root_path(&t->root, path);
		/* Written a day apart each, the last one today. */
		struct timespec times[2] = {{.tv_sec = 86400L * n},
					    {.tv_sec = 86400L * n}};

		keep(t, n);
		assert_int_equal(utimensat(AT_FDCWD, real, times, 0), 0);
	}
	keep(t, 100);
	assert_int_equal(root_list(&t->root, SYMBOL_CACHE_DIR, &names, NULL), 0);
	assert_int_equal(names.count, SYMBOL_CACHE_MAX);
	assert_false(comes_back(t, 4));
	assert_true(comes_back(t, 5));
	assert_true(comes_back(t, SYMBOL_CACHE_MAX + 3));
	assert_true(comes_back(t, 100));
}

static void a_place_that_can_t_be_written_is_no_error(void **state)
{
	struct cache_test *t = *state;

	assert_int_equal(root_mkdirs(&t->root, "/var/cache/kuro", 0755, NULL), 0);
	assert_int_equal(root_write(&t->root, SYMBOL_CACHE_DIR, 0644, "a file", 6, NULL),
			 0);
	keep(t, 1);
	assert_false(comes_back(t, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_kept_comes_back, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_is_of_a_release_is_kept_too, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(another_key_s_file_is_no_cache, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(damage_is_no_cache_and_is_mended, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_others_could_write_is_not_read,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_key_is_no_path, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_oldest_go, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_place_that_can_t_be_written_is_no_error,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
