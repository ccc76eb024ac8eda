/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as a package: it holds kernels or modules whose names are what names must be,
 * or it is refused with a sentence; what was in it once is there again.
 */
#include "probe/package-file.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "core/release.h"
#include "fuzz.h"

#define PACKAGE "/package"

const char *__asan_default_options(void);

static char folder[] = "/tmp/kuro-fuzz.XXXXXX";
static struct root root = {.fd = -1};
static int file = -1;

static void folder_remove(void)
{
	(void)unlinkat(root.fd, &PACKAGE[1], 0); /* what is left is a test's */
	(void)rmdir(folder);
	root_done(&root);
}

static void folder_make(void)
{
	autofree char *path = NULL;

	if (!mkdtemp(folder) || root_open(&root, folder, NULL) < 0)
		abort();
	(void)atexit(folder_remove); /* else it stays behind */
	path = root_path(&root, PACKAGE);
	file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

/*
 * One file for the whole run, with other bytes each time. It stays open and is not cut to
 * nothing: ext4 would take that for a replacement, and write it to the disk at once.
 */
static void package_write(const uint8_t *data, size_t size)
{
	if (file < 0)
		folder_make();
	if (pwrite(file, data, size, 0) != (ssize_t)size ||
	    ftruncate(file, (off_t)size) < 0)
		abort();
}

static int count_member(void *data, struct package_member *member, struct error *err)
{
	size_t *count = data;

	(void)err;
	assert(member->path[0] == '/' && !strstr(member->path, "/../"));
	++*count;
	return 0;
}

static int module_seen(void *data, const char *path, const void *bytes, size_t len,
		       struct error *err)
{
	size_t *count = data;

	(void)err;
	assert(str_starts(path, "/lib/modules/") && (bytes || len == 0));
	++*count;
	return 0;
}

static void kernel_check(const struct packaged_kernel *kernel)
{
	struct driver_names names;
	const void *data;
	size_t len, count = 0;

	assert(release_valid(kernel->release));
	assert(kernel->packages.count == 1);
	assert(kernel->source.file(kernel->source.data, "image", &data, &len, NULL) == 0);
	assert(packaged_kernel_drivers(kernel, &names, NULL) == 0);
	assert(kernel->source.modules(kernel->source.data, module_seen, &count, NULL) ==
	       0);
	assert(count == names.modules.count);
	driver_names_done(&names);
}

/*
 * libarchive reserves what the name of a cpio's member is said to take, up to 4 GiB, and
 * uses none of it, as kuro gives it 4 MiB at most; the sanitizer would use an eighth.
 */
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1:max_allocation_size_mb=1024";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autopackaged struct packaged_kernels kernels = {0};
	autopackage struct package_info info = {0};
	autostrv struct strv paths = {0};
	struct error err = {0};
	size_t members = 0;
	int r, listed;

	package_write(data, size);
	strv_add(&paths, PACKAGE);
	r = packaged_kernels_read(&root, &paths, &kernels, &err);
	listed = package_file_read(&root, PACKAGE, count_member, &members, &info, NULL);
	assert(r == 0 || (err.code == r && strstr(err.message, PACKAGE)));
	assert(r < 0 || (listed == 0 && members > 0 && info.name && info.version));
	assert(r < 0 || kernels.count + kernels.module_count > 0);
	for (size_t i = 0; i < kernels.count; i++)
		kernel_check(&kernels.items[i]);
	for (size_t i = 0; i < kernels.module_count; i++)
		assert(str_starts(kernels.modules[i].path, "/lib/modules/"));
	return 0;
}
