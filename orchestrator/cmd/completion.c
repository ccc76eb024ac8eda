/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kuro hook completion: bash and zsh completion, made from the tables.
 */
#include <stdio.h>
#include <string.h>

#include "options.h"

static void completion_bash_options(unsigned int wanted, bool global)
{
	for (const struct option_row *row = option_rows; row->name; row++)
		if (global ? !row->verbs : row->verbs & wanted)
			(void)printf(" --%s%s", row->name, row->argument ? "=" : "");
}

/* What a verb's argument is completed with, a command; NULL for nothing. */
static const char *completion_source(const struct verb *v)
{
	if (strstr(v->arguments, "RELEASE") && strstr(v->arguments, "FILE"))
		return "ls -d /lib/modules/* *.deb *.rpm vmlinu* 2>/dev/null | "
		       "sed s,^/lib/modules/,,";
	if (strstr(v->arguments, "RELEASE"))
		return "ls /lib/modules 2>/dev/null";
	if (strstr(v->arguments, "GENERATION"))
		return "ls /boot/kuro/gen 2>/dev/null";
	return NULL;
}

static int completion_bash(void)
{
	(void)puts("# bash completion for kuro, made from its table of verbs\n"
		   "_kuro()\n{\n"
		   "\tlocal cur=${COMP_WORDS[COMP_CWORD]} verb= word words=\n"
		   "\tif [[ $cur == '=' || ${COMP_WORDS[COMP_CWORD-1]} == '=' ]]; then\n"
		   "\t\tcompopt -o filenames\n"
		   "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"${cur#=}\")\n"
		   "\t\treturn 0\n\tfi\n"
		   "\tfor word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
		   "\t\t[[ $word == -* ]] || { verb=$word; break; }\n"
		   "\tdone\n"
		   "\tcase $verb in\n"
		   "\t'')");
	(void)printf("\t\twords='");
	for (const struct verb *v = verbs; v->name; v++)
		(void)printf("%s ", v->name);
	(void)printf("' ;;\n");
	for (const struct verb *v = verbs; v->name; v++) {
		const char *source = completion_source(v);

		(void)printf("\t%s)\n\t\twords='", v->name);
		completion_bash_options(v->options, false);
		(void)printf("'%s%s%s ;;\n", source ? "\" $(" : "", source ? source : "",
			     source ? ")\"" : "");
	}
	(void)printf("\tesac\n\t[[ $cur == -* ]] && words+='");
	completion_bash_options(0, true);
	(void)puts("'\n"
		   "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
		   "\t[[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace\n"
		   "\treturn 0\n}\ncomplete -F _kuro kuro");
	return 0;
}

/* Text within zsh's '[…]' in single quotes. */
static void completion_zsh_text(const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			(void)fputs("'\\''", stdout);
		else if (strchr("[]:\\", *text))
			(void)printf("\\%c", *text);
		else
			(void)putchar(*text);
	}
}

static void completion_zsh_options(unsigned int wanted, bool global)
{
	for (const struct option_row *row = option_rows; row->name; row++) {
		if (global ? row->verbs != 0 : !(row->verbs & wanted))
			continue;
		(void)printf("\t\t'--%s%s[", row->name, row->argument ? "=" : "");
		completion_zsh_text(row->summary);
		(void)printf("]%s%s%s' \\\n", row->argument ? ":" : "",
			     row->argument ? row->argument : "",
			     str_eq(row->argument, "FILE") ? ":_files" : "");
	}
}

static void completion_zsh_verb(const struct verb *v)
{
	const char *source = completion_source(v);

	(void)printf("\t%s)\n\t\t_arguments \\\n", v->name);
	completion_zsh_options(v->options, false);
	completion_zsh_options(0, true);
	if (source)
		(void)printf("\t\t'*:%s:(${(f)\"$(%s)\"})' ;;\n", v->arguments, source);
	else
		(void)printf("\t\t'*:: :' ;;\n");
}

static int completion_zsh(void)
{
	(void)puts(
		"#compdef kuro\n# zsh completion for kuro, made from its table of verbs\n"
		"_kuro()\n{\n\tlocal context state line\n\tlocal -a kuro_verbs\n"
		"\tkuro_verbs=(");
	for (const struct verb *v = verbs; v->name; v++) {
		(void)printf("\t\t'%s:", v->name);
		completion_zsh_text(v->summary);
		(void)puts("'");
	}
	(void)puts("\t)\n\t_arguments -C \\");
	completion_zsh_options(0, true);
	(void)puts("\t\t'1:verb:->verb' '*::argument:->argument'\n"
		   "\tif [[ $state == verb ]]; then\n"
		   "\t\t_describe verb kuro_verbs\n\t\treturn\n\tfi\n\tcase $line[1] in");
	for (const struct verb *v = verbs; v->name; v++)
		completion_zsh_verb(v);
	(void)puts("\tesac\n}\n_kuro \"$@\"");
	return 0;
}

int cmd_hook_completion(struct command *c, struct error *err)
{
	if (str_eq(c->args[0], "bash"))
		return completion_bash();
	if (str_eq(c->args[0], "zsh"))
		return completion_zsh();
	return error_set(err, -ERROR_USAGE,
			 "completion for \"%s\": there is bash and zsh", c->args[0]);
}
