/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The index from borrowed names to numbers.
 */
#include "name-index.h"

#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "base/text.h"
#include "symbol-index.h"

#define FIRST_SLOTS ((size_t)64)

void name_index_done(struct name_index *index)
{
	free(index->slots);
	*index = (struct name_index){0};
}

static uint32_t hash_of(const struct name_index *index, const char *name)
{
	return symbol_hash(index->seed, name, strlen(name));
}

/* The slot that holds the name, or the free one where it belongs; half of them are. */
static struct name_slot *slot_of(const struct name_index *index, const char *name,
				 uint32_t hash)
{
	size_t mask = index->size - 1;
	size_t i = hash & mask;

	while (index->slots[i].name &&
	       (index->slots[i].hash != hash || strcmp(index->slots[i].name, name) != 0))
		i = (i + 1) & mask;
	return &index->slots[i];
}

static void make_room(struct name_index *index, size_t size)
{
	/* Sixteen random bytes that the kernel gives to every process. */
	const void *random = (const void *)getauxval(AT_RANDOM);

	if (random)
		memcpy(&index->seed, random, sizeof(index->seed));
	index->slots = mem_zalloc(size * sizeof(*index->slots));
	index->size = size;
}

static void grow(struct name_index *index)
{
	struct name_slot *old = index->slots;
	size_t old_size = index->size, mask;

	make_room(index, old_size ? old_size * 2 : FIRST_SLOTS);
	mask = index->size - 1;
	for (size_t i = 0; i < old_size; i++) {
		size_t to = old[i].hash & mask;

		if (!old[i].name)
			continue;
		while (index->slots[to].name)
			to = (to + 1) & mask;
		index->slots[to] = old[i];
	}
	free(old);
}

void name_index_clear(struct name_index *index, size_t expected)
{
	size_t size = FIRST_SLOTS;

	while (size / 2 <= expected)
		size *= 2;
	if (index->size >= size && index->size / 8 <= size) {
		memset(index->slots, 0, index->size * sizeof(*index->slots));
	} else {
		free(index->slots);
		make_room(index, size);
	}
	index->count = 0;
}

uint32_t name_index_add(struct name_index *index, const char *name, uint32_t value)
{
	struct name_slot *slot;
	uint32_t hash;

	if (index->count * 2 >= index->size)
		grow(index);
	hash = hash_of(index, name);
	slot = slot_of(index, name, hash);
	if (slot->name)
		return slot->value;
	*slot = (struct name_slot){.name = name, .hash = hash, .value = value};
	index->count++;
	return value;
}

uint32_t name_index_find(const struct name_index *index, const char *name)
{
	const struct name_slot *slot;

	if (!index->count)
		return NAME_INDEX_NONE;
	slot = slot_of(index, name, hash_of(index, name));
	return slot->name ? slot->value : NAME_INDEX_NONE;
}
