/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ELF files and depmod's indexes, put together by hand: small, and exactly what a test
 * asks for.
 */
#include "made-kernel.h"

#include <elf.h>
#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

#define SECTIONS_MAX 16
#define IMAGE_BASE   0xffffffff81000000
#define ENTRY_SIZE   12 /* of __ksymtab: value, name, namespace, each an offset */

struct elf_writer {
	struct text bytes, names;
	Elf64_Shdr headers[SECTIONS_MAX];
	unsigned int count;
};

static void text_align(struct text *text, size_t to)
{
	while (text->len % to)
		text_append_n(text, "", 1);
}

static void writer_begin(struct elf_writer *writer)
{
	static const Elf64_Ehdr empty;

	text_append_n(&writer->bytes, (const char *)&empty, sizeof(empty));
	text_append_n(&writer->names, "", 1);
	writer->count = 1;
}

/* A section of these bytes; its address is IMAGE_BASE + its place in the file. */
static unsigned int writer_add(struct elf_writer *writer, const char *name,
			       Elf64_Word type, const void *data, size_t len)
{
	assert_true(writer->count < SECTIONS_MAX);
	text_align(&writer->bytes, 16);
	writer->headers[writer->count] = (Elf64_Shdr){
		.sh_name = (Elf64_Word)writer->names.len,
		.sh_type = type,
		.sh_flags = type == SHT_PROGBITS ? SHF_ALLOC : 0,
		.sh_offset = writer->bytes.len,
		.sh_size = len,
		.sh_addralign = 1,
	};
	text_append_n(&writer->names, name, strlen(name) + 1);
	if (len)
		text_append_n(&writer->bytes, data, len);
	return writer->count++;
}

static void *writer_end(struct elf_writer *writer, Elf64_Half type, size_t *ret_len)
{
	Elf64_Ehdr header = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			    EV_CURRENT},
		.e_type = type,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_ehsize = sizeof(header),
		.e_shentsize = sizeof(Elf64_Shdr),
	};
	autofree char *names = str_ndup("", 0);
	size_t len = writer->names.len + sizeof(".shstrtab");

	names = mem_regrow(names, len, 1);
	memcpy(names, writer->names.data, writer->names.len);
	memcpy(names + writer->names.len, ".shstrtab", sizeof(".shstrtab"));
	header.e_shstrndx =
		(Elf64_Half)writer_add(writer, ".shstrtab", SHT_STRTAB, names, len);
	text_align(&writer->bytes, 16);
	header.e_shoff = writer->bytes.len;
	header.e_shnum = (Elf64_Half)writer->count;
	text_append_n(&writer->bytes, (const char *)writer->headers,
		      writer->count * sizeof(Elf64_Shdr));
	memcpy(writer->bytes.data, &header, sizeof(header));
	text_done(&writer->names);
	*ret_len = writer->bytes.len;
	return text_take(&writer->bytes);
}

/* The exports that are GPL-only, or those that are not, as the three sections have them.
 */
struct export_parts {
	struct text entries, crcs;
};

static void export_add(struct export_parts *parts, const struct made_export *export)
{
	static const char entry[ENTRY_SIZE];

	text_append_n(&parts->entries, entry, sizeof(entry));
	text_append_n(&parts->crcs, (const char *)&export->crc, sizeof(export->crc));
}

/* Entries are relative to their own place: known once the sections have theirs. */
static void link_entries(struct elf_writer *writer, unsigned int section,
			 unsigned int strings, const struct made_export *exports,
			 bool gpl)
{
	const Elf64_Shdr *header = &writer->headers[section];
	const char *text = writer->bytes.data + writer->headers[strings].sh_offset;
	uint64_t entry = header->sh_offset;

	for (const struct made_export *e = exports; e->name; e++) {
		uint64_t name = writer->headers[strings].sh_offset;
		int32_t offset;

		while (strcmp(text, e->name) != 0) {
			name += strlen(text) + 1;
			text += strlen(text) + 1;
		}
		text = writer->bytes.data + writer->headers[strings].sh_offset;
		if (e->gpl != gpl)
			continue;
		offset = (int32_t)(name - (entry + 4));
		memcpy(writer->bytes.data + entry + 4, &offset, sizeof(offset));
		entry += ENTRY_SIZE;
	}
}

void *made_image(const struct made_export *exports, const char *text, size_t *ret_len)
{
	struct elf_writer writer = {0};
	struct export_parts parts[2] = {0};
	autotext struct text strings = {0};
	unsigned int tables[2], names;

	for (const struct made_export *e = exports; e->name; e++) {
		export_add(&parts[e->gpl], e);
		text_append_n(&strings, e->name, strlen(e->name) + 1);
	}
	writer_begin(&writer);
	(void)writer_add(&writer, ".rodata", SHT_PROGBITS, text, strlen(text) + 1);
	for (int gpl = 0; gpl < 2; gpl++) {
		tables[gpl] = writer_add(&writer, gpl ? "__ksymtab_gpl" : "__ksymtab",
					 SHT_PROGBITS, parts[gpl].entries.data,
					 parts[gpl].entries.len);
		(void)writer_add(&writer, gpl ? "__kcrctab_gpl" : "__kcrctab",
				 SHT_PROGBITS, parts[gpl].crcs.data, parts[gpl].crcs.len);
		text_done(&parts[gpl].entries);
		text_done(&parts[gpl].crcs);
	}
	names = writer_add(&writer, "__ksymtab_strings", SHT_PROGBITS, strings.data,
			   strings.len);
	for (int gpl = 0; gpl < 2; gpl++)
		link_entries(&writer, tables[gpl], names, exports, gpl);
	for (unsigned int i = 1; i < writer.count; i++)
		writer.headers[i].sh_addr = IMAGE_BASE + writer.headers[i].sh_offset;
	return writer_end(&writer, ET_EXEC, ret_len);
}

/* The symbol table of a module: names and places. */
struct symbol_writer {
	struct text symbols, strings;
};

static void symbol_add(struct symbol_writer *writer, const char *prefix, const char *name,
		       unsigned int section, uint64_t value)
{
	Elf64_Sym symbol = {
		.st_name = (Elf64_Word)writer->strings.len,
		.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE),
		.st_shndx = (Elf64_Section)section,
		.st_value = value,
	};

	text_append(&writer->strings, prefix);
	text_append_n(&writer->strings, name, strlen(name) + 1);
	text_append_n(&writer->symbols, (const char *)&symbol, sizeof(symbol));
}

static void add_exports(struct elf_writer *writer, struct symbol_writer *symbols,
			const struct made_export *exports, bool gpl)
{
	struct export_parts parts = {0};
	unsigned int table = writer->count, crcs = writer->count + 1;
	uint64_t n = 0;

	for (const struct made_export *e = exports; e->name; e++) {
		if (e->gpl != gpl)
			continue;
		export_add(&parts, e);
		symbol_add(symbols, "__ksymtab_", e->name, table, n * ENTRY_SIZE);
		symbol_add(symbols, "__crc_", e->name, crcs, n * sizeof(e->crc));
		n++;
	}
	if (n > 0) {
		(void)writer_add(writer, gpl ? "__ksymtab_gpl" : "__ksymtab",
				 SHT_PROGBITS, parts.entries.data, parts.entries.len);
		(void)writer_add(writer, gpl ? "__kcrctab_gpl" : "__kcrctab",
				 SHT_PROGBITS, parts.crcs.data, parts.crcs.len);
	}
	text_done(&parts.entries);
	text_done(&parts.crcs);
}

static void add_info(struct elf_writer *writer, const struct made_module *module)
{
	autotext struct text info = {0};
	autofree char *struct_module = mem_zalloc(module->layout);
	static const char btf[] = "\x9f\xeb\x01\x00 and more";

	text_appendf(&info, "name=%s", module->name);
	text_append_n(&info, "", 1);
	text_appendf(&info, "vermagic=%s", module->vermagic);
	text_append_n(&info, "", 1);
	text_append_n(&info, "intree=Y", sizeof("intree=Y"));
	(void)writer_add(writer, ".modinfo", SHT_PROGBITS, info.data, info.len);
	(void)writer_add(writer, ".gnu.linkonce.this_module", SHT_PROGBITS, struct_module,
			 module->layout);
	if (module->btf)
		(void)writer_add(writer, ".BTF", SHT_PROGBITS, btf, sizeof(btf));
}

void *made_module(const struct made_module *module, size_t *ret_len)
{
	static const Elf64_Sym no_symbol;
	struct elf_writer writer = {0};
	struct symbol_writer symbols = {0};
	unsigned int table, strings;

	writer_begin(&writer);
	text_append_n(&symbols.symbols, (const char *)&no_symbol, sizeof(no_symbol));
	text_append_n(&symbols.strings, "", 1);
	add_info(&writer, module);
	for (int gpl = 0; module->exports && gpl < 2; gpl++)
		add_exports(&writer, &symbols, module->exports, gpl);
	for (size_t i = 0; module->imports && module->imports[i]; i++)
		symbol_add(&symbols, "", module->imports[i], SHN_UNDEF, 0);
	table = writer_add(&writer, ".symtab", SHT_SYMTAB, symbols.symbols.data,
			   symbols.symbols.len);
	strings = writer_add(&writer, ".strtab", SHT_STRTAB, symbols.strings.data,
			     symbols.strings.len);
	writer.headers[table].sh_link = strings;
	writer.headers[table].sh_info = 1;
	writer.headers[table].sh_entsize = sizeof(Elf64_Sym);
	text_done(&symbols.symbols);
	text_done(&symbols.strings);
	return writer_end(&writer, ET_REL, ret_len);
}

void made_module_file(const struct root *root, const char *path,
		      const struct made_module *module)
{
	size_t len;
	autofree void *bytes = made_module(module, &len);

	made_bytes(root, path, bytes, len);
}

static void put_number(struct text *text, uint32_t number)
{
	uint32_t swapped = htobe32(number);

	text_append_n(text, (const char *)&swapped, sizeof(swapped));
}

/* A leaf: what follows the key's first byte, and the values. Returns where it is. */
static uint32_t put_leaf(struct text *text, const struct made_key *key, size_t skip)
{
	uint32_t place = (uint32_t)text->len | 0xC0000000;
	uint32_t count = 0;

	while (count < ARRAY_LEN(key->values) && key->values[count])
		count++;
	text_append_n(text, key->key + skip + 1, strlen(key->key + skip + 1) + 1);
	put_number(text, count);
	for (uint32_t i = 0; i < count; i++) {
		put_number(text, i);
		text_append_n(text, key->values[i], strlen(key->values[i]) + 1);
	}
	return place;
}

void *made_index(const struct made_key *keys, size_t skip, size_t *ret_len)
{
	struct text text = {0};
	uint32_t leaves[128] = {0}, root;
	unsigned char first = 127, last = 0;

	put_number(&text, 0xB007F457);
	put_number(&text, 0x00020001);
	put_number(&text, 0);
	for (const struct made_key *key = keys; key->key; key++) {
		unsigned char c = (unsigned char)key->key[skip];

		assert_true(leaves[c] == 0);
		leaves[c] = put_leaf(&text, key, skip);
		first = c < first ? c : first;
		last = c > last ? c : last;
	}
	root = htobe32((uint32_t)text.len | 0x20000000 | (skip ? 0x80000000 : 0));
	if (first <= last) {
		memcpy(text.data + 8, &root, sizeof(root));
		if (skip) {
			text_append_n(&text, keys->key, skip);
			text_append_n(&text, "", 1);
		}
		text_append_n(&text, (const char *)&first, 1);
		text_append_n(&text, (const char *)&last, 1);
		for (unsigned int c = first; c <= last; c++)
			put_number(&text, leaves[c]);
	}
	*ret_len = text.len;
	return text_take(&text);
}

void made_indexes(const struct root *root, const char *dir,
		  const struct made_key *modules, const struct made_key *symbols)
{
	static const struct made_key none[1];
	const struct {
		const char *name;
		const struct made_key *keys;
		size_t skip;
	} files[] = {
		{"dep", modules, 0},        {"symbols", symbols, strlen("symbol:")},
		{"alias", none, 0},         {"builtin", none, 0},
		{"builtin.alias", none, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		autofree char *path = str_format("%s/modules.%s.bin", dir, files[i].name);
		size_t len;
		autofree void *bytes = made_index(files[i].keys, files[i].skip, &len);

		made_bytes(root, path, bytes, len);
	}
}

static const struct made_export image_exports[] = {{"alpha", 0x11111111, false},
						   {"beta", 0x22222222, true},
						   {NULL, 0, false}};
static const struct made_export one_exports[] = {{"one", 1, false},
						 {"one_more", 2, true},
						 {NULL, 0, false}};
static const struct made_export two_exports[] = {{"two", 3, false}, {NULL, 0, false}};

const struct made_module module_one = {.name = "one_mod",
				       .vermagic = VERMAGIC,
				       .layout = 896,
				       .exports = one_exports};
const struct made_module module_two = {.name = "two_mod",
				       .vermagic = VERMAGIC,
				       .layout = 896,
				       .exports = two_exports};

void made_kernel(const struct made_machine *m, const char *path, const char *text)
{
	size_t len;
	autofree void *image = made_image(image_exports, text, &len);

	made_bytes(&m->root, path, image, len);
}

/* A whole kernel on Debian's layout, with its indexes; they name a module that is not
 * made here for a symbol that the image has. */
void made_release(const struct made_machine *m)
{
	static const struct made_key modules[] = {
		{"one_mod", {"kernel/fs/one-mod.ko:"}},
		{"two_mod", {"kernel/net/two-mod.ko: kernel/fs/one-mod.ko"}},
		{"alien", {"updates/alien.ko:"}},
		{"spare", {"kernel/spare.ko:"}},
		{NULL, {NULL}}};
	static const struct made_key symbols[] = {{"symbol:alpha", {"spare"}},
						  {"symbol:one", {"one_mod"}},
						  {"symbol:two", {"alien", "two_mod"}},
						  {"symbol:foreign", {"alien"}},
						  {NULL, {NULL}}};

	made_kernel(m, "/boot/vmlinuz-" REL, VERMAGIC);
	made_file(&m->root, "/boot/config-" REL,
		  "CONFIG_MODVERSIONS=y\nCONFIG_MODULE_SIG=y\n"
		  "# CONFIG_MODULE_SIG_FORCE is not set\n");
	made_module_file(&m->root, TREE "/kernel/fs/one-mod.ko", &module_one);
	made_module_file(&m->root, TREE "/kernel/net/two-mod.ko", &module_two);
	made_module_file(&m->root, TREE "/updates/alien.ko", &module_two);
	made_file(&m->root, TREE "/modules.dep",
		  "kernel/net/two-mod.ko: kernel/fs/one-mod.ko\n"
		  "kernel/fs/one-mod.ko:\nupdates/alien.ko:\n");
	made_file(&m->root, TREE "/modules.builtin",
		  "kernel/lib/crc-itu-t.ko\nkernel/fs/ext4/ext4.ko\n");
	made_indexes(&m->root, TREE, modules, symbols);
}

void made_source(const struct made_machine *m, struct kernel_source *ret)
{
	struct error err = {0};

	if (kernel_source_installed(&m->root, REL, ret, &err) < 0)
		fail_msg("%s", err.message);
}
