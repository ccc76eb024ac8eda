/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kernel command lines as text. Reads no file, runs no shell.
 */
#include "core/command-line.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define BLANKS      " \t\n\v\f\r"
#define ARG_MAX_LEN 512

/* Length of the argument at s: up to a blank outside of double quotes. */
static size_t argument_length(const char *s)
{
	bool quoted = false;
	size_t n;

	for (n = 0; s[n] && (quoted || !strchr(BLANKS, s[n])); n++)
		if (s[n] == '"')
			quoted = !quoted;
	return n;
}

/*
 * An argument of n bytes as next_arg leaves it: quotes around the whole are off, and
 * quotes around the value. Others stay: they are the parameter's own.
 */
static char *argument_unquote(const char *s, size_t n)
{
	char *arg = str_ndup(s, n), *value;
	bool whole = n > 0 && arg[0] == '"';

	if (whole)
		memmove(arg, arg + 1, n--);
	value = *arg ? strchr(arg + 1, '=') : NULL; /* one in front is part of the name */
	if (value && value[1] == '"') {
		memmove(value + 1, value + 2, strlen(value + 2) + 1);
		n--;
		whole = true;
	}
	if (whole && n > 0 && arg[n - 1] == '"')
		arg[n - 1] = '\0';
	return arg;
}

void command_line_split(const char *line, struct strv *ret)
{
	line += strspn(line, BLANKS);
	while (*line) {
		size_t n = argument_length(line);

		strv_add_take(ret, argument_unquote(line, n));
		line += n;
		line += strspn(line, BLANKS);
	}
}

/* Is arg what the kernel would make of this text, and of all of it? */
static bool reads_back(const char *text, const char *arg)
{
	autofree char *read = NULL;
	size_t n = argument_length(text);

	if (text[n])
		return false;
	read = argument_unquote(text, n);
	return strcmp(read, arg) == 0;
}

/* The argument with as few quotes as make the kernel read it back. Caller frees. */
static char *argument_quote(const char *arg)
{
	const char *equals = *arg ? strchr(arg + 1, '=') : NULL;
	autofree char *quoted = NULL;

	if (*arg && reads_back(arg, arg))
		return str_dup(arg);
	if (equals) {
		quoted = str_format("%.*s=\"%s\"", (int)(equals - arg), arg, equals + 1);
		if (reads_back(quoted, arg))
			return take_ptr(quoted);
	}
	free(quoted);
	quoted = str_format("\"%s\"", arg);
	return take_ptr(quoted);
}

char *command_line_join(const struct strv *args)
{
	struct text t = {0};

	for (size_t i = 0; i < args->count; i++) {
		autofree char *quoted = argument_quote(args->items[i]);

		if (i > 0)
			text_append(&t, " ");
		text_append(&t, quoted);
	}
	return text_take(&t);
}

const char *command_line_get(const struct strv *args, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = args->count; i-- > 0;) {
		const char *arg = args->items[i];

		if (strncmp(arg, name, len) != 0)
			continue;
		if (arg[len] == '=')
			return arg + len + 1;
		if (!arg[len])
			return arg + len;
	}
	return NULL;
}

void command_line_lasting(const struct strv *args, const struct strv *trial,
			  struct strv *ret)
{
	static const char *const passing[] = {"BOOT_IMAGE=", "initrd=", "kuro."};

	for (size_t i = 0; i < args->count; i++) {
		bool lasting = !strv_has(trial, args->items[i]);

		for (size_t j = 0; j < ARRAY_LEN(passing); j++)
			if (str_starts(args->items[i], passing[j]))
				lasting = false;
		if (lasting)
			strv_add(ret, args->items[i]);
	}
}

char *command_line_grub_word(const char *arg)
{
	struct text t = {0};

	text_append(&t, "'");
	for (; *arg; arg++) {
		if (*arg == '\'')
			text_append(&t, "'\\''");
		else
			text_append_n(&t, arg, 1);
	}
	text_append(&t, "'");
	return text_take(&t);
}

/*
 * GRUB puts a backslash before quotes and backslashes when it hands an argument to the
 * kernel, which does not take it off (grub-core/lib/cmdline.c); only \xNN passes.
 */
static bool grub_passes(const char *arg)
{
	for (; *arg; arg++) {
		if (*arg == '"' || *arg == '\'')
			return false;
		if (*arg == '\\' && !(arg[1] == 'x' && isxdigit((unsigned char)arg[2]) &&
				      isxdigit((unsigned char)arg[3])))
			return false;
	}
	return true;
}

static int argument_check(const char *arg, struct error *err)
{
	autofree char *shown = str_printable(arg);

	if (!*arg)
		return error_set(err, -EINVAL,
				 "kernel command line: an argument is empty");
	if (strlen(arg) > ARG_MAX_LEN)
		return error_set(
			err, -EINVAL,
			"kernel command line: \"%.60s…\" is longer than %d bytes", shown,
			ARG_MAX_LEN);
	if (strcmp(shown, arg) != 0)
		return error_set(
			err, -EINVAL,
			"kernel command line: \"%.120s\" holds a control character "
			"or is not UTF-8",
			shown);
	if (!grub_passes(arg))
		return error_set(err, -EINVAL,
				 "kernel command line: \"%.120s\" holds a quote or a "
				 "backslash, which GRUB would hand over changed",
				 shown);
	return 0;
}

int command_line_check(const struct strv *args, struct error *err)
{
	size_t total = 0;

	for (size_t i = 0; i < args->count; i++) {
		if (argument_check(args->items[i], err) < 0)
			return -EINVAL;
		total += strlen(args->items[i]) + 3; /* a blank, and quotes perhaps */
	}
	if (total > COMMAND_LINE_MAX)
		return error_set(err, -EINVAL,
				 "kernel command line: its %zu arguments have %zu bytes "
				 "together; at most %d reach the kernel uncut",
				 args->count, total, COMMAND_LINE_MAX);
	return 0;
}

struct unquote {
	const char *at;
	struct text out;
};

static int unquote_unsupported(char c, struct error *err)
{
	return error_set(err, -ERROR_UNSUPPORTED,
			 "the value can't be read without a shell: it holds \"%c\"", c);
}

static int unquote_single(struct unquote *u, struct error *err)
{
	size_t n = strcspn(++u->at, "'");

	if (!u->at[n])
		return error_set(err, -EINVAL, "the value ends within single quotes");
	text_append_n(&u->out, u->at, n);
	u->at += n + 1;
	return 0;
}

/* A backslash and what it protects; in double quotes it protects only some. */
static int unquote_backslash(struct unquote *u, bool quoted, struct error *err)
{
	char next = u->at[1];

	if (!next)
		return error_set(err, -EINVAL, "the value ends with a backslash");
	if (quoted && !strchr("$`\"\\\n", next))
		text_append(&u->out, "\\");
	if (next != '\n')
		text_append_n(&u->out, &next, 1);
	u->at += 2;
	return 0;
}

static int unquote_double(struct unquote *u, struct error *err)
{
	u->at++;
	while (*u->at != '"') {
		size_t n = strcspn(u->at, "\"\\$`");
		int result = 0;

		text_append_n(&u->out, u->at, n);
		u->at += n;
		if (!*u->at)
			return error_set(err, -EINVAL,
					 "the value ends within double quotes");
		if (*u->at == '$' || *u->at == '`')
			return unquote_unsupported(*u->at, err);
		if (*u->at == '\\')
			result = unquote_backslash(u, true, err);
		if (result < 0)
			return result;
	}
	u->at++;
	return 0;
}

static int unquote_bare(struct unquote *u, struct error *err)
{
	if (strchr("$`;&|<>()", *u->at))
		return unquote_unsupported(*u->at, err);
	text_append_n(&u->out, u->at++, 1);
	return 0;
}

static int unquote_piece(struct unquote *u, struct error *err)
{
	switch (*u->at) {
	case '\'':
		return unquote_single(u, err);
	case '"':
		return unquote_double(u, err);
	case '\\':
		return unquote_backslash(u, false, err);
	default:
		return unquote_bare(u, err);
	}
}

int command_line_unquote(const char *value, char **ret, struct error *err)
{
	struct unquote u = {.at = value};
	int result = 0;

	while (result == 0 && *u.at && !strchr(BLANKS, *u.at))
		result = unquote_piece(&u, err);
	if (result == 0) {
		u.at += strspn(u.at, BLANKS);
		if (*u.at && *u.at != '#')
			result = error_set(err, -ERROR_UNSUPPORTED,
					   "the value can't be read without a shell: "
					   "\"%.40s\" stands behind it",
					   u.at);
	}
	if (result < 0) {
		text_done(&u.out);
		return result;
	}
	*ret = text_take(&u.out);
	return 0;
}
