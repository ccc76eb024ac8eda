/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Initramfs images, read as the kernel unpacks them (init/initramfs.c,
 * Documentation/driver-api/early-userspace/buffer-format.rst), and what this machine's
 * root file system needs of one.
 */
#pragma once

#include "base/root-file.h"
#include "core/initramfs.h"

#ifndef INITRAMFS_PLAIN_MAX /* a fuzzer has less time */
#define INITRAMFS_PLAIN_MAX ((uint64_t)4 * 1024 * 1024 * 1024)
#endif

/*
 * Read an image to its last byte, every segment, in little memory. One that would not
 * unpack is success with ret->fault set and what was read before it. -ENOENT, -EACCES,
 * -EIO.
 */
int initramfs_read(const struct root *root, const char *path, struct initramfs *ret,
		   struct error *err);
/* The same of an image below place, whose modules may be installed below another root. */
int initramfs_read_at(const struct root *place, const char *path,
		      const struct root *installed, struct initramfs *ret,
		      struct error *err);
/*
 * The content of an installed module file, to be compared with an image's copy of it;
 * packing is the copy's. One that is packed otherwise (.ko.xz, and plain in the image) is
 * not unpacked: its sums are read. Fit for thousands of files. -ENOENT, -EACCES, -EIO.
 */
int module_content_probe(const struct root *root, const char *path, const char *packing,
			 struct module_content *ret, struct error *err);
/*
 * What the target needs in its initramfs so that this machine finds its root: from
 * libmount, libblkid and sysfs down to the hardware, modules by libkmod on the target's
 * tree. What can't be told is in ret->unknown, not an error. -ENOENT: the release has no
 * module tree.
 */
int root_needs_probe(const struct root *root, const char *release, struct root_needs *ret,
		     struct error *err);
/*
 * Fill needs->installed, which is empty, for the modules that image has of
 * needs->release. What can't be read is left unknown (digest "").
 */
int root_needs_compare(const struct root *root, const struct initramfs *image,
		       struct root_needs *needs, struct error *err);
