/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One table of a release's modules: the exports of each stand together, and a note says
 * which file's they are, as lines "KEY FIRST COUNT". A module that was built anew has
 * exports of the same names as its former self; then the modules of this run alone are
 * kept.
 */
#include "export-cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define NOTE_MODULES "modules"

/* A table and its note. */
struct record {
	struct symbol_table *table;
	struct text lines;
};

struct export_cache {
	const struct symbol_cache *below;
	char *key;
	struct record known; /* what was kept, and what is new */
	struct record run;   /* of the modules of this run */
	bool changed, outdated;
};

static void record_done(struct record *record)
{
	symbol_table_free(record->table);
	text_done(&record->lines);
}

static void cache_load(struct export_cache *cache)
{
	const char *lines;

	if (cache->below->load(cache->below->data, cache->key, &cache->known.table) < 0)
		return;
	lines = symbol_table_noted(cache->known.table, NOTE_MODULES, NULL);
	if (lines)
		text_append(&cache->known.lines, lines);
}

struct export_cache *export_cache_open(const struct symbol_cache *cache,
				       const char *release)
{
	struct export_cache *ret;

	if (!cache)
		return NULL;
	ret = mem_zalloc(sizeof(*ret));
	ret->below = cache;
	ret->key = str_format(SYMBOL_CACHE_MODULES "%s", release);
	cache_load(ret);
	if (!ret->known.table)
		ret->known.table = symbol_table_new();
	ret->run.table = symbol_table_new();
	return ret;
}

void export_cache_close(struct export_cache *cache)
{
	struct record *kept;

	if (!cache)
		return;
	kept = cache->outdated ? &cache->run : &cache->known;
	if (cache->changed &&
	    symbol_table_note(kept->table, NOTE_MODULES, text_str(&kept->lines),
			      kept->lines.len) == 0)
		cache->below->store(cache->below->data, cache->key, kept->table);
	record_done(&cache->known);
	record_done(&cache->run);
	free(cache->key);
	free(cache);
}

/* "FIRST COUNT" of a line, within the table. */
static bool parse_range(const char *text, const struct symbol_table *table,
			struct cached_exports *ret)
{
	size_t total = symbol_table_count(table);
	unsigned long long first, count;
	autostrv struct strv words = {0};
	autofree char *line = str_ndup(text, strcspn(text, "\n"));

	strv_split(&words, line, " ");
	if (words.count != 2 || str_to_u64(words.items[0], 0, total, &first) < 0 ||
	    str_to_u64(words.items[1], 0, total - first, &count) < 0)
		return false;
	*ret = (struct cached_exports){table, first, count};
	return true;
}

/* Add to both; false: one of the names is another module's already. */
static bool record_add(struct record *record, const char *key,
		       const struct symbol *symbols, size_t count)
{
	size_t first = symbol_table_count(record->table);

	for (size_t i = 0; i < count; i++)
		if (symbol_table_add(record->table, &symbols[i]) < 0)
			return false;
	text_appendf(&record->lines, "%s %zu %zu\n", key, first, count);
	return true;
}

static void run_add_known(struct export_cache *cache, const char *key,
			  const struct cached_exports *exports)
{
	autofree struct symbol *symbols =
		mem_zalloc((exports->count + 1) * sizeof(*symbols));

	for (size_t i = 0; i < exports->count; i++)
		symbols[i] = *symbol_table_at(exports->table, exports->first + i);
	(void)record_add(&cache->run, key, symbols, exports->count); /* as there */
}

static bool range_of(const struct export_cache *cache, const char *key,
		     struct cached_exports *ret)
{
	const char *line = strstr(text_str(&cache->known.lines), key);

	return line && line[CONTENT_KEY_SIZE - 1] == ' ' &&
	       parse_range(line + CONTENT_KEY_SIZE, cache->known.table, ret);
}

bool export_cache_has(const struct export_cache *cache, const char *key)
{
	struct cached_exports exports;

	return range_of(cache, key, &exports);
}

bool export_cache_find(struct export_cache *cache, const char *key,
		       struct cached_exports *ret)
{
	if (!range_of(cache, key, ret))
		return false;
	run_add_known(cache, key, ret);
	return true;
}

void export_cache_add(struct export_cache *cache, const char *key,
		      const struct module_file *file)
{
	/* Two modules of one run with the same export: the second is not kept. */
	if (!record_add(&cache->run, key, file->exports, file->export_count))
		return;
	if (!record_add(&cache->known, key, file->exports, file->export_count))
		cache->outdated = true;
	cache->changed = true;
}
