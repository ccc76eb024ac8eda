/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Installed kernels: releases are collected from the names of images in /boot, from the
 * module trees and from boot loader entries; then each one's files are looked for by
 * the names that Debian, Fedora and SUSE give them. Runs no
 * program: kernel-packages.c does.
 */
#include "probe/kernels.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/cleanup.h"
#include "core/release.h"
#include "loader-entries.h"

#define KERNELS_MAX      512
#define TREE_DEPTH_MAX   24
#define TREE_ENTRIES_MAX 200000
#define ST_BLOCKS_UNIT   512 /* stat(2): st_blocks counts these */

struct kernel_scan {
	const struct root *root;
	struct kernel_list list;
	struct loader_entries entries;
};

static struct kernel *scan_find(struct kernel_scan *scan, const char *release)
{
	for (size_t i = 0; i < scan->list.count; i++)
		if (str_eq(scan->list.items[i].release, release))
			return &scan->list.items[i];
	return NULL;
}

/* The one of that release, added where there is none yet; NULL when there is no room. */
static struct kernel *scan_add(struct kernel_scan *scan, const char *release)
{
	struct kernel_list *list = &scan->list;
	struct kernel *known = scan_find(scan, release);

	if (known || list->count >= KERNELS_MAX)
		return known;
	list->items = mem_regrow(list->items, list->count + 1, sizeof(*list->items));
	list->items[list->count] = (struct kernel){.release = str_dup(release)};
	return &list->items[list->count++];
}

/* A file into its place in the inventory; false where there is none. */
static bool take_file(const struct root *root, const char *path, struct kernel_file *file)
{
	struct stat st;

	if (root_stat(root, path, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	free(file->path);
	*file = (struct kernel_file){
		.path = str_dup(path),
		.size = (uint64_t)st.st_size,
		.room = (uint64_t)st.st_blocks * ST_BLOCKS_UNIT,
	};
	return true;
}

/* The first of the patterns, each with one %s for the release, that is a file. */
struct file_names {
	const char *before, *after;
};

static const struct file_names image_names[] = {
	{"/boot/vmlinuz-", ""},        {"/boot/vmlinux-", ""},
	{"/boot/Image-", ""},          {"/usr/lib/modules/", "/vmlinuz"},
	{"/lib/modules/", "/vmlinuz"}, {"/usr/lib/modules/", "/Image"},
};

static const struct file_names initramfs_names[] = {
	{"/boot/initrd.img-", ""},
	{"/boot/initramfs-", ".img"},
	{"/boot/initrd-", ""},
};

static const struct file_names config_names[] = {
	{"/boot/config-", ""},
	{"/usr/lib/modules/", "/config"},
	{"/lib/modules/", "/config"},
};

static bool take_first(const struct root *root, const char *release,
		       const struct file_names *names, size_t count,
		       struct kernel_file *file)
{
	for (size_t i = 0; i < count; i++) {
		autofree char *path =
			str_format("%s%s%s", names[i].before, release, names[i].after);

		if (take_file(root, path, file))
			return true;
	}
	return false;
}

/* What package managers and people leave beside an image. */
static bool name_is_left_over(const char *release)
{
	static const char *const ends[] = {".old", ".bak", ".orig", ".tmp",    ".hmac",
					   ".sig", ".gz",  ".xz",   ".signed", "~"};

	if (strstr(release, ".dpkg-") || strstr(release, ".rpm"))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (str_ends(release, ends[i]))
			return true;
	return false;
}

static bool tree_exists(const struct root *root, const char *release);

static void scan_image_name(struct kernel_scan *scan, const char *name)
{
	static const char *const prefixes[] = {"vmlinuz-", "vmlinux-", "Image-"};

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		const char *release = name + strlen(prefixes[i]);
		struct kernel_file image = {0};
		autofree char *path = NULL;

		if (!str_starts(name, prefixes[i]) || !release_valid(release) ||
		    str_starts(release, "0-rescue"))
			continue;
		if (name_is_left_over(release) && !tree_exists(scan->root, release))
			continue;
		path = str_format("/boot/%s", name);
		if (take_file(scan->root, path, &image))
			(void)scan_add(scan, release); /* beyond the limit: told later */
		free(image.path);
	}
}

static int scan_boot(struct kernel_scan *scan, struct error *err)
{
	autostrv struct strv names = {0};
	int r = root_list(scan->root, "/boot", &names, err);

	/* /boot may be closed to the unprivileged; the module trees still tell. */
	if (r < 0 && r != -EACCES)
		return r;
	for (size_t i = 0; i < names.count; i++)
		scan_image_name(scan, names.items[i]);
	return 0;
}

/*
 * Is the directory a kernel's modules? Packages of headers put a tree with nothing but
 * links to their sources there.
 */
static bool dir_is_tree(const struct root *root, const char *dir)
{
	static const char *const signs[] = {"kernel", "modules.order", "modules.builtin",
					    "modules.dep", "vmlinuz"};

	for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
		autofree char *path = str_format("%s/%s", dir, signs[i]);

		if (root_exists(root, path))
			return true;
	}
	return false;
}

static const char *const tree_dirs[] = {"/usr/lib/modules", "/lib/modules"};

static bool tree_exists(const struct root *root, const char *release)
{
	for (size_t i = 0; i < ARRAY_LEN(tree_dirs); i++) {
		autofree char *dir = str_format("%s/%s", tree_dirs[i], release);

		if (dir_is_tree(root, dir))
			return true;
	}
	return false;
}

static int scan_trees(struct kernel_scan *scan, const char *where, struct error *err)
{
	autostrv struct strv names = {0};
	int r = root_list(scan->root, where, &names, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < names.count; i++) {
		autofree char *dir = str_format("%s/%s", where, names.items[i]);
		struct kernel *kernel;

		if (!release_valid(names.items[i]) || !dir_is_tree(scan->root, dir))
			continue;
		kernel = scan_add(scan, names.items[i]);
		if (kernel && !kernel->modules)
			kernel->modules = take_ptr(dir);
	}
	return 0;
}

/* Where /lib is a link to /usr/lib, one look is enough. */
static bool is_same_dir(const struct root *root, const char *a, const char *b)
{
	struct stat left, right;

	return root_stat(root, a, &left) == 0 && root_stat(root, b, &right) == 0 &&
	       left.st_dev == right.st_dev && left.st_ino == right.st_ino;
}

/* Where an entry alone knows the image (kernel-install's own layout). */
static void scan_entry(struct kernel_scan *scan, const struct loader_entry *entry)
{
	autofree char *release = loader_entry_release(entry);
	autofree char *image = NULL;

	if (!release || scan_find(scan, release))
		return;
	image = loader_entry_file(scan->root, entry, entry->image);
	if (image)
		(void)scan_add(scan, release); /* beyond the limit: told later */
}

static int scan_all(struct kernel_scan *scan, struct error *err)
{
	int r = scan_boot(scan, err);

	if (r == 0)
		r = scan_trees(scan, tree_dirs[0], err);
	if (r == 0 && !is_same_dir(scan->root, tree_dirs[0], tree_dirs[1]))
		r = scan_trees(scan, tree_dirs[1], err);
	if (r < 0)
		return r;
	loader_entries_read(scan->root, &scan->entries);
	for (size_t i = 0; i < scan->entries.count; i++)
		scan_entry(scan, &scan->entries.items[i]);
	if (scan->list.count >= KERNELS_MAX)
		return error_set(err, -E2BIG,
				 "/boot and /usr/lib/modules hold %d kernels or more, "
				 "which kuro does not believe",
				 KERNELS_MAX);
	return 0;
}

/* The release's entry; one whose image is there comes before one whose image is not. */
static const struct loader_entry *entry_for(const struct kernel_scan *scan,
					    const char *release)
{
	const struct loader_entry *found = NULL;

	for (size_t i = 0; i < scan->entries.count; i++) {
		const struct loader_entry *entry = &scan->entries.items[i];
		autofree char *names = loader_entry_release(entry);
		autofree char *image = NULL;

		if (!str_eq(names, release))
			continue;
		image = loader_entry_file(scan->root, entry, entry->image);
		if (image)
			return entry;
		if (!found)
			found = entry;
	}
	return found;
}

/* Of several initrds the last is the real one; those before it are microcode. */
static void take_entry_initrd(const struct root *root, const struct loader_entry *entry,
			      struct kernel_file *file)
{
	for (size_t i = entry->initrds.count; i > 0 && !file->path; i--) {
		autofree char *path =
			loader_entry_file(root, entry, entry->initrds.items[i - 1]);

		if (path)
			(void)take_file(root, path, file); /* gone since: none */
	}
}

static void fill_from_entry(struct kernel_scan *scan, struct kernel *kernel)
{
	const struct loader_entry *entry = entry_for(scan, kernel->release);
	autofree char *image = NULL;

	if (!entry)
		return;
	kernel->loader_entry = str_dup(entry->path);
	kernel->loader_options = str_dup(entry->options);
	if (!kernel->image.path) {
		image = loader_entry_file(scan->root, entry, entry->image);
		if (image)
			(void)take_file(scan->root, image, &kernel->image);
	}
	if (!kernel->initramfs.path)
		take_entry_initrd(scan->root, entry, &kernel->initramfs);
}

static void fill_files(struct kernel_scan *scan, struct kernel *kernel)
{
	const struct root *root = scan->root;
	const char *release = kernel->release;

	/* What is not there stays empty. */
	(void)take_first(root, release, image_names, ARRAY_LEN(image_names),
			 &kernel->image);
	(void)take_first(root, release, initramfs_names, ARRAY_LEN(initramfs_names),
			 &kernel->initramfs);
	(void)take_first(root, release, config_names, ARRAY_LEN(config_names),
			 &kernel->config);
	fill_from_entry(scan, kernel);
}

/* What a walk through a tree has left to spend, and what it found. */
struct tree_walk {
	dev_t device;
	size_t entries_left;
	uint64_t room;
};

/* Takes fd. Recursion is bounded by TREE_DEPTH_MAX. */
static void walk_dir(struct tree_walk *walk, int fd, unsigned int depth);

static void walk_entry(struct tree_walk *walk, int dir, const char *name,
		       unsigned int depth)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || walk->entries_left == 0)
		return;
	walk->entries_left--;
	if (st.st_dev != walk->device)
		return;
	walk->room += (uint64_t)st.st_blocks * ST_BLOCKS_UNIT;
	if (S_ISDIR(st.st_mode) && depth < TREE_DEPTH_MAX)
		walk_dir(walk,
			 openat(dir, name,
				O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
			 depth + 1);
}

static void walk_dir(struct tree_walk *walk, int fd, unsigned int depth)
{
	autodir DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	if (!dir) {
		if (fd >= 0)
			(void)close(fd); /* nothing was read through it */
		return;
	}
	while ((entry = readdir(dir)))
		if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
			walk_entry(walk, dirfd(dir), entry->d_name, depth);
}

uint64_t kernel_tree_room(const struct root *root, const char *path)
{
	int fd = root_openat(root, path, O_RDONLY | O_DIRECTORY, 0);
	struct tree_walk walk = {.entries_left = TREE_ENTRIES_MAX};
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0) {
		walk.device = st.st_dev;
		walk.room = (uint64_t)st.st_blocks * ST_BLOCKS_UNIT;
	}
	walk_dir(&walk, fd, 0);
	return walk.room;
}

static int newest_first(const void *a, const void *b)
{
	const struct kernel *left = a, *right = b;
	int order = release_compare(right->release, left->release);

	return order ? order : strcmp(right->release, left->release);
}

static void scan_fill(struct kernel_scan *scan, bool with_sizes)
{
	struct utsname machine = {0};

	if (root_is_live(scan->root))
		(void)uname(&machine); /* fails for a bad pointer only */
	for (size_t i = 0; i < scan->list.count; i++) {
		struct kernel *kernel = &scan->list.items[i];

		fill_files(scan, kernel);
		kernel->running = str_eq(kernel->release, machine.release);
		if (with_sizes && kernel->modules)
			kernel->modules_room =
				kernel_tree_room(scan->root, kernel->modules);
	}
}

int kernels_probe(const struct root *root, bool with_sizes, struct kernel_list *ret,
		  struct error *err)
{
	struct kernel_scan scan = {.root = root};
	int r = scan_all(&scan, err);

	if (r < 0) {
		kernel_list_done(&scan.list);
	} else {
		scan_fill(&scan, with_sizes);
		if (scan.list.count > 1)
			qsort(scan.list.items, scan.list.count, sizeof(*scan.list.items),
			      newest_first);
		*ret = scan.list;
	}
	loader_entries_done(&scan.entries);
	if (r < 0)
		(void)error_prefix(err, r,
				   "looking for installed kernels"); /* r is the code */
	return r < 0 ? r : 0;
}

bool kernel_tree_exists(const struct root *root, const char *release)
{
	/* of the kernel's own packages; modules.dep is made, and may outlive them */
	static const char *const parts[] = {"kernel", "modules.order", "modules.builtin"};

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		autofree char *path =
			str_format("/usr/lib/modules/%s/%s", release, parts[i]);

		if (root_exists(root, path))
			return true;
	}
	return false;
}
