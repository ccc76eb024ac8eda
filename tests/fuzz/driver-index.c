/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as one of depmod's files: as an index they are walked to an end or refused;
 * as modules.alias and modules.builtin.modinfo they match only what is asked for.
 */
#include <assert.h>
#include <string.h>

#include "alias-match.h"
#include "fuzz.h"
#include "kmod-index.h"

static void take(void *data, size_t index, const char *module, size_t length)
{
	const struct strv *wanted = data;

	assert(index < wanted->count && length > 0);
	assert(strnlen(module, length) <= length); /* all of it can be read */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char pci[] = "pci:v00008086d000015BBsv0000103Csd00008549bc02sc00i00";
	char usb[] = "usb:v046DpC52Bd1211dc00dsc00dp00ic03isc01ip01in00", x[] = "x";
	char *items[] = {pci, usb, x, NULL};
	struct strv wanted = {items, 3}, found = {0};
	struct alias_match match = {&wanted, take, &wanted};

	(void)kmod_index_whole(data, size); /* either answer is one */
	(void)kmod_index_find(data, size, "symbol:one", &found);
	strv_done(&found);
	alias_match_text(&match, (const char *)data, size);
	alias_match_modinfo(&match, (const char *)data, size);
	return 0;
}
