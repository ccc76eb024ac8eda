/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kernel and initramfs images, looked at as cheaply as can tell a whole one from one
 * that was cut off or never written.
 */
#include "probe/boot-image.h"

#include <endian.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"

#define IMAGE_TAIL 4096  /* bytes at the end that are never all zero */
#define IMAGE_HEAD 0x264 /* the x86 boot header ends below it */

/* First bytes of an archive or of a compression that the kernel unpacks
 * (lib/decompress.c). */
static const struct {
	const char *bytes;
	size_t len;
} initramfs_magics[] = {
	{"070701", 6},        {"070702", 6},   {"\037\213", 2}, {"\050\265\057\375", 4},
	{"\3757zXZ\0", 6},    {"\135\0\0", 3}, {"BZh", 3},      {"\002\041\114\030", 4},
	{"\211LZO\0\r\n", 7},
};

static bool initramfs_begins_well(const char *data, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(initramfs_magics); i++)
		if (len >= initramfs_magics[i].len &&
		    memcmp(data, initramfs_magics[i].bytes, initramfs_magics[i].len) == 0)
			return true;
	return false;
}

/* A file whose size was written and whose data was not ends in zeroes. */
static bool image_ends_well(int fd, uint64_t size)
{
	char tail[IMAGE_TAIL];
	off_t from = size > sizeof(tail) ? (off_t)(size - sizeof(tail)) : 0;
	ssize_t n = pread(fd, tail, sizeof(tail), from);

	for (ssize_t i = 0; i < n; i++)
		if (tail[i])
			return true;
	return false;
}

static int image_open(const struct root *root, const char *path, uint64_t *ret_size,
		      struct error *err)
{
	autoclose int fd = root_openat(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	struct stat st;

	if (fd < 0)
		return error_errno(err, fd, "%s", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return error_set(err, -ERROR_DAMAGED, "%s is not a file", path);
	if (st.st_size == 0)
		return error_set(err, -ERROR_DAMAGED, "%s is empty", path);
	*ret_size = (uint64_t)st.st_size;
	return take_fd(&fd);
}

int boot_image_check_initramfs(const struct root *root, const char *path,
			       struct error *err)
{
	uint64_t size;
	autoclose int fd = image_open(root, path, &size, err);
	char head[16];
	ssize_t n;

	if (fd < 0)
		return error_prefix(err, fd, "initramfs");
	n = pread(fd, head, sizeof(head), 0);
	if (n <= 0 || !initramfs_begins_well(head, (size_t)n))
		return error_set(err, -ERROR_DAMAGED,
				 "initramfs %s does not begin like an archive or a "
				 "compressed one",
				 path);
	if (!image_ends_well(fd, size))
		return error_set(err, -ERROR_DAMAGED,
				 "initramfs %s ends in zeroes: it was not written to its "
				 "end",
				 path);
	return 0;
}

/*
 * Bytes that an x86 image must have by its own header, 0 for another kind of image.
 * Documentation/arch/x86/boot.rst: setup_sects at 0x1f1 (0 means 4), syssize at 0x1f4 in
 * units of 16 bytes, "HdrS" at 0x202.
 */
static uint64_t kernel_needed(const unsigned char *head, size_t len)
{
	uint32_t syssize;
	uint64_t sectors;

	if (len < IMAGE_HEAD || memcmp(head + 0x202, "HdrS", 4) != 0)
		return 0;
	memcpy(&syssize, head + 0x1f4, sizeof(syssize));
	sectors = head[0x1f1] ? head[0x1f1] : 4;
	return (sectors + 1) * 512 + (uint64_t)le32toh(syssize) * 16;
}

int boot_image_check_kernel(const struct root *root, const char *path, struct error *err)
{
	uint64_t size, needed;
	autoclose int fd = image_open(root, path, &size, err);
	unsigned char head[IMAGE_HEAD];
	ssize_t n;

	if (fd < 0)
		return error_prefix(err, fd, "kernel image");
	n = pread(fd, head, sizeof(head), 0);
	if (n < 0)
		return error_errno(err, -errno, "reading kernel image %s", path);
	needed = kernel_needed(head, (size_t)n);
	if (needed > size)
		return error_set(
			err, -ERROR_DAMAGED,
			"kernel image %s is cut off: %llu of %llu bytes are there", path,
			(unsigned long long)size, (unsigned long long)needed);
	if (!image_ends_well(fd, size))
		return error_set(
			err, -ERROR_DAMAGED,
			"kernel image %s ends in zeroes: it was not written to its "
			"end",
			path);
	return 0;
}
