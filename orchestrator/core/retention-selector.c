/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The grammar of retention.keep: one selector, read and checked. What a selector chooses
 * is retention.c's.
 */
#include <string.h>

#include "base/text.h"
#include "core/release.h"
#include "retention-parts.h"

#define STEPS_MAX 99

struct word {
	const char *name;
	enum selector_kind kind;
	char sign; /* of the steps behind it; 0: it takes none */
};
static const struct word words[] = {
	{"running", SELECTOR_RUNNING, 0}, {"good", SELECTOR_GOOD, '-'},
	{"latest", SELECTOR_LATEST, '-'}, {"oldest", SELECTOR_OLDEST, '+'},
	{"pinned", SELECTOR_PINNED, 0},
};

static int refuse(const char *text, const char *why, struct error *err)
{
	autofree char *shown = str_printable(text);

	return error_set(err, -ERROR_USAGE,
			 "\"%.70s\" selects nothing: %s; there are running, good, "
			 "good-N, latest, latest-N, oldest, oldest+N, pinned, a release, "
			 "and a pattern of releases with * and ?",
			 shown, why);
}

static int read_steps(const char *text, const struct word *word, struct selector *ret,
		      struct error *err)
{
	const char *behind = text + strlen(word->name);
	unsigned long long steps = 0;

	if (*behind && *behind != word->sign)
		return refuse(text,
			      word->sign == '-'   ? "older ones are counted with -N"
			      : word->sign == '+' ? "newer ones are counted with +N"
						  : "this word stands alone",
			      err);
	if (*behind && str_to_u64(behind + 1, 1, STEPS_MAX, &steps) < 0)
		return refuse(text, "N is a number from 1 to 99", err);
	*ret = (struct selector){.kind = word->kind, .steps = (unsigned int)steps};
	return 0;
}

/*
 * `uname -r` begins with a number (VERSION of the kernel's Makefile): what does not is a
 * misspelt word rather than a release.
 */
static int read_pattern(const char *text, struct selector *ret, struct error *err)
{
	autofree char *plain = str_dup(text);

	for (char *c = plain; *c; c++)
		if (*c == '*' || *c == '?')
			*c = '0';
	if (!strchr("0123456789*?", text[0]) || !release_valid(plain))
		return refuse(text, "it is neither one of the words nor a release", err);
	*ret = (struct selector){.kind = SELECTOR_PATTERN, .pattern = text};
	return 0;
}

int selector_parse(const char *text, struct selector *ret, struct error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		size_t len = strlen(words[i].name);
		/* a letter behind it makes it another word, a misspelt one */
		bool ends = str_starts(text, words[i].name) &&
			    !(text[len] >= 'a' && text[len] <= 'z');

		if (ends)
			return read_steps(text, &words[i], ret, err);
	}
	return read_pattern(text, ret, err);
}

int retention_selector_check(const char *selector, struct error *err)
{
	struct selector parsed;

	return selector_parse(selector, &parsed, err);
}
