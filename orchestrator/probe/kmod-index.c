/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bounds of depmod's indexes: a trie whose nodes are found by offset. Every node is
 * visited once, with a stack of its own; nodes that overlap or lead back are found by
 * counting bytes: a whole index has no more of them in its nodes than in its file. A
 * single name's way down is bounded by its letters.
 */
#include "kmod-index.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"

#define INDEX_MAGIC       0xB007F457U
#define INDEX_VERSION     0x00020001U
#define INDEX_HEADER      12U
#define INDEX_OFFSET_MASK 0x0FFFFFFFU
#define INDEX_PREFIX      0x80000000U
#define INDEX_VALUES      0x40000000U
#define INDEX_CHILDREN    0x20000000U
#define INDEX_CHARS       128  /* children are of 7-bit characters */
#define INDEX_DEPTH_MAX   4096 /* libkmod goes down by itself */
#define INDEX_SIZE_MAX    ((size_t)INDEX_OFFSET_MASK)

struct index_place {
	uint32_t node; /* offset and flags */
	uint32_t depth;
};

struct index_walk {
	const uint8_t *data;
	size_t len;
	size_t budget; /* bytes of nodes that may still come */
	struct index_place *stack;
	size_t count, room;
};

/* A number at *at, which moves on; false where it does not lie in the index. */
static bool walk_number(const struct index_walk *walk, size_t *at, uint32_t *ret)
{
	const uint8_t *p = walk->data + *at;

	if (walk->len - *at < 4)
		return false;
	*ret = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
	*at += 4;
	return true;
}

static bool walk_text(const struct index_walk *walk, size_t *at)
{
	const uint8_t *end = memchr(walk->data + *at, 0, walk->len - *at);

	if (!end)
		return false;
	*at = (size_t)(end - walk->data) + 1;
	return true;
}

static void walk_push(struct index_walk *walk, uint32_t node, uint32_t depth)
{
	if (walk->count == walk->room) {
		walk->room = walk->room ? walk->room * 2 : 256;
		walk->stack = mem_regrow(walk->stack, walk->room, sizeof(*walk->stack));
	}
	walk->stack[walk->count++] = (struct index_place){.node = node, .depth = depth};
}

static bool walk_children(struct index_walk *walk, size_t *at, uint32_t depth)
{
	uint8_t first, last;

	if (walk->len - *at < 2)
		return false;
	first = walk->data[(*at)++];
	last = walk->data[(*at)++];
	if (first > last || last >= INDEX_CHARS)
		return false;
	for (unsigned int c = first; c <= last; c++) {
		uint32_t child;

		if (!walk_number(walk, at, &child))
			return false;
		if (child & INDEX_OFFSET_MASK)
			walk_push(walk, child, depth + 1);
	}
	return true;
}

static bool walk_values(const struct index_walk *walk, size_t *at)
{
	uint32_t count, priority;

	if (!walk_number(walk, at, &count))
		return false;
	/* Each takes some bytes, so that the loop is bounded by the index itself. */
	for (uint32_t i = 0; i < count; i++)
		if (!walk_number(walk, at, &priority) || !walk_text(walk, at))
			return false;
	return true;
}

static bool walk_node(struct index_walk *walk, struct index_place place)
{
	size_t begin = place.node & INDEX_OFFSET_MASK, at = begin;

	if (begin < INDEX_HEADER || begin >= walk->len || place.depth > INDEX_DEPTH_MAX)
		return false;
	if (place.node & INDEX_PREFIX && !walk_text(walk, &at))
		return false;
	if (place.node & INDEX_CHILDREN && !walk_children(walk, &at, place.depth))
		return false;
	if (place.node & INDEX_VALUES && !walk_values(walk, &at))
		return false;
	if (at == begin || at - begin > walk->budget)
		return false;
	walk->budget -= at - begin;
	return true;
}

/* The head of the index: where its root is. */
static bool walk_begin(const struct index_walk *walk, uint32_t *ret_root)
{
	uint32_t magic, version;
	size_t at = 0;

	if (walk->len < INDEX_HEADER || walk->len > INDEX_SIZE_MAX ||
	    !walk_number(walk, &at, &magic) || !walk_number(walk, &at, &version) ||
	    !walk_number(walk, &at, ret_root))
		return false;
	return magic == INDEX_MAGIC && version == INDEX_VERSION;
}

bool kmod_index_whole(const unsigned char *data, size_t len)
{
	struct index_walk walk = {.data = data, .len = len, .budget = len};
	uint32_t root;
	bool whole = true;

	if (!walk_begin(&walk, &root))
		return false;
	if (root & INDEX_OFFSET_MASK)
		walk_push(&walk, root, 0);
	while (whole && walk.count > 0)
		whole = walk_node(&walk, walk.stack[--walk.count]);
	free(walk.stack);
	return whole;
}

/* The child of that letter, 0 where there is none; *at moves behind the children. */
static bool find_child(const struct index_walk *walk, size_t *at, unsigned char letter,
		       uint32_t *ret)
{
	uint8_t first, last;
	size_t own;

	if (walk->len - *at < 2)
		return false;
	first = walk->data[(*at)++];
	last = walk->data[(*at)++];
	if (first > last || last >= INDEX_CHARS ||
	    walk->len - *at < (size_t)4 * (last - first + 1U))
		return false;
	own = *at + (size_t)4 * (letter - first);
	*at += (size_t)4 * (last - first + 1U);
	*ret = 0;
	return letter < first || letter > last || walk_number(walk, &own, ret);
}

static int take_values(const struct index_walk *walk, size_t at, struct strv *ret)
{
	uint32_t count, priority;

	if (!walk_number(walk, &at, &count))
		return -ERROR_DAMAGED;
	for (uint32_t i = 0; i < count; i++) {
		size_t value;

		if (!walk_number(walk, &at, &priority))
			return -ERROR_DAMAGED;
		value = at;
		if (!walk_text(walk, &at))
			return -ERROR_DAMAGED;
		strv_add(ret, (const char *)walk->data + value);
	}
	return count > 0 ? 0 : -ENOENT;
}

/* Each step takes a letter of the name at least, but for the first. */
static int find_below(const struct index_walk *walk, uint32_t node, const char *name,
		      struct strv *ret)
{
	while (node & INDEX_OFFSET_MASK) {
		size_t at = node & INDEX_OFFSET_MASK, text = at;
		uint32_t child = 0;

		if (at < INDEX_HEADER || at >= walk->len ||
		    (node & INDEX_PREFIX && !walk_text(walk, &at)))
			return -ERROR_DAMAGED;
		if (node & INDEX_PREFIX) {
			if (!str_starts(name, (const char *)walk->data + text))
				return -ENOENT;
			name += at - text - 1;
		}
		if (node & INDEX_CHILDREN &&
		    !find_child(walk, &at, (unsigned char)*name, &child))
			return -ERROR_DAMAGED;
		if (!*name)
			return node & INDEX_VALUES ? take_values(walk, at, ret) : -ENOENT;
		name++;
		node = child;
	}
	return -ENOENT;
}

int kmod_index_find(const unsigned char *data, size_t len, const char *name,
		    struct strv *ret)
{
	const struct index_walk walk = {.data = data, .len = len};
	autostrv struct strv found = {0};
	uint32_t root;
	int r;

	if (!walk_begin(&walk, &root))
		return -ERROR_DAMAGED;
	r = find_below(&walk, root, name, &found);
	if (r < 0)
		return r;
	*ret = found;
	found = (struct strv){0};
	return 0;
}

static int index_check(const struct root *root, const char *path, struct error *err)
{
	autoclose int fd = root_openat(root, path, O_RDONLY | O_NOCTTY | O_NONBLOCK, 0);
	struct stat st;
	void *data;
	bool whole;

	if (fd == -ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, fd < 0 ? fd : -errno, "%s", path);
	if (!S_ISREG(st.st_mode) || st.st_size <= 0)
		return error_set(err, -ERROR_DAMAGED, "%s is empty; run depmod", path);
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd,
		    0);
	if (data == MAP_FAILED)
		return error_errno(err, -errno, "%s", path);
	whole = kmod_index_whole(data, (size_t)st.st_size);
	(void)munmap(data, (size_t)st.st_size); /* its own mapping: can't fail */
	if (!whole)
		return error_set(err, -ERROR_DAMAGED, "%s is damaged; run depmod", path);
	return 0;
}

int kmod_indexes_check(const struct root *root, const char *dir, struct error *err)
{
	/* It maps modules.symbols.bin too, and goes there for symbols alone. */
	static const char *const names[] = {"modules.dep.bin", "modules.alias.bin",
					    "modules.builtin.alias.bin",
					    "modules.builtin.bin"};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(names); i++) {
		autofree char *path = str_format("%s/%s", dir, names[i]);

		r = index_check(root, path, err);
	}
	return r;
}
