/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as an initramfs image: read to where it is at fault, and what is told of it
 * holds together.
 */
#include "probe/initramfs.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fuzz.h"

#define IMAGE "/image"

static char folder[] = "/tmp/kuro-fuzz.XXXXXX";
static struct root root = {.fd = -1};
static int file = -1;

static void folder_remove(void)
{
	(void)unlinkat(root.fd, &IMAGE[1], 0); /* what is left is a test's */
	(void)rmdir(folder);
	root_done(&root);
}

static void folder_make(void)
{
	if (!mkdtemp(folder) || root_open(&root, folder, NULL) < 0)
		abort();
	(void)atexit(folder_remove); /* else it stays behind */
	file = root_openat(&root, IMAGE, O_WRONLY | O_CREAT | O_EXCL, 0600);
}

/* One file for the whole run, never cut to nothing: ext4 would write it to the disk. */
static void image_write(const uint8_t *data, size_t size)
{
	if (file < 0)
		folder_make();
	if (pwrite(file, data, size, 0) != (ssize_t)size ||
	    ftruncate(file, (off_t)size) < 0)
		abort();
}

static void check_segments(const struct initramfs *image)
{
	uint64_t at = 0, plain = 0;

	for (size_t i = 0; i < image->segment_count; i++) {
		const struct initramfs_segment *segment = &image->segments[i];

		assert(segment->offset >= at && segment->packed <= image->size);
		assert(segment->offset <= image->size - segment->packed);
		at = segment->offset + segment->packed;
		plain += segment->plain;
	}
	assert(plain == image->plain);
	assert(image->fault || image->segment_count > 0);
}

static void check_modules(const struct initramfs *image)
{
	for (size_t i = 0; i < image->module_count; i++) {
		const struct initramfs_module *module = &image->modules[i];
		const struct initramfs_module *found =
			initramfs_module_find(image, module->name);

		assert(str_starts(module->path, "lib/modules/"));
		assert(found && found <= module && str_eq(found->name, module->name));
		assert(i == 0 || strcmp(image->modules[i - 1].name, module->name) <= 0);
		assert(module_content_equal(&module->content, &module->content));
	}
}

static void check_files(const struct initramfs *image)
{
	assert(!image->init_executable || image->init);
	assert(!image->init || initramfs_file_find(image, "/init"));
	for (size_t i = 1; i < image->files.count; i++)
		assert(strcmp(image->files.items[i - 1], image->files.items[i]) <= 0);
	for (size_t i = 0; i < image->files.count; i++)
		(void)initramfs_file_find(image, image->files.items[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autoinitramfs struct initramfs image = {0};
	int r;

	image_write(data, size);
	r = initramfs_read(&root, IMAGE, &image, NULL);
	assert(r == 0 && image.size == size);
	assert(!image.fault || *image.fault);
	check_segments(&image);
	check_modules(&image);
	check_files(&image);
	return 0;
}
