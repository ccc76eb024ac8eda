/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Generations: made in a directory whose name starts with a dot, which nothing reads,
 * and named when every byte is on the disk.
 */
#include "act/generation.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "act/durable.h"
#include "base/cleanup.h"
#include "core/boot-protocol.h"
#include "core/command-line.h"
#include "core/release.h"
#include "probe/boot-files.h"

#define GENERATION_NEW  ".new"
#define GENERATION_GONE ".gone"

static char *generation_path(unsigned int generation)
{
	return str_format(BOOT_GENERATIONS "/%u", generation);
}

static char *generation_hidden(unsigned int generation, const char *suffix)
{
	return str_format(BOOT_GENERATIONS "/.%u%s", generation, suffix);
}

/* From where both stand; copy_file_range may do less than all, and nothing between types.
 */
static int fd_copy_bytes(int from, int to)
{
	char chunk[65536];
	ssize_t n;

	while ((n = read(from, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno != EINTR)
			return -errno;
		for (ssize_t done = 0, put; done < n; done += put) {
			put = write(to, chunk + done, (size_t)(n - done));
			if (put < 0 && errno != EINTR)
				return -errno;
			put = put < 0 ? 0 : put;
		}
	}
	return 0;
}

/* Shared blocks, or a copy whose room is taken first: fallocate knows what statvfs does
 * not. */
static int fd_copy(int from, int to)
{
	struct stat st;
	ssize_t n;
	int r;

	if (ioctl(to, FICLONE, from) == 0)
		return 0;
	r = fstat(from, &st) < 0 ? -errno : fd_reserve(to, (uint64_t)st.st_size);
	if (r < 0)
		return r;
	do
		n = copy_file_range(from, NULL, to, NULL, 64 * 1024 * 1024, 0);
	while (n > 0 || (n < 0 && errno == EINTR));
	if (n == 0)
		return 0;
	if (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS)
		return fd_copy_bytes(from, to);
	return -errno;
}

/* A copy that shares no inode: reflinked where the file system can. */
static int generation_copy(const struct root *root, const char *from, const char *to)
{
	autoclose int source = root_openat(root, from, O_RDONLY, 0);
	autoclose int target = -1;

	if (source < 0)
		return source;
	target = root_openat(root, to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	if (target < 0)
		return target;
	return fd_copy(source, target); /* flushed with the whole directory */
}

/* A hard link costs nothing; where there can be none (FAT, another file system): a copy.
 */
static int generation_share(const struct root *root, const char *from, const char *to)
{
	struct stat st;
	int r = root_lstat(root, from, &st);

	if (r < 0)
		return r;
	if (!S_ISREG(st.st_mode)) /* /boot/vmlinuz may be a link: its target's bytes */
		return generation_copy(root, from, to);
	r = root_link(root, from, to);
	if (r == -EXDEV || r == -EPERM || r == -EMLINK || r == -EOPNOTSUPP ||
	    r == -EACCES)
		return generation_copy(root, from, to);
	return r;
}

static int manifest_add(const struct root *root, const char *directory, const char *name,
			struct manifest *m, struct error *err)
{
	struct manifest_file *file = &m->files[m->file_count];
	autofree char *path = str_format("%s/%s", directory, name);
	autoclose int fd = root_openat(root, path, O_RDONLY | O_NOFOLLOW, 0);
	int r;

	if (fd < 0)
		return error_errno(err, fd, "%s", path);
	r = boot_files_hash(fd, path, file->sha256, &file->size, err);
	if (r < 0)
		return r;
	if (file->size == 0)
		return error_set(err, -ERROR_DAMAGED, "%s is empty", path);
	file->name = str_dup(name);
	m->file_count++;
	return 0;
}

/* One of the distribution's files, and what it is called in the generation. */
struct taking {
	const char *from, *name;
	bool share;
};

static int generation_take(const struct root *root, const char *directory,
			   const struct taking *what, struct manifest *m,
			   struct error *err)
{
	autofree char *to = str_format("%s/%s", directory, what->name);
	int r = what->share ? generation_share(root, what->from, to)
			    : generation_copy(root, what->from, to);

	if (r < 0)
		return error_errno(err, r, "taking %s into a generation", what->from);
	return manifest_add(root, directory, what->name, m, err);
}

static int generation_note(const struct root *root, const char *directory,
			   const char *name, char *content, struct error *err)
{
	autofree char *path = str_format("%s/%s", directory, name);
	autofree char *owned = content;

	return root_write(root, path, 0644, owned, strlen(owned), err);
}

static void generation_describe(const struct generation_source *source,
				struct manifest *m)
{
	*m = (struct manifest){
		.generation = source->generation,
		.release = str_dup(source->release),
		.title = str_dup(source->title),
		.command_line = command_line_join(source->command_line),
		.trial_line = command_line_join(source->trial_args),
		.created = (int64_t)time(NULL),
		.transaction = source->transaction,
	};
}

static int generation_fill(const struct root *root, const char *directory,
			   const struct generation_source *source, struct manifest *m,
			   struct error *err)
{
	const struct taking image = {source->image, "vmlinuz", true};
	const struct taking initramfs = {source->initramfs, "initrd.img",
					 source->share_initramfs};
	int r = generation_take(root, directory, &image, m, err);

	if (r == 0 && initramfs.from)
		r = generation_take(root, directory, &initramfs, m, err);
	if (r == 0)
		r = generation_note(root, directory, "boot.cfg", manifest_boot_cfg(m),
				    err);
	if (r == 0)
		r = manifest_add(root, directory, "boot.cfg", m, err);
	if (r == 0)
		r = generation_note(root, directory, "sums", manifest_sums(m), err);
	if (r == 0)
		r = generation_note(root, directory, "manifest.json", manifest_format(m),
				    err);
	if (r == 0)
		r = durable_sync_tree(root, directory, err);
	return r;
}

/* Name it, push it to where GRUB reads, and read every byte back. */
static int generation_commit(const struct root *root, const char *directory,
			     unsigned int generation, struct error *err)
{
	autofree char *path = generation_path(generation);
	int r = root_rename(root, directory, path);

	if (r < 0)
		return error_errno(err, r, "naming %s", path);
	r = root_sync_dir(root, BOOT_GENERATIONS, err);
	if (r == 0)
		r = durable_push(root, BOOT_GENERATIONS, err);
	if (r == 0)
		r = boot_files_verify(root, generation, true, err);
	return r;
}

static int generation_check_source(const struct generation_source *source,
				   struct error *err)
{
	int r;

	if (source->generation == 0 || source->generation > BOOT_GENERATION_MAX)
		return error_set(err, -ERANGE, "generation %u: allowed is 1 to %u",
				 source->generation, BOOT_GENERATION_MAX);
	if (!release_valid(source->release))
		return error_set(err, -EINVAL, "%s is not a kernel release",
				 source->release);
	r = command_line_check(source->command_line, err);
	if (r == 0)
		r = command_line_check(source->trial_args, err);
	if (r < 0)
		return error_prefix(err, r, "kernel command line of %s", source->release);
	return 0;
}

/* The same generation made before and still whole: nothing to do. */
static int generation_already(const struct root *root,
			      const struct generation_source *source,
			      struct manifest *ret, struct error *err)
{
	autofree char *path = generation_path(source->generation);
	automanifest struct manifest m = {0};
	int r;

	if (!root_exists(root, path))
		return 0;
	r = boot_files_manifest(root, source->generation, &m, err);
	if (r == 0 &&
	    (!str_eq(m.release, source->release) || m.transaction != source->transaction))
		return error_set(err, -EEXIST, "generation %u is there already, for %s",
				 source->generation, m.release);
	if (r == 0)
		r = boot_files_verify(root, source->generation, true, err);
	if (r < 0)
		return r;
	*ret = m;
	m = (struct manifest){0};
	return 1;
}

static int generation_build(const struct root *root,
			    const struct generation_source *source, struct manifest *m,
			    struct error *err)
{
	autofree char *directory = generation_hidden(source->generation, GENERATION_NEW);
	int r = root_remove_tree(root, directory, err);

	if (r == 0)
		r = root_mkdirs(root, directory, 0755, err);
	if (r == 0)
		r = generation_fill(root, directory, source, m, err);
	if (r == 0)
		r = generation_commit(root, directory, source->generation, err);
	return r;
}

int generation_create(const struct root *root, const struct generation_source *source,
		      struct manifest *ret, struct error *err)
{
	automanifest struct manifest m = {0};
	int r = generation_check_source(source, err);

	if (r == 0)
		r = generation_already(root, source, ret, err);
	if (r != 0)
		return r < 0 ? r : 0;
	generation_describe(source, &m);
	r = generation_build(root, source, &m, err);
	if (r < 0) {
		(void)generation_clean(root,
				       NULL); /* the first error is the one to tell */
		(void)generation_remove(root, source->generation, NULL);
		return error_prefix(err, r, "making generation %u of %s",
				    source->generation, source->release);
	}
	*ret = m;
	m = (struct manifest){0};
	return 0;
}

int generation_remove(const struct root *root, unsigned int generation, struct error *err)
{
	autofree char *path = generation_path(generation);
	autofree char *gone = generation_hidden(generation, GENERATION_GONE);
	int r = root_remove_tree(root, gone, err);

	if (r < 0)
		return r;
	r = root_rename(root, path, gone);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return error_errno(err, r, "removing generation %u", generation);
	r = root_sync_dir(root, BOOT_GENERATIONS, err);
	return r < 0 ? r : root_remove_tree(root, gone, err);
}

int generation_clean(const struct root *root, struct error *err)
{
	autostrv struct strv names = {0};
	int r = root_list(root, BOOT_GENERATIONS, &names, err);

	for (size_t i = 0; r == 0 && i < names.count; i++) {
		autofree char *path = NULL;

		if (names.items[i][0] != '.')
			continue;
		path = str_format(BOOT_GENERATIONS "/%s", names.items[i]);
		r = root_remove_tree(root, path, err);
	}
	return r;
}

int generation_next(const struct root *root, unsigned int known_highest,
		    unsigned int *ret, struct error *err)
{
	autofree unsigned int *numbers = NULL;
	unsigned int highest = known_highest;
	size_t count;
	int r = boot_files_generations(root, &numbers, &count, err);

	if (r < 0)
		return r;
	if (count > 0 && numbers[count - 1] > highest)
		highest = numbers[count - 1];
	if (highest >= BOOT_GENERATION_MAX)
		return error_set(err, -ERANGE, "generation numbers are used up (%u)",
				 BOOT_GENERATION_MAX);
	*ret = highest + 1;
	return 0;
}
