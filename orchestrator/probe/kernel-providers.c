/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The symbols that an image does not have and third-party modules need: which of the
 * kernel's own modules export them. Opens those alone where there is an index of them,
 * since taking a whole tree of .ko.xz apart costs seconds.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "export-cache.h"
#include "kernel-own.h"
#include "probe/decompress.h"
#include "probe/kernel-abi.h"

/* The names still wanted: a table used as a set. */
static bool set_has(const struct symbol_table *set, const char *name)
{
	return symbol_table_find(set, name) != NULL;
}

static void set_add(struct symbol_table *set, const char *name)
{
	const struct symbol symbol = {.name = name, .name_space = "", .owner = ""};

	(void)symbol_table_add(set, &symbol); /* one that is there may stay */
}

static struct symbol_table *set_exports(const struct compat_set *set)
{
	struct symbol_table *names = symbol_table_new();

	for (size_t i = 0; i < set->count; i++) {
		const struct module_file *file = set->items[i].file;

		for (size_t j = 0; file && j < file->export_count; j++)
			set_add(names, file->exports[j].name);
	}
	return names;
}

static struct symbol_table *wanted_names(const struct kernel_abi *abi,
					 const struct compat_set *set)
{
	autosymbols struct symbol_table *own = set_exports(set);
	struct symbol_table *wanted = symbol_table_new();

	for (size_t i = 0; i < set->count; i++) {
		const struct module_file *file = set->items[i].file;

		for (size_t j = 0; file && j < file->import_count; j++) {
			const char *name = file->imports[j].symbol;

			if (!set_has(abi->symbols, name) && !set_has(own, name))
				set_add(wanted, name);
		}
	}
	return wanted;
}

int kernel_abi_add_export(struct kernel_abi *abi, const struct symbol *symbol,
			  struct error *err)
{
	int r = symbol_table_add(abi->symbols, symbol);

	if (r < 0 && r != -EEXIST)
		return error_set(err, r, "modules of %s export too many symbols",
				 abi->release);
	return 0;
}

static int add_exports(struct kernel_abi *abi, const struct module_file *file,
		       struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < file->export_count; i++)
		r = kernel_abi_add_export(abi, &file->exports[i], err);
	return r;
}

/* Every module of the tree is looked at; those that export a wanted name are taken. */
struct provider_walk {
	struct kernel_abi *abi;
	const struct symbol_table *wanted;
};

static int provider_each(void *data, const char *path, const void *bytes, size_t len,
			 struct error *err)
{
	const struct provider_walk *walk = data;
	automodule struct module_file file = {0};
	int r = module_file_exports(path, bytes, len, &file, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < file.export_count; i++)
		if (set_has(walk->wanted, file.exports[i].name))
			return add_exports(walk->abi, &file, err);
	return 0;
}

static int add_by_walk(const struct kernel_source *source, struct kernel_abi *abi,
		       const struct symbol_table *wanted, struct error *err)
{
	struct provider_walk walk = {abi, wanted};

	if (!source->modules)
		return 0;
	return source->modules(source->data, provider_each, &walk, err);
}

/* What a source that has read them all knows, cut down to the modules that are needed. */
static int add_from_table(const struct symbol_table *exports, struct kernel_abi *abi,
			  const struct symbol_table *wanted, struct error *err)
{
	autosymbols struct symbol_table *owners = symbol_table_new();
	size_t count = symbol_table_count(exports);
	int r = 0;

	for (size_t i = 0; i < count; i++)
		if (set_has(wanted, symbol_table_at(exports, i)->name))
			set_add(owners, symbol_table_at(exports, i)->owner);
	for (size_t i = 0; r == 0 && i < count; i++)
		if (set_has(owners, symbol_table_at(exports, i)->owner))
			r = kernel_abi_add_export(abi, symbol_table_at(exports, i), err);
	return r;
}

/* Who is looked at goes here. */
struct taking {
	struct kernel_abi *abi;
	struct export_cache *cache; /* or NULL */
};

static int take_plain(const struct taking *taking, const char *path, const void *bytes,
		      size_t len, const char *key, struct error *err)
{
	automodule struct module_file file = {0};
	int r = module_file_exports(path, bytes, len, &file, err);

	if (r < 0)
		return r;
	if (taking->cache && key)
		export_cache_add(taking->cache, key, &file);
	return add_exports(taking->abi, &file, err);
}

static int take_cached(const struct taking *taking, const struct cached_exports *known,
		       struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < known->count; i++)
		r = kernel_abi_add_export(taking->abi,
					  symbol_table_at(known->table, known->first + i),
					  err);
	return r;
}

static int take_file(void *data, const char *path, const void *bytes, size_t len,
		     struct error *err)
{
	const struct taking *taking = data;
	char text[CONTENT_KEY_SIZE], *key = NULL;
	struct cached_exports known;
	autofree void *plain = NULL;
	size_t plain_len;
	int r;

	if (compression_of(bytes, len) == COMPRESSION_NONE)
		return take_plain(taking, path, bytes, len, NULL, err);
	if (taking->cache && content_key_of(bytes, len, text))
		key = text;
	if (key && export_cache_find(taking->cache, key, &known))
		return take_cached(taking, &known, err);
	r = decompress(bytes, len, MODULE_FILE_MAX, &plain, &plain_len, err);
	if (r < 0)
		return error_prefix(err, r, "%s", path);
	return take_plain(taking, path, plain, plain_len, key, err);
}

/* A provider that is gone or damaged exports nothing: its loader would say the same. */
static int add_provider(const struct kernel_source *source, struct taking *taking,
			const char *path, struct error *err)
{
	autofree void *bytes = NULL;
	size_t len;
	int r;

	if (source->look) {
		r = source->look(source->data, path, take_file, taking, err);
	} else {
		r = source->module(source->data, path, &bytes, &len, err);
		if (r == 0)
			r = take_file(taking, path, bytes, len, err);
	}
	return r == -ENOENT || r == -ERROR_DAMAGED ? 0 : r;
}

/* -ENOTSUP: there is no index to ask. */
static int add_by_index(const struct kernel_source *source, struct taking *taking,
			const struct symbol_table *wanted, struct error *err)
{
	autosymbols struct symbol_table *opened = symbol_table_new();

	if (!source->provider || (!source->look && !source->module))
		return -ENOTSUP;
	for (size_t i = 0; i < symbol_table_count(wanted); i++) {
		const char *name = symbol_table_at(wanted, i)->name;
		autofree char *path = NULL;
		int r = 0;

		if (set_has(taking->abi->symbols, name))
			continue; /* a module opened before has it */
		r = source->provider(source->data, name, &path, err);
		if (r == -ENOENT || (r == 0 && set_has(opened, path)))
			continue;
		if (r == 0)
			r = add_provider(source, taking, path, err);
		if (r < 0)
			return r;
		set_add(opened, path);
	}
	return 0;
}

static int add_wanted(const struct kernel_source *source,
		      const struct symbol_cache *cache, struct kernel_abi *abi,
		      const struct symbol_table *wanted, struct error *err)
{
	autoexports struct export_cache *known =
		export_cache_open(cache, source->release);
	struct taking taking = {.abi = abi, .cache = known};
	int r = add_by_index(source, &taking, wanted, err);

	return r == -ENOTSUP ? add_by_walk(source, abi, wanted, err) : r;
}

int kernel_abi_add_exports(const struct kernel_source *source,
			   const struct symbol_cache *cache, struct kernel_abi *abi,
			   const struct compat_set *set, struct error *err)
{
	autosymbols struct symbol_table *wanted = wanted_names(abi, set);
	int r;

	if (symbol_table_count(wanted) == 0)
		return 0;
	if (source->exports)
		return add_from_table(source->exports(source->data), abi, wanted, err);
	r = add_wanted(source, cache, abi, wanted, err);
	if (r == 0)
		r = kernel_own_read(source, abi, set, wanted, err);
	return r < 0 ? error_prefix(err, r, "modules of %s", source->release) : 0;
}
