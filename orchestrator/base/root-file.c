/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files below the machine's root, reached by openat2(2) with RESOLVE_IN_ROOT. Changes
 * to names (rename, link, unlink) open the parent directory that way and name only the
 * last component, so that they can't be led outside either.
 */
#include "base/root-file.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

/* A smaller file is written as soon as its room would be taken. */
#define RESERVE_LEAST ((size_t)64 << 10)
#define READ_PIECE    ((size_t)16 << 10)

int root_open(struct root *root, const char *path, struct error *err)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, -errno, "root directory %s", path);
	root->fd = fd;
	root->path = str_dup(path);
	return 0;
}

void root_done(struct root *root)
{
	if (!root->path)
		return;
	(void)close(root->fd); /* O_PATH: nothing to flush */
	free(root->path);
	*root = (struct root){.fd = -1};
}

bool root_is_live(const struct root *root)
{
	struct stat here, machine;

	if (fstat(root->fd, &here) < 0 || stat("/", &machine) < 0)
		return false;
	return here.st_dev == machine.st_dev && here.st_ino == machine.st_ino;
}

char *root_path(const struct root *root, const char *path)
{
	size_t n = strlen(root->path);

	while (n > 0 && root->path[n - 1] == '/')
		n--;
	return str_format("%.*s%s", (int)n, root->path, path);
}

int root_openat(const struct root *root, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (unsigned int)(flags | O_CLOEXEC),
		.mode = mode,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	do {
		fd = syscall(SYS_openat2, root->fd, path, &how, sizeof(how));
	} while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	return fd < 0 ? -errno : (int)fd;
}

/*
 * Open the directory that holds path; ret_name is its last component, within path.
 * A component of "." or ".." can't be one.
 */
static int root_open_parent(const struct root *root, const char *path,
			    const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	autofree char *parent = NULL;
	int fd;

	if (!*name || str_eq(name, ".") || str_eq(name, ".."))
		return -EINVAL;
	parent = slash && slash != path ? str_ndup(path, (size_t)(slash - path))
					: str_dup("/");
	fd = root_openat(root, parent, O_RDONLY | O_DIRECTORY, 0);
	if (fd >= 0)
		*ret_name = name;
	return fd;
}

static int root_stat_flags(const struct root *root, const char *path, int flags,
			   struct stat *ret)
{
	autoclose int fd = root_openat(root, path, O_PATH | flags, 0);

	if (fd < 0)
		return fd;
	return fstat(fd, ret) < 0 ? -errno : 0;
}

int root_stat(const struct root *root, const char *path, struct stat *ret)
{
	return root_stat_flags(root, path, 0, ret);
}

int root_lstat(const struct root *root, const char *path, struct stat *ret)
{
	return root_stat_flags(root, path, O_NOFOLLOW, ret);
}

bool root_exists(const struct root *root, const char *path)
{
	struct stat st;

	return root_stat(root, path, &st) == 0;
}

int root_readlink(const struct root *root, const char *path, char **ret)
{
	char target[PATH_MAX];
	const char *name;
	autoclose int dir = root_open_parent(root, path, &name);
	ssize_t n;

	if (dir < 0)
		return dir;
	n = readlinkat(dir, name, target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	*ret = str_ndup(target, (size_t)n);
	return 0;
}

/* All of a regular file and one byte, which its end is seen by; what /proc and devices
 * hold is not known before. */
static size_t first_room(int fd, size_t max)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || st.st_size <= 0)
		return READ_PIECE;
	return (uint64_t)st.st_size < max ? (size_t)st.st_size + 1 : max + 1;
}

int fd_read_all(int fd, const char *what, size_t max, char **ret, size_t *ret_len,
		struct error *err)
{
	autotext struct text content = {0};
	size_t room = first_room(fd, max);
	ssize_t n;

	text_reserve(&content, room);
	while ((n = read(fd, content.data + content.len, room)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, -errno, "reading %s", what);
		content.len += (size_t)n;
		if (content.len > max)
			return error_set(err, -EFBIG, "%s is larger than %zu bytes", what,
					 max);
		room = READ_PIECE;
		text_reserve(&content, room);
	}
	content.data[content.len] = '\0';
	if (ret_len)
		*ret_len = content.len;
	*ret = text_take(&content);
	return 0;
}

int root_read(const struct root *root, const char *path, size_t max, char **ret,
	      size_t *ret_len, struct error *err)
{
	autoclose int fd = root_openat(root, path, O_RDONLY | O_NOCTTY | O_NONBLOCK, 0);
	struct stat st;

	if (fd < 0)
		return error_errno(err, fd, "%s", path);
	if (fstat(fd, &st) < 0)
		return error_errno(err, -errno, "%s", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, -EINVAL, "%s is not a regular file", path);
	return fd_read_all(fd, path, max, ret, ret_len, err);
}

int root_read_line(const struct root *root, const char *path, char **ret,
		   struct error *err)
{
	autofree char *content = NULL;
	int r;

	if (!root_exists(root, path))
		return -ENOENT;
	r = root_read(root, path, 65536, &content, NULL, err);
	if (r < 0)
		return r;
	content[strcspn(content, "\n")] = '\0';
	*ret = str_dup(str_strip(content));
	return 0;
}

static int dir_list(int fd, struct strv *ret)
{
	autodir DIR *dir = fdopendir(fd);
	const struct dirent *entry;

	if (!dir) {
		(void)close(fd); /* nothing was read through it */
		return -errno;
	}
	errno = 0;
	while ((entry = readdir(dir))) {
		if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
			strv_add(ret, entry->d_name);
		errno = 0;
	}
	return -errno;
}

int root_list(const struct root *root, const char *path, struct strv *ret,
	      struct error *err)
{
	autostrv struct strv names = {0};
	int fd = root_openat(root, path, O_RDONLY | O_DIRECTORY, 0);
	int r;

	if (fd == -ENOENT)
		return 0;
	r = fd < 0 ? fd : dir_list(fd, &names);
	if (r < 0)
		return error_errno(err, r, "listing %s", path);
	strv_sort(&names);
	for (size_t i = 0; i < names.count; i++)
		strv_add(ret, names.items[i]);
	return 0;
}

static int root_mkdir(const struct root *root, const char *path, mode_t mode)
{
	const char *name;
	autoclose int dir = root_open_parent(root, path, &name);
	struct stat st;

	if (dir < 0)
		return dir;
	if (mkdirat(dir, name, mode) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	if (root_stat(root, path, &st) < 0 || !S_ISDIR(st.st_mode))
		return -ENOTDIR;
	return 0;
}

int root_mkdirs(const struct root *root, const char *path, mode_t mode, struct error *err)
{
	const char *end = path;

	while (*end) {
		autofree char *prefix = NULL;
		int r;

		end += strspn(end, "/");
		end += strcspn(end, "/");
		prefix = str_ndup(path, (size_t)(end - path));
		if (end[-1] == '/')
			break;
		r = root_mkdir(root, prefix, mode);
		if (r < 0)
			return error_errno(err, r, "creating directory %s", prefix);
	}
	return 0;
}

static int fd_write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

int fd_reserve(int fd, uint64_t len)
{
	int r;

	if (len > INT64_MAX)
		return -EFBIG;
	if (len == 0)
		return 0;
	do
		r = fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)len) < 0 ? -errno : 0;
	while (r == -EINTR);
	return r == -EOPNOTSUPP || r == -ENOSYS ? 0 : r;
}

/* Write, flush and name a temporary file in the directory dir. */
static int dir_replace(int dir, const char *name, mode_t mode, const char *data,
		       size_t len)
{
	autofree char *temporary = str_format(".%s.kuro-%d", name, (int)getpid());
	autoclose int fd =
		openat(dir, temporary,
		       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	int r;

	if (fd < 0 && errno == EEXIST && unlinkat(dir, temporary, 0) == 0)
		fd = openat(dir, temporary,
			    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	r = len > RESERVE_LEAST ? fd_reserve(fd, len) : 0;
	if (r == 0)
		r = fd_write_all(fd, data, len);
	if (r == 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0))
		r = -errno;
	if (r == 0 && renameat(dir, temporary, dir, name) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlinkat(dir, temporary,
			       0); /* the first error is the one to tell */
		return r;
	}
	return fsync(dir) < 0 ? -errno : 0;
}

int root_write(const struct root *root, const char *path, mode_t mode, const char *data,
	       size_t len, struct error *err)
{
	const char *name;
	autoclose int dir = root_open_parent(root, path, &name);
	int r = dir;

	if (dir >= 0)
		r = dir_replace(dir, name, mode, data, len);
	if (r < 0)
		return error_errno(err, r, "writing %s", path);
	return 0;
}

/* What renames and links share: both parents open, both last names. */
struct two_names {
	int from_dir, to_dir;
	const char *from, *to;
};

static int two_names_open(const struct root *root, const char *from, const char *to,
			  struct two_names *ret)
{
	ret->from_dir = root_open_parent(root, from, &ret->from);
	if (ret->from_dir < 0)
		return ret->from_dir;
	ret->to_dir = root_open_parent(root, to, &ret->to);
	if (ret->to_dir < 0) {
		(void)close(ret->from_dir); /* nothing was changed through it */
		return ret->to_dir;
	}
	return 0;
}

static void two_names_close(const struct two_names *names)
{
	(void)close(names->from_dir); /* the caller syncs what must be durable */
	(void)close(names->to_dir);
}

int root_link(const struct root *root, const char *from, const char *to)
{
	struct two_names names;
	int r = two_names_open(root, from, to, &names);

	if (r < 0)
		return r;
	r = linkat(names.from_dir, names.from, names.to_dir, names.to, 0) < 0 ? -errno
									      : 0;
	two_names_close(&names);
	return r;
}

int root_symlink(const struct root *root, const char *target, const char *path)
{
	const char *name;
	autoclose int dir = root_open_parent(root, path, &name);

	if (dir < 0)
		return dir;
	return symlinkat(target, dir, name) < 0 ? -errno : 0;
}

int root_rename(const struct root *root, const char *from, const char *to)
{
	struct two_names names;
	int r = two_names_open(root, from, to, &names);

	if (r < 0)
		return r;
	r = renameat(names.from_dir, names.from, names.to_dir, names.to) < 0 ? -errno : 0;
	two_names_close(&names);
	return r;
}

int root_unlink(const struct root *root, const char *path, struct error *err)
{
	const char *name;
	autoclose int dir = root_open_parent(root, path, &name);
	int r = dir;

	if (dir >= 0)
		r = unlinkat(dir, name, 0) < 0 ? -errno : 0;
	if (r < 0 && r != -ENOENT)
		return error_errno(err, r, "removing %s", path);
	return 0;
}

static int dir_remove_below(int dir, dev_t device);

static int entry_remove(int dir, const char *name, dev_t device)
{
	autoclose int below = -1;
	struct stat st;
	int r;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISDIR(st.st_mode))
		return unlinkat(dir, name, 0) < 0 ? -errno : 0;
	if (st.st_dev != device)
		return -EXDEV;
	below = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (below < 0)
		return -errno;
	r = dir_remove_below(below, device);
	if (r < 0)
		return r;
	return unlinkat(dir, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

static int dir_remove_below(int dir, dev_t device)
{
	autostrv struct strv names = {0};
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (copy < 0)
		return -errno;
	r = dir_list(copy, &names);
	for (size_t i = 0; r == 0 && i < names.count; i++)
		r = entry_remove(dir, names.items[i], device);
	return r;
}

int root_remove_tree(const struct root *root, const char *path, struct error *err)
{
	const char *name;
	autoclose int dir = root_open_parent(root, path, &name);
	struct stat st;
	int r = dir;

	if (dir >= 0)
		r = fstat(dir, &st) < 0 ? -errno : entry_remove(dir, name, st.st_dev);
	if (r < 0 && r != -ENOENT)
		return error_errno(err, r, "removing %s", path);
	return 0;
}

int root_sync_dir(const struct root *root, const char *path, struct error *err)
{
	autoclose int fd = root_openat(root, path, O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0)
		return error_errno(err, fd, "opening %s", path);
	if (fsync(fd) < 0)
		return error_errno(err, -errno, "flushing %s", path);
	return 0;
}
