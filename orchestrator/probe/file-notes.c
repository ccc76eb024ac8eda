/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Notes of a table without symbols: of each what, the identity and the value, a line
 * each.
 */
#include "file-notes.h"

#include <string.h>

#include "base/cleanup.h"

static char *key_of(const char *release)
{
	return str_format(SYMBOL_CACHE_FILES "%s", release);
}

char *file_note_find(const struct symbol_cache *cache, const char *release,
		     const char *what, const char *identity)
{
	autosymbols struct symbol_table *notes = NULL;
	autofree char *key = key_of(release);
	const char *note;
	size_t len;

	if (!cache || !identity || cache->load(cache->data, key, &notes) < 0)
		return NULL;
	note = symbol_table_noted(notes, what, NULL);
	len = strlen(identity);
	if (!note || strncmp(note, identity, len) != 0 || note[len] != '\n')
		return NULL;
	return str_dup(note + len + 1);
}

void file_note_keep(const struct symbol_cache *cache, const char *release,
		    const char *what, const char *identity, const char *value)
{
	autosymbols struct symbol_table *notes = NULL;
	autofree char *key = key_of(release), *note = NULL;

	if (!cache || !identity)
		return;
	note = str_format("%s\n%s", identity, value);
	if (cache->load(cache->data, key, &notes) < 0)
		notes = symbol_table_new();
	if (symbol_table_note(notes, what, note, strlen(note)) == 0)
		cache->store(cache->data, key, notes);
}
