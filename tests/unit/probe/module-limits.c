/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files of modules that are not looked into: those that grow as none does, and those of
 * machines that kuro does not read modules of.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "made-machine.h"
#include "made-module.h"
#include "probe/kernel-abi.h"

#define MIB  ((size_t)1024 * 1024)
#define TREE "/lib/modules/6.1.0-made"
#define BOMB TREE "/kernel/bomb.ko.gz"

/* Zeroes, packed. */
static void *packed_zeroes(size_t len, size_t *ret_len)
{
	autofree uint8_t *plain = mem_zalloc(len);
	uint8_t *packed = mem_zalloc(len / 100 + MIB);
	z_stream stream = {.next_in = plain,
			   .avail_in = (uInt)len,
			   .next_out = packed,
			   .avail_out = (uInt)(len / 100 + MIB)};

	assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 31, 8, 0), Z_OK);
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	*ret_len = stream.total_out;
	(void)deflateEnd(&stream); /* frees */
	return packed;
}

static void what_a_file_may_grow_to_is_bounded_by_its_size(void **state)
{
	(void)state;
	assert_int_equal(module_plain_max(0), 16 * MIB);
	assert_int_equal(module_plain_max(MIB / 4), 16 * MIB);
	assert_int_equal(module_plain_max(MIB), 64 * MIB);
	assert_int_equal(module_plain_max(SIZE_MAX), MODULE_FILE_MAX);
}

static void a_file_that_grows_as_no_module_does_is_not_unpacked(void **state)
{
	const struct made_machine *m = *state;
	automodule struct module_file file = {0};
	autosource struct kernel_source source = {0};
	autofree void *bytes = NULL;
	size_t len;
	autofree void *packed = packed_zeroes(17 * MIB, &len);

	made_bytes(&m->root, BOMB, packed, len);
	assert_int_equal(module_file_read(&m->root, BOMB, &file, NULL), 0);
	assert_non_null(strstr(file.fault, "it holds more than 16777216 bytes"));
	assert_int_equal(kernel_source_tree(&m->root, "6.1.0-made", &source, NULL), 0);
	assert_int_equal(source.module(source.data, BOMB, &bytes, &len, NULL), -EFBIG);
}

static void a_module_of_another_kind_of_machine_is_known_as_such(void **state)
{
	static const struct {
		unsigned char class, data, machine[2];
		bool unread;
		uint16_t expected;
	} cases[] = {
		{ELFCLASS64, ELFDATA2LSB, {EM_X86_64, 0}, false, EM_X86_64},
		{ELFCLASS32, ELFDATA2LSB, {EM_386, 0}, true, EM_386},
		{ELFCLASS32, ELFDATA2MSB, {0, EM_PPC}, true, EM_PPC},
		{ELFCLASS64, ELFDATA2MSB, {0, EM_S390}, true, EM_S390},
		{7, ELFDATA2MSB, {0, EM_S390}, false, 0},
		{ELFCLASS64, 7, {0, EM_S390}, false, 0},
	};
	size_t len;
	autofree unsigned char *bytes = made_module_bytes(&made_whole, &len);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		automodule struct module_file file = {0};

		bytes[EI_CLASS] = cases[i].class;
		bytes[EI_DATA] = cases[i].data;
		memcpy(bytes + offsetof(Elf64_Ehdr, e_machine), cases[i].machine, 2);
		assert_int_equal(module_file_parse("/x.ko", bytes, len, &file, NULL), 0);
		assert_int_equal(!file.fault, i == 0);
		assert_int_equal(file.unread, cases[i].unread);
		assert_int_equal(file.machine, cases[i].expected);
	}
}

/* The loader of x86-64 goes by e_machine alone; another's may not. */
static void what_a_file_says_of_its_class_may_not_count(void **state)
{
	static const struct {
		unsigned int at;
		unsigned char value;
		const char *fault;
	} rows[] = {
		{EI_CLASS, ELFCLASS32, "not a 64-bit"},
		{EI_DATA, ELFDATA2MSB, "not a little endian"},
		{EI_VERSION, 9, "ELF version is 9"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t len;
		autofree unsigned char *bytes = made_module_bytes(&made_whole, &len);
		automodule struct module_file ours = {0}, others = {0};

		bytes[rows[i].at] = rows[i].value;
		assert_int_equal(module_file_parse("/x.ko", bytes, len, &ours, NULL), 0);
		assert_null(ours.fault);
		assert_false(ours.unread);
		assert_int_equal(ours.machine, EM_X86_64);
		assert_int_not_equal(ours.export_count, 0);
		bytes[offsetof(Elf64_Ehdr, e_machine)] = EM_RISCV;
		assert_int_equal(module_file_parse("/x.ko", bytes, len, &others, NULL),
				 0);
		assert_non_null(strstr(others.fault, rows[i].fault));
	}
}

#define MACHINE_TEST(f) \
	cmocka_unit_test_setup_teardown(f, made_machine_set_up, made_machine_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_file_may_grow_to_is_bounded_by_its_size),
		MACHINE_TEST(a_file_that_grows_as_no_module_does_is_not_unpacked),
		cmocka_unit_test(a_module_of_another_kind_of_machine_is_known_as_such),
		cmocka_unit_test(what_a_file_says_of_its_class_may_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
