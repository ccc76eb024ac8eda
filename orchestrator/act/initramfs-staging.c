/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Staging. Places that everybody may write to are taken only where the directory is
 * root's own: a name that someone else made there first is passed over.
 */
#include "initramfs-staging.h"

#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "act/initramfs.h"
#include "base/cleanup.h"

#define MEBIBYTE ((uint64_t)1024 * 1024)
/* Where there is no image to go by: that of a full Debian kernel unpacks to 140 MiB. */
#define NEED_UNKNOWN (320 * MEBIBYTE)
/* An image unpacks to three to five times its size (zstd, xz); the tree and its archive
 * are there at the same time. */
#define NEED_FACTOR 9

/* In the order in which they are asked. */
static const char *const staging_places[] = {
	"/var/lib/kuro/staging",
	"/var/tmp/kuro-staging",
	"/tmp/kuro-staging",
};

static uint64_t image_size(const struct root *root, const char *path)
{
	struct stat st;

	return root_stat(root, path, &st) == 0 && S_ISREG(st.st_mode)
		       ? (uint64_t)st.st_size
		       : 0;
}

static uint64_t image_largest(const struct root *root)
{
	autostrv struct strv names = {0};
	uint64_t largest = 0;

	(void)root_list(root, "/boot", &names,
			NULL); /* one that can't be read is empty */
	for (size_t i = 0; i < names.count; i++) {
		autofree char *path = str_format("/boot/%s", names.items[i]);
		uint64_t size =
			str_starts(names.items[i], "init") ? image_size(root, path) : 0;

		largest = size > largest ? size : largest;
	}
	return largest;
}

uint64_t initramfs_staging_need(const struct root *root, const char *release)
{
	autofree char *path = initramfs_path(root, release);
	uint64_t size = image_size(root, path);

	if (size == 0)
		size = image_largest(root);
	return size ? size * NEED_FACTOR : NEED_UNKNOWN;
}

/* Is it a directory of root's own that nobody else can write to? */
static bool staging_is_ours(const struct root *root, const char *path)
{
	struct stat st;

	return root_lstat(root, path, &st) == 0 && S_ISDIR(st.st_mode) &&
	       st.st_uid == geteuid() && !(st.st_mode & 022);
}

void initramfs_staging_clean(const struct root *root)
{
	for (size_t i = 0; i < ARRAY_LEN(staging_places); i++)
		if (staging_is_ours(root, staging_places[i]))
			/* a left-over costs room only, and the next run removes it */
			(void)root_remove_tree(root, staging_places[i], NULL);
}

/* The directory that a place is, or would be made in. */
static int staging_open_near(const struct root *root, const char *path)
{
	autofree char *near = str_dup(path);
	int fd = root_openat(root, near, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	char *slash;

	while (fd == -ENOENT && (slash = strrchr(near, '/')) && slash > near) {
		*slash = '\0';
		fd = root_openat(root, near, O_RDONLY | O_DIRECTORY, 0);
	}
	return fd;
}

uint64_t initramfs_staging_room(const struct root *root, const char *path)
{
	autoclose int fd = -1;
	struct statvfs fs;
	struct stat st;

	if (root_lstat(root, path, &st) == 0 && !staging_is_ours(root, path))
		return 0;
	fd = staging_open_near(root, path);
	/* hooks run programs from what they gather */
	if (fd < 0 || fstatvfs(fd, &fs) < 0 || fs.f_flag & (ST_NOEXEC | ST_RDONLY))
		return 0;
	return (uint64_t)fs.f_bavail * fs.f_frsize;
}

const char *initramfs_staging_choose(const struct initramfs_staging *staging)
{
	const char *roomiest = staging_places[0];
	uint64_t most = 0;

	for (size_t i = 0; i < ARRAY_LEN(staging_places) && most < staging->need; i++) {
		uint64_t room = staging->room(staging->data, staging_places[i]);

		if (room > most) {
			most = room;
			roomiest = staging_places[i];
		}
	}
	return roomiest;
}

/* The same of a place whose directory was made there. */
static uint64_t staging_made(void *data, const char *path)
{
	const struct root *root = data;

	if (root_mkdirs(root, path, 0700, NULL) < 0 || !staging_is_ours(root, path))
		return 0;
	return initramfs_staging_room(root, path);
}

int initramfs_staging_open(const struct root *root, uint64_t need, char **ret,
			   struct error *err)
{
	const struct initramfs_staging staging = {
		.need = need,
		.room = staging_made,
		.data = (void *)(uintptr_t)root,
	};
	const char *place;
	uint64_t most;

	initramfs_staging_clean(root);
	place = initramfs_staging_choose(&staging);
	most = initramfs_staging_room(root, place);
	if (most < need / NEED_FACTOR) { /* not even the image itself */
		initramfs_staging_clean(root);
		return error_set(err, -ENOSPC,
				 "building takes about %ju MiB for a while, and none of "
				 "/var/lib/kuro, /var/tmp and /tmp has that: at most %ju "
				 "MiB are free",
				 (uintmax_t)(need / MEBIBYTE),
				 (uintmax_t)(most / MEBIBYTE));
	}
	*ret = str_dup(place);
	return 0;
}
