/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table of options: one row each, for the parser, --help and completion.
 */
#pragma once

#include "command.h"

struct option_row {
	const char *name;     /* long name without dashes */
	char letter;          /* or 0 */
	const char *argument; /* "DIR", or NULL */
	const char *summary;
	unsigned int verbs; /* the enum verb_option that a verb needs for it; 0: global */
	int (*take)(struct command *c, const char *value, struct error *err);
};

/* Ended by a row without a name. */
extern const struct option_row option_rows[];

/*
 * Parse everything: options may stand before and behind the verb. Fills c->verb and
 * c->args; ret_args owns the words. Returns 1 when --help or --version was answered.
 * -ERROR_USAGE names what is not understood.
 */
int options_parse(int argc, char **argv, struct command *c, struct strv *ret_args,
		  struct error *err);
