/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Growing text, lists of strings, and the few string questions that are asked
 * everywhere. Allocation failure ends the program (text_alloc_failed): kuro has no
 * way to go on that is safer than a restart, and every change it makes is
 * recoverable from the outside.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* A string that grows; zero-initialised is empty. data is NULL or NUL-terminated. */
struct text {
	char *data;
	size_t len;
	size_t size;
};

void text_done(struct text *t);
/* Room for more bytes and a NUL behind those that are there. */
void text_reserve(struct text *t, size_t more);
void text_append(struct text *t, const char *s);
void text_append_n(struct text *t, const char *s, size_t n);
void text_appendf(struct text *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void text_vappendf(struct text *t, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));
/* The text, never NULL; owned by t. */
const char *text_str(const struct text *t);
/* The text, given to the caller (free it); t is empty afterwards. Never NULL. */
char *text_take(struct text *t);
#define autotext cleanup(text_done)

/*
 * Fits the allocator to a short run: memory grows by larger pieces and goes back to the
 * kernel at the end, not between (a tenth of the time of vetting a kernel). Once, before
 * any thread. mallopt(3).
 */
void mem_prepare(void);
/* Heap copies that end the program when memory is gone. NULL in gives NULL out. */
char *str_dup(const char *s);
char *str_ndup(const char *s, size_t n);
char *str_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
void *mem_zalloc(size_t size);
void *mem_regrow(void *p, size_t count, size_t size);
/* The same array with room for one more than count, of which it doubles the room; only of
 * use where the array never grew otherwise. */
void *mem_grow_one(void *p, size_t count, size_t size);

bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
bool str_eq(const char *a, const char *b); /* NULL equals NULL only */
/* Cut white space at both ends, in place; returns the first character kept. */
char *str_strip(char *s);
/*
 * A decimal number without sign, spaces or anything behind it, within [min, max].
 * Returns 0, or -EINVAL / -ERANGE with err left to the caller.
 */
int str_to_u64(const char *s, unsigned long long min, unsigned long long max,
	       unsigned long long *ret);

/*
 * A list of strings, owned; zero-initialised is empty; items[count] is NULL. Only what
 * strv_add and its like made may be added to: they keep room for more.
 */
struct strv {
	char **items;
	size_t count;
};

void strv_done(struct strv *v);
void strv_add(struct strv *v, const char *s);
void strv_add_take(struct strv *v, char *s);
/* Add every word of s between any of the separators. */
void strv_split(struct strv *v, const char *s, const char *separators);
void strv_sort(struct strv *v);
bool strv_has(const struct strv *v, const char *s);
char *strv_join(const struct strv *v, const char *separator);
#define autostrv cleanup(strv_done)

/*
 * Text from outside made fit for a terminal, a log line or a MOTD: control
 * characters and bytes that are not UTF-8 become \xNN. The caller frees.
 */
char *str_printable(const char *s);
