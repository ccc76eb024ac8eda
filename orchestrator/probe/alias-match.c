/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Module aliases against modaliases (Documentation: modules.alias of depmod, libkmod's
 * shared/util.c for how names are normalised).
 */
#include "alias-match.h"

#include <fnmatch.h>
#include <string.h>

#define ALIAS_LENGTH_MAX 4096

void alias_normalize(char *alias)
{
	for (char *c = alias; *c; c++) {
		if (*c == '[')
			c += strcspn(c, "]");
		if (!*c)
			return;
		if (*c == '-')
			*c = '_';
	}
}

/* The first of the sorted modaliases that does not sort before the literal. */
static size_t first_from(const struct strv *wanted, const char *literal, size_t length)
{
	size_t low = 0, high = wanted->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strncmp(wanted->items[middle], literal, length) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void alias_match_one(const struct alias_match *match, const char *alias,
		     size_t alias_length, const char *module, size_t module_length)
{
	const struct strv *wanted = match->wanted;
	char pattern[ALIAS_LENGTH_MAX];
	size_t literal;

	if (alias_length == 0 || alias_length >= sizeof(pattern) || module_length == 0)
		return;
	memcpy(pattern, alias, alias_length);
	pattern[alias_length] = '\0';
	alias_normalize(pattern);
	literal = strcspn(pattern, "*?[\\");
	for (size_t i = first_from(wanted, pattern, literal); i < wanted->count; i++) {
		if (strncmp(wanted->items[i], pattern, literal) != 0)
			return;
		if (fnmatch(pattern + literal, wanted->items[i] + literal, 0) == 0)
			match->take(match->data, i, module, module_length);
	}
}

void alias_match_text(const struct alias_match *match, const char *text, size_t size)
{
	static const char word[] = "alias ";
	const size_t head = sizeof(word) - 1;
	const char *end = text + size;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline ? newline : end;
		const char *space;

		if ((size_t)(stop - text) > head && memcmp(text, word, head) == 0) {
			text += head;
			space = memrchr(text, ' ', (size_t)(stop - text));
			if (space)
				alias_match_one(match, text, (size_t)(space - text),
						space + 1, (size_t)(stop - space - 1));
		}
		text = stop + 1;
	}
}

void alias_match_modinfo(const struct alias_match *match, const char *data, size_t size)
{
	static const char word[] = ".alias=";
	const char *end = data + size;

	while (data < end) {
		size_t length = strnlen(data, (size_t)(end - data));
		const char *dot = memmem(data, length, word, sizeof(word) - 1);
		const char *alias = dot ? dot + sizeof(word) - 1 : NULL;

		if (alias)
			alias_match_one(match, alias, (size_t)(data + length - alias),
					data, (size_t)(dot - data));
		data += length + 1;
	}
}
