/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dkms.conf without bash. Lines that assign a variable at the top level are given to
 * shell-variables one by one; a name that is assigned in any other place (within if, by
 * &&, with +=) becomes unreadable, and an unreadable directive excludes nothing: the
 * build itself will tell.
 */
#include "dkms-conf.h"

#include <ctype.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "shell-variables.h"

#define CONF_MAX     ((size_t)256 * 1024)
#define PATTERN_COST 4000 /* characters, all copies counted */

static const char *const directives[] = {
	"BUILD_EXCLUSIVE_KERNEL_MIN", "BUILD_EXCLUSIVE_KERNEL_MAX",
	"BUILD_EXCLUSIVE_KERNEL",     "BUILD_EXCLUSIVE_ARCH",
	"BUILD_EXCLUSIVE_CONFIG",
};

static size_t word_length(const char *s)
{
	size_t n = 0;

	while (isalnum((unsigned char)s[n]) || s[n] == '_')
		n++;
	return n;
}

/* Only bash could tell its value now. */
static void make_unreadable(struct shell_variables *variables, const char *name, size_t n)
{
	autofree char *text = str_format("%.*s=$(unknown)", (int)n, name);

	(void)shell_variables_read(variables, text, NULL); /* more names than it takes */
}

/* Directives that a line assigns somewhere behind its beginning. */
static void read_rest(struct shell_variables *variables, const char *line)
{
	for (size_t i = 0; i < ARRAY_LEN(directives); i++) {
		const char *at = strstr(line, directives[i]);
		size_t n = strlen(directives[i]);

		for (; at; at = strstr(at + n, directives[i]))
			if (at[n] == '=' || (at[n] == '+' && at[n + 1] == '='))
				make_unreadable(variables, directives[i], n);
	}
}

/* How much deeper the shell is nested behind this line: if, case, loops, braces. */
static int line_nesting(const char *line)
{
	static const char *const opening[] = {"if", "case", "for", "while", "until", "{"};
	static const char *const closing[] = {"fi", "esac", "done", "}"};
	autostrv struct strv words = {0};
	int depth = 0;

	strv_split(&words, line, " \t;");
	for (size_t i = 0; i < words.count && words.items[i][0] != '#'; i++) {
		for (size_t j = 0; j < ARRAY_LEN(opening); j++)
			depth += str_eq(words.items[i], opening[j]);
		for (size_t j = 0; j < ARRAY_LEN(closing); j++)
			depth -= str_eq(words.items[i], closing[j]);
	}
	return depth;
}

/*
 * A "$" that begins nothing stands for itself ("^6[.]1$" in double quotes); the parser
 * wants to see that. Caller frees.
 */
static char *protect_dollars(const char *line)
{
	static const char begins[] = "_{(@*#?$!-";
	struct text out = {0};
	char quote = 0;

	for (; *line; line++) {
		if (quote != '\'' && line[0] == '\\' && line[1])
			text_append_n(&out, line++, 1);
		else if (*line == quote)
			quote = 0;
		else if (!quote && (*line == '\'' || *line == '"'))
			quote = *line;
		else if (*line == '$' && quote != '\'' &&
			 !isalnum((unsigned char)line[1]) &&
			 (!line[1] || !strchr(begins, line[1])) &&
			 (quote || (line[1] != '"' && line[1] != '\'')))
			text_append(&out, "\\");
		text_append_n(&out, line, 1);
	}
	return text_take(&out);
}

static void read_line(struct shell_variables *variables, const char *text, bool top)
{
	autofree char *protected = protect_dollars(text);
	const char *line = protected;
	size_t n;

	if (str_starts(line, "export "))
		line += strlen("export ");
	line += strspn(line, " \t");
	n = word_length(line);
	if (n > 0 && line[n] == '=') {
		if (!top || shell_variables_read(variables, line, NULL) < 0)
			make_unreadable(variables, line, n);
		line += n + 1;
	} else if (n > 0 && line[n] == '+' && line[n + 1] == '=') {
		make_unreadable(variables, line, n);
		line += n + 2;
	}
	read_rest(variables, line);
}

static void read_text(struct shell_variables *variables, const char *text)
{
	autofree char *copy = str_dup(text);
	char *rest = copy;
	char *line;
	int depth = 0;

	while ((line = strsep(&rest, "\n"))) {
		int nesting;

		line = str_strip(line);
		if (*line == '#')
			continue;
		nesting = line_nesting(line);
		read_line(variables, line, depth == 0 && nesting == 0);
		depth += nesting;
		if (depth < 0)
			depth = 0;
	}
}

static const char *directive(const struct shell_variables *variables, const char *name)
{
	const char *value = "";

	(void)shell_variables_get(variables, name, &value, NULL); /* says nothing */
	return value;
}

/*
 * A pattern that regcomp(3) makes little of. It copies what is repeated, for each "+" and
 * each count, so that a short pattern may take memory without end; what refers back takes
 * time.
 */
static bool pattern_is_small(const char *pattern)
{
	unsigned long cost = strlen(pattern), count;

	for (const char *c = pattern; *c && cost <= PATTERN_COST; c++) {
		if (c[0] == '\\' && isdigit((unsigned char)c[1]))
			return false;
		count = *c == '{' || *c == ',' ? strtoul(c + 1, NULL, 10) : 0;
		if (count > PATTERN_COST)
			return false;
		if (count > 1)
			cost *= count;
		if (*c == '+')
			cost *= 2;
	}
	return cost <= PATTERN_COST;
}

/* bash's [[ text =~ pattern ]]; a pattern that can't be read matches. */
static bool text_matches(const char *text, const char *pattern)
{
	regex_t regex;
	bool matches;

	if (!pattern_is_small(pattern) ||
	    regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return true;
	matches = regexec(&regex, text, 0, NULL, 0) != REG_NOMATCH;
	regfree(&regex);
	return matches;
}

/* dkms' own VER(): numbers of one or two digits become three, then text is compared. */
static char *padded_version(const char *version)
{
	struct text padded = {0};

	while (*version) {
		size_t n = strspn(version, "0123456789");

		if (n > 0 && n < 3)
			text_append_n(&padded, "00", 3 - n);
		text_append_n(&padded, version, n ? n : 1);
		version += n ? n : 1;
	}
	return text_take(&padded);
}

static int version_order(const char *a, const char *b)
{
	autofree char *left = padded_version(a), *right = padded_version(b);

	return strcmp(left, right);
}

/* "^OPTION=[ym]" in a .config. */
static bool option_is_set(const char *config, const char *option)
{
	autofree char *wanted = str_format("%s=", option);
	size_t n = strlen(wanted);

	for (const char *at = strstr(config, wanted); at; at = strstr(at + n, wanted))
		if ((at == config || at[-1] == '\n') && (at[n] == 'y' || at[n] == 'm'))
			return true;
	return false;
}

/* The first option of the list that is not as it must be, "!NAME": must not be set. */
static char *option_that_excludes(const char *config, const char *list)
{
	autostrv struct strv options = {0};

	strv_split(&options, list, " \t\n");
	for (size_t i = 0; config && i < options.count; i++) {
		bool unwanted = options.items[i][0] == '!';

		if (option_is_set(config, options.items[i] + (unwanted ? 1 : 0)) ==
		    unwanted)
			return str_dup(options.items[i]);
	}
	return NULL;
}

static char *what_excludes(const struct shell_variables *variables,
			   const struct dkms_target *target)
{
	const char *kernel = directive(variables, "BUILD_EXCLUSIVE_KERNEL");
	const char *least = directive(variables, "BUILD_EXCLUSIVE_KERNEL_MIN");
	const char *most = directive(variables, "BUILD_EXCLUSIVE_KERNEL_MAX");
	const char *arch = directive(variables, "BUILD_EXCLUSIVE_ARCH");
	autofree char *option =
		option_that_excludes(target->config,
				     directive(variables, "BUILD_EXCLUSIVE_CONFIG"));

	if (*kernel && !text_matches(target->release, kernel))
		return str_format("BUILD_EXCLUSIVE_KERNEL=\"%s\"", kernel);
	if (*least && version_order(target->release, least) < 0)
		return str_format("BUILD_EXCLUSIVE_KERNEL_MIN=\"%s\"", least);
	if (*most && version_order(target->release, most) > 0)
		return str_format("BUILD_EXCLUSIVE_KERNEL_MAX=\"%s\"", most);
	if (*arch && !text_matches(target->arch, arch))
		return str_format("BUILD_EXCLUSIVE_ARCH=\"%s\"", arch);
	if (option)
		return str_format("BUILD_EXCLUSIVE_CONFIG=\"%s\"", option);
	return NULL;
}

bool dkms_text_excludes(const char *text, const struct dkms_target *target,
			char **ret_why)
{
	autovariables struct shell_variables variables = {0};
	char *why;

	read_text(&variables, text);
	why = what_excludes(&variables, target);
	if (why)
		*ret_why = why;
	return why;
}

bool dkms_conf_excludes(const struct root *root, const struct strv *paths,
			const struct dkms_target *target, char **ret_why)
{
	autotext struct text all = {0};

	for (size_t i = 0; i < paths->count; i++) {
		autofree char *text = NULL;

		if (root_read(root, paths->items[i], CONF_MAX, &text, NULL, NULL) == 0)
			text_appendf(&all, "%s\n", text);
	}
	return dkms_text_excludes(text_str(&all), target, ret_why);
}
