/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The section table of a module, read as the kernel's loader reads it: by place, whatever
 * e_ident says, which libelf would go by.
 */
#include "module-elf.h"

#include <elf.h>

#define SYMBOL_SIZE 24

/* alloc: the kernel looks for it among the sections that it will load (find_sec), else
 * among all; unique: a second one is told of. */
static const struct part_rule {
	const char *name;
	size_t len;
	bool alloc, unique;
} rules[PARTS] = {
#define RULE(text, a, u)                                                             \
	{                                                                            \
		.name = (text), .len = sizeof(text) - 1, .alloc = (a), .unique = (u) \
	}
	[PART_INFO] = RULE(".modinfo", false, true),
	[PART_THIS_MODULE] = RULE(".gnu.linkonce.this_module", false, true),
	[PART_VERSIONS] = RULE("__versions", true, false),
	[PART_VERSION_CRCS] = RULE("__version_ext_crcs", true, false),
	[PART_VERSION_NAMES] = RULE("__version_ext_names", true, false),
	[PART_EXPORTS] = RULE("__ksymtab", true, false),
	[PART_EXPORTS_GPL] = RULE("__ksymtab_gpl", true, false),
	[PART_CRCS] = RULE("__kcrctab", true, false),
	[PART_CRCS_GPL] = RULE("__kcrctab_gpl", true, false),
	[PART_EXPORT_STRINGS] = RULE("__ksymtab_strings", true, false),
	[PART_EXPORT_FLAGS] = RULE("__kflagstab", true, false),
	[PART_BTF] = RULE(".BTF", false, false),
	[PART_BTF_BASE] = RULE(".BTF.base", false, false),
	[PART_BUILD_ID] = RULE(".note.gnu.build-id", false, false),
#undef RULE
};

/* A walk over the section headers. */
struct walk {
	const unsigned char *data;
	size_t len;
	size_t table; /* where the section headers begin; all lie in the file */
	const char *names;
	size_t names_size;
	size_t symtab, symtab_count;
	struct module_elf *ret;
	struct text *fault;
};

int module_fault(struct text *fault, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	text_vappendf(fault, format, args);
	va_end(args);
	return -1;
}

/*
 * The loaders of these machines ask of e_ident its first four bytes alone. A file of
 * another class has something else where the size of a section header stands.
 */
static bool ident_is_ignored(const Elf64_Ehdr *header)
{
	return (header->e_machine == EM_X86_64 || header->e_machine == EM_AARCH64) &&
	       header->e_shentsize == sizeof(Elf64_Shdr);
}

static int check_ident(const unsigned char *data, struct text *fault)
{
	if (data[EI_CLASS] != ELFCLASS64)
		return module_fault(fault, "it is not a 64-bit ELF file");
	if (data[EI_DATA] != ELFDATA2LSB)
		return module_fault(fault, "it is not a little endian ELF file");
	if (data[EI_VERSION] != EV_CURRENT)
		return module_fault(fault, "its ELF version is %u", data[EI_VERSION]);
	return 0;
}

/* A header of another kind of machine than those that kuro reads modules of. */
static bool is_other_kind(const unsigned char *data, size_t len, uint16_t *machine)
{
	static const size_t at = offsetof(Elf64_Ehdr, e_machine); /* as in Elf32_Ehdr */
	bool known, big;

	if (len < at + sizeof(*machine) || memcmp(data, ELFMAG, SELFMAG) != 0)
		return false;
	big = data[EI_DATA] == ELFDATA2MSB;
	known = (data[EI_CLASS] == ELFCLASS32 || data[EI_CLASS] == ELFCLASS64) &&
		(data[EI_DATA] == ELFDATA2LSB || big);
	if (!known || (data[EI_CLASS] == ELFCLASS64 && !big))
		return false;
	*machine = (uint16_t)(data[at + !big] << 8 | data[at + big]);
	return true;
}

static int check_header(const unsigned char *data, size_t len, Elf64_Ehdr *ret,
			struct module_elf *elf, struct text *fault)
{
	bool whole = len >= sizeof(*ret), ignored;

	if (whole)
		memcpy(ret, data, sizeof(*ret));
	ignored = whole && ident_is_ignored(ret);
	if (!ignored)
		elf->unread = is_other_kind(data, len, &elf->machine);
	if (len < SELFMAG || memcmp(data, ELFMAG, SELFMAG) != 0)
		return module_fault(fault, "it is no ELF file");
	if (!whole)
		return module_fault(fault, "its ELF header is cut off");
	if (!ignored && check_ident(data, fault) < 0)
		return -1;
	elf->machine = ret->e_machine;
	return 0;
}

static int check_table(const Elf64_Ehdr *header, size_t len, struct text *fault)
{
	size_t size = (size_t)header->e_shnum * sizeof(Elf64_Shdr);

	if (header->e_type != ET_REL)
		return module_fault(fault, "its ELF type is %u, not relocatable",
				    header->e_type);
	if (header->e_shentsize != sizeof(Elf64_Shdr))
		return module_fault(fault, "its section headers have %u bytes each",
				    header->e_shentsize);
	if (header->e_shoff >= len || size > len - header->e_shoff)
		return module_fault(fault, "its section headers lie outside the file");
	if (header->e_shstrndx == SHN_UNDEF || header->e_shstrndx >= header->e_shnum)
		return module_fault(fault, "its section name table is section %u of %u",
				    header->e_shstrndx, header->e_shnum);
	return 0;
}

/* A copy: the header may lie at any address. */
static Elf64_Shdr section_header(const struct walk *walk, size_t i)
{
	Elf64_Shdr ret;

	memcpy(&ret, walk->data + walk->table + i * sizeof(ret), sizeof(ret));
	return ret;
}

static bool has_bytes(const Elf64_Shdr *header)
{
	return header->sh_type != SHT_NULL && header->sh_type != SHT_NOBITS;
}

static int check_bounds(const struct walk *walk, size_t i, const Elf64_Shdr *header)
{
	if (header->sh_offset > walk->len ||
	    header->sh_size > walk->len - header->sh_offset)
		return module_fault(walk->fault, "section %zu lies outside the file", i);
	return 0;
}

static int read_names(struct walk *walk, size_t index)
{
	Elf64_Shdr header = section_header(walk, index);

	if (check_bounds(walk, index, &header) < 0)
		return -1;
	if (!has_bytes(&header) || header.sh_size == 0)
		return module_fault(walk->fault, "its section name table is empty");
	walk->names = (const char *)walk->data + header.sh_offset;
	walk->names_size = header.sh_size;
	if (walk->names[walk->names_size - 1] != '\0')
		return module_fault(walk->fault,
				    "its section name table does not end with NUL");
	return 0;
}

/* Most sections are none of these; their names differ in the second character. */
static bool may_be_part(const char *name)
{
	return name[0] != '\0' && name[1] != '\0' && strchr("_mgBn", name[1]);
}

static int add_part(struct walk *walk, size_t i, const Elf64_Shdr *header,
		    const char *name)
{
	size_t len;

	if (!may_be_part(name))
		return 0;
	len = strlen(name);
	for (size_t part = 0; part < PARTS; part++) {
		const struct part_rule *rule = &rules[part];
		struct module_section *found = &walk->ret->parts[part];

		if (rule->len != len || memcmp(rule->name, name, len) != 0)
			continue;
		if (rule->unique && found->index)
			walk->ret->doubled = rule->name;
		if (found->index || (rule->alloc && !(header->sh_flags & SHF_ALLOC)))
			return 0;
		found->index = i;
		if (has_bytes(header)) {
			found->data = walk->data + header->sh_offset;
			found->size = header->sh_size;
		}
		return 0;
	}
	return 0;
}

static int add_section(struct walk *walk, size_t i)
{
	Elf64_Shdr header = section_header(walk, i);

	if (i == 0 && (header.sh_type != SHT_NULL || header.sh_size || header.sh_addr))
		return module_fault(walk->fault, "its first section is not empty");
	if (header.sh_type == SHT_NULL)
		return 0;
	if (has_bytes(&header) && check_bounds(walk, i, &header) < 0)
		return -1;
	if (header.sh_name >= walk->names_size)
		return module_fault(walk->fault, "section %zu has no valid name", i);
	if (header.sh_type == SHT_SYMTAB) {
		walk->symtab = i;
		walk->symtab_count++;
	}
	return add_part(walk, i, &header, walk->names + header.sh_name);
}

static int check_this_module(const struct walk *walk)
{
	const struct module_section *found = &walk->ret->parts[PART_THIS_MODULE];
	Elf64_Shdr header;

	if (!found->index)
		return module_fault(walk->fault, "it has no section %s",
				    rules[PART_THIS_MODULE].name);
	header = section_header(walk, found->index);
	if (!found->data || !(header.sh_flags & SHF_ALLOC))
		return module_fault(walk->fault, "its section %s is not loaded",
				    rules[PART_THIS_MODULE].name);
	return 0;
}

static int read_strings(const struct walk *walk, size_t index)
{
	struct module_elf *ret = walk->ret;
	Elf64_Shdr header;

	if (index == SHN_UNDEF || index >= ret->section_count)
		return module_fault(walk->fault,
				    "its symbols' names are section %zu of %zu", index,
				    ret->section_count);
	header = section_header(walk, index);
	if (!has_bytes(&header) || header.sh_size == 0)
		return module_fault(walk->fault,
				    "the table of its symbols' names is empty");
	ret->strings = (const char *)walk->data + header.sh_offset;
	ret->strings_size = header.sh_size;
	if (ret->strings[0] != '\0' || ret->strings[ret->strings_size - 1] != '\0')
		return module_fault(walk->fault,
				    "the table of its symbols' names does not "
				    "begin and end with NUL");
	return 0;
}

static int read_symtab(const struct walk *walk)
{
	Elf64_Shdr header;

	if (walk->symtab_count != 1)
		return module_fault(walk->fault, "it has %zu symbol tables, not one",
				    walk->symtab_count);
	header = section_header(walk, walk->symtab);
	walk->ret->symbols = walk->data + header.sh_offset;
	walk->ret->symbol_count = header.sh_size / SYMBOL_SIZE;
	return read_strings(walk, header.sh_link);
}

static int walk_sections(struct walk *walk, size_t names_index)
{
	if (read_names(walk, names_index) < 0)
		return -1;
	for (size_t i = 0; i < walk->ret->section_count; i++)
		if (add_section(walk, i) < 0)
			return -1;
	if (check_this_module(walk) < 0)
		return -1;
	return read_symtab(walk);
}

int module_elf_open(const void *data, size_t len, struct module_elf *ret,
		    struct text *fault)
{
	struct walk walk = {.data = data, .len = len, .ret = ret, .fault = fault};
	Elf64_Ehdr header = {0};

	*ret = (struct module_elf){0};
	if (check_header(data, len, &header, ret, fault) < 0 ||
	    check_table(&header, len, fault) < 0)
		return -1;
	ret->section_count = header.e_shnum;
	walk.table = header.e_shoff;
	return walk_sections(&walk, header.e_shstrndx);
}
