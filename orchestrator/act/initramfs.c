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
#include "probe/boot-image.h"
#include "run.h"

#define INITRAMFS_STAGING "/var/lib/kuro/staging"
#define INITRAMFS_TIMEOUT 3600 /* seconds: xz on a slow single core takes minutes */

/* How each generator is asked for an image; "@" is its file, "%" the release. */
static const struct {
	enum generator generator;
	const char *argv[8];
} generator_commands[] = {
	{GENERATOR_INITRAMFS_TOOLS, {"mkinitramfs", "-o", "@", "%", NULL}},
	{GENERATOR_DRACUT, {"dracut", "--force", "--quiet", "@", "%", NULL}},
};

/* Where a distribution's images lie; the first whose marker exists. */
static const struct {
	const char *marker;
	const char *start, *end;
} initramfs_layouts[] = {
	{"/var/lib/dpkg/status", "/boot/initrd.img-", ""},
	{"/etc/SUSE-brand", "/boot/initrd-", ""},
	{"/usr/lib/sysimage/zypp", "/boot/initrd-", ""},
	{"/", "/boot/initramfs-", ".img"},
};

char *initramfs_path(const struct root *root, const char *release)
{
	size_t i = 0;

	while (i + 1 < ARRAY_LEN(initramfs_layouts) &&
	       !root_exists(root, initramfs_layouts[i].marker))
		i++;
	return str_format("%s%s%s", initramfs_layouts[i].start, release,
			  initramfs_layouts[i].end);
}

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
static void initramfs_clean(const struct root *root)
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

static int initramfs_generate(const struct package_run *run, const char *release,
			      const char *path, struct error *err)
{
	enum generator generator = distribution_generator(run->root);
	const char *argv[ARRAY_LEN(generator_commands[0].argv)] = {0};
	struct run_program program = {.argv = argv, .timeout = INITRAMFS_TIMEOUT};

	for (size_t i = 0; i < ARRAY_LEN(generator_commands); i++) {
		const char *const *words = generator_commands[i].argv;

		if (generator_commands[i].generator != generator)
			continue;
		for (size_t n = 0; words[n]; n++)
			argv[n] = str_eq(words[n], "@")   ? path
				  : str_eq(words[n], "%") ? release
							  : words[n];
	}
	if (!argv[0])
		return error_set(err, -ERROR_UNSUPPORTED,
				 "there is no initramfs generator that kuro knows "
				 "(initramfs-tools, dracut)");
	return run_program(run, &program, err);
}

/* From staging to its place, as readable as the generator made it. */
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

int initramfs_build(const struct package_run *run, const char *release, struct error *err)
{
	autofree char *path = NULL, *staged = NULL;
	int r;

	if (!release_valid(release))
		return error_set(err, -EINVAL, "%.64s can't be a kernel release",
				 release);
	path = initramfs_path(run->root, release);
	staged = str_format(INITRAMFS_STAGING "/initramfs-%s", release);
	initramfs_clean(run->root);
	r = root_mkdirs(run->root, INITRAMFS_STAGING, 0700, err);
	if (r == 0)
		r = root_unlink(run->root, staged, err);
	if (r < 0)
		return r;
	r = initramfs_generate(run, release, staged, err);
	if (r == 0)
		r = initramfs_place(run->root, staged, path, err);
	/* a left-over costs room only, and the next run removes it */
	(void)root_unlink(run->root, staged, NULL);
	return r < 0 ? error_prefix(err, r, "building the initramfs of %s", release) : 0;
}
