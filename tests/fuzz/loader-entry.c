/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any text as a boot loader entry: its release is one or none, and no path of it is found
 * outside of the root (there is nothing within it).
 */
#include "loader-entries.h"

#include <assert.h>

#include "base/cleanup.h"
#include "core/release.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct loader_entry entry = {.mount = str_dup("/boot")};
	const struct root nowhere = {.fd = -1};
	autofree char *text = str_ndup((const char *)data, size);
	autofree char *release = NULL;

	loader_entry_parse(text, &entry);
	release = loader_entry_release(&entry);
	assert(!release || release_valid(release));
	if (entry.image)
		assert(!loader_entry_file(&nowhere, &entry, entry.image));
	for (size_t i = 0; i < entry.initrds.count; i++)
		assert(entry.initrds.items[i][0] != '$');
	loader_entry_done(&entry);
	return 0;
}
