/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a module needs of others: the undefined symbols of its symbol table, and the
 * versions it was built against. Sources: kernel/module/main.c (simplify_symbols,
 * elf_validity_cache_strtab, elf_validity_cache_index_versions), kernel/module/version.c.
 */
#include "module-parts.h"

#include <elf.h>

#define VERSION_SIZE 64 /* struct modversion_info: unsigned long crc, char name[56] */
#define VERSION_NAME 8

/* Every name within the table, every section one that exists; how many are undefined. */
static int check_symbols(const struct module_elf *elf, size_t *ret_undefined,
			 struct text *fault)
{
	size_t undefined = 0;

	for (size_t i = 0; i < elf->symbol_count; i++) {
		struct module_symbol symbol = module_symbol_at(elf, i);

		if (symbol.name >= elf->strings_size)
			return module_fault(fault, "symbol %zu has no valid name", i);
		undefined += symbol.section == SHN_UNDEF;
		if (symbol.section < elf->section_count ||
		    (symbol.section >= SHN_LORESERVE && symbol.section != SHN_COMMON))
			continue;
		if (symbol.section != SHN_COMMON)
			return module_fault(fault, "symbol %zu is of section %u of %zu",
					    i, symbol.section, elf->section_count);
		if (!str_starts(elf->strings + symbol.name, "__gnu_lto"))
			return module_fault(fault, "its symbol %s is a common one",
					    elf->strings + symbol.name);
	}
	*ret_undefined = undefined;
	return 0;
}

/* An artefact of assemblers, which the loader leaves alone (ignore_undef_symbol). */
static bool is_ignored(const struct module_elf *elf, const char *name)
{
	return (elf->machine == EM_X86_64 || elf->machine == EM_386) &&
	       strcmp(name, "_GLOBAL_OFFSET_TABLE_") == 0;
}

int module_imports_read(const struct module_elf *elf, struct module_file *ret,
			struct text *fault)
{
	size_t undefined = 0;

	if (check_symbols(elf, &undefined, fault) < 0)
		return -1;
	if (undefined > MODULE_RECORDS_MAX)
		return module_fault(fault, "it has over %zu undefined symbols",
				    MODULE_RECORDS_MAX);
	ret->imports = mem_regrow(NULL, undefined, sizeof(*ret->imports));
	for (size_t i = 1; i < elf->symbol_count; i++) {
		struct module_symbol symbol = module_symbol_at(elf, i);
		const char *name = elf->strings + symbol.name;

		if (symbol.section != SHN_UNDEF)
			continue;
		if (*name == '\0' && symbol.bind != STB_WEAK)
			return module_fault(fault, "symbol %zu is undefined and nameless",
					    i);
		if (*name == '\0')
			continue;
		if (strnlen(name, MODULE_SYMBOL_NAME_MAX) == MODULE_SYMBOL_NAME_MAX)
			return module_fault(fault,
					    "the name of its symbol %zu is too long", i);
		ret->imports[ret->import_count++] = (struct module_import){
			.symbol = name,
			.weak = symbol.bind == STB_WEAK || is_ignored(elf, name),
		};
	}
	return 0;
}

static int read_versions(const struct module_section *part, struct module_file *ret,
			 struct text *fault)
{
	size_t count = part->size / VERSION_SIZE; /* half a one is none */

	if (count > MODULE_RECORDS_MAX)
		return module_fault(fault, "it has over %zu versions",
				    MODULE_RECORDS_MAX);
	ret->versions = mem_regrow(NULL, count, sizeof(*ret->versions));
	for (size_t i = 0; i < count; i++) {
		const unsigned char *record = part->data + i * VERSION_SIZE;
		const char *name = (const char *)record + VERSION_NAME;
		uint64_t crc = module_u64(record);

		if (!memchr(name, '\0', VERSION_SIZE - VERSION_NAME))
			return module_fault(fault,
					    "name %zu of its __versions has no end", i);
		if (crc > UINT32_MAX)
			return module_fault(fault, "its version of %s has over 32 bits",
					    name);
		ret->versions[ret->version_count++] =
			(struct module_version){.symbol = name, .crc = (uint32_t)crc};
	}
	return 0;
}

static int read_versions_ext(const struct module_section *crcs,
			     const struct module_section *names, struct module_file *ret,
			     struct text *fault)
{
	const char *name = (const char *)names->data;
	size_t left = names->size;
	size_t count = crcs->size / sizeof(uint32_t);

	if (count > MODULE_RECORDS_MAX)
		return module_fault(fault, "it has over %zu extended versions",
				    MODULE_RECORDS_MAX);
	ret->versions_ext = mem_regrow(NULL, count, sizeof(*ret->versions_ext));
	for (size_t i = 0; i < count; i++) {
		size_t len = strnlen(name, left);

		if (len == left)
			return module_fault(fault,
					    "it has %zu extended versions, but only "
					    "%zu names",
					    count, i);
		ret->versions_ext[ret->version_ext_count++] = (struct module_version){
			.symbol = name,
			.crc = module_u32(crcs->data + i * sizeof(uint32_t)),
		};
		name += len + 1;
		left -= len + 1;
	}
	return 0;
}

int module_versions_read(const struct module_elf *elf, struct module_file *ret,
			 struct text *fault)
{
	const struct module_section *crcs = &elf->parts[PART_VERSION_CRCS];
	const struct module_section *names = &elf->parts[PART_VERSION_NAMES];

	ret->has_versions = elf->parts[PART_VERSIONS].index != 0;
	ret->has_versions_ext = crcs->index && names->index;
	if (read_versions(&elf->parts[PART_VERSIONS], ret, fault) < 0)
		return -1;
	if (!crcs->index != !names->index)
		return module_fault(fault, "it has only one of __version_ext_crcs and "
					   "__version_ext_names");
	return read_versions_ext(crcs, names, ret, fault);
}
