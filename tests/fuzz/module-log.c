/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any text as a record of the kernel's log: no refusal, or one of the kernel's own with
 * a name that could be a module's and a message that stands in the record.
 */
#include "probe/module-log.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "base/text.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *record = str_ndup((const char *)data, size);
	autofree char *module = NULL;
	const char *message = module_log_refusal(record, &module);

	assert((message != NULL) == (module != NULL));
	if (!message)
		return 0;
	assert(message > record && message <= record + strlen(record));
	assert(message[-1] == ';' && isdigit((unsigned char)record[0]));
	assert(*module && strlen(module) <= strlen(message));
	for (const char *c = module; *c; c++)
		assert(isalnum((unsigned char)*c) || *c == '_');
	return 0;
}
