/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any text as a command line: what passes the check survives being joined and split; and
 * any text as a value of /etc/default/grub: read or refused with a reason.
 */
#include <assert.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/command-line.h"
#include "fuzz.h"

static void check_line(const char *line)
{
	autostrv struct strv args = {0}, again = {0};
	autofree char *joined = NULL;

	command_line_split(line, &args);
	joined = command_line_join(&args);
	if (command_line_check(&args, NULL) < 0)
		return;
	command_line_split(joined, &again);
	assert(args.count == again.count);
	for (size_t i = 0; i < args.count; i++)
		assert(strcmp(args.items[i], again.items[i]) == 0);
}

/* A GRUB word is quoted all through: outside of quotes stands nothing but \'. */
static void check_word(const char *text)
{
	autofree char *word = command_line_grub_word(text);
	bool quoted = false;

	for (const char *c = word; *c; c++) {
		if (*c == '\'')
			quoted = !quoted;
		else if (!quoted)
			assert(*c == '\\' && *++c == '\'');
	}
	assert(!quoted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *text =
		str_ndup((const char *)data, strnlen((const char *)data, size));
	autofree char *value = NULL;
	struct error err = {0};

	check_line(text);
	check_word(text);
	if (command_line_unquote(text, &value, &err) < 0)
		assert(!value && err.message[0]);
	else
		assert(value && strlen(value) <= strlen(text));
	return 0;
}
