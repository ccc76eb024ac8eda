/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What modules export, known again by the SHA-256 of their compressed files: reading a
 * file is a hundred times faster than taking it apart. For kernel-providers.c.
 */
#pragma once

#include "content-key.h"
#include "probe/kernel-abi.h"

/* Opaque; one for the modules of a release. */
struct export_cache;
/* cache may be NULL: nothing is known then, and nothing kept; ret is NULL. */
struct export_cache *export_cache_open(const struct symbol_cache *cache,
				       const char *release);
/* Keep what is new, then free. NULL is taken. */
void export_cache_close(struct export_cache *cache);
static inline void export_cache_close_cleanup(struct export_cache **cache)
{
	export_cache_close(*cache);
}
#define autoexports cleanup(export_cache_close_cleanup)

/* Is the file of that key known? Changes nothing: threads may ask at once. */
bool export_cache_has(const struct export_cache *cache, const char *key);
/* A module's exports, count of them in table from first on. */
struct cached_exports {
	const struct symbol_table *table;
	size_t first, count;
};
/* Those of the file of that key, where it is known; ret lives until the next call. */
bool export_cache_find(struct export_cache *cache, const char *key,
		       struct cached_exports *ret);
void export_cache_add(struct export_cache *cache, const char *key,
		      const struct module_file *file);
