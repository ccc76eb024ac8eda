/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The format of modules.*.bin: libkmod/libkmod-index.c of kmod 30. A trie; all numbers
 * are big-endian, the upper bits of a node's offset say what the node has. depmod writes
 * children before their parent, which is what makes an end certain here.
 */
#include "kmod-index.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"

#define INDEX_MAGIC   0xB007F457u
#define INDEX_VERSION 0x00020001u
#define INDEX_HEAD    12
#define NODE_PREFIX   0x80000000u
#define NODE_VALUES   0x40000000u
#define NODE_CHILDREN 0x20000000u
#define NODE_OFFSET   0x0FFFFFFFu
#define DEPTH_MAX     4096
#define INDEX_MAX     ((size_t)64 << 20)

struct node {
	uint32_t offset; /* with its flags */
	uint32_t depth;
};

struct index {
	const unsigned char *data;
	size_t size;
	struct node *left; /* nodes that are still to be looked at */
	size_t count, room, seen;
};

static bool number_at(const struct index *index, size_t *at, uint32_t *ret)
{
	uint32_t number;

	if (*at > index->size || index->size - *at < sizeof(number))
		return false;
	memcpy(&number, index->data + *at, sizeof(number));
	*at += sizeof(number);
	*ret = be32toh(number);
	return true;
}

static bool string_at(const struct index *index, size_t *at)
{
	const unsigned char *end;

	if (*at >= index->size)
		return false;
	end = memchr(index->data + *at, '\0', index->size - *at);
	if (!end)
		return false;
	*at = (size_t)(end - index->data) + 1;
	return true;
}

static void node_push(struct index *index, struct node node)
{
	if (index->count == index->room) {
		index->room = index->room ? index->room * 2 : 256;
		index->left = mem_regrow(index->left, index->room, sizeof(*index->left));
	}
	index->left[index->count++] = node;
}

static bool children_whole(struct index *index, const struct node *node, size_t *at)
{
	uint32_t child;
	unsigned int first, last;

	if (*at > index->size || index->size - *at < 2)
		return false;
	first = index->data[*at];
	last = index->data[*at + 1];
	*at += 2;
	if (first > last || last > 127)
		return false;
	for (unsigned int i = first; i <= last; i++) {
		if (!number_at(index, at, &child))
			return false;
		if (!(child & NODE_OFFSET))
			continue;
		if ((child & NODE_OFFSET) >= (node->offset & NODE_OFFSET) ||
		    node->depth >= DEPTH_MAX)
			return false;
		node_push(index, (struct node){child, node->depth + 1});
	}
	return true;
}

static bool values_whole(const struct index *index, size_t *at)
{
	uint32_t count, priority;

	if (!number_at(index, at, &count))
		return false;
	for (uint32_t i = 0; i < count; i++)
		if (!number_at(index, at, &priority) || !string_at(index, at))
			return false;
	return true;
}

static bool node_whole(struct index *index, const struct node *node)
{
	size_t at = node->offset & NODE_OFFSET;

	if (++index->seen > index->size) /* more nodes than bytes: they are shared */
		return false;
	if ((node->offset & NODE_PREFIX) && !string_at(index, &at))
		return false;
	if ((node->offset & NODE_CHILDREN) && !children_whole(index, node, &at))
		return false;
	return !(node->offset & NODE_VALUES) || values_whole(index, &at);
}

bool kmod_index_whole(const unsigned char *data, size_t size)
{
	struct index index = {.data = data, .size = size};
	uint32_t magic, version, root;
	size_t at = 0;
	bool whole = number_at(&index, &at, &magic) && number_at(&index, &at, &version) &&
		     number_at(&index, &at, &root) && magic == INDEX_MAGIC &&
		     version == INDEX_VERSION;

	if (whole && (root & NODE_OFFSET))
		node_push(&index, (struct node){root, 0});
	while (whole && index.count > 0) {
		struct node node = index.left[--index.count];

		whole = node_whole(&index, &node);
	}
	free(index.left);
	return whole;
}

bool kmod_index_sound(const struct root *root, const char *path, bool absent_is)
{
	autofree char *data = NULL;
	size_t size = 0;
	int r = root_read(root, path, INDEX_MAX, &data, &size, NULL);

	if (r == -ENOENT)
		return absent_is;
	return r == 0 && kmod_index_whole((const unsigned char *)data, size);
}
