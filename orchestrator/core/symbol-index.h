/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a symbol table is made of, for symbol-table.c and symbol-pack.c alone.
 */
#pragma once

#include "base/text.h"
#include "core/symbol-table.h"

struct text_block {
	struct text_block *next;
	size_t used, size;
	char data[];
};

/* id is the symbol's place in the order added, plus one; 0: free. */
struct symbol_slot {
	uint32_t hash, id;
};

struct symbol_note {
	char name[32];
	char *data; /* with a NUL behind */
	size_t len;
};

struct symbol_table {
	struct symbol *symbols;
	size_t count, size;
	struct symbol_slot *slots; /* a power of two, at most half of them taken */
	size_t slot_count;
	uint64_t seed; /* of the hash */
	struct text_block *blocks;
	struct symbol_note notes[SYMBOL_TABLE_NOTES];
	size_t note_count;
};

uint32_t symbol_hash(uint64_t seed, const char *name, size_t len);
/* Of the packed form, from the field behind the sum on. */
uint64_t symbol_pack_sum(const void *data, size_t len);
