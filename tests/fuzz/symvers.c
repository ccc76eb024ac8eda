/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as Module.symvers: damaged, said with a line, or symbols that come back the
 * same out of a cache.
 */
#include <assert.h>
#include <string.h>

#include "base/cleanup.h"
#include "fuzz.h"
#include "probe/kernel-image.h"

static void check(const struct symbol_table *table)
{
	autosymbols struct symbol_table *again = NULL;
	struct symbol_difference found;
	autofree void *packed = NULL;
	size_t len;

	assert(symbol_table_pack(table, "key", &packed, &len) == 0);
	assert(symbol_table_unpack(packed, len, "key", &again, NULL) == 0);
	symbol_table_compare(table, again, &found);
	assert(!found.first);
	for (size_t i = 0; i < symbol_table_count(table); i++)
		assert(strcmp(symbol_table_at(table, i)->owner,
			      symbol_table_at(again, i)->owner) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autosymbols struct symbol_table *table = symbol_table_new();
	struct error err = {0};
	bool versions;
	int r = symvers_parse("symvers", (const char *)data, size, table, &versions,
			      &err);

	assert(r == 0 || (r == -ERROR_DAMAGED && err.message[0]));
	if (r == 0)
		check(table);
	return 0;
}
