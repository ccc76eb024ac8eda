/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What was read of an initramfs image: found in it, compared, and let go.
 */
#include "core/initramfs.h"

#include <stdlib.h>
#include <string.h>

#define LINK_DEPTH 40  /* as path_resolution(7) */
#define NAMES_MAX  256 /* of a path, with those of its links */
#define LINK_ARROW " -> "

void initramfs_done(struct initramfs *image)
{
	for (size_t i = 0; i < image->module_count; i++) {
		free(image->modules[i].path);
		free(image->modules[i].name);
	}
	free(image->modules);
	free(image->segments);
	free(image->path);
	free(image->fault);
	strv_done(&image->trees);
	strv_done(&image->files);
	*image = (struct initramfs){0};
}

const struct initramfs_module *initramfs_module_find(const struct initramfs *image,
						     const char *name)
{
	size_t low = 0, high = image->module_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(image->modules[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < image->module_count && str_eq(image->modules[low].name, name)
		       ? &image->modules[low]
		       : NULL;
}

/* The first entry that begins with path and ending, whole where the ending is none. */
static const char *entry_find(const struct strv *files, const char *path,
			      const char *ending)
{
	autofree char *wanted = str_format("%s%s", path, ending);
	size_t low = 0, high = files->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(files->items[middle], wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == files->count || !str_starts(files->items[low], wanted))
		return NULL;
	return str_eq(ending, LINK_ARROW) || str_eq(files->items[low], wanted)
		       ? files->items[low]
		       : NULL;
}

static const char *entry_at(const struct strv *files, const char *path)
{
	static const char *const endings[] = {"/", "", LINK_ARROW};
	const char *entry = NULL;

	for (size_t i = 0; !entry && i < ARRAY_LEN(endings); i++)
		entry = entry_find(files, path, endings[i]);
	return entry;
}

/* A path as far as it is walked, and what of it is not yet. */
struct walk {
	struct text done;
	char *rest;
	size_t length; /* of rest, what is taken of it */
	unsigned int links, names;
};

static void walk_up(struct walk *walk)
{
	const char *slash = walk->done.len ? strrchr(walk->done.data, '/') : NULL;

	walk->done.len = slash ? (size_t)(slash - walk->done.data) : 0;
	if (walk->done.data)
		walk->done.data[walk->done.len] = '\0';
}

static bool walk_follow(struct walk *walk, const char *entry)
{
	const char *target = entry + walk->done.len + strlen(LINK_ARROW);
	char *rest;

	if (walk->links++ == LINK_DEPTH)
		return false;
	rest = str_format("%s/%s", target, walk->rest + walk->length);
	free(walk->rest);
	walk->rest = rest;
	walk->length = 0;
	walk_up(walk);
	if (*target == '/')
		walk->done.len = 0;
	return true;
}

/* One more name of the path; false where it leads nowhere. */
static bool walk_step(struct walk *walk, const struct strv *files, const char **ret)
{
	const char *name = walk->rest + walk->length;
	size_t n = strcspn(name, "/");

	walk->length += n + (name[n] == '/');
	if (n == 0 || (n == 1 && *name == '.'))
		return true;
	if (n == 2 && memcmp(name, "..", n) == 0) {
		walk_up(walk);
		return true;
	}
	if (walk->names++ == NAMES_MAX)
		return false;
	text_append(&walk->done, walk->done.len > 0 ? "/" : "");
	text_append_n(&walk->done, name, n);
	*ret = entry_at(files, walk->done.data);
	if (!*ret)
		return false;
	return str_starts(*ret + walk->done.len, LINK_ARROW) ? walk_follow(walk, *ret)
							     : true;
}

const char *initramfs_file_find(const struct initramfs *image, const char *path)
{
	struct walk walk = {.rest = str_dup(path)};
	const char *entry = NULL;
	bool there = true;

	while (there && walk.rest[walk.length])
		there = walk_step(&walk, &image->files, &entry);
	/* A link's name, or one that ".." left, is not where the path ends. */
	entry = there && walk.done.len > 0 ? entry_at(&image->files, walk.done.data)
					   : NULL;
	text_done(&walk.done);
	free(walk.rest);
	return entry;
}

static bool same_sums(const struct module_sums *a, const struct module_sums *b)
{
	bool crc = a->has_crc32 && b->has_crc32, xxh = a->has_xxh64 && b->has_xxh64;

	if (!crc && !xxh)
		return true;
	return a->size == b->size && (!crc || a->crc32 == b->crc32) &&
	       (!xxh || a->xxh64 == b->xxh64);
}

bool module_content_equal(const struct module_content *image,
			  const struct module_content *installed)
{
	if (!*image->digest || !*installed->digest ||
	    !str_eq(image->packing, installed->packing))
		return same_sums(&image->plain, &installed->plain);
	if (image->size == installed->size && str_eq(image->digest, installed->digest))
		return true;
	return !image->is_signed && !installed->is_signed && *image->build_id &&
	       str_eq(image->build_id, installed->build_id);
}
