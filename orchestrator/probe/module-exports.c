/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a module exports, by the names in its symbol table: __ksymtab_NAME in __ksymtab or
 * __ksymtab_gpl, __crc_NAME with the version in __kcrctab* (older: the value itself),
 * __kstrtabns_NAME with the namespace, __flags_NAME with the GPL flag since __kflagstab.
 * Sources: include/linux/export-internal.h, scripts/mod/modpost.c, scripts/module.lds.S.
 */
#include "module-parts.h"

#include <elf.h>
#include <stdlib.h>

#define FLAG_GPL_ONLY 1 /* KSYM_FLAG_GPL_ONLY */

struct walk {
	const struct module_elf *elf;
	struct module_file *ret;
	struct text *fault;
};

static const struct module_section *part_of(const struct walk *walk,
					    enum module_part part,
					    const struct module_symbol *symbol)
{
	const struct module_section *section = &walk->elf->parts[part];

	return section->index && section->index == symbol->section ? section : NULL;
}

static bool is_export(const struct walk *walk, const struct module_symbol *symbol)
{
	return part_of(walk, PART_EXPORTS, symbol) ||
	       part_of(walk, PART_EXPORTS_GPL, symbol);
}

/* The name behind prefix, or NULL. */
static const char *name_behind(const struct walk *walk,
			       const struct module_symbol *symbol, const char *prefix)
{
	const char *name = walk->elf->strings + symbol->name;
	size_t len = strlen(prefix);

	if (symbol->name >= walk->elf->strings_size || strncmp(name, prefix, len) != 0)
		return NULL;
	return name + len;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct symbol *)a)->name, ((const struct symbol *)b)->name);
}

static struct symbol *export_find(const struct walk *walk, const char *name)
{
	struct symbol key = {.name = name};

	return bsearch(&key, walk->ret->exports, walk->ret->export_count, sizeof(key),
		       by_name);
}

static int count_exports(const struct walk *walk, size_t *ret)
{
	size_t count = 0;

	for (size_t i = 0; i < walk->elf->symbol_count; i++) {
		struct module_symbol symbol = module_symbol_at(walk->elf, i);

		count += is_export(walk, &symbol);
	}
	if (count > MODULE_EXPORTS_MAX)
		return module_fault(walk->fault, "it exports over %u symbols",
				    MODULE_EXPORTS_MAX);
	*ret = count;
	return 0;
}

static int collect_exports(const struct walk *walk)
{
	struct module_file *ret = walk->ret;

	for (size_t i = 0; i < walk->elf->symbol_count; i++) {
		struct module_symbol symbol = module_symbol_at(walk->elf, i);
		const char *name = NULL;

		if (is_export(walk, &symbol))
			name = name_behind(walk, &symbol, "__ksymtab_");
		if (!name || !*name)
			continue;
		if (strnlen(name, MODULE_SYMBOL_NAME_MAX) == MODULE_SYMBOL_NAME_MAX)
			return module_fault(walk->fault,
					    "the name of its symbol %zu is too "
					    "long",
					    i);
		ret->exports[ret->export_count++] = (struct symbol){
			.name = name,
			.name_space = "",
			.owner = ret->name,
			.gpl = part_of(walk, PART_EXPORTS_GPL, &symbol) != NULL,
		};
	}
	qsort(ret->exports, ret->export_count, sizeof(*ret->exports), by_name);
	return 0;
}

/* REL_CRCS and later: an offset into the section; before: the symbol's value itself. */
static int take_crc(const struct walk *walk, const struct module_symbol *symbol,
		    const struct module_section *crcs)
{
	const char *name = name_behind(walk, symbol, "__crc_");
	struct symbol *found = name ? export_find(walk, name) : NULL;

	if (!found)
		return 0;
	if (crcs && (crcs->size < 4 || symbol->value > crcs->size - 4))
		return module_fault(walk->fault,
				    "the version of its export %s lies outside "
				    "the section",
				    name);
	found->crc =
		crcs ? module_u32(crcs->data + symbol->value) : (uint32_t)symbol->value;
	found->has_crc = true;
	return 0;
}

static int take_namespace(const struct walk *walk, const struct module_symbol *symbol,
			  const struct module_section *strings)
{
	const char *name = name_behind(walk, symbol, "__kstrtabns_");
	struct symbol *found = name ? export_find(walk, name) : NULL;
	const unsigned char *text;

	if (!found)
		return 0;
	text = symbol->value < strings->size ? strings->data + symbol->value : NULL;
	if (!text || !memchr(text, '\0', strings->size - symbol->value))
		return module_fault(walk->fault,
				    "the namespace of its export %s lies "
				    "outside the section",
				    name);
	found->name_space = (const char *)text;
	return 0;
}

static int take_flags(const struct walk *walk, const struct module_symbol *symbol,
		      const struct module_section *flags)
{
	const char *name = name_behind(walk, symbol, "__flags_");
	struct symbol *found = name ? export_find(walk, name) : NULL;

	if (!found)
		return 0;
	if (symbol->value >= flags->size)
		return module_fault(walk->fault,
				    "the flags of its export %s lie outside the "
				    "section",
				    name);
	found->gpl = flags->data[symbol->value] & FLAG_GPL_ONLY;
	return 0;
}

/* By the section first: most symbols are not looked at. */
static int take_symbol(const struct walk *walk, const struct module_symbol *symbol)
{
	const struct module_section *part;

	if (symbol->section == SHN_UNDEF)
		return 0;
	if ((part = part_of(walk, PART_CRCS, symbol)) ||
	    (part = part_of(walk, PART_CRCS_GPL, symbol)))
		return take_crc(walk, symbol, part);
	if ((part = part_of(walk, PART_EXPORT_STRINGS, symbol)))
		return take_namespace(walk, symbol, part);
	if ((part = part_of(walk, PART_EXPORT_FLAGS, symbol)))
		return take_flags(walk, symbol, part);
	if (symbol->section == SHN_ABS && symbol->type != STT_FILE)
		return take_crc(walk, symbol, NULL);
	return 0;
}

static int read_exports(const struct walk *walk, size_t count)
{
	walk->ret->exports = mem_regrow(NULL, count, sizeof(*walk->ret->exports));
	if (collect_exports(walk) < 0)
		return -1;
	for (size_t i = 0; i < walk->elf->symbol_count; i++) {
		struct module_symbol symbol = module_symbol_at(walk->elf, i);

		if (take_symbol(walk, &symbol) < 0)
			return -1;
	}
	return 0;
}

int module_exports_read(const struct module_elf *elf, struct module_file *ret,
			struct text *fault)
{
	struct walk walk = {.elf = elf, .ret = ret, .fault = fault};
	size_t count = 0;

	ret->has_export_flags = elf->parts[PART_EXPORT_FLAGS].index != 0;
	ret->has_gpl_exports = elf->parts[PART_EXPORTS_GPL].index != 0;
	if (!elf->parts[PART_EXPORTS].index && !elf->parts[PART_EXPORTS_GPL].index)
		return 0;
	if (count_exports(&walk, &count) < 0)
		return -1;
	return count > 0 ? read_exports(&walk, count) : 0;
}
