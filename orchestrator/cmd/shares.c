/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Shares of the boot file systems, drawn.
 */
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "output.h"
#include "prune.h"

#define BAR_WIDTH_LEAST 20
#define BAR_WIDTH_MOST  100

static uint64_t would_free(const struct share_list *shares)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < shares->count; i++)
		bytes += shares->items[i].goes;
	return bytes;
}

json_object *shares_json(const struct share_list *shares)
{
	json_object *o = json_object_new_object();
	json_object *list = json_object_new_array();

	for (size_t i = 0; i < shares->count; i++) {
		const struct share *share = &shares->items[i];
		json_object *item = json_object_new_object();

		json_add_text(item, "kind", share_kind_name(share->kind));
		json_add_text(item, "name", share->name);
		json_add_number(item, "bytes", (int64_t)share->bytes);
		json_add_number(item, "would_free", (int64_t)share->goes);
		(void)json_object_array_add(list, item); /* fails without memory only */
	}
	json_add_text(o, "mount", shares->mount);
	json_add_number(o, "total", (int64_t)shares->total);
	json_add_number(o, "free", (int64_t)shares->free);
	json_add_number(o, "would_free", (int64_t)would_free(shares));
	json_object_object_add(o, "shares", list);
	return o;
}

/* The letter of a share: of its line and its part of the bar. */
static char share_letter(const struct share_list *shares, size_t i)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz";

	return shares->items[i].kind == SHARE_OTHER ? '#' : letters[i % strlen(letters)];
}

/* Boundaries are rounded, not lengths, so that the whole bar is true to its end. */
char *shares_bar(const struct share_list *shares, size_t width)
{
	double total = shares->total ? (double)shares->total : 1;
	struct text bar = {0};
	uint64_t sum = 0;
	size_t drawn = 0;

	text_append(&bar, "[");
	for (size_t i = 0; i < shares->count; i++) {
		char letter = share_letter(shares, i);
		size_t end;

		sum += shares->items[i].bytes;
		end = (size_t)((double)sum * (double)width / total + 0.5);
		for (; drawn < end && drawn < width; drawn++)
			text_append_n(&bar, &letter, 1);
	}
	for (; drawn < width; drawn++)
		text_append(&bar, ".");
	text_append(&bar, "]");
	return text_take(&bar);
}

static size_t bar_width(void)
{
	struct winsize size = {0};
	size_t width;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col < 2)
		return BAR_WIDTH_LEAST;
	width = (size_t)size.ws_col - 2;
	return width < BAR_WIDTH_LEAST  ? BAR_WIDTH_LEAST
	       : width > BAR_WIDTH_MOST ? BAR_WIDTH_MOST
					: width;
}

void shares_say(const struct share_list *shares)
{
	autofree char *total = format_size(shares->total);
	autofree char *unused = format_size(shares->free);
	autofree char *freed = format_size(would_free(shares));

	say("\n%s: %s, %s free; the policy would free %s", shares->mount, total, unused,
	    freed);
	if (isatty(STDOUT_FILENO)) {
		autofree char *bar = shares_bar(shares, bar_width());

		say("%s", bar);
	}
	for (size_t i = 0; i < shares->count; i++) {
		autofree char *bytes = format_size(shares->items[i].bytes);

		say("  %c %10s  %s%s", share_letter(shares, i), bytes,
		    shares->items[i].label, shares->items[i].goes ? ", would go" : "");
	}
}
