/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kernel releases: their order and their alphabet.
 *
 * The order is the UAPI group's version format specification, as systemd and the boot
 * loader specification use it, so that kuro's "newest" is the menu's "newest". Where its
 * prose and systemd differ ("~" against the end of a string, "^" against ".", 0 against
 * no number) systemd's order is taken: 6.12.0~rc1 before 6.12.0.
 */
#include "core/release.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define RELEASE_MAX 64 /* __NEW_UTS_LEN, include/uapi/linux/utsname.h */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static const char *skip_separators(const char *s)
{
	while (*s && !is_digit(*s) && !is_letter(*s) && !strchr("-.~^", *s))
		s++;
	return s;
}

static int order(long a, long b)
{
	return (a > b) - (a < b);
}

/*
 * Numbers of any length, at *a and *b, compared by value and stepped over. A number is
 * higher than none, even 0.
 */
static int compare_numbers(const char **a, const char **b)
{
	size_t na = 0, nb = 0;
	int result = is_digit(**a) - is_digit(**b);

	if (result)
		return result;
	while (**a == '0')
		(*a)++;
	while (**b == '0')
		(*b)++;
	while (is_digit((*a)[na]))
		na++;
	while (is_digit((*b)[nb]))
		nb++;
	result = na != nb ? order((long)na, (long)nb) : memcmp(*a, *b, na);
	*a += na;
	*b += nb;
	return order(result, 0);
}

/* Words of letters in ASCII order; the longer of two that begin alike is higher. */
static int compare_words(const char **a, const char **b)
{
	while (is_letter(**a) && **a == **b) {
		(*a)++;
		(*b)++;
	}
	return order(is_letter(**a) ? **a : 0, is_letter(**b) ? **b : 0);
}

/* Who has the mark next is lower; where both have it, it is stepped over. */
static int compare_mark(const char **a, const char **b, char mark)
{
	int has_a = **a == mark, has_b = **b == mark;

	if (has_a && has_b) {
		(*a)++;
		(*b)++;
	}
	return has_b - has_a;
}

static int compare_marks(const char **a, const char **b)
{
	static const char marks[] = {'-', '^', '.'};
	int result = 0;

	for (size_t i = 0; !result && i < sizeof(marks); i++)
		result = compare_mark(a, b, marks[i]);
	return result;
}

int release_compare(const char *a, const char *b)
{
	int result = 0;

	while (!result) {
		a = skip_separators(a);
		b = skip_separators(b);
		result = compare_mark(&a, &b, '~');
		if (result)
			break;
		if (!*a || !*b)
			return order(*a != '\0', *b != '\0');
		result = compare_marks(&a, &b);
		if (result)
			break;
		if (is_digit(*a) || is_digit(*b))
			result = compare_numbers(&a, &b);
		else
			result = compare_words(&a, &b);
	}
	return result;
}

bool release_valid(const char *release)
{
	size_t len;

	if (!is_digit(release[0]) && !is_letter(release[0]))
		return false;
	for (len = 0; release[len]; len++) {
		char c = release[len];

		if (len >= RELEASE_MAX)
			return false;
		if (!is_digit(c) && !is_letter(c) && !strchr("._+~-", c))
			return false;
	}
	return !strstr(release, "..");
}

/* "6.4.0-150600.23.25-default": kernel-default-devel-6.4.0-150600.23.25.1.x86_64.rpm */
static bool is_flavoured_devel(const char *release, const char *name)
{
	static const char before[] = "kernel-", between[] = "-devel-";
	const char *flavour = strrchr(release, '-');
	size_t version = flavour ? (size_t)(flavour - release) : 0;
	size_t n = flavour ? strlen(flavour + 1) : 0;

	if (n == 0 || !str_starts(name, before))
		return false;
	name += sizeof(before) - 1;
	if (!str_starts(name, flavour + 1) || !str_starts(name + n, between))
		return false;
	name += n + sizeof(between) - 1;
	return strncmp(name, release, version) == 0 &&
	       (name[version] == '.' || name[version] == '-');
}

bool release_headers_package(const char *release, const char *name)
{
	static const char debian[] = "linux-headers-";

	if (is_flavoured_devel(release, name))
		return true;
	return strstr(name, release) && (strncmp(name, debian, sizeof(debian) - 1) == 0 ||
					 strstr(name, "-devel-"));
}

/* Cut off the end of a name; true where it had that end. */
static bool cut_end(char *name, const char *end)
{
	if (!str_ends(name, end))
		return false;
	name[strlen(name) - strlen(end)] = '\0';
	return true;
}

char *release_of_package(const char *name, bool *ret_image)
{
	static const struct {
		const char *start;
		bool image;
	} kinds[] = {
		{"linux-image-unsigned-", true},
		{"linux-image-", true},
		{"linux-modules-extra-", false},
		{"linux-modules-", false},
	};
	autofree char *package = str_ndup(name, strcspn(name, ":"));

	(void)cut_end(package, "-unsigned"); /* Debian's; most names have it not */
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		const char *release = package + strlen(kinds[i].start);

		if (!str_starts(package, kinds[i].start) || !is_digit(*release) ||
		    !strchr(release, '.') || str_ends(release, "-dbg") ||
		    str_ends(release, "-dbgsym") || !release_valid(release))
			continue;
		*ret_image = kinds[i].image;
		return str_dup(release);
	}
	return NULL;
}

/* Parts between dashes that begin with a digit, and a candidate's "rc1", are version; in
 * RPM's releases what is behind the last part's "+" is none. */
static const char *flavour_of(const char *release)
{
	const char *part = release;

	for (;;) {
		const char *next = strchr(part, '-');
		bool candidate = str_starts(part, "rc") && is_digit(part[2]);

		if (!is_digit(*part) && !candidate)
			return part;
		if (!next)
			break;
		part = next + 1;
	}
	part = strchr(part, '+');
	return part ? part + 1 : "";
}

bool release_same_flavour(const char *a, const char *b)
{
	return str_eq(flavour_of(a), flavour_of(b));
}

bool release_preferred(const char *a, const char *b, const char *like)
{
	bool same_a = release_same_flavour(a, like),
	     same_b = release_same_flavour(b, like);

	return same_a != same_b ? same_a : release_compare(a, b) > 0;
}
