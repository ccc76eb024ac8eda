/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What tells that a file is still the one that was read before, without reading it: file
 * system, inode, size, both times in nanoseconds, and a sample of its bytes. As with
 * git's index, a file that has changed a moment ago could change again within one tick of
 * the clock, unseen: it has no identity yet.
 */
#pragma once

#include <stddef.h>
#include <sys/stat.h>
#include <time.h>

/* Seconds since the last change: ext2 and ext3 count whole ones, and clocks are set. */
#define FILE_IDENTITY_REST 3

/*
 * One line, which no other state of this file has had, and of no other file; caller
 * frees. NULL: nothing can be relied upon; on file systems whose change time or inode
 * numbers mean little (FAT, network file systems), where it lies less than
 * FILE_IDENTITY_REST seconds back or ahead of the clock. st is of fd, bytes are its
 * content, st_size of them; now is of before both were read.
 */
char *file_identity(int fd, const struct stat *st, const void *bytes,
		    const struct timespec *now);
