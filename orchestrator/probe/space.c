/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * File systems as root may fill them. statvfs gives what everybody may take (f_bavail)
 * and all that is free (f_bfree); what root gets lies between, and depends on the kind.
 */
#include "probe/space.h"

#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "base/cleanup.h"
#include "storage-stack.h"

/* fs/ext4/super.c, ext4_set_resv_clusters: a fiftieth, at most so many. */
#define EXT4_RESERVED_PART 50
#define EXT4_RESERVED_MOST 4096

#define XFS_MAGIC      0x58465342
#define XFS_INODE_SIZE 512 /* mkfs.xfs; a chunk of 64 is made at a time */

/* fs/xfs/libxfs/xfs_fs.h: XFS_IOC_FSGEOMETRY_V1, and what its flags say of copies. */
struct xfs_geometry {
	uint32_t sizes[8];
	uint64_t counts[4];
	uint8_t uuid[16];
	uint32_t stripe[2];
	int32_t version;
	uint32_t flags;
	uint32_t rest[3];
};
#define XFS_GEOMETRY _IOR('X', 100, struct xfs_geometry)
#define XFS_REFLINK  (1U << 20)

/* What is looked at while a file system is described. */
struct space_source {
	int fd; /* of a directory on it */
	bool readable;
	struct stat st;
	struct statvfs vfs;
	struct statfs fs;
};

/* Clusters that the kernel keeps for itself; a cluster is a block but for bigalloc. */
static uint64_t ext4_reserved(const struct space_source *source)
{
	autofree char *name = NULL, *path = NULL, *line = NULL;
	unsigned long long clusters = source->vfs.f_blocks / EXT4_RESERVED_PART;
	struct root host;

	if (clusters > EXT4_RESERVED_MOST)
		clusters = EXT4_RESERVED_MOST;
	if (root_open(&host, "/", NULL) < 0)
		return clusters;
	name = block_device_name(&host, source->st.st_dev);
	path = str_format("/sys/fs/ext4/%s/reserved_clusters", name ? name : "?");
	if (root_read_line(&host, path, &line, NULL) == 0)
		/* a line that is no number leaves what the kernel begins with */
		(void)str_to_u64(line, 0, source->vfs.f_blocks, &clusters);
	root_done(&host);
	return clusters;
}

static void ext4_describe(const struct space_source *source, struct space *s)
{
	uint64_t kept = space_product(ext4_reserved(source), source->vfs.f_frsize);
	uint64_t all = space_product(source->vfs.f_bfree, source->vfs.f_frsize);
	int flags = FS_EXTENT_FL;

	s->free = all > kept ? all - kept : 0;
	if (source->readable && ioctl(source->fd, FS_IOC_GETFLAGS, &flags) == 0 &&
	    !(flags & FS_EXTENT_FL))
		s->pointers = s->block / sizeof(uint32_t);
	if (s->pointers)
		s->free = all; /* nothing is kept where there are no extents */
}

static void xfs_describe(const struct space_source *source, struct space *s)
{
	struct xfs_geometry geometry = {0};

	s->inodes = s->inodes_free = 0;
	s->inode_size = XFS_INODE_SIZE;
	s->shares = source->readable && ioctl(source->fd, XFS_GEOMETRY, &geometry) == 0 &&
		    (geometry.flags & XFS_REFLINK);
}

/* Its subvolumes have device numbers of their own and one room. */
static void btrfs_describe(const struct space_source *source, struct space *s)
{
	struct btrfs_ioctl_fs_info_args info = {0};

	s->shares = true;
	if (source->readable && ioctl(source->fd, BTRFS_IOC_FS_INFO, &info) == 0)
		memcpy(&s->device, info.fsid, sizeof(s->device));
}

static void fat_describe(const struct space_source *source, struct space *s)
{
	(void)source;
	s->links = false;
	s->inodes = s->inodes_free = 0;
}

static const struct {
	uint32_t magic;
	void (*describe)(const struct space_source *source, struct space *s);
} kinds[] = {
	{EXT4_SUPER_MAGIC, ext4_describe},
	{XFS_MAGIC, xfs_describe},
	{BTRFS_SUPER_MAGIC, btrfs_describe},
	{MSDOS_SUPER_MAGIC, fat_describe},
};

static void space_describe(const struct space_source *source, struct space *s)
{
	const struct statvfs *vfs = &source->vfs;

	*s = (struct space){
		.device = source->st.st_dev,
		.block = vfs->f_frsize,
		.total = space_product(vfs->f_blocks, vfs->f_frsize),
		.free = space_product(vfs->f_bavail, vfs->f_frsize),
		.inodes = vfs->f_files,
		.inodes_free = vfs->f_files ? vfs->f_ffree : 0,
		.links = true,
	};
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if ((uint32_t)source->fs.f_type == kinds[i].magic)
			kinds[i].describe(source, s);
}

/* Cut the last name off; false where there is none left. */
static bool path_up(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash || path[1] == '\0')
		return false;
	slash[slash == path] = '\0';
	return true;
}

/* A directory that is there, path or the nearest above it; readable where it may be. */
static int nearest_open(const struct root *root, char *path, bool *ret_readable)
{
	int fd;

	do {
		fd = root_openat(root, path, O_RDONLY | O_DIRECTORY, 0);
		*ret_readable = fd >= 0;
		if (fd == -EACCES)
			fd = root_openat(root, path, O_PATH | O_DIRECTORY, 0);
	} while ((fd == -ENOENT || fd == -ENOTDIR) && path_up(path));
	return fd;
}

/* Where the file system of path is mounted: the uppermost directory that is on it. */
static char *mount_of(const struct root *root, const char *path, dev_t device)
{
	autofree char *mount = str_dup(path);

	for (;;) {
		autofree char *above = str_dup(mount);
		struct stat st;

		if (!path_up(above) || root_stat(root, above, &st) < 0 ||
		    st.st_dev != device)
			return take_ptr(mount);
		free(mount);
		mount = take_ptr(above);
	}
}

static bool plan_find(const struct space_plan *plan, uint64_t device, size_t *ret)
{
	for (size_t i = 0; i < plan->space_count; i++)
		if (plan->spaces[i].device == device) {
			*ret = i;
			return true;
		}
	return false;
}

int space_place(const struct root *root, const char *path, struct space_plan *plan,
		size_t *ret, struct error *err)
{
	autofree char *there = str_dup(path);
	struct space_source source = {0};
	autoclose int fd = nearest_open(root, there, &source.readable);
	struct space s;

	if (fd < 0)
		return error_errno(err, fd, "looking for the file system of %s", path);
	source.fd = fd;
	if (fstat(fd, &source.st) < 0)
		return error_errno(err, -errno, "looking at %s", there);
	if (plan_find(plan, source.st.st_dev, ret))
		return 0;
	if (fstatvfs(fd, &source.vfs) < 0 || fstatfs(fd, &source.fs) < 0)
		return error_errno(err, -errno, "asking for the room of %s", there);
	space_describe(&source, &s);
	if (plan_find(plan, s.device, ret))
		return 0;
	s.mount = mount_of(root, there, source.st.st_dev);
	plan->spaces =
		mem_regrow(plan->spaces, plan->space_count + 1, sizeof(*plan->spaces));
	plan->spaces[plan->space_count] = s;
	*ret = plan->space_count++;
	return 0;
}
