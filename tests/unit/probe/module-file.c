/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A module file is read as the kernel's loader reads it; what the loader would refuse
 * before it looks at symbols is a fault with its reason, and no damage is more than that.
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
#include "probe/module-file.h"

#define PATH     "/lib/modules/6.1.0-made/updates/dkms/made-file.ko"
#define LARGE    ((size_t)1024 * 1024) /* is mapped */
#define SYMTAB   ".symtab"
#define MODULE   ".gnu.linkonce.this_module"
#define ROWS_MAX 32

static struct module_file parsed(const void *data, size_t len)
{
	struct module_file file = {0};

	assert_int_equal(module_file_parse(PATH, data, len, &file, NULL), 0);
	assert_string_equal(file.path, PATH);
	return file;
}

static struct module_file parsed_module(const struct made_module *module)
{
	size_t len;
	autofree void *data = made_module_bytes(module, &len);

	return parsed(data, len);
}

static void assert_words(const struct strv *list, const char *expected)
{
	autofree char *joined = strv_join(list, " ");

	assert_string_equal(joined, expected);
}

static void assert_fault(const struct module_file *file, const char *reason)
{
	if (!file->fault || !strstr(file->fault, reason))
		fail_msg("fault is \"%s\", expected \"%s\"",
			 file->fault ? file->fault : "none", reason);
	assert_string_equal(file->name, "made_file");
	assert_null(file->vermagic);
	assert_int_equal(file->import_count + file->version_count + file->export_count,
			 0);
}

static void texts_are_read(void **state)
{
	automodule struct module_file file = parsed_module(&made_whole);

	(void)state;
	assert_null(file.fault);
	assert_string_equal(file.name, "made_whole");
	assert_int_equal(file.machine, EM_X86_64);
	assert_int_equal(file.layout, sizeof("struct module"));
	assert_string_equal(file.vermagic, "6.1.0-made SMP mod_unload modversions ");
	assert_string_equal(file.license, "GPL v2"); /* the first one counts */
	assert_string_equal(file.version, "1.2");
	assert_string_equal(file.srcversion, "AB12");
	assert_string_equal(file.provenance, "Y");
	assert_words(&file.depends, "usb_core made_base");
	assert_words(&file.softdeps_pre, "crc32c x_y");
	assert_words(&file.softdeps_post, "later");
	assert_words(&file.namespaces, "MADE_NS OTHER");
	assert_words(&file.firmware, "made/a.bin made/b*.bin");
	assert_words(&file.parameters, "bare depth");
	assert_false(file.livepatch);
	module_file_examine(&file);
	assert_true(file.has_btf && file.btf_sane);
	assert_string_equal(file.build_id, "0123456789abcdef6162636465666768696a6b6c");
	assert_false(file.signature.present);
	assert_int_equal(file.signature.content, file.size);
}

static void imports_and_versions_are_read(void **state)
{
	automodule struct module_file file = parsed_module(&made_whole);

	(void)state;
	assert_int_equal(file.import_count, 3);
	assert_string_equal(file.imports[0].symbol, "printk");
	assert_false(file.imports[0].weak);
	assert_string_equal(file.imports[1].symbol, "maybe_there");
	assert_true(file.imports[1].weak);
	assert_true(file.imports[2].weak); /* the loader ignores it */
	assert_true(file.has_versions);
	assert_false(file.has_versions_ext);
	assert_int_equal(file.version_count, 2);
	assert_string_equal(file.versions[0].symbol, "module_layout");
	assert_int_equal(file.versions[0].crc, 0x11223344);
	assert_string_equal(file.versions[1].symbol, "printk");
	assert_int_equal(file.versions[1].crc, 0xff000001);
}

static void assert_exports(const struct module_file *file)
{
	assert_int_equal(file->export_count, 2);
	assert_string_equal(file->exports[0].name, "made_close");
	assert_string_equal(file->exports[0].name_space, "");
	assert_string_equal(file->exports[0].owner, "made_whole");
	assert_int_equal(file->exports[0].crc, 0x12345678);
	assert_true(file->exports[0].has_crc);
	assert_false(file->exports[0].gpl);
	assert_string_equal(file->exports[1].name, "made_open");
	assert_string_equal(file->exports[1].name_space, "MADE");
	assert_int_equal(file->exports[1].crc, 0xdeadbeef);
	assert_true(file->exports[1].gpl);
}

static void exports_are_read(void **state)
{
	automodule struct module_file file = parsed_module(&made_whole);

	(void)state;
	assert_exports(&file);
	assert_true(file.has_gpl_exports);
	assert_false(file.has_export_flags);
}

static void exports_alone_are_the_same(void **state)
{
	size_t len;
	autofree void *data = made_module_bytes(&made_whole, &len);
	automodule struct module_file file = {0};

	(void)state;
	assert_int_equal(module_file_exports(PATH, data, len, &file, NULL), 0);
	assert_null(file.fault);
	assert_string_equal(file.name, "made_whole");
	assert_exports(&file);
	assert_null(file.bytes);
}

/* The whole module with some sections in place of its own, and more symbols. */
static struct module_file changed(const struct made_section *sections,
				  const struct made_symbol *symbols)
{
	struct made_section all[ROWS_MAX] = {0};
	struct made_symbol both[ROWS_MAX] = {0};
	struct made_module module = {all, both};
	size_t count = 0, symbol_count = 0;

	for (const struct made_section *own = made_whole.sections; own->name; own++)
		all[count++] = *own;
	for (; sections && sections->name; sections++) {
		size_t i = 0;

		while (i < count && strcmp(all[i].name, sections->name) != 0)
			i++;
		all[i] = *sections;
		count += i == count;
	}
	for (const struct made_symbol *own = made_whole.symbols; own->name; own++)
		both[symbol_count++] = *own;
	for (; symbols && symbols->name; symbols++)
		both[symbol_count++] = *symbols;
	assert_true(count < ROWS_MAX && symbol_count < ROWS_MAX);
	return parsed_module(&module);
}

static void extended_versions_are_read(void **state)
{
	static const char names[] =
		"printk\0a_symbol_whose_name_is_longer_than_any_record"
		"_of_the_older_section_can_hold\0";
	const struct made_section sections[] = {
		{"__version_ext_crcs", 0, SHF_ALLOC, "\1\0\0\xff\2\0\0\0", 8},
		{"__version_ext_names", 0, SHF_ALLOC, names, sizeof(names)},
		{0},
	};
	automodule struct module_file file = changed(sections, NULL);

	(void)state;
	assert_null(file.fault);
	assert_true(file.has_versions_ext);
	assert_int_equal(file.version_ext_count, 2);
	assert_string_equal(file.versions_ext[0].symbol, "printk");
	assert_int_equal(file.versions_ext[0].crc, 0xff000001);
	assert_string_equal(file.versions_ext[1].symbol, names + 7);
	assert_int_equal(file.versions_ext[1].crc, 2);
}

static void export_flags_are_read(void **state)
{
	const struct made_section sections[] = {
		{"__kflagstab", 0, SHF_ALLOC, "\1", 1},
		{0},
	};
	const struct made_symbol symbols[] = {
		{"__flags_made_close", "__kflagstab", 0, STB_LOCAL},
		{0},
	};
	automodule struct module_file file = changed(sections, symbols);

	(void)state;
	assert_null(file.fault);
	assert_true(file.has_export_flags);
	assert_true(file.exports[0].gpl);
}

static void versions_of_old_kernels_are_absolute(void **state)
{
	static const struct made_section sections[] = {
		{".modinfo", 0, SHF_ALLOC, "name=old", 9},
		{MODULE, 0, SHF_ALLOC, "x", 1},
		{"__ksymtab", 0, SHF_ALLOC, "x", 1},
		{0},
	};
	static const struct made_symbol symbols[] = {
		{"__crc_made", "ABS", 0x87654321, STB_GLOBAL},
		{"__ksymtab_made", "__ksymtab", 0, STB_LOCAL},
		{"__ksymtab_bare", "__ksymtab", 0, STB_LOCAL},
		{0},
	};
	const struct made_module old = {sections, symbols};
	automodule struct module_file file = parsed_module(&old);

	(void)state;
	assert_null(file.fault);
	assert_int_equal(file.export_count, 2);
	assert_string_equal(file.exports[0].name, "bare");
	assert_false(file.exports[0].has_crc);
	assert_true(file.exports[1].has_crc);
	assert_int_equal(file.exports[1].crc, 0x87654321);
	assert_string_equal(file.exports[1].name_space, "");
}

static void name_is_the_files_without_modinfo(void **state)
{
	static const struct made_section sections[] = {
		{MODULE, 0, SHF_ALLOC, "x", 1},
		{0},
	};
	static const struct made_symbol symbols[] = {{0}};
	const struct made_module least = {sections, symbols};
	automodule struct module_file file = parsed_module(&least);

	(void)state;
	assert_null(file.fault);
	assert_string_equal(file.name, "made_file");
	assert_null(file.vermagic);
	assert_false(file.has_versions);
	assert_string_equal(file.build_id, "");
}

static void btf_that_does_not_hold_is_told(void **state)
{
	static const struct {
		const char *data;
		size_t len;
	} rows[] = {
		{"garbage", 7},
		{"\x9f\xeb\1\0\x18\0\0\0\0\0\0\0\4\0\0\0\4\0\0\0\2\0\0\0typex\1", 30},
		{"\x9f\xeb\1\0\x18\0\0\0\0\0\0\0\4\0\0\0\4\0\0\0\3\0\0\0type\0\0", 30},
		{"\x9f\xeb\1\0\x18\0\0\0\0\0\0\0\4\0\0\0\2\0\0\0\2\0\0\0type\0\0", 30},
		{"\x9f\xeb\1\0\x18\0\0\0\2\0\0\0\2\0\0\0\4\0\0\0\2\0\0\0type\0\0", 30},
		{"\x9f\xeb\1\0\x18\0\0\0\0\0\0\0\4\0\0\0\4\0\0\0\1\0\0\0type\0\0", 30},
		{"\x9f\xeb\2\0\x18\0\0\0\0\0\0\0\4\0\0\0\4\0\0\0\2\0\0\0type\0\0", 30},
		{"\x9f\xeb\1\0\xff\xff\xff\xff\0\0\0\0\4\0\0\0\4\0\0\0\2\0\0\0type\0\0",
		 30},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct made_section sections[] = {
			{".BTF", 0, 0, rows[i].data, rows[i].len},
			{0},
		};
		automodule struct module_file file = changed(sections, NULL);

		assert_null(file.fault);
		assert_true(file.has_btf);
		module_file_examine(&file);
		assert_false(file.btf_sane);
	}
}

/* A header for that many bytes of types, one string behind them. */
static char *made_btf(const uint32_t *types, size_t count, size_t *ret_len)
{
	const uint32_t size = (uint32_t)(count * sizeof(*types));
	const uint32_t header[6] = {0x0001eb9f, 24, 0, size, size, 2};
	struct text text = {0};

	text_append_n(&text, (const char *)header, sizeof(header));
	text_append_n(&text, (const char *)types, size);
	text_append_n(&text, "\0", 2);
	*ret_len = text.len;
	return text_take(&text);
}

static bool types_hold(const uint32_t *types, size_t count, const char *base,
		       size_t base_len)
{
	size_t len;
	autofree char *btf = made_btf(types, count, &len);
	const struct made_section sections[] = {
		{".BTF", 0, 0, btf, len},
		{".BTF.base", 0, 0, base ? base : "", base_len},
		{0},
	};
	automodule struct module_file file = changed(sections, NULL);

	assert_true(!file.fault && file.has_btf);
	module_file_examine(&file);
	return file.btf_sane;
}

static void btf_types_are_gone_through(void **state)
{
	static const uint32_t pointer[] = {0, 2U << 24, 7};
	static const uint32_t structure[] = {99, 4U << 24 | 1, 8, 99, 7, 0};
	static const uint32_t rows[][6] = {
		{0, 0, 7, 0, 2U << 24, 7},            /* no kind */
		{0, 20U << 24, 7, 0, 2U << 24, 7},    /* none of this format */
		{0, 2U << 24 | 1, 7, 0, 2U << 24, 7}, /* a pointer with members */
		{0, 1U << 30 | 2U << 24, 7, 0, 2U << 24, 7},
		{0, 4U << 24 | 2, 7, 0, 0, 0}, /* a struct whose members are cut off */
	};
	size_t len;
	autofree char *base = made_btf(pointer, 3, &len);

	(void)state;
	assert_true(types_hold(pointer, 3, NULL, 0));
	assert_false(types_hold(pointer, 2, NULL, 0));
	/* names are the kernel's where there is no base */
	assert_true(types_hold(structure, 6, NULL, 0));
	assert_true(types_hold(pointer, 3, base, len));
	assert_false(types_hold(structure, 6, base, len));
	assert_false(types_hold(pointer, 3, base, len - 1));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_false(types_hold(rows[i], 6, NULL, 0));
}

/* As Linux 7.3 has them where all types are the kernel's own. */
static void btf_of_a_header_alone_is_sane(void **state)
{
	static const struct made_section sections[] = {
		{".BTF", 0, 0, "\x9f\xeb\1\0\x18\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
		 24},
		{0},
	};
	automodule struct module_file file = changed(sections, NULL);

	(void)state;
	module_file_examine(&file);
	assert_true(file.has_btf && file.btf_sane);
}

static void livepatch_is_the_key_alone(void **state)
{
	static const struct made_section sections[] = {
		{".modinfo", 0, SHF_ALLOC, "livepatch=N", 12},
		{0},
	};
	automodule struct module_file file = changed(sections, NULL);

	(void)state;
	assert_true(file.livepatch);
}

/* Sections that the loader refuses for what is in them. */
static void contents_that_are_refused(void **state)
{
	static const struct {
		struct made_section section;
		const char *fault;
	} rows[] = {
		{{".modinfo", 0, SHF_ALLOC, "name=x", 6}, "does not end with NUL"},
		{{".modinfo", 0, SHF_ALLOC, "name=", 6}, "its name is empty"},
		{{MODULE, 0, SHF_WRITE, "x", 1}, "is not loaded"},
		{{MODULE, SHT_NOBITS, SHF_ALLOC, NULL, 896}, "is not loaded"},
		{{"__versions", 0, SHF_ALLOC,
		  "\0\0\0\0\0\0\0\0aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		  "aa",
		  64},
		 "has no end"},
		{{"__version_ext_crcs", 0, SHF_ALLOC, "\1\0\0\0", 4}, "only one of"},
		{{"__version_ext_names", 0, SHF_ALLOC, "x", 2}, "only one of"},
		{{"__kcrctab", 0, SHF_ALLOC, "x", 1}, "lies outside the section"},
		{{"__ksymtab_strings", 0, SHF_ALLOC, "made_open", 10}, "namespace"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct made_section sections[] = {rows[i].section, {0}};
		automodule struct module_file file = changed(sections, NULL);

		assert_fault(&file, rows[i].fault);
	}
}

/* The loader divides the section's size, and does not ask what is left. */
static void half_a_version_is_none(void **state)
{
	const struct made_section sections[] = {{"__versions", 0, SHF_ALLOC, "x", 1},
						{0}};
	automodule struct module_file file = changed(sections, NULL);

	(void)state;
	assert_null(file.fault);
	assert_true(file.has_versions);
	assert_int_equal(file.version_count, 0);
}

static void extended_versions_without_names(void **state)
{
	const struct made_section sections[] = {
		{"__version_ext_crcs", 0, SHF_ALLOC, "\1\0\0\0\2\0\0\0", 8},
		{"__version_ext_names", 0, SHF_ALLOC, "one", 4},
		{0},
	};
	automodule struct module_file file = changed(sections, NULL);

	(void)state;
	assert_fault(&file, "2 extended versions, but only 1 names");
}

static void symbols_that_are_refused(void **state)
{
	static char long_name[5000];
	static const struct {
		struct made_symbol symbol;
		const char *fault;
	} rows[] = {
		{{"shared", "COMMON", 8, STB_GLOBAL}, "shared is a common one"},
		{{"", NULL, 0, STB_GLOBAL}, "nameless"},
		{{long_name, NULL, 0, STB_GLOBAL}, "too long"},
	};

	(void)state;
	memset(long_name, 'x', sizeof(long_name) - 1);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct made_symbol symbols[] = {rows[i].symbol, {0}};
		automodule struct module_file file = changed(NULL, symbols);

		assert_fault(&file, rows[i].fault);
	}
}

static void a_second_section_is_told_of(void **state)
{
	static const char *const names[] = {".modinfo", MODULE};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct made_section sections[] = {
			{names[i], 0, SHF_ALLOC, "a=b", 4},
			{MODULE, 0, SHF_ALLOC, "x", 1},
			{names[i], 0, SHF_ALLOC, "a=b", 4},
			{0},
		};
		static const struct made_symbol symbols[] = {{0}};
		const struct made_module twice = {sections, symbols};
		automodule struct module_file file = parsed_module(&twice);

		assert_null(file.fault);
		assert_string_equal(file.doubled, names[i]);
	}
}

/* One number of the file changed: in the ELF header, a section's header, its content. */
enum place { HEADER, SECTION, CONTENT };

struct change {
	enum place place;
	const char *section; /* "" is the first */
	size_t offset, size;
	uint64_t value;
	const char *fault;
};

#define IN_HEADER(f, v, text)                                                           \
	{                                                                               \
		HEADER, NULL, offsetof(Elf64_Ehdr, f), sizeof(((Elf64_Ehdr *)0)->f), v, \
			text                                                            \
	}
#define IN_SECTION(name, f, v, text)                                                     \
	{                                                                                \
		SECTION, name, offsetof(Elf64_Shdr, f), sizeof(((Elf64_Shdr *)0)->f), v, \
			text                                                             \
	}

static Elf64_Shdr *header_of(char *data, const char *name)
{
	const Elf64_Ehdr *header = (void *)data;
	Elf64_Shdr *sections = (void *)(data + header->e_shoff);
	const char *names = data + sections[header->e_shstrndx].sh_offset;

	for (size_t i = 0; i < header->e_shnum; i++)
		if (strcmp(names + sections[i].sh_name, name) == 0)
			return &sections[i];
	fail_msg("there is no section %s", name);
	return NULL;
}

static void apply(char *data, const struct change *change)
{
	char *at = data;

	if (change->place == SECTION)
		at = (char *)header_of(data, change->section);
	else if (change->place == CONTENT)
		at = data + header_of(data, change->section)->sh_offset;
	memcpy(at + change->offset, &change->value, change->size);
}

static const struct change changes[] = {
	{HEADER, NULL, 0, 1, 0, "no ELF file"},
	IN_HEADER(e_type, ET_DYN, "type is 3, not relocatable"),
	IN_HEADER(e_shentsize, 40, "40 bytes each"),
	IN_HEADER(e_shoff, UINT64_MAX - 63, "section headers lie outside"),
	IN_HEADER(e_shnum, 0xfeff, "section headers lie outside"),
	IN_HEADER(e_shnum, 0, "name table is section"),
	IN_HEADER(e_shstrndx, 0, "name table is section 0"),
	IN_HEADER(e_shstrndx, SHN_XINDEX, "name table is section 65535"),
	IN_SECTION(".shstrtab", sh_size, 0, "section name table is empty"),
	IN_SECTION(".shstrtab", sh_size, 3, "does not end with NUL"),
	IN_SECTION(".shstrtab", sh_type, SHT_NOBITS, "section name table is empty"),
	IN_SECTION(".shstrtab", sh_offset, UINT64_MAX, "lies outside the file"),
	IN_SECTION("", sh_type, SHT_PROGBITS, "first section is not empty"),
	IN_SECTION("", sh_size, 1, "first section is not empty"),
	IN_SECTION("", sh_addr, 1, "first section is not empty"),
	IN_SECTION(".text", sh_offset, UINT64_MAX, "lies outside the file"),
	IN_SECTION(".text", sh_size, UINT64_MAX, "lies outside the file"),
	IN_SECTION(".text", sh_name, 70000, "has no valid name"),
	IN_SECTION(MODULE, sh_name, 0, "no section " MODULE),
	IN_SECTION(SYMTAB, sh_type, SHT_PROGBITS, "0 symbol tables"),
	IN_SECTION(".text", sh_type, SHT_SYMTAB, "2 symbol tables"),
	IN_SECTION(SYMTAB, sh_link, 0, "names are section 0"),
	IN_SECTION(SYMTAB, sh_link, 99, "names are section 99"),
	IN_SECTION(".strtab", sh_size, 0, "symbols' names is empty"),
	IN_SECTION(".strtab", sh_size, 3, "begin and end with NUL"),
	{CONTENT, ".strtab", 0, 1, 'x', "begin and end with NUL"},
	{CONTENT, SYMTAB, 24, 4, 0x7fffffff, "symbol 1 has no valid name"},
	{CONTENT, SYMTAB, 30, 2, 0x1234, "symbol 1 is of section 4660"},
	{CONTENT, "__versions", 4, 1, 1, "over 32 bits"},
};

static void numbers_that_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		size_t len;
		autofree char *data = made_module_bytes(&made_whole, &len);
		automodule struct module_file file = {0};

		apply(data, &changes[i]);
		file = parsed(data, len);
		assert_fault(&file, changes[i].fault);
	}
}

/* A copy of just this size, so that a sanitizer sees what is read behind it. */
static void survive(const char *data, size_t len)
{
	autofree char *copy = mem_zalloc(len);
	automodule struct module_file exports = {0};
	automodule struct module_file whole = {0};

	memcpy(copy, data, len);
	whole = parsed(copy, len);
	assert_int_equal(module_file_exports(PATH, copy, len, &exports, NULL), 0);
	if (!whole.fault)
		assert_int_equal(whole.export_count, exports.export_count);
}

static void every_beginning_is_a_fault(void **state)
{
	size_t len;
	autofree char *data = made_module_bytes(&made_whole, &len);

	(void)state;
	for (size_t part = 0; part < len; part++) {
		automodule struct module_file file = parsed(data, part);

		assert_non_null(file.fault);
		survive(data, part);
	}
}

/* xorshift64: the same flips in every run. */
static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void flipped_bits_do_no_harm(void **state)
{
	size_t len;
	autofree char *data = made_module_bytes(&made_whole, &len);
	uint64_t seed = 0x6b75726f;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		autofree char *copy = mem_zalloc(len);

		memcpy(copy, data, len);
		for (int flips = round % 5; flips >= 0; flips--) {
			uint64_t random = next_random(&seed);

			copy[(random >> 8) % len] ^= (char)(1 << (random & 7));
		}
		survive(copy, len);
	}
}

static void names_of_files(void **state)
{
	static const char *const rows[][2] = {
		{"/lib/modules/6.1.0/updates/dkms/a-b.ko.xz", "a_b"},
		{"nf_nat.ko", "nf_nat"},
		{"x.ko.gz", "x"},
		{"x.y.ko.zst", "x.y"},
		{".ko", NULL},
		{"x.ko.bz2", NULL},
		{"/lib/modules/x.ko/y", NULL},
		{"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autofree char *name = module_name_of(rows[i][0]);

		if (rows[i][1])
			assert_string_equal(name, rows[i][1]);
		else
			assert_null(name);
	}
}

/* Plain bytes are not copied, packed ones are unpacked, bad ones have their reason. */
static void borrowed_bytes_are_read_the_same(void **state)
{
	size_t len;
	autofree char *data = made_module_bytes(&made_whole, &len);
	automodule struct module_file file = {0}, cut = {0};

	(void)state;
	assert_int_equal(module_file_borrow("x.ko", data, len, &file, NULL), 0);
	assert_null(file.fault);
	assert_exports(&file);
	assert_true(file.vermagic > data && file.vermagic < data + len);
	assert_int_equal(module_file_borrow("x.ko", data, len / 2, &cut, NULL), 0);
	assert_non_null(cut.fault);
	assert_string_equal(cut.name, "x");
}

static void file_below_the_root(void **state)
{
	const struct made_machine *m = *state;
	size_t len;
	autofree void *data = made_module_bytes(&made_whole, &len);
	automodule struct module_file file = {0}, cut = {0}, large = {0};
	autofree char *bytes = mem_zalloc(LARGE);

	made_bytes(&m->root, PATH, data, len);
	assert_int_equal(module_file_read(&m->root, PATH, &file, NULL), 0);
	assert_null(file.fault);
	assert_string_equal(file.name, "made_whole");
	assert_exports(&file);
	assert_null(file.mapping);
	assert_int_equal(file.size, len);
	made_bytes(&m->root, PATH, data, len / 2);
	assert_int_equal(module_file_read(&m->root, PATH, &cut, NULL), 0);
	assert_non_null(cut.fault);
	memcpy(bytes, data, len);
	made_bytes(&m->root, PATH, bytes, LARGE);
	assert_int_equal(module_file_read(&m->root, PATH, &large, NULL), 0);
	assert_non_null(large.mapping);
	assert_exports(&large);
}

static void files_that_are_none(void **state)
{
	const struct made_machine *m = *state;
	automodule struct module_file empty = {0}, folder = {0}, text = {0};
	struct module_file untouched = {.size = 42};
	struct error err;

	assert_int_equal(module_file_read(&m->root, PATH, &untouched, &err), -ENOENT);
	assert_non_null(strstr(err.message, PATH));
	assert_int_equal(untouched.size, 42);
	made_file(&m->root, PATH, "");
	assert_int_equal(module_file_read(&m->root, PATH, &empty, NULL), 0);
	assert_fault(&empty, "it is empty");
	made_dir(&m->root, "/lib/modules/made-file.ko");
	assert_int_equal(module_file_read(&m->root, "/lib/modules/made-file.ko", &folder,
					  NULL),
			 0);
	assert_fault(&folder, "no regular file");
	made_file(&m->root, PATH, "a text");
	assert_int_equal(module_file_read(&m->root, PATH, &text, NULL), 0);
	assert_fault(&text, "no ELF file");
}

/* As gzip(1) does it; *len becomes the packed length. */
static void *gzipped(const void *data, size_t *len)
{
	z_stream stream = {0};
	size_t size = *len + 1024;
	void *packed = mem_zalloc(size);

	assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8,
				      Z_DEFAULT_STRATEGY),
			 Z_OK);
	stream.next_in = (unsigned char *)(uintptr_t)data;
	stream.avail_in = (unsigned)*len;
	stream.next_out = packed;
	stream.avail_out = (unsigned)size;
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	*len = stream.total_out;
	assert_int_equal(deflateEnd(&stream), Z_OK);
	return packed;
}

static void packed_file_is_unpacked(void **state)
{
	const struct made_machine *m = *state;
	size_t plain, len;
	autofree void *data = made_module_bytes(&made_whole, &plain);
	autofree void *packed = gzipped(data, (len = plain, &len));
	automodule struct module_file file = {0}, cut = {0};

	made_bytes(&m->root, PATH, packed, len);
	assert_int_equal(module_file_read(&m->root, PATH, &file, NULL), 0);
	assert_null(file.fault);
	assert_exports(&file);
	assert_null(file.mapping);
	assert_int_equal(file.size, plain);
	made_bytes(&m->root, PATH, packed, len / 2);
	assert_int_equal(module_file_read(&m->root, PATH, &cut, NULL), 0);
	assert_fault(&cut, "");
	assert_int_equal(module_file_exports(PATH, packed, len, &file, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_read),
		cmocka_unit_test(imports_and_versions_are_read),
		cmocka_unit_test(exports_are_read),
		cmocka_unit_test(exports_alone_are_the_same),
		cmocka_unit_test(extended_versions_are_read),
		cmocka_unit_test(export_flags_are_read),
		cmocka_unit_test(versions_of_old_kernels_are_absolute),
		cmocka_unit_test(name_is_the_files_without_modinfo),
		cmocka_unit_test(btf_that_does_not_hold_is_told),
		cmocka_unit_test(btf_of_a_header_alone_is_sane),
		cmocka_unit_test(btf_types_are_gone_through),
		cmocka_unit_test(livepatch_is_the_key_alone),
		cmocka_unit_test(contents_that_are_refused),
		cmocka_unit_test(half_a_version_is_none),
		cmocka_unit_test(extended_versions_without_names),
		cmocka_unit_test(symbols_that_are_refused),
		cmocka_unit_test(a_second_section_is_told_of),
		cmocka_unit_test(numbers_that_are_refused),
		cmocka_unit_test(every_beginning_is_a_fault),
		cmocka_unit_test(flipped_bits_do_no_harm),
		cmocka_unit_test(names_of_files),
		cmocka_unit_test_setup_teardown(borrowed_bytes_are_read_the_same,
						made_machine_set_up,
						made_machine_tear_down),
		cmocka_unit_test_setup_teardown(file_below_the_root, made_machine_set_up,
						made_machine_tear_down),
		cmocka_unit_test_setup_teardown(files_that_are_none, made_machine_set_up,
						made_machine_tear_down),
		cmocka_unit_test_setup_teardown(packed_file_is_unpacked,
						made_machine_set_up,
						made_machine_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
