/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The symbols that an image does not have and third-party modules need: which of the
 * kernel's own modules export them. Opens those alone where there is an index of them,
 * since taking a whole tree of .ko.xz apart costs seconds.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel-own.h"
#include "provider-files.h"

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

/* What is asked of the tree's modules, as far as the image has it not. */
struct wanted_names {
	struct symbol_table *imports; /* that the set itself does not give */
	struct symbol_table *all;     /* and what it exports: the tree may, too */
};

static void wanted_done(struct wanted_names *wanted)
{
	symbol_table_free(wanted->imports);
	symbol_table_free(wanted->all);
}

static void want_exports(const struct kernel_abi *abi, const struct compat_set *set,
			 struct symbol_table *names)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct module_file *file = set->items[i].file;

		for (size_t j = 0; file && j < file->export_count; j++)
			if (!set_has(abi->symbols, file->exports[j].name))
				set_add(names, file->exports[j].name);
	}
}

static void want_imports(const struct kernel_abi *abi, const struct compat_set *set,
			 struct wanted_names *wanted)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct module_file *file = set->items[i].file;

		for (size_t j = 0; file && j < file->import_count; j++) {
			const char *name = file->imports[j].symbol;

			if (!set_has(abi->symbols, name) && !set_has(wanted->all, name))
				set_add(wanted->imports, name);
		}
	}
}

static struct wanted_names wanted_of(const struct kernel_abi *abi,
				     const struct compat_set *set)
{
	struct wanted_names wanted = {symbol_table_new(), symbol_table_new()};

	want_exports(abi, set, wanted.all);
	want_imports(abi, set, &wanted);
	for (size_t i = 0; i < symbol_table_count(wanted.imports); i++)
		set_add(wanted.all, symbol_table_at(wanted.imports, i)->name);
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
	const struct kernel_source *source;
	struct kernel_abi *abi;
	struct kernel_providers *providers;
};

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

/* A provider that is gone or damaged exports nothing: its loader would say the same. */
static int take_provider(const struct taking *taking, const struct provider_file *from,
			 struct error *err)
{
	struct export_cache *cache = taking->providers->cache;
	struct cached_exports known;

	if (from->r == -ENOENT || from->r == -ERROR_DAMAGED || from->r == -EFBIG)
		return 0;
	if (from->r < 0)
		return error_set(err, from->r, "%s", from->why.message);
	if (from->known && export_cache_find(cache, from->key, &known))
		return take_cached(taking, &known, err);
	if (from->key[0])
		export_cache_add(cache, from->key, &from->file);
	return add_exports(taking->abi, &from->file, err);
}

/* The path of each name's provider, or NULL. -ENOTSUP: there is no index to ask. */
static int find_paths(const struct kernel_source *source,
		      const struct symbol_table *wanted, char **ret, struct error *err)
{
	int r = source->provider && (source->look || source->module) ? 0 : -ENOTSUP;

	for (size_t i = 0; r == 0 && i < symbol_table_count(wanted); i++) {
		r = source->provider(source->data, symbol_table_at(wanted, i)->name,
				     &ret[i], err);
		r = r == -ENOENT ? 0 : r;
	}
	return r;
}

static void paths_free(char **paths, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(paths[i]);
	free(paths);
}

/* A name that a module opened before has is looked for no more. */
static int take_wanted(const struct taking *taking, const struct symbol_table *wanted,
		       char *const *paths, struct error *err)
{
	autosymbols struct symbol_table *opened = symbol_table_new();
	int r = 0;

	for (size_t i = 0; r == 0 && i < symbol_table_count(wanted); i++) {
		if (!paths[i] || set_has(opened, paths[i]) ||
		    set_has(taking->abi->symbols, symbol_table_at(wanted, i)->name))
			continue;
		r = take_provider(taking,
				  provider_files_find(taking->providers, paths[i]), err);
		set_add(opened, paths[i]);
	}
	return r;
}

static int add_by_index(const struct taking *taking, const struct symbol_table *wanted,
			struct error *err)
{
	size_t count = symbol_table_count(wanted);
	char **paths = mem_zalloc((count + 1) * sizeof(*paths));
	int r = find_paths(taking->source, wanted, paths, err);

	if (r == 0) {
		provider_files_read(taking->providers, taking->source, paths, count);
		r = take_wanted(taking, wanted, paths, err);
	}
	paths_free(paths, count);
	return r;
}

/* All that the files need and do not have of each other: the image's are among them. */
static struct wanted_names needed_names(const struct third_party_list *list)
{
	struct compat_set set = {.count = list->count};
	struct kernel_abi nothing = {.symbols = symbol_table_new()};
	struct wanted_names ret;

	set.items = mem_zalloc((list->count + 1) * sizeof(*set.items));
	for (size_t i = 0; i < list->count; i++)
		set.items[i].file = list->items[i].file;
	ret = wanted_of(&nothing, &set);
	symbol_table_free(nothing.symbols);
	free(set.items);
	return ret;
}

struct kernel_providers *kernel_providers_ahead(const struct kernel_source *source,
						const struct symbol_cache *cache,
						const struct third_party_list *list)
{
	struct kernel_providers *ret = kernel_providers_new(source, cache);
	cleanup(wanted_done) struct wanted_names names = needed_names(list);
	size_t count = symbol_table_count(names.imports);
	char **paths = mem_zalloc((count + 1) * sizeof(*paths));

	if (!source->exports && find_paths(source, names.imports, paths, NULL) == 0)
		provider_files_read(ret, source, paths, count);
	paths_free(paths, count);
	return ret;
}

/* Without an index a whole tree is not read for names that may be there twice. */
static int add_wanted(const struct taking *taking, const struct wanted_names *wanted,
		      struct error *err)
{
	int r = add_by_index(taking, wanted->all, err);

	if (r != -ENOTSUP || symbol_table_count(wanted->imports) == 0)
		return r == -ENOTSUP ? 0 : r;
	return add_by_walk(taking->source, taking->abi, wanted->imports, err);
}

int kernel_abi_add_exports(const struct kernel_source *source,
			   const struct symbol_cache *cache,
			   struct kernel_providers *providers, struct kernel_abi *abi,
			   const struct compat_set *set, struct error *err)
{
	autoproviders struct kernel_providers *own = NULL;
	struct taking taking = {source, abi, providers};
	cleanup(wanted_done) struct wanted_names wanted = wanted_of(abi, set);
	int r;

	if (symbol_table_count(wanted.all) == 0)
		return 0;
	if (source->exports)
		return add_from_table(source->exports(source->data), abi, wanted.all,
				      err);
	if (!providers) {
		own = kernel_providers_new(source, cache);
		taking.providers = own;
	}
	r = add_wanted(&taking, &wanted, err);
	if (r == 0 && symbol_table_count(wanted.imports) > 0)
		r = kernel_own_read(source, abi, set, wanted.imports, err);
	return r < 0 ? error_prefix(err, r, "modules of %s", source->release) : 0;
}
