/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Help, made from the tables of verbs and options.
 */
#include "help.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "options.h"

#define HELP_WIDTH 78

/* Print text folded at blanks. */
static void help_fold(const char *text)
{
	autostrv struct strv words = {0};
	size_t column = 0;

	strv_split(&words, text, " ");
	for (size_t i = 0; i < words.count; i++) {
		size_t n = strlen(words.items[i]);

		if (column > 0 && column + 1 + n > HELP_WIDTH) {
			(void)putchar('\n');
			column = 0;
		}
		(void)printf("%s%s", column > 0 ? " " : "", words.items[i]);
		column += n + (column > 0);
	}
	(void)putchar('\n');
}

static void help_option(const struct option_row *row)
{
	autofree char *name = str_format("--%s%s%s", row->name, row->argument ? "=" : "",
					 row->argument ? row->argument : "");

	if (row->letter)
		(void)printf("  -%c, %-18s %s\n", row->letter, name, row->summary);
	else
		(void)printf("      %-18s %s\n", name, row->summary);
}

static void help_global_options(void)
{
	(void)puts("\nOptions of every verb:");
	for (const struct option_row *row = option_rows; row->name; row++)
		if (!row->verbs)
			help_option(row);
}

void help_all(void)
{
	(void)puts("Usage: kuro [OPTION…] VERB [ARGUMENT…]\n\n"
		   "Kernel upgrades as transactions: tried once, proven by health "
		   "checks, or\n"
		   "taken back with nobody at the console.\n\nVerbs:");
	for (const struct verb *v = verbs; v->name; v++)
		(void)printf("  %-10s %-14s %s\n", v->name, v->arguments, v->summary);
	help_global_options();
	(void)puts(
		"\nExit status: 0 done or yes, 1 failed, 2 usage, 3 refused, 4 this "
		"machine\n"
		"can't, 5 busy, 6 rolled back. See kuro(8), kuro.conf(5), kuro-boot(7).");
}

void help_verb(const struct verb *verb)
{
	(void)printf("Usage: kuro %s%s%s%s\n\n", verb->name,
		     verb->options ? " [OPTION…]" : "", *verb->arguments ? " " : "",
		     verb->arguments);
	help_fold(*verb->help ? verb->help : verb->summary);
	if (verb->options)
		(void)printf("\nOptions of kuro %s:\n", verb->name);
	for (const struct option_row *row = option_rows; row->name; row++)
		if (row->verbs & verb->options)
			help_option(row);
	help_global_options();
}

void help_version(void)
{
	(void)puts("kuro " KURO_VERSION);
}
