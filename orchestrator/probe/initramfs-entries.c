/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an image's archives hold, in their order while it is read, as the kernel leaves it
 * when it is finished: of two of one path the later is there, and nothing that stands in
 * a directory that is not.
 */
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "initramfs-parts.h"
#include "probe/module-file.h"

/* A machine's whole root file system has some 300,000. */
#define ENTRIES_MAX ((size_t)1 << 20)
#define NAMES_MAX   ((size_t)64 << 20)
#define TREES       "lib/modules/"

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

/* The same file, be /lib merged with /usr/lib or not. */
static const char *without_usr(const char *path)
{
	return str_starts(path, "usr/" TREES) ? path + strlen("usr/") : path;
}

/* Below the tree of a release, and named as modules are. */
static bool is_module(const char *path)
{
	autofree char *name = NULL;
	const char *tree = without_usr(path);

	if (!str_starts(tree, TREES) || !strchr(tree + strlen(TREES), '/'))
		return false;
	name = module_name_of(path);
	return name != NULL;
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
	return is_module(path) ? content_new(entries) : ENTRY_NO_CONTENT;
}

/*
 * Is its CRC-32 of use? Where the installed modules are packed it is all that can be
 * compared with; what tells that is the first module that is installed.
 */
static bool wants_crc(struct entries *entries, const char *path)
{
	static const char *const packed[] = {".xz", ".gz"};
	const char *tree = without_usr(path);

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

/* --- finished ---------------------------------------------------------------------- */

/* Entries, each path once. */
struct unique {
	const struct image_entry **items;
	size_t count;
};

/* By path; of one path the later, which stands behind in items, first. */
static int path_order(const void *a, const void *b)
{
	const struct image_entry *x = *(const struct image_entry *const *)a;
	const struct image_entry *y = *(const struct image_entry *const *)b;
	int order = strcmp(x->path, y->path);

	return order ? order : (x < y) - (x > y);
}

static struct unique unique_of(const struct entries *entries)
{
	struct unique unique = {0};
	size_t n = 0;

	unique.items = mem_regrow(NULL, entries->count + 1, sizeof(*unique.items));
	for (size_t i = 0; i < entries->count; i++)
		if (entries->items[i].path[0])
			unique.items[n++] = &entries->items[i];
	qsort(unique.items, n, sizeof(*unique.items), path_order);
	for (size_t i = 0; i < n; i++)
		if (i == 0 ||
		    !str_eq(unique.items[i]->path, unique.items[unique.count - 1]->path))
			unique.items[unique.count++] = unique.items[i];
	return unique;
}

static const struct image_entry *unique_find(const struct unique *unique,
					     const char *path)
{
	size_t low = 0, high = unique->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(unique->items[middle]->path, path);

		if (order == 0)
			return unique->items[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static bool entry_is_module(const struct image_entry *entry)
{
	return entry->content != ENTRY_NO_CONTENT && is_module(entry->path);
}

/* Every path that is no module's. */
static void files_fill(const struct unique *unique, struct strv *files)
{
	for (size_t i = 0; i < unique->count; i++) {
		const struct image_entry *entry = unique->items[i];

		if (entry->target)
			strv_add_take(files,
				      str_format("%s -> %s", entry->path, entry->target));
		else if (!entry_is_module(entry))
			strv_add_take(files, str_format("%s%s", entry->path,
							S_ISDIR(entry->mode) ? "/" : ""));
	}
	strv_sort(files);
}

/*
 * The kernel makes no directory that has no entry of its own, and passes over what would
 * lie in it. Takes those away; true where there were any.
 */
static bool drop_unreachable(struct unique *unique, const struct initramfs *image)
{
	autofree char *known = str_dup("");
	bool reached = true;
	size_t kept = 0, all = unique->count;

	for (size_t i = 0; i < all; i++) {
		const char *path = unique->items[i]->path;
		const char *slash = strrchr(path, '/');
		autofree char *parent =
			str_ndup(path, slash ? (size_t)(slash - path) : 0);

		if (!str_eq(parent, known)) {
			reached = !*parent || initramfs_file_find(image, parent);
			free(known);
			known = take_ptr(parent);
		}
		if (reached)
			unique->items[kept++] = unique->items[i];
	}
	unique->count = kept;
	return kept < all;
}

static void tree_add(const char *path, struct strv *trees)
{
	const char *tree = without_usr(path);
	autofree char *release = NULL;

	if (!str_starts(tree, TREES))
		return;
	tree += strlen(TREES);
	release = str_ndup(tree, strcspn(tree, "/"));
	if (*release && !strv_has(trees, release))
		strv_add_take(trees, take_ptr(release));
}

static void module_add(const struct entries *entries, const struct image_entry *entry,
		       size_t content, struct initramfs *image)
{
	struct initramfs_module *module = &image->modules[image->module_count++];

	*module = (struct initramfs_module){
		.path = str_dup(without_usr(entry->path)),
		.name = module_name_of(entry->path),
		.content = entries->contents[content],
	};
}

/* The module that a link of a tree leads to, as those of weak-updates do. */
static const struct image_entry *link_target(const struct unique *unique,
					     const struct initramfs *image,
					     const struct image_entry *entry)
{
	const char *slash = strrchr(entry->target, '/');
	const struct image_entry *target;
	autofree char *folder = NULL, *path = NULL;
	const char *line;

	if (!is_module(entry->path) || !slash)
		return NULL;
	folder = str_ndup(entry->target, (size_t)(slash - entry->target));
	path = entry->target[0] == '/'
		       ? take_ptr(folder)
		       : str_format("%.*s/%s",
				    (int)(strrchr(entry->path, '/') - entry->path),
				    entry->path, folder);
	line = initramfs_file_find(image, path);
	if (!line || !str_ends(line, "/"))
		return NULL;
	free(path);
	path = str_format("%s%s", line, slash + 1);
	target = unique_find(unique, path);
	return target && entry_is_module(target) ? target : NULL;
}

static int module_order(const void *a, const void *b)
{
	const struct initramfs_module *x = a, *y = b;
	int order = strcmp(x->name, y->name);
	bool x_first = strstr(x->path, "/updates/"),
	     y_first = strstr(y->path, "/updates/");

	if (order == 0 && x_first != y_first)
		return x_first ? -1 : 1; /* as depmod puts them */
	return order ? order : strcmp(x->path, y->path);
}

static void modules_fill(const struct entries *entries, const struct unique *unique,
			 struct initramfs *image)
{
	image->modules = mem_regrow(NULL, unique->count + 1, sizeof(*image->modules));
	for (size_t i = 0; i < unique->count; i++) {
		const struct image_entry *entry = unique->items[i], *target = entry;

		if (entry->target)
			target = link_target(unique, image, entry);
		if (target && entry_is_module(target))
			module_add(entries, entry, target->content, image);
	}
	qsort(image->modules, image->module_count, sizeof(*image->modules), module_order);
}

static void init_find(const struct unique *unique, struct initramfs *image)
{
	const char *line = initramfs_file_find(image, "init");
	const struct image_entry *entry = line ? unique_find(unique, line) : NULL;

	image->init = entry && S_ISREG(entry->mode);
	image->init_executable = image->init && entry->mode & 0111;
}

void entries_finish(struct entries *entries, struct initramfs *image)
{
	struct unique unique = unique_of(entries);

	files_fill(&unique, &image->files);
	if (drop_unreachable(&unique, image)) {
		strv_done(&image->files);
		files_fill(&unique, &image->files);
	}
	for (size_t i = 0; i < unique.count; i++)
		tree_add(unique.items[i]->path, &image->trees);
	modules_fill(entries, &unique, image);
	init_find(&unique, image);
	free(unique.items);
	entries_done(entries);
}
