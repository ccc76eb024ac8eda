/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an image's archives hold, in their order, while it is read. How much that may be
 * is bounded here.
 */
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "initramfs-parts.h"

/* A machine's whole root file system has some 300,000. */
#define ENTRIES_MAX ((size_t)1 << 20)
#define NAMES_MAX   ((size_t)64 << 20)

struct link {
	uint32_t ino, major, minor, type;
	size_t content;
};

void entries_init(struct entries *entries, const struct root *root)
{
	*entries = (struct entries){
		.root = root,
		.reader = content_reader_new(),
		.reading = ENTRY_NO_CONTENT,
	};
}

void entries_forget_links(struct entries *entries)
{
	tdestroy(entries->links, free);
	entries->links = NULL;
}

void entries_done(struct entries *entries)
{
	for (size_t i = 0; i < entries->count; i++) {
		free(entries->items[i].path);
		free(entries->items[i].target);
	}
	free(entries->items);
	free(entries->contents);
	entries_forget_links(entries);
	content_reader_free(entries->reader);
	*entries = (struct entries){0};
}

/* --- one more ---------------------------------------------------------------------- */

static const char *relative(const char *path)
{
	while (path[0] == '/' || str_starts(path, "./"))
		path += path[0] == '/' ? 1 : 2;
	return str_eq(path, ".") ? "" : path;
}

static int link_order(const void *a, const void *b)
{
	const struct link *x = a, *y = b;
	const uint32_t left[] = {x->ino, x->major, x->minor, x->type};
	const uint32_t right[] = {y->ino, y->major, y->minor, y->type};

	for (size_t i = 0; i < ARRAY_LEN(left); i++)
		if (left[i] != right[i])
			return left[i] < right[i] ? -1 : 1;
	return 0;
}

static size_t content_new(struct entries *entries)
{
	if (entries->content_count == entries->content_size) {
		entries->content_size =
			entries->content_size ? 2 * entries->content_size : 64;
		entries->contents = mem_regrow(entries->contents, entries->content_size,
					       sizeof(*entries->contents));
	}
	entries->contents[entries->content_count] = (struct module_content){0};
	return entries->content_count++;
}

/* The content of the files that are hard links to one another. */
static size_t content_linked(struct entries *entries, const struct cpio_header *header)
{
	struct link *link = mem_zalloc(sizeof(*link));
	struct link **slot;

	link->ino = header->ino;
	link->major = header->major;
	link->minor = header->minor;
	link->type = header->mode & S_IFMT;
	slot = tsearch(link, &entries->links, link_order);
	if (!slot)
		abort(); /* as every allocation that fails */
	if (*slot == link)
		link->content = content_new(entries);
	else
		free(link);
	return (*slot)->content;
}

static size_t content_of(struct entries *entries, const struct cpio_header *header,
			 const char *path)
{
	if (!S_ISREG(header->mode))
		return ENTRY_NO_CONTENT;
	if (header->nlink >= 2)
		return content_linked(entries, header);
	return entry_is_module_path(path) ? content_new(entries) : ENTRY_NO_CONTENT;
}

/*
 * Is its CRC-32 of use? Where the installed modules are packed it is all that can be
 * compared with; what tells that is the first module that is installed.
 */
static bool wants_crc(struct entries *entries, const char *path)
{
	static const char *const packed[] = {".xz", ".gz"};
	const char *tree = entry_without_usr(path);

	if (entries->crc != CRC_UNDECIDED)
		return entries->crc == CRC_YES;
	for (size_t i = 0; i < ARRAY_LEN(packed); i++) {
		autofree char *there = str_format("/%s%s", tree, packed[i]);

		if (root_exists(entries->root, there))
			entries->crc = CRC_YES;
	}
	if (entries->crc == CRC_UNDECIDED) {
		autofree char *there = str_format("/%s", tree);

		if (root_exists(entries->root, there))
			entries->crc = CRC_NO;
	}
	return entries->crc != CRC_NO;
}

static struct image_entry *entry_new(struct entries *entries)
{
	if (entries->count == entries->size) {
		entries->size = entries->size ? 2 * entries->size : 1024;
		entries->items = mem_regrow(entries->items, entries->size,
					    sizeof(*entries->items));
	}
	return &entries->items[entries->count++];
}

int entries_add(struct entries *entries, const struct cpio_header *header,
		const char *name, const char *target, struct error *err)
{
	struct image_entry *entry;
	size_t len;

	name = relative(name);
	len = strlen(name);
	entries->names += len + (target ? strlen(target) : 0);
	if (entries->count == ENTRIES_MAX || entries->names > NAMES_MAX)
		return error_set(err, -ERROR_DAMAGED,
				 "more files than any machine has, over %zu",
				 entries->count);
	while (len > 0 && name[len - 1] == '/')
		len--;
	entry = entry_new(entries);
	*entry = (struct image_entry){
		.path = str_ndup(name, len),
		.target = str_dup(target),
		.mode = header->mode,
		.content = content_of(entries, header, name),
	};
	/* Of several hard links one has the data, most often the last. */
	if (entry->content != ENTRY_NO_CONTENT &&
	    (header->size > 0 || !entries->contents[entry->content].packing)) {
		entries->reading = entry->content;
		content_begin(entries->reader, header->size,
			      wants_crc(entries, entry->path));
	}
	return 0;
}

void entries_data(struct entries *entries, const uint8_t *bytes, size_t len)
{
	if (entries->reading != ENTRY_NO_CONTENT)
		content_add(entries->reader, bytes, len);
}

void entries_data_end(struct entries *entries)
{
	if (entries->reading != ENTRY_NO_CONTENT)
		content_end(entries->reader, &entries->contents[entries->reading]);
	entries->reading = ENTRY_NO_CONTENT;
}
