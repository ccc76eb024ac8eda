/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kernel packages that are split move modules to places where others put theirs, too:
 * the list that the build wrote still has their old paths.
 */
#include "tree-order.h"

#include <string.h>

#include "base/cleanup.h"
#include "module-owners.h"

/* "net/sctp/sctp.ko.xz" of "extra/net/sctp/sctp.ko.xz"; or NULL. */
static const char *moved_rest(const char *rel, size_t len)
{
	static const char *const places[] = {"extra/", "internal/", "partner/"};

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		size_t n = strlen(places[i]);

		if (len > n && strncmp(rel, places[i], n) == 0)
			return rel + n;
	}
	return NULL;
}

static bool order_has(const struct tree_order *order, const char *path)
{
	autofree char *line = str_format("\n%s\n", path);
	size_t n = strlen(path);

	return (order->len > n && strncmp(order->text, path, n) == 0 &&
		order->text[n] == '\n') ||
	       memmem(order->text, order->len, line, n + 2);
}

static bool tree_has(const struct root *root, const char *tree, const char *path)
{
	static const char *const ends[] = {"", ".xz", ".zst", ".gz"};

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		autofree char *file = str_format("%s/%s%s", tree, path, ends[i]);

		if (root_exists(root, file))
			return true;
	}
	return false;
}

bool tree_order_moved(const struct tree_order *order, const struct root *root,
		      const char *tree, const char *rel, size_t len)
{
	const char *rest = moved_rest(rel, len);
	size_t stem = rest ? module_stem(rest, len - (size_t)(rest - rel)) : 0;
	autofree char *path = NULL;

	if (stem == 0 || !order->text)
		return false;
	path = str_format("kernel/%.*s", (int)stem, rest);
	return order_has(order, path) && !tree_has(root, tree, path);
}
