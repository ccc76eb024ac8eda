/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as a packed table of symbols, with the sum made right so that what lies
 * behind it is reached: damaged, or a table whose every text can be read and that packs
 * again.
 */
#include <assert.h>
#include <endian.h>
#include <string.h>

#include "base/cleanup.h"
#include "fuzz.h"
#include "symbol-index.h"

#define SUM_AT 8
#define SUMMED 16

static void check(const struct symbol_table *table)
{
	autosymbols struct symbol_table *again = NULL;
	autofree void *packed = NULL;
	size_t len, texts = 0;

	for (size_t i = 0; i < symbol_table_count(table); i++) {
		const struct symbol *symbol = symbol_table_at(table, i);

		texts += strlen(symbol->name) + strlen(symbol->name_space) +
			 strlen(symbol->owner);
		(void)symbol_table_find(table, symbol->name);
	}
	assert(symbol_table_find(table, "no symbol's name") == NULL || texts > 0);
	if (symbol_table_pack(table, "key", &packed, &len) == 0) {
		assert(symbol_table_unpack(packed, len, "key", &again, NULL) == 0);
		assert(symbol_table_count(again) == symbol_table_count(table));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autosymbols struct symbol_table *table = NULL;
	autofree uint8_t *bytes = mem_zalloc(size);
	struct error err = {0};
	uint64_t sum;

	memcpy(bytes, data, size);
	if (size > SUMMED) {
		sum = htole64(symbol_pack_sum(bytes + SUMMED, size - SUMMED));
		memcpy(bytes + SUM_AT, &sum, sizeof(sum));
	}
	if (symbol_table_unpack(bytes, size, "key", &table, &err) < 0)
		assert(err.code == -ERROR_DAMAGED && err.message[0]);
	else
		check(table);
	return 0;
}
