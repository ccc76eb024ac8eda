/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Symbols of images, kept by content. A file that anyone but root or who runs kuro could
 * have written is not read; one that does not match its key or its sum is as if it were
 * not there, and is written anew.
 */
#include "act/symbol-cache.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/release.h"

#define KEY_LEN  64 /* SHA-256, hexadecimal */
#define FILE_MAX ((size_t)128 * 1024 * 1024)

static bool is_of_release(const char *name)
{
	static const char *const kinds[] = {SYMBOL_CACHE_FILES, SYMBOL_CACHE_MODULES};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (str_starts(name, kinds[i]))
			return release_valid(name + strlen(kinds[i]));
	return false;
}

static bool is_key(const char *name)
{
	return is_of_release(name) ||
	       (strlen(name) == KEY_LEN && strspn(name, "0123456789abcdef") == KEY_LEN);
}

static char *path_of(const char *name)
{
	return str_format("%s/%s", SYMBOL_CACHE_DIR, name);
}

static bool is_ours(const struct stat *st)
{
	return S_ISREG(st->st_mode) && !(st->st_mode & (S_IWGRP | S_IWOTH)) &&
	       (st->st_uid == 0 || st->st_uid == geteuid());
}

static int load(void *data, const char *key, struct symbol_table **ret)
{
	autofree char *path = path_of(key), *bytes = NULL;
	autoclose int fd = -1;
	struct stat st;
	size_t len;

	if (!is_key(key))
		return -ENOENT;
	fd = root_openat(data, path, O_RDONLY | O_NOCTTY | O_NONBLOCK, 0);
	if (fd < 0 || fstat(fd, &st) < 0 || !is_ours(&st) ||
	    fd_read_all(fd, path, FILE_MAX, &bytes, &len, NULL) < 0 ||
	    symbol_table_unpack(bytes, len, key, ret, NULL) < 0)
		return -ENOENT;
	return 0;
}

struct kept {
	char *path;
	struct timespec written;
};

static int newest_first(const void *a, const void *b)
{
	const struct kept *one = a, *other = b;

	if (one->written.tv_sec != other->written.tv_sec)
		return one->written.tv_sec > other->written.tv_sec ? -1 : 1;
	if (one->written.tv_nsec != other->written.tv_nsec)
		return one->written.tv_nsec > other->written.tv_nsec ? -1 : 1;
	return strcmp(one->path, other->path);
}

/* Files that a write left half-way are old soon, and go with the others. */
static void drop_oldest(const struct root *root)
{
	autostrv struct strv names = {0};
	struct kept *files;

	if (root_list(root, SYMBOL_CACHE_DIR, &names, NULL) < 0)
		return;
	files = mem_zalloc(names.count * sizeof(*files));
	for (size_t i = 0; i < names.count; i++) {
		struct stat st = {0};

		files[i].path = path_of(names.items[i]);
		if (root_lstat(root, files[i].path, &st) == 0)
			files[i].written = st.st_mtim;
	}
	qsort(files, names.count, sizeof(*files), newest_first);
	for (size_t i = 0; i < names.count; i++) {
		/* One that stays is in nobody's way. */
		if (i >= SYMBOL_CACHE_MAX)
			(void)root_unlink(root, files[i].path, NULL);
		free(files[i].path);
	}
	free(files);
}

static void store(void *data, const char *key, const struct symbol_table *table)
{
	autofree char *path = path_of(key);
	autofree void *packed = NULL;
	size_t len;

	if (!is_key(key) || symbol_table_pack(table, key, &packed, &len) < 0 ||
	    len > FILE_MAX || root_mkdirs(data, SYMBOL_CACHE_DIR, 0755, NULL) < 0 ||
	    root_write(data, path, 0644, packed, len, NULL) < 0)
		return;
	drop_oldest(data);
}

void symbol_cache_open(const struct root *root, struct symbol_cache *ret)
{
	*ret = (struct symbol_cache){.load = load, .store = store};
	/* The functions take it as const again. */
	memcpy(&ret->data, &root, sizeof(ret->data));
}
