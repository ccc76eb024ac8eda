/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files of the tree's own modules, decompressed and asked for their exports, or known
 * again by the cache. What they say is kept, their bytes are not.
 */
#include "provider-files.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parallel.h"
#include "probe/decompress.h"

/* files a thread is begun for */
#define READ_FEW        16
#define READ_FEW_PACKED 2

struct kernel_providers *kernel_providers_new(const struct kernel_source *source,
					      const struct symbol_cache *cache)
{
	struct kernel_providers *ret = mem_zalloc(sizeof(*ret));

	ret->cache = export_cache_open(cache, source->release);
	return ret;
}

void kernel_providers_free(struct kernel_providers *providers)
{
	if (!providers)
		return;
	for (size_t i = 0; i < providers->count; i++) {
		free(providers->items[i].path);
		module_file_done(&providers->items[i].file);
	}
	free(providers->items);
	export_cache_close(providers->cache);
	free(providers);
}

/* Each file is touched by its own reading alone; the cache is only looked at. */
struct reading {
	const struct kernel_source *source;
	const struct export_cache *cache;
	struct provider_file *items;
};

struct one_reading {
	const struct export_cache *cache;
	struct provider_file *item;
};

static int take_plain(struct provider_file *item, const void *bytes, size_t len,
		      struct error *err)
{
	int r = module_file_exports(item->path, bytes, len, &item->file, err);

	if (r == 0)
		module_file_keep(&item->file);
	return r;
}

static int take_file(void *data, const char *path, const void *bytes, size_t len,
		     struct error *err)
{
	const struct one_reading *one = data;
	struct provider_file *item = one->item;
	autofree void *plain = NULL;
	size_t plain_len;
	int r;

	if (compression_of(bytes, len) == COMPRESSION_NONE)
		return take_plain(item, bytes, len, err);
	if (one->cache && !content_key_of(bytes, len, item->key))
		item->key[0] = '\0';
	item->known = item->key[0] && export_cache_has(one->cache, item->key);
	if (item->known)
		return 0;
	r = decompress(bytes, len, module_plain_max(len), &plain, &plain_len, err);
	if (r < 0)
		return error_prefix(err, r, "%s", path);
	return take_plain(item, plain, plain_len, err);
}

static void read_one(void *data, size_t i)
{
	const struct reading *reading = data;
	const struct kernel_source *source = reading->source;
	struct provider_file *item = &reading->items[i];
	struct one_reading one = {reading->cache, item};
	autofree void *bytes = NULL;
	size_t len;

	if (source->look) {
		item->r = source->look(source->data, item->path, take_file, &one,
				       &item->why);
		return;
	}
	item->r = source->module(source->data, item->path, &bytes, &len, &item->why);
	if (item->r == 0)
		item->r = take_file(&one, item->path, bytes, len, &item->why);
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct provider_file *)a)->path,
		      ((const struct provider_file *)b)->path);
}

const struct provider_file *provider_files_find(const struct kernel_providers *providers,
						const char *path)
{
	const struct provider_file key = {.path = (char *)(uintptr_t)path};

	if (providers->count == 0)
		return NULL;
	return bsearch(&key, providers->items, providers->count, sizeof(key), by_path);
}

/* Those that were not read yet, each once. */
static size_t new_files(const struct kernel_providers *providers, char *const *paths,
			size_t count, struct provider_file *ret)
{
	autosymbols struct symbol_table *seen = symbol_table_new();
	size_t added = 0;

	for (size_t i = 0; i < count; i++) {
		const struct symbol path = {.name = paths[i],
					    .name_space = "",
					    .owner = ""};

		if (paths[i] && !provider_files_find(providers, paths[i]) &&
		    symbol_table_add(seen, &path) == 0)
			ret[added++].path = str_dup(paths[i]);
	}
	return added;
}

/* Only a look is said to be fit for threads. */
static size_t few_files(const struct kernel_source *source,
			const struct provider_file *items, size_t count)
{
	if (!source->look)
		return count + 1;
	return count > 0 && str_ends(items[0].path, ".ko") ? READ_FEW : READ_FEW_PACKED;
}

void provider_files_read(struct kernel_providers *providers,
			 const struct kernel_source *source, char *const *paths,
			 size_t count)
{
	struct provider_file *items = mem_zalloc((count + 1) * sizeof(*items));
	size_t added = new_files(providers, paths, count, items);
	struct reading reading = {source, providers->cache, items};

	parallel_each(added, few_files(source, items, added), read_one, &reading);
	providers->items = mem_regrow(providers->items, providers->count + added + 1,
				      sizeof(*providers->items));
	memcpy(providers->items + providers->count, items, added * sizeof(*items));
	providers->count += added;
	if (added > 0)
		qsort(providers->items, providers->count, sizeof(*providers->items),
		      by_path);
	free(items);
}
