/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The identity of a file, and the file systems on which there is one.
 */
#include "file-identity.h"

#include <linux/magic.h>
#include <stdint.h>
#include <sys/vfs.h>
#include <xxhash.h>

#include "base/cleanup.h"
#include "base/text.h"

#define PIECE  ((size_t)4096)
#define PIECES 8 /* first and last among them: headers and check sums */

#define FORMAT 1 /* of the line */

/* Not in linux/magic.h; ZFS lives outside of the kernel. */
#define ZFS_MAGIC 0x2fc12fc1
#define XFS_MAGIC 0x58465342

/* Change times that no program can set, inode numbers that last. */
static bool is_reliable(int fd)
{
	static const uint32_t kinds[] = {
		EXT4_SUPER_MAGIC, XFS_MAGIC,   BTRFS_SUPER_MAGIC,     ZFS_MAGIC,
		F2FS_SUPER_MAGIC, TMPFS_MAGIC, OVERLAYFS_SUPER_MAGIC,
	};
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if ((uint32_t)fs.f_type == kinds[i])
			return true;
	return false;
}

/* An image that a tool makes with all times set to one value may have the size of another
 * one; the bytes of packed data differ everywhere. */
static uint64_t sample(const char *bytes, size_t size)
{
	uint64_t sum = size;

	if (size <= PIECE * PIECES)
		return XXH64(bytes, size, sum);
	for (size_t i = 0; i < PIECES; i++)
		sum = XXH64(bytes + (size - PIECE) / (PIECES - 1) * i, PIECE, sum);
	return XXH64(bytes + size - PIECE, PIECE, sum);
}

char *file_identity(int fd, const struct stat *st, const void *bytes,
		    const struct timespec *now)
{
	if (st->st_ctim.tv_sec >= now->tv_sec - FILE_IDENTITY_REST || !is_reliable(fd))
		return NULL;
	return str_format("%d %ju %ju %ju %jd.%09ld %jd.%09ld %016jx", FORMAT,
			  (uintmax_t)st->st_dev, (uintmax_t)st->st_ino,
			  (uintmax_t)st->st_size, (intmax_t)st->st_mtim.tv_sec,
			  st->st_mtim.tv_nsec, (intmax_t)st->st_ctim.tv_sec,
			  st->st_ctim.tv_nsec,
			  (uintmax_t)sample(bytes, (size_t)st->st_size));
}
