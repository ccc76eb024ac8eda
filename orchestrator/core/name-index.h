/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names to numbers, for one question after another about many names: an open-addressing
 * index that borrows the names. They come from files that may want to collide: the hash
 * is keyed as symbol-table's.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define NAME_INDEX_NONE UINT32_MAX

struct name_slot {
	const char *name; /* NULL: free */
	uint32_t hash, value;
};

/* Zero-initialised is empty. */
struct name_index {
	struct name_slot *slots;
	size_t size, count; /* a power of two, at most half of them taken */
	uint64_t seed;
};

void name_index_done(struct name_index *index);
/* Forget every name and keep the room, where that is not far more than expected. */
void name_index_clear(struct name_index *index, size_t expected);
/* The value of that name: the one given here, or the one it had already. */
uint32_t name_index_add(struct name_index *index, const char *name, uint32_t value);
/* NAME_INDEX_NONE: not there. */
uint32_t name_index_find(const struct name_index *index, const char *name);
