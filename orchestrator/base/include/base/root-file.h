/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files below the machine's root. Every path kuro reads or changes goes through the
 * root's descriptor (openat2, RESOLVE_IN_ROOT), so that --root DIR works for every
 * verb and no symbolic link leads outside. Paths are absolute as the machine itself
 * sees them ("/boot/kuro/env"). This is the only module that renames, links and
 * removes; what must also survive a power cut as GRUB reads it goes on to act/durable.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/text.h"

struct root {
	int fd;     /* O_PATH descriptor of the root */
	char *path; /* as given; "/" for the machine kuro runs on */
};

/* Open DIR as the machine's root. -ENOENT, -ENOTDIR, -EACCES. */
int root_open(struct root *root, const char *path, struct error *err);
void root_done(struct root *root);
/* True where the root is the machine that runs (a boot can be judged, a reboot done). */
bool root_is_live(const struct root *root);
/* root's path and path joined, for programs and libraries that want one. Caller frees. */
char *root_path(const struct root *root, const char *path);

/* open(2) below the root; O_CLOEXEC is added. Returns the descriptor or -errno. */
int root_openat(const struct root *root, const char *path, int flags, mode_t mode);
/* stat(2) below the root: links followed inside the root. 0 or -errno. */
int root_stat(const struct root *root, const char *path, struct stat *ret);
/* lstat(2): a link at the end is not followed. 0 or -errno. */
int root_lstat(const struct root *root, const char *path, struct stat *ret);
bool root_exists(const struct root *root, const char *path);
/* Where the link at path points, as written there. 0 or -errno. Caller frees. */
int root_readlink(const struct root *root, const char *path, char **ret);

/*
 * Read a whole regular file (also of /proc and /sys, whose size says 0) of at most max
 * bytes into a NUL-terminated buffer; caller frees. -EFBIG beyond max, -ENOENT, …
 * ret_len may be NULL.
 */
int root_read(const struct root *root, const char *path, size_t max, char **ret,
	      size_t *ret_len, struct error *err);
/* The same from an open descriptor, from its position on; what names it in errors. */
int fd_read_all(int fd, const char *what, size_t max, char **ret, size_t *ret_len,
		struct error *err);
/* First line, stripped, of a small file; -ENOENT is returned without a message. */
int root_read_line(const struct root *root, const char *path, char **ret,
		   struct error *err);

/*
 * Take room for so many bytes of an open file before they are written; its size stays. 0
 * where it was taken, and where the file system has no such thing; -ENOSPC, -EDQUOT.
 */
int fd_reserve(int fd, uint64_t len);

/* Names in a directory, sorted, without "." and "..". A missing one is empty: returns 0.
 */
int root_list(const struct root *root, const char *path, struct strv *ret,
	      struct error *err);

/* mkdir -p with mode for what is created; a directory that is there is success. */
int root_mkdirs(const struct root *root, const char *path, mode_t mode,
		struct error *err);
/*
 * Replace a file's whole content: temporary file beside it, fsync, rename, fsync of
 * the directory. Readers see the old or the new content. May be repeated. Room for a
 * large one is taken before its first byte is written: -ENOSPC leaves all as it was.
 */
int root_write(const struct root *root, const char *path, mode_t mode, const char *data,
	       size_t len, struct error *err);
/* Hard link; -EXDEV, -EMLINK, -EPERM where the file system has none, -EEXIST. */
int root_link(const struct root *root, const char *from, const char *to);
int root_symlink(const struct root *root, const char *target, const char *path);
/* rename(2) within the root; 0 or -errno. */
int root_rename(const struct root *root, const char *from, const char *to);
/* unlink(2); a file that is not there is success. */
int root_unlink(const struct root *root, const char *path, struct error *err);
/* Remove a directory with all below it, staying on its file system; missing is success.
 */
int root_remove_tree(const struct root *root, const char *path, struct error *err);
/* fsync a directory, so that names in it are durable. */
int root_sync_dir(const struct root *root, const char *path, struct error *err);
