/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What was read of an image, as the kernel leaves it when all is unpacked: of two of one
 * path the later is there, and nothing that stands in a directory that is not.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "initramfs-parts.h"
#include "probe/module-file.h"

#define TREES "lib/modules/"
/* Paths through links, which generators write none of: each takes a walk. */
#define WALKS_MAX 4096

/* The same file, be /lib merged with /usr/lib or not. */
const char *entry_without_usr(const char *path)
{
	return str_starts(path, "usr/" TREES) ? path + strlen("usr/") : path;
}

bool entry_is_module_path(const char *path)
{
	autofree char *name = NULL;
	const char *tree = entry_without_usr(path);

	if (!str_starts(tree, TREES) || !strchr(tree + strlen(TREES), '/'))
		return false;
	name = module_name_of(path);
	return name != NULL;
}

/* Entries, each path once, in their paths' order. */
struct finish {
	const struct entries *entries;
	struct initramfs *image;
	const struct image_entry **items;
	bool *there;
	size_t count, walks;
};

/* Of one path the later, which stands behind in the table, first. */
static int path_order(const void *a, const void *b)
{
	const struct image_entry *x = *(const struct image_entry *const *)a;
	const struct image_entry *y = *(const struct image_entry *const *)b;
	int order = strcmp(x->path, y->path);

	return order ? order : (x < y) - (x > y);
}

static void each_once(struct finish *finish)
{
	const struct entries *entries = finish->entries;
	size_t n = 0;

	finish->items = mem_regrow(NULL, entries->count + 1, sizeof(void *));
	for (size_t i = 0; i < entries->count; i++)
		if (entries->items[i].path[0])
			finish->items[n++] = &entries->items[i];
	qsort(finish->items, n, sizeof(void *), path_order);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || !str_eq(finish->items[i]->path,
				      finish->items[finish->count - 1]->path))
			finish->items[finish->count++] = finish->items[i];
	finish->there = mem_zalloc(finish->count + 1);
}

/* The index of a path, or count. */
static size_t find(const struct finish *finish, const char *path)
{
	size_t low = 0, high = finish->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(finish->items[middle]->path, path);

		if (order == 0)
			return middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return finish->count;
}

static bool is_module(const struct image_entry *entry)
{
	return entry->content != ENTRY_NO_CONTENT && entry_is_module_path(entry->path);
}

/* Every path that is no module's. */
static void files_fill(const struct finish *finish)
{
	struct strv *files = &finish->image->files;

	for (size_t i = 0; i < finish->count; i++) {
		const struct image_entry *entry = finish->items[i];

		if (entry->target)
			strv_add_take(files,
				      str_format("%s -> %s", entry->path, entry->target));
		else if (!is_module(entry))
			strv_add_take(files, str_format("%s%s", entry->path,
							S_ISDIR(entry->mode) ? "/" : ""));
	}
	strv_sort(files);
}

static const char *walk(struct finish *finish, const char *path)
{
	return finish->walks++ < WALKS_MAX ? initramfs_file_find(finish->image, path)
					   : NULL;
}

static bool folder_is_there(struct finish *finish, const char *folder)
{
	size_t at = find(finish, folder);

	if (!*folder)
		return true;
	if (at < finish->count && S_ISDIR(finish->items[at]->mode))
		return finish->there[at]; /* it stands before what lies in it */
	return walk(finish, folder) != NULL;
}

/*
 * The kernel makes no directory that has no entry of its own, and passes over what would
 * lie in it. Takes those away; true where there were any.
 */
static bool drop_unreachable(struct finish *finish)
{
	autofree char *known = str_dup("");
	bool there = true;
	size_t kept = 0, all = finish->count;

	for (size_t i = 0; i < all; i++) {
		const char *path = finish->items[i]->path, *slash = strrchr(path, '/');
		autofree char *folder =
			str_ndup(path, slash ? (size_t)(slash - path) : 0);

		if (!str_eq(folder, known)) {
			there = folder_is_there(finish, folder);
			free(known);
			known = take_ptr(folder);
		}
		finish->there[i] = there;
	}
	for (size_t i = 0; i < all; i++)
		if (finish->there[i])
			finish->items[kept++] = finish->items[i];
	finish->count = kept;
	return kept < all;
}

static void trees_fill(const struct finish *finish)
{
	struct strv all = {0};
	struct strv *trees = &finish->image->trees;

	for (size_t i = 0; i < finish->count; i++) {
		const char *path = entry_without_usr(finish->items[i]->path);

		if (S_ISDIR(finish->items[i]->mode) && str_starts(path, TREES) &&
		    !strchr(path + strlen(TREES), '/'))
			strv_add(&all, path + strlen(TREES));
	}
	strv_sort(&all);
	for (size_t i = 0; i < all.count; i++)
		if (i == 0 || !str_eq(all.items[i], all.items[i - 1]))
			strv_add(trees, all.items[i]);
	strv_done(&all);
}

/* The module that a link of a tree leads to, as those of weak-updates do. */
static const struct image_entry *link_target(struct finish *finish,
					     const struct image_entry *entry)
{
	const char *slash = strrchr(entry->target, '/');
	autofree char *folder = NULL, *path = NULL;
	const char *line;
	size_t at;

	if (!entry_is_module_path(entry->path) || !slash)
		return NULL;
	folder = str_ndup(entry->target, (size_t)(slash - entry->target));
	path = entry->target[0] == '/'
		       ? take_ptr(folder)
		       : str_format("%.*s/%s",
				    (int)(strrchr(entry->path, '/') - entry->path),
				    entry->path, folder);
	line = walk(finish, path);
	if (!line || !str_ends(line, "/"))
		return NULL;
	free(path);
	path = str_format("%s%s", line, slash + 1);
	at = find(finish, path);
	return at < finish->count && is_module(finish->items[at]) ? finish->items[at]
								  : NULL;
}

static void module_add(const struct finish *finish, const struct image_entry *entry,
		       const struct image_entry *target)
{
	finish->image->modules[finish->image->module_count++] = (struct initramfs_module){
		.path = str_dup(entry_without_usr(entry->path)),
		.name = module_name_of(entry->path),
		.content = finish->entries->contents[target->content],
	};
}

static int module_order(const void *a, const void *b)
{
	const struct initramfs_module *x = a, *y = b;
	int order = strcmp(x->name, y->name);
	bool x_first = strstr(x->path, "/updates/");
	bool y_first = strstr(y->path, "/updates/");

	if (order == 0 && x_first != y_first)
		return x_first ? -1 : 1; /* as depmod puts them */
	return order ? order : strcmp(x->path, y->path);
}

static void modules_fill(struct finish *finish)
{
	struct initramfs *image = finish->image;

	image->modules = mem_regrow(NULL, finish->count + 1, sizeof(*image->modules));
	for (size_t i = 0; i < finish->count; i++) {
		const struct image_entry *entry = finish->items[i], *target = entry;

		if (entry->target)
			target = link_target(finish, entry);
		if (target && is_module(target))
			module_add(finish, entry, target);
	}
	qsort(image->modules, image->module_count, sizeof(*image->modules), module_order);
}

static void init_find(const struct finish *finish)
{
	struct initramfs *image = finish->image;
	const char *line = initramfs_file_find(image, "init");
	size_t at = line ? find(finish, line) : finish->count;

	if (at == finish->count)
		return;
	image->init = S_ISREG(finish->items[at]->mode);
	image->init_executable = image->init && finish->items[at]->mode & 0111;
}

void entries_finish(struct entries *entries, struct initramfs *image)
{
	struct finish finish = {.entries = entries, .image = image};

	each_once(&finish);
	files_fill(&finish);
	if (drop_unreachable(&finish)) {
		strv_done(&image->files);
		files_fill(&finish);
	}
	trees_fill(&finish);
	modules_fill(&finish);
	init_find(&finish);
	free(finish.items);
	free(finish.there);
	entries_done(entries);
}
