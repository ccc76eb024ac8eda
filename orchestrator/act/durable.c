/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Durable writes. Which way there is for which file system is a table; the freezing
 * way has a guardian process that thaws should kuro die in between.
 *
 * Sources: linux/magic.h for the file systems' numbers; Documentation/filesystems/ext4
 * (EXT4_IOC_CHECKPOINT, since 5.14); ioctl_fideduperange's neighbours FIFREEZE, FITHAW in
 * linux/fs.h.
 */
#include "act/durable.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif
#define DURABLE_EXT4_CHECKPOINT _IOW('f', 43, __u32) /* fs/ext4/ext4.h */
#define DURABLE_THAW_AFTER      10 /* seconds that a freeze may last at the most */

enum durable_method { DURABLE_SYNC, DURABLE_CHECKPOINT, DURABLE_FREEZE };

static const char *const durable_method_names[] = {
	[DURABLE_SYNC] = "sync",
	[DURABLE_CHECKPOINT] = "checkpoint",
	[DURABLE_FREEZE] = "freeze",
};

/* File systems with a journal that GRUB does not replay; all others: syncfs is enough. */
static const struct {
	long magic;
	enum durable_method method;
} durable_methods[] = {
	{EXT4_SUPER_MAGIC, DURABLE_CHECKPOINT},
	{XFS_SUPER_MAGIC, DURABLE_FREEZE},
	{0x3153464a /* JFS */, DURABLE_FREEZE},
	{0x52654973 /* ReiserFS */, DURABLE_FREEZE},
};

static enum durable_method durable_method_of(long magic)
{
	for (size_t i = 0; i < ARRAY_LEN(durable_methods); i++)
		if (durable_methods[i].magic == magic)
			return durable_methods[i].method;
	return DURABLE_SYNC;
}

/* Freezing what "/" or kuro's own log lies on would stop kuro itself. */
static bool durable_may_freeze(int fd)
{
	static const char *const needed[] = {"/", "/var", "/run", "/tmp"};
	struct stat st, other;

	if (fstat(fd, &st) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		if (stat(needed[i], &other) < 0 || other.st_dev == st.st_dev)
			return false;
	return true;
}

/*
 * The guardian: waits until the pipe closes (kuro is done, or dead) or time is over,
 * then thaws. Thawing what is thawed already fails harmlessly.
 */
static void freeze_guard(int fs, int pipe_end)
{
	struct pollfd watched = {.fd = pipe_end, .events = POLLIN};

	(void)setsid(); /* a Ctrl-C for kuro is not for the guardian */
	(void)signal(SIGTERM, SIG_IGN);
	(void)poll(&watched, 1, DURABLE_THAW_AFTER * 1000); /* any end of it: thaw */
	(void)ioctl(fs, FITHAW, 0);
	_exit(0);
}

struct freeze_guardian {
	int pipe;
	pid_t pid;
};

static int freeze_guard_start(int fs, struct freeze_guardian *ret)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	ret->pipe = ends[1];
	ret->pid = fork();
	if (ret->pid == 0) {
		(void)close(ends[1]); /* kuro's end */
		freeze_guard(fs, ends[0]);
	}
	(void)close(ends[0]); /* the guardian's end */
	if (ret->pid > 0)
		return 0;
	(void)close(ends[1]);
	return -EAGAIN;
}

static int durable_freeze(int fd)
{
	struct freeze_guardian guardian = {.pipe = -1, .pid = -1};
	int r = freeze_guard_start(fd, &guardian);

	if (r < 0)
		return r;
	r = ioctl(fd, FIFREEZE, 0) < 0 ? -errno : 0;
	if (r == 0 && ioctl(fd, FITHAW, 0) < 0 && errno != EINVAL)
		r = -errno;
	(void)close(guardian.pipe); /* tells the guardian */
	while (waitpid(guardian.pid, NULL, 0) < 0 && errno == EINTR)
		;
	return r;
}

static int durable_checkpoint(int fd)
{
	__u32 flags = 0;

	return ioctl(fd, DURABLE_EXT4_CHECKPOINT, &flags) < 0 ? -errno : 0;
}

/* No ioctl of that name in this kernel, or in the driver that mounted it. */
static bool durable_no_checkpoint(int r)
{
	return r == -ENOTTY || r == -EOPNOTSUPP || r == -EINVAL;
}

static int durable_push_fd(int fd, enum durable_method method)
{
	int r;

	if (syncfs(fd) < 0)
		return -errno;
	if (method == DURABLE_SYNC)
		return 0;
	if (method == DURABLE_CHECKPOINT) {
		r = durable_checkpoint(fd);
		if (r == -ENODEV) /* ext4 without a journal */
			return 0;
		if (!durable_no_checkpoint(r))
			return r;
	}
	if (!durable_may_freeze(fd))
		return -ERROR_UNSUPPORTED;
	return durable_freeze(fd);
}

static int durable_open(const struct root *root, const char *path,
			enum durable_method *ret_method, struct error *err)
{
	int fd = root_openat(root, path, O_RDONLY | O_DIRECTORY, 0);
	struct statfs fs;

	if (fd < 0)
		return error_errno(err, fd, "opening %s", path);
	if (fstatfs(fd, &fs) < 0) {
		(void)close(fd); /* nothing was written through it */
		return error_errno(err, -errno, "file system of %s", path);
	}
	*ret_method = durable_method_of(fs.f_type);
	return fd;
}

static int durable_no_way(const char *path, struct error *err)
{
	return error_set(
		err, -ERROR_UNSUPPORTED,
		"%s: its file system keeps new files in a journal that GRUB does not "
		"read, and it can't be pushed while / lies on it too; put /boot on a "
		"file system of its own (ext4 needs Linux 5.14 for it)",
		path);
}

int durable_push(const struct root *root, const char *path, struct error *err)
{
	enum durable_method method;
	autoclose int fd = durable_open(root, path, &method, err);
	int r;

	if (fd < 0)
		return fd;
	r = durable_push_fd(fd, method);
	if (r == -ERROR_UNSUPPORTED)
		return durable_no_way(path, err);
	if (r < 0)
		return error_errno(err, r, "flushing the file system of %s", path);
	return 0;
}

int durable_way(const struct root *root, const char *path, const char **ret_way,
		struct error *err)
{
	enum durable_method method;
	autoclose int fd = durable_open(root, path, &method, err);

	if (fd < 0)
		return fd;
	if (method == DURABLE_FREEZE && !durable_may_freeze(fd))
		return durable_no_way(path, err);
	*ret_way = durable_method_names[method];
	return 0;
}

static int overwrite_fd(int fd, const void *data, size_t len)
{
	autofree char *again = mem_zalloc(len);
	ssize_t n;

	do
		n = pwrite(fd, data, len, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if ((size_t)n != len)
		return -EIO;
	if (fdatasync(fd) < 0)
		return -errno;
	(void)posix_fadvise(fd, 0, 0,
			    POSIX_FADV_DONTNEED); /* a hint: read from the disk */
	if (pread(fd, again, len, 0) != (ssize_t)len || memcmp(again, data, len) != 0)
		return -ESTALE;
	return 0;
}

int durable_overwrite(const struct root *root, const char *path, const void *data,
		      size_t len, struct error *err)
{
	autoclose int fd = root_openat(root, path, O_RDWR | O_NOFOLLOW, 0);
	struct stat st;
	int r = fd;

	if (fd >= 0)
		r = fstat(fd, &st) < 0 ? -errno : 0;
	if (r == 0 && (!S_ISREG(st.st_mode) || st.st_size < (off_t)len))
		return error_set(err, -ERROR_DAMAGED,
				 "%s is not a file of %zu bytes or more", path, len);
	if (r == 0)
		r = overwrite_fd(fd, data, len);
	if (r < 0)
		return error_errno(err, r, "writing %s", path);
	return 0;
}

static int durable_sync_file(const struct root *root, const char *path)
{
	autoclose int fd = root_openat(root, path, O_RDONLY | O_NOFOLLOW, 0);

	if (fd < 0)
		return fd;
	return fsync(fd) < 0 ? -errno : 0;
}

int durable_sync_tree(const struct root *root, const char *path, struct error *err)
{
	autostrv struct strv names = {0};
	int r = root_list(root, path, &names, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < names.count; i++) {
		autofree char *file = str_format("%s/%s", path, names.items[i]);

		r = durable_sync_file(root, file);
		if (r < 0)
			return error_errno(err, r, "flushing %s", file);
	}
	return root_sync_dir(root, path, err);
}
