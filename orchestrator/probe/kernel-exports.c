/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The symbols that an image exports: include/linux/export.h and export-internal.h,
 * include/asm-generic/vmlinux.lds.h. __ksymtab holds the texts' addresses, relative to
 * the field itself (PREL32) or, before 4.19, absolute; __kcrctab the versions in the same
 * order; since 7.0 __kflagstab a byte a symbol in the place of further __ksymtab
 * sections.
 */
#include <string.h>

#include "image-address.h"

#define FLAG_GPL 1 /* KSYM_FLAG_GPL_ONLY */
/* Names lie one behind the other: together they can't be longer than this. */
#define TEXTS_MAX ((size_t)32 * 1024 * 1024)

static const struct {
	const char *entries, *crcs;
	bool gpl;
} groups[] = {
	{"__ksymtab", "__kcrctab", false},
	{"__ksymtab_gpl", "__kcrctab_gpl", true},
	/* Until 5.12. */
	{"__ksymtab_gpl_future", "__kcrctab_gpl_future", false},
	{"__ksymtab_unused", "__kcrctab_unused", false},
	{"__ksymtab_unused_gpl", "__kcrctab_unused_gpl", true},
};

/* One __ksymtab section and what belongs to it. */
struct group {
	const struct image_section *entries;
	const uint8_t *crcs, *flags; /* or NULL */
	size_t count, size;          /* of entries, bytes of one */
	bool absolute, gpl;
};

struct reading {
	struct image_lookup lookup;
	struct symbol_table *table;
	size_t texts; /* bytes of them */
};

/*
 * An entry has two texts' places (name, since 5.4 namespace) behind the value. How many
 * there are, and so how large one is, is known by the versions or flags.
 */
static int entry_size(const struct kernel_image *image, struct group *group, size_t known,
		      struct error *err)
{
	size_t word = image->wide ? 8 : 4;
	uint64_t bytes = group->entries->size;

	group->size = 12;
	if (known && bytes % known == 0)
		group->size = bytes / known;
	group->absolute = image->wide && group->size >= 2 * word;
	if (bytes % group->size || (group->size != 8 && group->size != 12 &&
				    group->size != 2 * word && group->size != 3 * word))
		return error_set(err, -ERROR_DAMAGED, "%s of %ju bytes for %zu symbols",
				 group->entries->name, (uintmax_t)bytes, known);
	group->count = bytes / group->size;
	return 0;
}

static int find_group(const struct kernel_image *image, size_t i, struct group *ret,
		      struct error *err)
{
	const struct image_section *crcs = kernel_image_section(image, groups[i].crcs);
	const struct image_section *flags = kernel_image_section(image, "__kflagstab");
	size_t known = 0;
	int r;

	*ret = (struct group){.entries = kernel_image_section(image, groups[i].entries),
			      .gpl = groups[i].gpl};
	if (!ret->entries || ret->entries->size == 0)
		return 0;
	if (i != 0)
		flags = NULL;
	if (flags)
		known = flags->size;
	else if (crcs)
		known = crcs->size / sizeof(uint32_t);
	r = entry_size(image, ret, known, err);
	if (r < 0)
		return r;
	if ((flags && flags->size != ret->count) ||
	    (crcs && crcs->size != ret->count * sizeof(uint32_t)))
		return error_set(
			err, -ERROR_DAMAGED,
			"%s has %zu symbols, their versions or flags are for %zu",
			groups[i].entries, ret->count, known);
	ret->crcs = crcs ? crcs->data : NULL;
	ret->flags = flags ? flags->data : NULL;
	return 0;
}

/* The text that field number field of the entry leads to; "" for the kernel's null. */
static const char *entry_text(struct reading *reading, const struct group *group,
			      uint64_t entry, size_t field)
{
	const struct kernel_image *image = reading->lookup.image;
	const uint8_t *data = group->entries->data + entry;
	const char *text;
	int32_t distance;
	uint64_t address;

	if (group->absolute) {
		address = image_word(image, data + field * 8);
		if (address == 0)
			return "";
	} else {
		memcpy(&distance, data + field * sizeof(distance), sizeof(distance));
		if (distance == 0)
			return "";
		address = group->entries->address + entry + field * sizeof(distance) +
			  (uint64_t)(int64_t)distance;
		if (!image->wide)
			address = (uint32_t)address;
	}
	text = image_text(&reading->lookup, address);
	reading->texts += text ? strlen(text) : 0;
	return text;
}

static int read_entry(struct reading *reading, const struct group *group, size_t i,
		      struct error *err)
{
	uint64_t entry = i * group->size;
	bool has_space = group->size == (group->absolute ? 24 : 12);
	struct symbol symbol = {.owner = "", .gpl = group->gpl};
	int r;

	symbol.name = entry_text(reading, group, entry, 1);
	symbol.name_space = has_space ? entry_text(reading, group, entry, 2) : "";
	if (!symbol.name || !*symbol.name || !symbol.name_space ||
	    reading->texts > TEXTS_MAX)
		return error_set(err, -ERROR_DAMAGED, "symbol %zu of %s has no name", i,
				 group->entries->name);
	if (group->flags)
		symbol.gpl = group->flags[i] & FLAG_GPL;
	if (group->crcs)
		memcpy(&symbol.crc, group->crcs + i * sizeof(symbol.crc),
		       sizeof(symbol.crc));
	symbol.has_crc = symbol.crc != 0;
	r = symbol_table_add(reading->table, &symbol);
	if (r < 0 && r != -EEXIST)
		return error_set(err, -ERROR_DAMAGED, "more than %d exported symbols",
				 SYMBOL_TABLE_MAX);
	return 0;
}

int kernel_image_symbols(const struct kernel_image *image, struct symbol_table *table,
			 bool *ret_versions, bool *ret_flags, struct error *err)
{
	struct reading reading = {.lookup = image_lookup(image), .table = table};
	bool versions = false;

	if (!image->elf)
		return error_set(err, -ENOTSUP,
				 "this image has no section headers to find symbols by");
	for (size_t g = 0; g < ARRAY_LEN(groups); g++) {
		struct group group;
		int r = find_group(image, g, &group, err);

		for (size_t i = 0; r == 0 && i < group.count; i++)
			r = read_entry(&reading, &group, i, err);
		if (r < 0)
			return r;
		versions = versions || group.crcs;
	}
	if (symbol_table_count(table) == 0)
		return error_set(err, -ENOENT, "this image exports no symbols");
	*ret_versions = versions;
	*ret_flags = kernel_image_section(image, "__kflagstab");
	return 0;
}
