/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The distribution's initramfs generator. It writes into staging, where a full disk or
 * a killed run harms nothing; its result is looked at and then put beside the others
 * on the boot file system by rename.
 */
#include "act/initramfs.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "core/release.h"
#include "initramfs-staging.h"
#include "probe/boot-image.h"
#include "run.h"

#define TREE_MAX 65536 /* directories of a module tree that are looked into */

/* A file's content in memory without a copy of it. */
struct mapping {
	char *data;
	size_t len;
	mode_t mode;
};

static void mapping_done(struct mapping *map)
{
	if (map->data)
		(void)munmap(map->data, map->len); /* read only */
}

static int mapping_open(const struct root *root, const char *path, struct mapping *ret,
			struct error *err)
{
	autoclose int fd = root_openat(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	struct stat st;
	void *data;

	if (fd < 0)
		return error_errno(err, fd, "initramfs %s", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return error_set(err, -ERROR_DAMAGED, "initramfs %s is not a file", path);
	if (st.st_size == 0)
		return error_set(err, -ERROR_DAMAGED, "initramfs %s is empty", path);
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return error_errno(err, -errno, "reading initramfs %s", path);
	*ret = (struct mapping){data, (size_t)st.st_size, st.st_mode & 0644};
	return 0;
}

/* Temporary files of root_write that a killed run left beside the images. */
static void initramfs_clean_boot(const struct root *root)
{
	autostrv struct strv names = {0};

	if (root_list(root, "/boot", &names, NULL) < 0)
		return;
	for (size_t i = 0; i < names.count; i++) {
		autofree char *path = str_format("/boot/%s", names.items[i]);

		if (str_starts(names.items[i], ".init") &&
		    strstr(names.items[i], ".kuro-"))
			/* room only: what can't be removed is not in the way */
			(void)root_unlink(root, path, NULL);
	}
}

/* The row's command with its words put in; argv is as long as the row's. */
static void generator_words(const struct initramfs_generator *generator,
			    const char *release, const char *file, const char **argv)
{
	for (size_t n = 0; generator->argv[n]; n++)
		argv[n] = str_eq(generator->argv[n], "@")   ? file
			  : str_eq(generator->argv[n], "%") ? release
							    : generator->argv[n];
}

static int initramfs_generate(const struct package_run *run, const char *release,
			      const char *staging, const char *file, struct error *err)
{
	const struct initramfs_generator *generator = initramfs_generator(run->root);
	const char *argv[ARRAY_LEN(generator->argv) + 1] = {0};
	autofree char *working = str_format("TMPDIR=%s", staging);
	const char *env[] = {working, NULL};
	/* what goes on by itself would write into staging that is removed meanwhile */
	struct run_program program = {.argv = argv, .env = env, .tied = true};

	if (!generator)
		return error_set(err, -ERROR_UNSUPPORTED,
				 "there is no initramfs generator that kuro knows "
				 "(initramfs-tools, dracut, mkinitcpio)");
	generator_words(generator, release, file, argv);
	program.timeout =
		(unsigned int)policy_number(run->policy, POLICY_INITRAMFS_BUILD_LIMIT);
	program.stages = generator->stages;
	program.noise = generator->noise;
	return run_program(run, &program, err);
}

/* As readable as the generator made it, by rename or, from another file system, a copy.
 */
static int initramfs_place(const struct root *root, const char *staged, const char *path,
			   struct error *err)
{
	cleanup(mapping_done) struct mapping map = {0};
	int r = boot_image_check_initramfs(root, staged, err);

	if (r == 0)
		r = mapping_open(root, staged, &map, err);
	if (r == 0)
		r = root_write(root, path, map.mode, map.data, map.len, err);
	return r;
}

static int initramfs_stage(const struct package_run *run, const char *release,
			   const char *path, struct error *err)
{
	autofree char *staging = NULL, *staged = NULL;
	uint64_t need = initramfs_staging_need(run->root, release);
	int r = initramfs_staging_open(run->root, need, &staging, err);

	if (r < 0)
		return r;
	staged = str_format("%s/initramfs-%s", staging, release);
	r = initramfs_generate(run, release, staging, staged, err);
	return r < 0 ? r : initramfs_place(run->root, staged, path, err);
}

void initramfs_clean(const struct root *root)
{
	initramfs_clean_boot(root);
	initramfs_staging_clean(root);
}

int initramfs_build(const struct package_run *run, const char *release, struct error *err)
{
	autofree char *path = NULL;
	int r;

	if (!release_valid(release))
		return error_set(err, -EINVAL, "%.64s can't be a kernel release",
				 release);
	path = initramfs_path(run->root, release);
	initramfs_clean_boot(run->root);
	r = initramfs_stage(run, release, path, err);
	initramfs_staging_clean(run->root);
	return r < 0 ? error_prefix(err, r, "building the initramfs of %s", release) : 0;
}

/* When the image was put there, and what is newer. */
struct stale {
	const struct root *root;
	struct timespec built;
	struct strv directories; /* to be looked into */
	bool found;
};

static bool name_is_module(const char *name)
{
	return str_ends(name, ".ko") || str_ends(name, ".ko.xz") ||
	       str_ends(name, ".ko.zst") || str_ends(name, ".ko.gz");
}

static void stale_look(struct stale *s, const char *directory, const char *name)
{
	autofree char *path = str_format("%s/%s", directory, name);
	struct stat st;

	if (root_lstat(s->root, path, &st) < 0)
		return; /* gone by now */
	if (S_ISDIR(st.st_mode))
		strv_add_take(&s->directories, take_ptr(path));
	else if (name_is_module(name) && (st.st_ctim.tv_sec > s->built.tv_sec ||
					  (st.st_ctim.tv_sec == s->built.tv_sec &&
					   st.st_ctim.tv_nsec > s->built.tv_nsec)))
		s->found = true;
}

int initramfs_is_stale(const struct root *root, const char *release, struct error *err)
{
	autofree char *path = initramfs_path(root, release);
	struct stale s = {.root = root};
	struct stat st;
	int r = root_stat(root, path, &st);

	if (r < 0)
		return error_errno(err, r, "initramfs %s", path);
	s.built = st.st_mtim;
	strv_add_take(&s.directories, str_format("/lib/modules/%s", release));
	for (size_t i = 0; r == 0 && i < s.directories.count && i < TREE_MAX; i++) {
		autostrv struct strv names = {0};

		r = root_list(root, s.directories.items[i], &names, err);
		for (size_t n = 0; r == 0 && n < names.count; n++)
			stale_look(&s, s.directories.items[i], names.items[n]);
	}
	strv_done(&s.directories);
	return r < 0 ? r : s.found;
}
