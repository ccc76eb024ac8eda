/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Made module files.
 */
#include "made-module.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define EXTRA 3 /* .symtab, .strtab, .shstrtab */

#define TEXT(s) .data = (s), .len = sizeof(s)

static const struct {
	uint64_t crc;
	char name[56];
} whole_versions[] = {{0x11223344, "module_layout"}, {0xff000001, "printk"}};

static const struct made_section whole_sections[] = {
	{".modinfo", 0, SHF_ALLOC,
	 TEXT("license=GPL v2\0\0description=made\0version=1.2\0srcversion=AB12\0"
	      "alias=pci:v0001*\0depends=usb-core,made_base\0softdep=pre: crc32c x-y  "
	      "post: later\0weakdep=not-read\0import_ns=MADE_NS\0import_ns=OTHER\0"
	      "firmware=made/a.bin\0firmware=made/b*.bin\0parm=depth:how deep\0"
	      "parmtype=depth:int\0parmtype=bare:bool\0intree=Y\0name=made_whole\0"
	      "license=second\0vermagic=6.1.0-made SMP mod_unload modversions ")},
	{".gnu.linkonce.this_module", 0, SHF_ALLOC | SHF_WRITE, TEXT("struct module")},
	{"__versions", 0, SHF_ALLOC, whole_versions, sizeof(whole_versions)},
	{"__ksymtab", 0, SHF_ALLOC, TEXT("12 bytes, 12")},
	{"__ksymtab_gpl", 0, SHF_ALLOC, TEXT("12 bytes, 12")},
	{"__kcrctab", 0, SHF_ALLOC, "\x78\x56\x34\x12", 4},
	{"__kcrctab_gpl", 0, SHF_ALLOC, "\xef\xbe\xad\xde", 4},
	{"__ksymtab_strings", 0, SHF_ALLOC, TEXT("made_close\0\0made_open\0MADE")},
	{".note.gnu.build-id", SHT_NOTE, SHF_ALLOC,
	 "\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0\x01\x23\x45\x67\x89\xab\xcd\xef"
	 "abcdefghijkl",
	 36},
	{".BTF", 0, 0,
	 "\x9f\xeb\x01\0\x18\0\0\0\0\0\0\0\x0c\0\0\0\x0c\0\0\0\x02\0\0\0"
	 "\0\0\0\0\0\0\0\2\0\0\0\0\0\0",
	 38},
	{".text", 0, SHF_ALLOC, "\xc3", 1},
	{".bss", SHT_NOBITS, SHF_ALLOC, NULL, 1 << 20},
	{NULL, 0, 0, NULL, 0},
};

static const struct made_symbol whole_symbols[] = {
	{"made.c", "ABS", 0, STB_LOCAL},
	{"__ksymtab_made_close", "__ksymtab", 0, STB_LOCAL},
	{"__ksymtab_made_open", "__ksymtab_gpl", 0, STB_LOCAL},
	{"__kstrtabns_made_close", "__ksymtab_strings", 11, STB_LOCAL},
	{"__kstrtabns_made_open", "__ksymtab_strings", 22, STB_LOCAL},
	{"__crc_made_open", "__kcrctab_gpl", 0, STB_LOCAL},
	{"__crc_made_close", "__kcrctab", 0, STB_LOCAL},
	{"__crc_unknown", "__kcrctab", 900, STB_LOCAL},
	{"made_open", ".text", 0, STB_GLOBAL},
	{"made_close", ".text", 0, STB_GLOBAL},
	{"printk", NULL, 0, STB_GLOBAL},
	{"maybe_there", NULL, 0, STB_WEAK},
	{"_GLOBAL_OFFSET_TABLE_", NULL, 0, STB_GLOBAL},
	{NULL, NULL, 0, 0},
};

const struct made_module made_whole = {whole_sections, whole_symbols};

static size_t section_count(const struct made_module *module)
{
	size_t count = 0;

	while (module->sections[count].name)
		count++;
	return count;
}

static uint16_t section_index(const struct made_module *module, const char *name)
{
	if (!name)
		return SHN_UNDEF;
	if (str_eq(name, "ABS"))
		return SHN_ABS;
	if (str_eq(name, "COMMON"))
		return SHN_COMMON;
	for (size_t i = 0; module->sections[i].name; i++)
		if (str_eq(module->sections[i].name, name))
			return (uint16_t)(i + 1);
	assert(!"a symbol's section");
	return 0;
}

static Elf64_Word add_name(struct text *names, const char *name)
{
	size_t at = names->len;

	text_append_n(names, name, strlen(name) + 1);
	return (Elf64_Word)at;
}

static void add_section(struct text *file, Elf64_Shdr *header, const void *data)
{
	while (file->len % 8)
		text_append_n(file, "", 1);
	header->sh_offset = file->len;
	if (header->sh_type != SHT_NOBITS)
		text_append_n(file, data, header->sh_size);
}

static void add_symbols(const struct made_module *module, struct text *symtab,
			struct text *strtab)
{
	Elf64_Sym symbol = {0};

	text_append_n(symtab, (const char *)&symbol, sizeof(symbol));
	text_append_n(strtab, "", 1);
	for (const struct made_symbol *made = module->symbols; made->name; made++) {
		symbol = (Elf64_Sym){
			.st_name = add_name(strtab, made->name),
			.st_info = ELF64_ST_INFO(made->bind, STT_NOTYPE),
			.st_shndx = section_index(module, made->section),
			.st_value = made->value,
		};
		if (str_ends(made->name, ".c"))
			symbol.st_info = ELF64_ST_INFO(made->bind, STT_FILE);
		text_append_n(symtab, (const char *)&symbol, sizeof(symbol));
	}
}

static void add_tables(const struct made_module *module, struct text *file,
		       struct text *names, Elf64_Shdr *headers)
{
	size_t count = section_count(module);
	Elf64_Shdr *symtab_header = &headers[count + 1];
	struct text symtab = {0}, strtab = {0};

	add_symbols(module, &symtab, &strtab);
	*symtab_header = (Elf64_Shdr){
		.sh_name = add_name(names, ".symtab"),
		.sh_type = SHT_SYMTAB,
		.sh_link = (Elf64_Word)count + 2,
		.sh_entsize = sizeof(Elf64_Sym),
		.sh_size = symtab.len,
	};
	add_section(file, symtab_header, symtab.data);
	symtab_header[1] = (Elf64_Shdr){.sh_name = add_name(names, ".strtab"),
					.sh_type = SHT_STRTAB,
					.sh_size = strtab.len};
	add_section(file, &symtab_header[1], strtab.data);
	symtab_header[2] = (Elf64_Shdr){.sh_name = add_name(names, ".shstrtab"),
					.sh_type = SHT_STRTAB};
	symtab_header[2].sh_size = names->len;
	add_section(file, &symtab_header[2], names->data);
	text_done(&symtab);
	text_done(&strtab);
}

void *made_module_bytes(const struct made_module *module, size_t *ret_len)
{
	size_t count = section_count(module);
	Elf64_Shdr *headers = mem_zalloc((count + 1 + EXTRA) * sizeof(*headers));
	Elf64_Ehdr header = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			    EV_CURRENT},
		.e_type = ET_REL,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_ehsize = sizeof(header),
		.e_shentsize = sizeof(*headers),
		.e_shnum = (Elf64_Half)(count + 1 + EXTRA),
		.e_shstrndx = (Elf64_Half)(count + EXTRA),
	};
	struct text file = {0}, names = {0};

	text_append_n(&file, (const char *)&header, sizeof(header));
	text_append_n(&names, "", 1);
	for (size_t i = 0; i < count; i++) {
		const struct made_section *made = &module->sections[i];

		headers[i + 1] = (Elf64_Shdr){
			.sh_name = add_name(&names, made->name),
			.sh_type = made->type ? made->type : SHT_PROGBITS,
			.sh_flags = made->flags,
			.sh_size = made->len,
		};
		add_section(&file, &headers[i + 1], made->data);
	}
	add_tables(module, &file, &names, headers);
	while (file.len % 8)
		text_append_n(&file, "", 1);
	((Elf64_Ehdr *)(void *)file.data)->e_shoff = file.len;
	text_append_n(&file, (const char *)headers, header.e_shnum * sizeof(*headers));
	free(headers);
	text_done(&names);
	*ret_len = file.len;
	return text_take(&file);
}
