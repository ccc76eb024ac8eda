/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dpkg's lists of files. Reads only.
 */
#include "dpkg-lists.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/cleanup.h"

DIR *dpkg_lists_open(const struct root *root)
{
	int fd = root_openat(root, DPKG_INFO, O_RDONLY | O_DIRECTORY, 0);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (!dir && fd >= 0)
		(void)close(fd); /* nothing was read through it */
	return dir;
}

bool dpkg_list_read(int dir, const char *name, struct text *buffer)
{
	autoclose int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	size_t got = 0;
	ssize_t n = 1;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    (size_t)st.st_size > DPKG_LIST_MAX)
		return false;
	if (buffer->size <= (size_t)st.st_size) {
		buffer->size = (size_t)st.st_size * 2 + 1;
		buffer->data = mem_regrow(buffer->data, buffer->size, 1);
	}
	while (n > 0 && got < (size_t)st.st_size) {
		n = read(fd, buffer->data + got, (size_t)st.st_size - got);
		got += n > 0 ? (size_t)n : 0;
	}
	buffer->data[got] = '\0';
	return true;
}
