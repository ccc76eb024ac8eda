/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Module.symvers of every age is read into the same symbols; a line that modpost could
 * not have written is damaged and says where.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "probe/kernel-image.h"

static void is_symbol(const struct symbol_table *table, const char *name,
		      const char *name_space, const char *owner, uint32_t crc, bool gpl)
{
	const struct symbol *symbol = symbol_table_find(table, name);

	if (!symbol)
		fail_msg("%s is not there", name);
	assert_string_equal(symbol->name_space, name_space);
	assert_string_equal(symbol->owner, owner);
	assert_int_equal(symbol->crc, crc);
	assert_int_equal(symbol->has_crc, crc != 0);
	assert_int_equal(symbol->gpl, gpl);
}

static struct symbol_table *parsed(const char *text, bool *ret_versions)
{
	struct symbol_table *table = symbol_table_new();
	struct error err = {0};

	if (symvers_parse("symvers", text, strlen(text), table, ret_versions, &err) < 0)
		fail_msg("%s", err.message);
	return table;
}

static void lines_of_today_are_read(void **state)
{
	static const char text[] =
		"0xf1969a8e\t__usecs_to_jiffies\tvmlinux\tEXPORT_SYMBOL\t\n"
		"0x0000000a\tkvm_x\tarch/x86/kvm/"
		"kvm-intel\tEXPORT_SYMBOL_GPL\tmodule:kvm,"
		"vfio*\n"
		"0xFFFFFFFF\tdma_buf_get\tvmlinux\tEXPORT_SYMBOL_GPL\tDMA_BUF\n"
		"0x00000000\tnone\tdrivers/a/b\tEXPORT_SYMBOL\t";
	bool versions = false;
	autosymbols struct symbol_table *table = parsed(text, &versions);

	(void)state;
	assert_int_equal(symbol_table_count(table), 4);
	is_symbol(table, "__usecs_to_jiffies", "", "", 0xf1969a8e, false);
	is_symbol(table, "kvm_x", "module:kvm,vfio*", "kvm_intel", 10, true);
	is_symbol(table, "dma_buf_get", "DMA_BUF", "", 0xffffffff, true);
	is_symbol(table, "none", "", "b", 0, false);
	assert_true(versions);
}

static void lines_of_older_kernels_are_read(void **state)
{
	static const char text[] = "0x00000001\tfour\tvmlinux\tEXPORT_SYMBOL_GPL\n"
				   "0x00000002\tthird\tSPACE\tdrivers/m\tEXPORT_SYMBOL\n"
				   "0x00000003\tempty\t\tvmlinux\tEXPORT_SYMBOL_GPL\n";
	bool versions = false;
	autosymbols struct symbol_table *table = parsed(text, &versions);

	(void)state;
	is_symbol(table, "four", "", "", 1, true);
	is_symbol(table, "third", "SPACE", "m", 2, false);
	is_symbol(table, "empty", "", "", 3, true);
}

static void a_kernel_without_versions_has_none(void **state)
{
	bool versions = true;
	autosymbols struct symbol_table *table =
		parsed("0x00000000\ta\tvmlinux\tEXPORT_SYMBOL\t\n", &versions);
	autosymbols struct symbol_table *empty = NULL;

	(void)state;
	assert_false(versions);
	is_symbol(table, "a", "", "", 0, false);
	empty = parsed("", &versions);
	assert_int_equal(symbol_table_count(empty), 0);
}

/* Two owners of a name: the first stays, as in the kernel. */
static void the_first_of_a_name_stays(void **state)
{
	bool versions;
	autosymbols struct symbol_table *table =
		parsed("0x00000001\ta\tvmlinux\tEXPORT_SYMBOL\t\n"
		       "0x00000002\ta\tm\tEXPORT_SYMBOL\t\n",
		       &versions);

	(void)state;
	is_symbol(table, "a", "", "", 1, false);
}

static void is_damaged(const char *line, size_t len, const char *says)
{
	autosymbols struct symbol_table *table = symbol_table_new();
	autotext struct text text = {0};
	struct error err = {0};
	bool versions = true;

	text_append(&text, "0x00000001\tgood\tvmlinux\tEXPORT_SYMBOL\t\n");
	text_append_n(&text, line, len);
	if (symvers_parse("Module.symvers", text.data, text.len, table, &versions,
			  &err) != -ERROR_DAMAGED)
		fail_msg("not damaged: %s", line);
	assert_true(versions);
	if (!strstr(err.message, says))
		fail_msg("\"%s\" does not say \"%s\"", err.message, says);
}

static void other_lines_are_damaged(void **state)
{
	static const struct {
		const char *line, *says;
	} wrong[] = {
		{"\n", "line 2: not five columns"},
		{"0x1\ta\tvmlinux\n", "line 2: not five columns"},
		{"0x1\ta\tvmlinux\tEXPORT_SYMBOL\t\tmore\n", "line 2: not five columns"},
		{"1\ta\tvmlinux\tEXPORT_SYMBOL\t\n", "line 2: not a version"},
		{"0x\ta\tvmlinux\tEXPORT_SYMBOL\t\n", "line 2: not a version"},
		{"0x-1\ta\tvmlinux\tEXPORT_SYMBOL\t\n", "line 2: not a version"},
		{"0x100000000\ta\tvmlinux\tEXPORT_SYMBOL\t\n", "line 2: not a version"},
		{"0x1\ta\tvmlinux\tSYMBOL\t\n", "line 2: no kind of export"},
		{"0x1\t\tvmlinux\tEXPORT_SYMBOL\t\n", "line 2: no name"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		is_damaged(wrong[i].line, strlen(wrong[i].line), wrong[i].says);
	is_damaged("0x1\ta\0b\tvmlinux\tEXPORT_SYMBOL\t\n", 31,
		   "Module.symvers holds a NUL");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_today_are_read),
		cmocka_unit_test(lines_of_older_kernels_are_read),
		cmocka_unit_test(a_kernel_without_versions_has_none),
		cmocka_unit_test(the_first_of_a_name_stays),
		cmocka_unit_test(other_lines_are_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
