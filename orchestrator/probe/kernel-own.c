/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Modules of the kernel's own that are judged for what they need: those between one
 * third-party module and another that takes the place of one of the tree's. Each is
 * opened once, whole.
 */
#include "kernel-own.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define NAME_MAX_KERNEL 64 /* MODULE_NAME_LEN: 64 - sizeof(long), with its end */

/* A table as a set: one that is there may stay, a full one looks for no more. */
static void search_add(struct symbol_table *set, const char *name)
{
	const struct symbol symbol = {.name = name, .name_space = "", .owner = ""};

	(void)symbol_table_add(set, &symbol);
}

/* Is the path, "kernel/net/802/stp.ko", of a module with one of the names? */
static bool path_is_of(const struct symbol_table *names, const char *path, size_t len)
{
	const char *slash = memrchr(path, '/', len);
	const char *base = slash ? slash + 1 : path;
	char name[NAME_MAX_KERNEL];
	size_t n = 0;

	for (; n < sizeof(name) - 1 && base + n < path + len && base[n] != '.'; n++)
		name[n] = base[n] == '-' ? '_' : base[n];
	name[n] = '\0';
	return symbol_table_find(names, name);
}

/*
 * Does a member take the place of a module of the tree? depmod's index does not hold
 * those any more; the list that came with the kernel does.
 */
static bool set_replaces(const struct kernel_source *source, const struct compat_set *set)
{
	autosymbols struct symbol_table *names = symbol_table_new();
	const void *order;
	const char *line, *end;
	size_t len;

	for (size_t i = 0; i < set->count; i++)
		if (set->items[i].file && set->items[i].file->name)
			search_add(names, set->items[i].file->name);
	if (source->file(source->data, "modules.order", &order, &len, NULL) < 0)
		return false;
	for (line = order, end = line + len; line < end;) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		size_t n = (size_t)((stop ? stop : end) - line);

		if (path_is_of(names, line, n))
			return true;
		line += n + 1;
	}
	return false;
}

/* Names that are looked for, and the files that have been opened for them. */
struct own_search {
	const struct kernel_source *source;
	struct kernel_abi *abi;
	struct symbol_table *names, *opened;
};

static bool is_images(const struct kernel_abi *abi, const char *name)
{
	const struct symbol *symbol = symbol_table_find(abi->symbols, name);

	return symbol && !*symbol->owner;
}

static struct symbol_table *versions_of(const struct module_file *file)
{
	struct symbol_table *versions = symbol_table_new();

	for (size_t i = 0; i < file->version_count; i++) {
		const struct symbol version = {
			.name = file->versions[i].symbol,
			.name_space = "",
			.owner = "",
			.crc = file->versions[i].crc,
			.has_crc = true,
		};

		(void)symbol_table_add(versions, &version); /* the first counts */
	}
	return versions;
}

/* What it needs that the image has not, with the version that it was built against. A
 * weak one, or what old assemblers leave, it can do without. */
static void own_add(struct own_search *search, const struct module_file *file)
{
	autosymbols struct symbol_table *versions = versions_of(file);
	struct kernel_abi *abi = search->abi;
	struct symbol_table *needs = symbol_table_new();

	for (size_t i = 0; i < file->import_count; i++) {
		struct symbol need = {.name = file->imports[i].symbol,
				      .name_space = "",
				      .owner = ""};
		const struct symbol *version = symbol_table_find(versions, need.name);

		if (file->imports[i].weak || is_images(abi, need.name) ||
		    str_eq(need.name, "_GLOBAL_OFFSET_TABLE_"))
			continue;
		need.has_crc = version != NULL;
		need.crc = version ? version->crc : 0;
		(void)symbol_table_add(needs, &need); /* once is enough */
		search_add(search->names, need.name);
	}
	abi->own = mem_regrow(abi->own, abi->own_count + 1, sizeof(*abi->own));
	abi->own[abi->own_count++] = (struct kernel_own){str_dup(file->name), needs};
}

static int own_take(void *data, const char *path, const void *bytes, size_t len,
		    struct error *err)
{
	struct own_search *search = data;
	automodule struct module_file file = {0};
	int r = module_file_borrow(path, bytes, len, &file, err);

	if (r < 0 || file.fault || !file.name)
		return r;
	own_add(search, &file);
	for (size_t i = 0; r == 0 && i < file.export_count; i++)
		r = kernel_abi_add_export(search->abi, &file.exports[i], err);
	return r;
}

/* One that is gone or damaged needs nothing: it will not be loaded. */
static int own_open(struct own_search *search, const char *path, struct error *err)
{
	const struct kernel_source *source = search->source;
	autofree void *bytes = NULL;
	size_t len;
	int r;

	if (source->look) {
		r = source->look(source->data, path, own_take, search, err);
	} else {
		r = source->module(source->data, path, &bytes, &len, err);
		if (r == 0)
			r = own_take(search, path, bytes, len, err);
	}
	return r == -ENOENT || r == -ERROR_DAMAGED || r == -EFBIG ? 0 : r;
}

static int own_find(struct own_search *search, size_t i, struct error *err)
{
	autofree char *name = str_dup(symbol_table_at(search->names, i)->name);
	autofree char *path = NULL;
	int r = search->source->provider(search->source->data, name, &path, err);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (symbol_table_find(search->opened, path))
		return 0;
	search_add(search->opened, path);
	return own_open(search, path, err);
}

int kernel_own_read(const struct kernel_source *source, struct kernel_abi *abi,
		    const struct compat_set *set, const struct symbol_table *wanted,
		    struct error *err)
{
	autosymbols struct symbol_table *names = symbol_table_new();
	autosymbols struct symbol_table *opened = symbol_table_new();
	struct own_search search = {source, abi, names, opened};
	int r = 0;

	kernel_own_free(abi->own, abi->own_count);
	abi->own = NULL;
	abi->own_count = 0;
	if (!source->file || !source->provider || !source->module ||
	    !set_replaces(source, set))
		return 0;
	for (size_t i = 0; i < symbol_table_count(wanted); i++)
		search_add(names, symbol_table_at(wanted, i)->name);
	/* more names come as modules are opened */
	for (size_t i = 0; r == 0 && i < symbol_table_count(names); i++)
		r = own_find(&search, i, err);
	return r == -ENOTSUP ? 0 : r;
}
