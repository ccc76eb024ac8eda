/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A reader for the assignments in shell files (POSIX shell, 2.2 Quoting, 2.6.2
 * Parameter Expansion, the simple forms). It finds where each word ends, puts known
 * variables in, and leaves the quotes to command_line_unquote. What it can't read it
 * says; it never guesses.
 */
#include "shell-variables.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "core/command-line.h"

#define VARIABLES_MAX 512
#define VALUE_MAX     4096 /* X=$X$X must not grow for ever */
#define NESTING_MAX   8

void shell_variables_done(struct shell_variables *variables)
{
	for (size_t i = 0; i < variables->count; i++) {
		free(variables->items[i].name);
		free(variables->items[i].value);
	}
	free(variables->items);
	*variables = (struct shell_variables){0};
}

static struct shell_variable *find(const struct shell_variables *variables,
				   const char *name)
{
	for (size_t i = 0; i < variables->count; i++)
		if (str_eq(variables->items[i].name, name))
			return &variables->items[i];
	return NULL;
}

/* Takes value. */
static int assign(struct shell_variables *variables, const char *name, char *value,
		  struct error *err)
{
	struct shell_variable *known = find(variables, name);

	if (known) {
		free(known->value);
		known->value = value;
		return 0;
	}
	if (variables->count >= VARIABLES_MAX) {
		free(value);
		return error_set(err, -ERROR_UNSUPPORTED, "more than %d variables",
				 VARIABLES_MAX);
	}
	variables->items = mem_regrow(variables->items, variables->count + 1,
				      sizeof(*variables->items));
	variables->items[variables->count++] =
		(struct shell_variable){str_dup(name), value};
	return 0;
}

int shell_variables_get(const struct shell_variables *variables, const char *name,
			const char **ret, struct error *err)
{
	const struct shell_variable *known = find(variables, name);

	if (known && !known->value)
		return error_set(err, -ERROR_UNSUPPORTED,
				 "%s can't be read without a shell", name);
	*ret = known ? known->value : "";
	return 0;
}

static size_t name_length(const char *s)
{
	size_t n = 0;

	if (isdigit((unsigned char)s[0]))
		return 0;
	while (isalnum((unsigned char)s[n]) || s[n] == '_')
		n++;
	return n;
}

/*
 * Where the piece at s ends (a quoted string, a substitution, one character); NULL where
 * it does not end, or nests too deeply. Recursion is bounded by NESTING_MAX.
 */
static const char *piece_end(const char *s, unsigned int depth);

/* Pieces up to an unprotected closing character, which is stepped over. */
static const char *pieces_until(const char *s, char closing, unsigned int depth)
{
	while (s && *s != closing) {
		if (!*s)
			return NULL;
		/* Within double quotes these are ordinary characters. */
		if (closing == '"' && (*s == '\'' || *s == '('))
			s++;
		else
			s = piece_end(s, depth);
	}
	return s ? s + 1 : NULL;
}

static const char *piece_end(const char *s, unsigned int depth)
{
	const char *end;

	if (depth > NESTING_MAX)
		return NULL;
	switch (*s) {
	case '\\':
		return s[1] ? s + 2 : NULL;
	case '\'':
		end = strchr(s + 1, '\'');
		return end ? end + 1 : NULL;
	case '"':
		return pieces_until(s + 1, '"', depth + 1);
	case '`':
		return pieces_until(s + 1, '`', depth + 1);
	case '(':
		return pieces_until(s + 1, ')', depth + 1);
	case '$':
		if (s[1] == '(')
			return pieces_until(s + 2, ')', depth + 1);
		if (s[1] == '{')
			return pieces_until(s + 2, '}', depth + 1);
		return s + 1;
	default:
		return s + 1;
	}
}

/* Where the word at s ends: at an unprotected blank, line's end or semicolon. */
static const char *word_end(const char *s)
{
	while (s && *s && !strchr(" \t\r\n;", *s))
		s = piece_end(s, 0);
	return s;
}

/* What is known while one value's variables are put in. */
struct expansion {
	const struct shell_variables *variables;
	const char *self; /* the name that is assigned */
	const char *at, *end;
	bool quoted; /* within double quotes */
	struct text out;
};

/* A value as text that command_line_unquote reads back as the value. */
static void append_protected(struct expansion *e, const char *value)
{
	for (; *value; value++) {
		bool plain = e->quoted ? !strchr("$`\"\\", *value)
				       : isalnum((unsigned char)*value) ||
						 strchr("_=,.:/-", *value);

		if (!plain)
			text_append(&e->out, "\\");
		text_append_n(&e->out, value, 1);
	}
}

/* "$NAME" or "${NAME}" at e->at; false where that is not what stands there. */
static bool expand_variable(struct expansion *e)
{
	bool braces = e->at[1] == '{';
	const char *start = e->at + (braces ? 2 : 1);
	size_t n = name_length(start);
	autofree char *name = str_ndup(start, n);
	const struct shell_variable *known = find(e->variables, name);

	if (n == 0 || (braces && start[n] != '}'))
		return false;
	e->at = start + n + (braces ? 1 : 0);
	if (!known)
		return str_eq(name, e->self);
	if (!known->value || strchr(known->value, '\n'))
		return false;
	append_protected(e, known->value);
	return true;
}

static bool expand_piece(struct expansion *e)
{
	const char *start = e->at;

	if (*start == '$')
		return expand_variable(e);
	if (*start == '`')
		return false;
	if (*start == '"')
		e->quoted = !e->quoted;
	if (*start == '\\' || (*start == '\'' && !e->quoted))
		e->at = piece_end(start, 0); /* ends: word_end has seen it */
	else
		e->at++;
	text_append_n(&e->out, start, (size_t)(e->at - start));
	return true;
}

/* The value of a word, or NULL where only a shell could tell. Caller frees. */
static char *word_value(const struct shell_variables *variables, const char *self,
			const char *word, const char *end)
{
	struct expansion e = {variables, self, word, end, false, {0}};
	char *value = NULL;
	bool readable = true;

	while (readable && e.at < e.end)
		readable = expand_piece(&e) && e.out.len <= VALUE_MAX;
	if (readable)
		(void)command_line_unquote(text_str(&e.out), &value,
					   NULL); /* stays NULL */
	text_done(&e.out);
	return value;
}

static unsigned int line_of(const char *text, const char *at)
{
	unsigned int line = 1;

	for (; text < at; text++)
		line += *text == '\n';
	return line;
}

static const char *skip_blank(const char *s)
{
	while (*s) {
		if (*s == '#')
			s += strcspn(s, "\n");
		else if (strchr(" \t\r\n;", *s))
			s++;
		else if (s[0] == '\\' && s[1] == '\n')
			s += 2;
		else
			break;
	}
	return s;
}

/* "export" before an assignment, or before names alone, changes no value. */
static const char *skip_export(const char *s)
{
	size_t n;

	if (!str_starts(s, "export") || (s[6] != ' ' && s[6] != '\t'))
		return s;
	s += 6;
	for (;;) {
		s += strspn(s, " \t");
		n = name_length(s);
		if (n == 0 || (s[n] && !strchr(" \t\r\n;", s[n])))
			return s;
		s += n;
	}
}

/* One assignment at *s, stepped over; -ERROR_UNSUPPORTED where it is something else. */
static int read_assignment(struct shell_variables *variables, const char **s,
			   struct error *err)
{
	size_t n = name_length(*s);
	autofree char *name = str_ndup(*s, n);
	const char *word = *s + n + 1;
	const char *end;

	if (n == 0 || (*s)[n] != '=')
		return error_set(err, -ERROR_UNSUPPORTED, "is a shell command");
	end = word_end(word);
	if (!end)
		return error_set(err, -ERROR_UNSUPPORTED,
				 "opens a quote that has no end");
	*s = end;
	return assign(variables, name, word_value(variables, name, word, end), err);
}

int shell_variables_read(struct shell_variables *variables, const char *text,
			 struct error *err)
{
	const char *s = skip_blank(text);
	int r = 0;

	while (*s && r == 0) {
		const char *start = s;

		s = skip_export(s);
		if (s == start || (*s && !strchr("\r\n;#", *s)))
			r = read_assignment(variables, &s, err);
		if (r < 0)
			(void)error_prefix(err, r, "line %u", line_of(text, start));
		s = skip_blank(s);
	}
	return r;
}
