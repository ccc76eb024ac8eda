/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Symbols are found by name among many, the first of a name stays; a packed table comes
 * back the same, and one with any byte changed, or cut anywhere, does not come back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/text.h"
#include "core/symbol-table.h"

#define KEY "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void add(struct symbol_table *table, const char *name, const char *name_space,
		const char *owner, uint32_t crc)
{
	const struct symbol symbol = {
		.name = name,
		.name_space = name_space,
		.owner = owner,
		.crc = crc,
		.has_crc = crc != 0,
		.gpl = crc & 1,
	};

	assert_int_equal(symbol_table_add(table, &symbol), 0);
}

/* Symbols by number: owners and namespaces change every ten and hundred. */
static struct symbol_table *many(size_t count)
{
	struct symbol_table *table = symbol_table_new();

	for (size_t i = 0; i < count; i++) {
		autofree char *name = str_format("symbol_with_number_%zu", i);
		autofree char *owner = i < 10 ? str_dup("") : str_format("m%zu", i / 10);

		add(table, name, i % 200 < 100 ? "" : "SPACE", owner, (uint32_t)i);
	}
	return table;
}

static void is_number(const struct symbol *symbol, size_t i)
{
	autofree char *name = str_format("symbol_with_number_%zu", i);
	autofree char *owner = i < 10 ? str_dup("") : str_format("m%zu", i / 10);

	assert_non_null(symbol);
	assert_string_equal(symbol->name, name);
	assert_string_equal(symbol->owner, owner);
	assert_string_equal(symbol->name_space, i % 200 < 100 ? "" : "SPACE");
	assert_int_equal(symbol->crc, i);
	assert_int_equal(symbol->has_crc, i != 0);
	assert_int_equal(symbol->gpl, i & 1);
}

static void are_many(const struct symbol_table *table, size_t count)
{
	assert_int_equal(symbol_table_count(table), count);
	for (size_t i = 0; i < count; i++) {
		autofree char *name = str_format("symbol_with_number_%zu", i);

		is_number(symbol_table_at(table, i), i);
		is_number(symbol_table_find(table, name), i);
	}
	assert_null(symbol_table_find(table, "symbol_with_number_"));
	assert_null(symbol_table_find(table, ""));
}

static void every_symbol_is_found_by_its_name(void **state)
{
	autosymbols struct symbol_table *none = symbol_table_new(), *table = many(20000);

	(void)state;
	assert_null(symbol_table_find(none, "printk"));
	are_many(table, 20000);
}

static void the_first_of_a_name_stays(void **state)
{
	autosymbols struct symbol_table *table = symbol_table_new();
	const struct symbol second = {.name = "a",
				      .name_space = "",
				      .owner = "",
				      .crc = 2};

	(void)state;
	add(table, "a", "", "", 1);
	assert_int_equal(symbol_table_add(table, &second), -EEXIST);
	assert_int_equal(symbol_table_count(table), 1);
	assert_int_equal(symbol_table_find(table, "a")->crc, 1);
}

static void texts_are_copies(void **state)
{
	autosymbols struct symbol_table *table = symbol_table_new();
	char name[] = "name", name_space[] = "space", owner[] = "owner";
	autofree char *longest = mem_zalloc(200001);

	(void)state;
	add(table, name, name_space, owner, 1);
	name[0] = name_space[0] = owner[0] = 'x';
	memset(longest, 'a', 200000);
	add(table, longest, "", "", 1);
	add(table, "behind", "space", "owner", 1);
	assert_string_equal(symbol_table_find(table, "name")->name_space, "space");
	assert_string_equal(symbol_table_at(table, 0)->owner, "owner");
	assert_int_equal(strlen(symbol_table_find(table, longest)->name), 200000);
	assert_non_null(symbol_table_find(table, "behind"));
}

static void notes_are_kept_by_name(void **state)
{
	autosymbols struct symbol_table *table = symbol_table_new();
	size_t len = 7;

	(void)state;
	assert_null(symbol_table_noted(table, "vermagic", &len));
	assert_int_equal(len, 7);
	assert_int_equal(symbol_table_note(table, "vermagic", "6.1 SMP ", 8), 0);
	assert_int_equal(symbol_table_note(table, "vermagic", "6.12 ", 5), 0);
	assert_int_equal(symbol_table_note(table, "empty", NULL, 0), 0);
	assert_string_equal(symbol_table_noted(table, "vermagic", &len), "6.12 ");
	assert_int_equal(len, 5);
	assert_string_equal(symbol_table_noted(table, "empty", &len), "");
	assert_int_equal(len, 0);
	assert_int_equal(symbol_table_note(table, "a name that is longer than may be it",
					   "", 0),
			 -EFBIG);
	for (char name[] = "a"; name[0] < 'a' + SYMBOL_TABLE_NOTES - 2; name[0]++)
		assert_int_equal(symbol_table_note(table, name, name, 1), 0);
	assert_int_equal(symbol_table_note(table, "one more", "", 0), -EFBIG);
	assert_int_equal(symbol_table_note(table, "b", "new", 3), 0);
}

static struct symbol_table *unpacked(const void *data, size_t len)
{
	struct symbol_table *table = NULL;
	struct error err = {0};

	if (symbol_table_unpack(data, len, KEY, &table, &err) < 0)
		fail_msg("%s", err.message);
	return table;
}

static void a_packed_table_comes_back(void **state)
{
	autosymbols struct symbol_table *table = many(3000), *back = NULL;
	autofree void *packed = NULL;
	size_t len, note_len;

	(void)state;
	assert_int_equal(symbol_table_note(table, "key\n", "a\0b", 3), 0);
	assert_int_equal(symbol_table_pack(table, KEY, &packed, &len), 0);
	back = unpacked(packed, len);
	memset(packed, 0xff, len);
	are_many(back, 3000);
	assert_memory_equal(symbol_table_noted(back, "key\n", &note_len), "a\0b", 4);
	assert_int_equal(note_len, 3);
	add(back, "one more", "new", "m", 1);
	assert_string_equal(symbol_table_find(back, "one more")->name_space, "new");
	is_number(symbol_table_find(back, "symbol_with_number_2999"), 2999);
}

static void an_empty_table_comes_back(void **state)
{
	autosymbols struct symbol_table *table = symbol_table_new(), *back = NULL;
	autofree void *packed = NULL;
	size_t len;

	(void)state;
	assert_int_equal(symbol_table_pack(table, KEY, &packed, &len), 0);
	back = unpacked(packed, len);
	assert_int_equal(symbol_table_count(back), 0);
	assert_null(symbol_table_find(back, "a"));
	add(back, "a", "", "", 1);
	assert_non_null(symbol_table_find(back, "a"));
}

static void fails_as_damaged(const void *data, size_t len, const char *key,
			     const char *says)
{
	struct symbol_table *table = NULL;
	struct error err = {0};

	if (symbol_table_unpack(data, len, key, &table, &err) != -ERROR_DAMAGED)
		fail_msg("not damaged, expected: %s", says);
	assert_null(table);
	if (!strstr(err.message, says))
		fail_msg("\"%s\" does not say \"%s\"", err.message, says);
}

static void damage_is_found(void **state)
{
	autosymbols struct symbol_table *table = many(20);
	autofree char *packed = NULL;
	void *data;
	size_t len;

	(void)state;
	assert_int_equal(symbol_table_pack(table, KEY, &data, &len), 0);
	packed = data;
	for (size_t i = 0; i < len; i++) {
		packed[i] ^= (char)(1 << (i % 8));
		fails_as_damaged(packed, len, KEY, "cached symbols: it");
		packed[i] ^= (char)(1 << (i % 8));
	}
	for (size_t i = 0; i < len; i++)
		fails_as_damaged(packed, i, KEY, "it is cut off");
	fails_as_damaged(packed, len, "0123", "of another image");
	fails_as_damaged(packed, len, "", "of another image");
	symbol_table_free(unpacked(packed, len));
}

static void a_key_that_does_not_fit_is_refused(void **state)
{
	autosymbols struct symbol_table *table = symbol_table_new();
	void *packed = NULL;
	size_t len;

	(void)state;
	assert_int_equal(symbol_table_pack(table, KEY KEY, &packed, &len), -EINVAL);
	assert_null(packed);
}

static void compares_to(const struct symbol_table *a, const struct symbol_table *b,
			const size_t expected[3], const char *says)
{
	struct symbol_difference found;

	symbol_table_compare(a, b, &found);
	assert_int_equal(found.missing, expected[0]);
	assert_int_equal(found.more, expected[1]);
	assert_int_equal(found.differ, expected[2]);
	if (says)
		assert_string_equal(found.first, says);
	else
		assert_null(found.first);
	free(found.first);
}

static void differences_are_counted_and_named(void **state)
{
	autosymbols struct symbol_table *a = many(3), *b = many(3), *c = many(2);
	autosymbols struct symbol_table *versions = symbol_table_new(), *d = many(0);

	(void)state;
	compares_to(a, b, (const size_t[]){0, 0, 0}, NULL);
	compares_to(a, c, (const size_t[]){1, 0, 0},
		    "symbol_with_number_2 is only in the first");
	compares_to(c, a, (const size_t[]){0, 1, 0},
		    "symbol_with_number_2 is only in the second");
	add(versions, "symbol_with_number_0", "", "", 0);
	add(versions, "symbol_with_number_1", "", "", 3);
	add(versions, "symbol_with_number_2", "OTHER", "", 2);
	compares_to(
		a, versions, (const size_t[]){0, 0, 2},
		"symbol_with_number_1 has version 0x00000001 in the first, 0x00000003 in "
		"the second");
	add(d, "symbol_with_number_2", "", "", 2);
	compares_to(
		d, versions, (const size_t[]){0, 2, 1},
		"symbol_with_number_2 has namespace \"\" in the first, \"OTHER\" in the "
		"second");
}

/* Thirty times the symbols take little more than thirty times as long. */
static double seconds_for(size_t count)
{
	struct timespec from, to;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	symbol_table_free(many(count));
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	return (double)(to.tv_sec - from.tv_sec) +
	       (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

static void time_grows_with_the_number(void **state)
{
	double few = seconds_for(10000) + 0.002;

	(void)state;
	assert_true(seconds_for(300000) < few * 30 * 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_symbol_is_found_by_its_name),
		cmocka_unit_test(the_first_of_a_name_stays),
		cmocka_unit_test(texts_are_copies),
		cmocka_unit_test(notes_are_kept_by_name),
		cmocka_unit_test(a_packed_table_comes_back),
		cmocka_unit_test(an_empty_table_comes_back),
		cmocka_unit_test(damage_is_found),
		cmocka_unit_test(a_key_that_does_not_fit_is_refused),
		cmocka_unit_test(differences_are_counted_and_named),
		cmocka_unit_test(time_grows_with_the_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
