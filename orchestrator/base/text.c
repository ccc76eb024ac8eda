/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Growing text, lists of strings, string questions.
 */
#include "base/text.h"

#include <ctype.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	GROWTH = 1 << 20,
	MAPPED_APART = 4 << 20,
	KEPT_FREE = 16 << 20,
};

void mem_prepare(void)
{
	(void)mallopt(M_TOP_PAD, GROWTH);
	(void)mallopt(M_MMAP_THRESHOLD, MAPPED_APART);
	(void)mallopt(M_TRIM_THRESHOLD, KEPT_FREE);
}

static void text_alloc_failed(void)
{
	static const char message[] = "kuro: out of memory\n";

	fputs(message, stderr);
	exit(EXIT_FAILED);
}

void *mem_zalloc(size_t size)
{
	void *p = calloc(1, size ? size : 1);

	if (!p)
		text_alloc_failed();
	return p;
}

void *mem_regrow(void *p, size_t count, size_t size)
{
	void *grown = reallocarray(p, count ? count : 1, size);

	if (!grown)
		text_alloc_failed();
	return grown;
}

/* Full where it holds a power of two. */
void *mem_grow_one(void *p, size_t count, size_t size)
{
	return (count & (count - 1)) == 0 ? mem_regrow(p, count * 2, size) : p;
}

void text_done(struct text *t)
{
	free(t->data);
	*t = (struct text){0};
}

void text_reserve(struct text *t, size_t more)
{
	size_t want = t->len + more + 1;

	if (want <= t->size)
		return;
	want = want < 64 ? 64 : want + want / 2;
	t->data = mem_regrow(t->data, want, 1);
	t->size = want;
}

void text_append_n(struct text *t, const char *s, size_t n)
{
	text_reserve(t, n);
	memcpy(t->data + t->len, s, n);
	t->len += n;
	t->data[t->len] = '\0';
}

void text_append(struct text *t, const char *s)
{
	text_append_n(t, s, strlen(s));
}

void text_vappendf(struct text *t, const char *format, va_list args)
{
	va_list again;
	int need;

	va_copy(again, args);
	need = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (need < 0)
		return;
	text_reserve(t, (size_t)need);
	(void)vsnprintf(t->data + t->len, (size_t)need + 1, format, args); /* measured */
	t->len += (size_t)need;
}

void text_appendf(struct text *t, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	text_vappendf(t, format, args);
	va_end(args);
}

const char *text_str(const struct text *t)
{
	return t->data ? t->data : "";
}

char *text_take(struct text *t)
{
	char *data = t->data ? t->data : str_dup("");

	*t = (struct text){0};
	return data;
}

char *str_ndup(const char *s, size_t n)
{
	char *copy = strndup(s, n);

	if (!copy)
		text_alloc_failed();
	return copy;
}

char *str_dup(const char *s)
{
	return s ? str_ndup(s, strlen(s)) : NULL;
}

char *str_format(const char *format, ...)
{
	struct text t = {0};
	va_list args;

	va_start(args, format);
	text_vappendf(&t, format, args);
	va_end(args);
	return text_take(&t);
}

bool str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && strcmp(s + n - m, suffix) == 0;
}

bool str_eq(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

char *str_strip(char *s)
{
	size_t n;

	while (isspace((unsigned char)*s))
		s++;
	n = strlen(s);
	while (n > 0 && isspace((unsigned char)s[n - 1]))
		n--;
	s[n] = '\0';
	return s;
}

int str_to_u64(const char *s, unsigned long long min, unsigned long long max,
	       unsigned long long *ret)
{
	unsigned long long value;
	char *end;

	if (!isdigit((unsigned char)s[0]))
		return -EINVAL;
	errno = 0;
	value = strtoull(s, &end, 10);
	if (*end)
		return -EINVAL;
	if (errno == ERANGE || value < min || value > max)
		return -ERANGE;
	*ret = value;
	return 0;
}

void strv_done(struct strv *v)
{
	for (size_t i = 0; i < v->count; i++)
		free(v->items[i]);
	free(v->items);
	*v = (struct strv){0};
}

/* There is room for the next power of two above count, where it is not just reached. */
void strv_add_take(struct strv *v, char *s)
{
	size_t used = v->count + 1;

	if ((used & (used - 1)) == 0)
		v->items = mem_regrow(v->items, used * 2, sizeof(*v->items));
	v->items[v->count++] = s;
	v->items[v->count] = NULL;
}

void strv_add(struct strv *v, const char *s)
{
	strv_add_take(v, str_dup(s));
}

void strv_split(struct strv *v, const char *s, const char *separators)
{
	while (*s) {
		size_t n = strcspn(s, separators);

		if (n > 0)
			strv_add_take(v, str_ndup(s, n));
		s += n;
		s += strspn(s, separators);
	}
}

static int strv_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(struct strv *v)
{
	if (v->count > 1)
		qsort(v->items, v->count, sizeof(*v->items), strv_compare);
}

bool strv_has(const struct strv *v, const char *s)
{
	for (size_t i = 0; i < v->count; i++)
		if (strcmp(v->items[i], s) == 0)
			return true;
	return false;
}

char *strv_join(const struct strv *v, const char *separator)
{
	struct text t = {0};

	for (size_t i = 0; i < v->count; i++) {
		if (i > 0)
			text_append(&t, separator);
		text_append(&t, v->items[i]);
	}
	return text_take(&t);
}

/* Length of the well-formed UTF-8 sequence at s (RFC 3629), or 0. */
static size_t utf8_length(const unsigned char *s)
{
	static const struct {
		unsigned char mask, lead;
		uint32_t least;
	} kinds[] = {{0x80, 0x00, 0x20},
		     {0xe0, 0xc0, 0x80},
		     {0xf0, 0xe0, 0x800},
		     {0xf8, 0xf0, 0x10000}};

	for (size_t n = 0; n < sizeof(kinds) / sizeof(kinds[0]); n++) {
		uint32_t point = s[0] & (unsigned char)~kinds[n].mask;

		if ((s[0] & kinds[n].mask) != kinds[n].lead)
			continue;
		for (size_t i = 1; i <= n; i++) {
			if ((s[i] & 0xc0) != 0x80)
				return 0;
			point = point << 6 | (s[i] & 0x3f);
		}
		if (point < kinds[n].least || point == 0x7f || point > 0x10ffff)
			return 0;
		if ((point >= 0x80 && point < 0xa0) ||
		    (point >= 0xd800 && point < 0xe000))
			return 0;
		return n + 1;
	}
	return 0;
}

char *str_printable(const char *s)
{
	struct text t = {0};

	while (*s) {
		size_t n = utf8_length((const unsigned char *)s);

		if (n == 0)
			text_appendf(&t, "\\x%02x", (unsigned char)*s);
		else
			text_append_n(&t, s, n);
		s += n ? n : 1;
	}
	return text_take(&t);
}
