/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any text as /etc/default/grub: assignments with proper names, or a refusal that says
 * the line. What was read can be asked for.
 */
#include "shell-variables.h"

#include <assert.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup(shell_variables_done) struct shell_variables variables = {0};
	autofree char *text = str_ndup((const char *)data, size);
	struct error err = {0};
	int r = shell_variables_read(&variables, text, &err);

	assert(r == 0 || (r == -ERROR_UNSUPPORTED && str_starts(err.message, "line ")));
	assert(variables.count <= 512);
	for (size_t i = 0; i < variables.count; i++) {
		const struct shell_variable *v = &variables.items[i];
		const char *value = NULL;

		assert(*v->name && !strpbrk(v->name, " =$\n"));
		r = shell_variables_get(&variables, v->name, &value, NULL);
		assert(r == -ERROR_UNSUPPORTED || (r == 0 && strlen(value) < 8192));
	}
	return 0;
}
