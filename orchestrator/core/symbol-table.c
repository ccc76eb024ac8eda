/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Exported symbols in memory: texts in blocks that never move, an open-addressing index
 * over a keyed hash (names come from files that may want to collide), the symbols in the
 * order added. The form in a cache is symbol-pack.c.
 */
#include "core/symbol-table.h"

#include <string.h>
#include <sys/auxv.h>

#include "symbol-index.h"

#define FIRST_SLOTS 1024
#define BLOCK_SIZE  ((size_t)64 * 1024)
#define NOTE_MAX    ((size_t)1024 * 1024)

struct symbol_table *symbol_table_new(void)
{
	struct symbol_table *table = mem_zalloc(sizeof(*table));
	/* Sixteen random bytes that the kernel gives to every process. */
	const void *random = (const void *)getauxval(AT_RANDOM);

	if (random)
		memcpy(&table->seed, random, sizeof(table->seed));
	return table;
}

void symbol_table_free(struct symbol_table *table)
{
	if (!table)
		return;
	for (struct text_block *block = table->blocks, *next; block; block = next) {
		next = block->next;
		free(block);
	}
	for (size_t i = 0; i < table->note_count; i++)
		free(table->notes[i].data);
	free(table->symbols);
	free(table->slots);
	free(table);
}

/* MurmurHash2's mixing over eight bytes at a time, keyed. */
static uint64_t mix(uint64_t hash, uint64_t word)
{
	static const uint64_t prime = 0xc6a4a7935bd1e995;

	word *= prime;
	word ^= word >> 47;
	return (hash ^ (word * prime)) * prime;
}

uint32_t symbol_hash(uint64_t seed, const char *name, size_t len)
{
	uint64_t hash = seed ^ (len * 0x9e3779b97f4a7c15), word;

	for (; len >= sizeof(word); name += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, name, sizeof(word));
		hash = mix(hash, word);
	}
	word = 0;
	memcpy(&word, name, len);
	hash = mix(hash, word);
	hash ^= hash >> 32;
	hash *= 0x9e3779b97f4a7c15;
	return (uint32_t)(hash >> 32);
}

/* The slot that holds the name, or the free one where it belongs. */
static struct symbol_slot *table_slot(const struct symbol_table *table, const char *name,
				      uint32_t hash)
{
	size_t mask = table->slot_count - 1;

	for (size_t i = hash & mask, n = 0; n < table->slot_count;
	     i = (i + 1) & mask, n++) {
		struct symbol_slot *slot = &table->slots[i];

		if (!slot->id)
			return slot;
		if (slot->hash == hash &&
		    strcmp(table->symbols[slot->id - 1].name, name) == 0)
			return slot;
	}
	return NULL; /* a packed index without a free slot; never one made here */
}

static void index_grow(struct symbol_table *table)
{
	struct symbol_slot *old = table->slots;
	size_t old_count = table->slot_count, mask;

	table->slot_count = old_count ? old_count * 2 : FIRST_SLOTS;
	table->slots = mem_zalloc(table->slot_count * sizeof(*table->slots));
	mask = table->slot_count - 1;
	for (size_t i = 0; i < old_count; i++) {
		size_t to = old[i].hash & mask;

		if (!old[i].id)
			continue;
		while (table->slots[to].id)
			to = (to + 1) & mask;
		table->slots[to] = old[i];
	}
	free(old);
}

static const char *keep_text(struct symbol_table *table, const char *text, size_t len)
{
	struct text_block *block = table->blocks;
	char *kept;

	if (!block || block->size - block->used <= len) {
		size_t size = len >= BLOCK_SIZE ? len + 1 : BLOCK_SIZE;

		block = mem_zalloc(sizeof(*block) + size);
		block->size = size;
		block->next = table->blocks;
		table->blocks = block;
	}
	kept = block->data + block->used;
	memcpy(kept, text, len);
	kept[len] = '\0';
	block->used += len + 1;
	return kept;
}

/* Neighbours mostly share their owner and their namespace. */
static const char *keep_like(struct symbol_table *table, const char *text,
			     const char *before)
{
	if (!text || !*text)
		return "";
	if (before && strcmp(text, before) == 0)
		return before;
	return keep_text(table, text, strlen(text));
}

int symbol_table_add(struct symbol_table *table, const struct symbol *symbol)
{
	size_t len = strlen(symbol->name);
	uint32_t hash = symbol_hash(table->seed, symbol->name, len);
	const struct symbol *last;
	struct symbol_slot *slot;

	if (table->count >= SYMBOL_TABLE_MAX)
		return -EFBIG;
	if (table->count * 2 >= table->slot_count)
		index_grow(table);
	slot = table_slot(table, symbol->name, hash);
	if (!slot || slot->id)
		return -EEXIST;
	if (table->count == table->size) {
		table->size = table->size ? table->size * 2 : FIRST_SLOTS / 2;
		table->symbols =
			mem_regrow(table->symbols, table->size, sizeof(*table->symbols));
	}
	last = table->count ? &table->symbols[table->count - 1] : NULL;
	table->symbols[table->count] = (struct symbol){
		.name = keep_text(table, symbol->name, len),
		.name_space = keep_like(table, symbol->name_space,
					last ? last->name_space : NULL),
		.owner = keep_like(table, symbol->owner, last ? last->owner : NULL),
		.crc = symbol->crc,
		.has_crc = symbol->has_crc,
		.gpl = symbol->gpl,
	};
	*slot = (struct symbol_slot){.hash = hash, .id = (uint32_t)++table->count};
	return 0;
}

const struct symbol *symbol_table_find(const struct symbol_table *table, const char *name)
{
	const struct symbol_slot *slot;

	if (!table->count)
		return NULL;
	slot = table_slot(table, name, symbol_hash(table->seed, name, strlen(name)));
	return slot && slot->id ? &table->symbols[slot->id - 1] : NULL;
}

size_t symbol_table_count(const struct symbol_table *table)
{
	return table->count;
}

const struct symbol *symbol_table_at(const struct symbol_table *table, size_t i)
{
	return &table->symbols[i];
}

/* The note's place, note_count for none. */
static size_t find_note(const struct symbol_table *table, const char *name)
{
	size_t i = 0;

	while (i < table->note_count && strcmp(table->notes[i].name, name) != 0)
		i++;
	return i;
}

int symbol_table_note(struct symbol_table *table, const char *name, const void *data,
		      size_t len)
{
	size_t i = find_note(table, name);
	struct symbol_note *note = &table->notes[i];
	char *copy;

	if (i == SYMBOL_TABLE_NOTES || len > NOTE_MAX ||
	    strlen(name) >= sizeof(note->name))
		return -EFBIG;
	copy = mem_zalloc(len + 1);
	if (len)
		memcpy(copy, data, len);
	if (i == table->note_count) {
		memcpy(note->name, name, strlen(name) + 1);
		table->note_count++;
	}
	free(note->data);
	note->data = copy;
	note->len = len;
	return 0;
}

const void *symbol_table_noted(const struct symbol_table *table, const char *name,
			       size_t *ret_len)
{
	size_t i = find_note(table, name);

	if (i == table->note_count)
		return NULL;
	if (ret_len)
		*ret_len = table->notes[i].len;
	return table->notes[i].data;
}

static bool symbols_agree(const struct symbol *a, const struct symbol *b)
{
	return a->has_crc == b->has_crc && (!a->has_crc || a->crc == b->crc) &&
	       a->gpl == b->gpl && strcmp(a->name_space, b->name_space) == 0;
}

/* What is wrong between the two, as a sentence; either may be NULL, not there. */
static char *difference_text(const struct symbol *a, const struct symbol *b)
{
	autofree char *name = str_printable(a ? a->name : b->name);

	if (!a || !b)
		return str_format("%s is only in the %s", name, a ? "first" : "second");
	if (a->has_crc != b->has_crc || (a->has_crc && a->crc != b->crc))
		return str_format(
			"%s has version 0x%08x in the first, 0x%08x in the second", name,
			a->has_crc ? a->crc : 0, b->has_crc ? b->crc : 0);
	if (a->gpl != b->gpl)
		return str_format("%s is GPL-only in the %s alone", name,
				  a->gpl ? "first" : "second");
	return str_format("%s has namespace \"%s\" in the first, \"%s\" in the second",
			  name, a->name_space, b->name_space);
}

static void note_difference(struct symbol_difference *found, const struct symbol *a,
			    const struct symbol *b)
{
	if (!found->first)
		found->first = difference_text(a, b);
	if (!b)
		found->missing++;
	else if (!a)
		found->more++;
	else
		found->differ++;
}

void symbol_table_compare(const struct symbol_table *a, const struct symbol_table *b,
			  struct symbol_difference *ret)
{
	struct symbol_difference found = {0};

	for (size_t i = 0; i < a->count; i++) {
		const struct symbol *one = &a->symbols[i];
		const struct symbol *other = symbol_table_find(b, one->name);

		if (!other || !symbols_agree(one, other))
			note_difference(&found, one, other);
	}
	for (size_t i = 0; i < b->count; i++)
		if (!symbol_table_find(a, b->symbols[i].name))
			note_difference(&found, NULL, &b->symbols[i]);
	*ret = found;
}
