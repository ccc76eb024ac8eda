/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The symbols that a kernel exports to modules: name, version (CRC), whether only
 * GPL-compatible modules may use it, namespace, owner. Filled by probe/ from an image,
 * from a module or from Module.symvers; asked by core/compat.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

struct symbol {
	const char *name;
	const char *
		name_space; /* "" for none; "module:a,b*" is a list of modules that may */
	const char *owner;  /* "" is the image itself, else a module's name ("nf_nat") */
	uint32_t crc;
	bool has_crc; /* false: built without MODVERSIONS, or its record has none */
	bool gpl;
};

/* Opaque: an arena of texts, an open-addressing index, symbols in the order added. */
struct symbol_table;

struct symbol_table *symbol_table_new(void);
void symbol_table_free(struct symbol_table *table);
static inline void symbol_table_free_cleanup(struct symbol_table **table)
{
	symbol_table_free(*table);
}
#define autosymbols cleanup(symbol_table_free_cleanup)

/*
 * Add a copy of the symbol. One that is there already stays and -EEXIST is returned
 * (the kernel refuses the second export of a name); -EFBIG: the table is full
 * (SYMBOL_TABLE_MAX).
 */
#define SYMBOL_TABLE_MAX 4000000
int symbol_table_add(struct symbol_table *table, const struct symbol *symbol);
/* The symbol of that name, or NULL. Valid until the next add. */
const struct symbol *symbol_table_find(const struct symbol_table *table,
				       const char *name);
size_t symbol_table_count(const struct symbol_table *table);
/* The i-th in the order added, i < count. */
const struct symbol *symbol_table_at(const struct symbol_table *table, size_t i);

/*
 * Bytes kept beside the symbols, packed with them: what else was read of the same image,
 * so that a cache spares reading it again. A name of before gets the new bytes. -EFBIG:
 * more than SYMBOL_TABLE_NOTES of them, a name over 31 bytes, or more than 1 MiB.
 */
#define SYMBOL_TABLE_NOTES 16
int symbol_table_note(struct symbol_table *table, const char *name, const void *data,
		      size_t len);
/* The bytes of that name with a NUL behind, owned by the table, or NULL. */
const void *symbol_table_noted(const struct symbol_table *table, const char *name,
			       size_t *ret_len);

/*
 * The table as bytes for a cache (caller frees), and back. key is what it was made from
 * (an image's SHA-256): a cache with another key, another format, a bad sum or a bound
 * that does not hold is -ERROR_DAMAGED, which callers treat as no cache. Little endian.
 * What unpack returns does not need data any longer, and can be added to.
 */
int symbol_table_pack(const struct symbol_table *table, const char *key, void **ret,
		      size_t *ret_len);
int symbol_table_unpack(const void *data, size_t len, const char *key,
			struct symbol_table **ret, struct error *err);

/*
 * Do the two tables agree on every symbol that both have, and have they the same ones?
 * Differences are counted; first (caller frees, NULL for none) names one in a sentence.
 */
struct symbol_difference {
	size_t missing; /* in a, not in b */
	size_t more;    /* in b, not in a */
	size_t differ;  /* CRC, GPL or namespace */
	char *first;
};
void symbol_table_compare(const struct symbol_table *a, const struct symbol_table *b,
			  struct symbol_difference *ret);
