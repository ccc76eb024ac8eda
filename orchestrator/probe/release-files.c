/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where Debian, Fedora and SUSE put a release's files. The first place that serves is
 * taken; what lies in several is the same file, or a copy of it.
 */
#include "release-files.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "file-identity.h"
#include "probe/decompress.h"
#include "probe/kernel-image.h"
#include "probe/kernels.h"

#define MIB        ((size_t)1024 * 1024)
#define PLACES_MAX 10

/* A path is before, the release, after. */
struct place {
	const char *before, *after;
};

/* Where each is looked for, in this order; the first that is there serves. */
static const struct {
	const char *what;
	size_t max;
	bool packed; /* may be compressed, whatever its name says */
	bool noted;  /* what was made of it is kept by its identity */
	struct place places[PLACES_MAX];
} file_places[RELEASE_FILES] = {
	[RELEASE_IMAGE] = {"image",
			   KERNEL_IMAGE_MAX,
			   false,
			   true,
			   {{"/usr/lib/modules/", "/vmlinuz"},
			    {"/lib/modules/", "/vmlinuz"},
			    {"/boot/vmlinuz-", ""},
			    {"/usr/lib/modules/", "/Image"},
			    {"/lib/modules/", "/Image"},
			    {"/boot/Image-", ""},
			    {"/boot/vmlinux-", ""}}},
	[RELEASE_CONFIG] = {"config",
			    16 * MIB,
			    true,
			    false,
			    {{"/usr/lib/modules/", "/config"},
			     {"/lib/modules/", "/config"},
			     {"/boot/config-", ""}}},
	[RELEASE_SYMVERS] = {"symvers",
			     64 * MIB,
			     true,
			     true,
			     {{"/lib/modules/", "/build/Module.symvers"},
			      {"/usr/lib/modules/", "/build/Module.symvers"},
			      {"/usr/lib/modules/", "/symvers.gz"},
			      {"/usr/lib/modules/", "/symvers.xz"},
			      {"/usr/lib/modules/", "/symvers.zst"},
			      {"/boot/symvers-", ".gz"},
			      {"/boot/symvers-", ".xz"},
			      {"/boot/symvers-", ".zst"}}},
	[RELEASE_BUILTIN] = {"modules.builtin",
			     16 * MIB,
			     false,
			     false,
			     {{"/lib/modules/", "/modules.builtin"},
			      {"/usr/lib/modules/", "/modules.builtin"}}},
	[RELEASE_MODINFO] = {"modules.builtin.modinfo",
			     64 * MIB,
			     false,
			     false,
			     {{"/lib/modules/", "/modules.builtin.modinfo"},
			      {"/usr/lib/modules/", "/modules.builtin.modinfo"}}},
	[RELEASE_DEP] = {"modules.dep",
			 64 * MIB,
			 false,
			 false,
			 {{"/lib/modules/", "/modules.dep"},
			  {"/usr/lib/modules/", "/modules.dep"}}},
	[RELEASE_ORDER] = {"modules.order",
			   64 * MIB,
			   false,
			   false,
			   {{"/lib/modules/", "/modules.order"},
			    {"/usr/lib/modules/", "/modules.order"}}},
};

void held_done(struct held *held)
{
	if (held->mapping)
		(void)munmap(held->mapping, held->len); /* its own mapping */
	free(held->made);
	*held = (struct held){0};
}

/* ret_identity may be NULL: it is not asked for. */
static int map(const struct root *root, const char *path, size_t max, struct held *ret,
	       char **ret_identity, struct error *err)
{
	autoclose int fd = root_openat(root, path, O_RDONLY | O_NOCTTY | O_NONBLOCK, 0);
	struct held held = {.data = ""};
	struct timespec now;
	struct stat st;

	(void)clock_gettime(CLOCK_REALTIME, &now); /* this clock is always there */
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, fd < 0 ? fd : -errno, "%s", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, -EINVAL, "%s is not a regular file", path);
	if ((uint64_t)st.st_size > max)
		return error_set(err, -EFBIG, "%s is larger than %zu bytes", path, max);
	if (st.st_size > 0) {
		held.len = (size_t)st.st_size;
		held.mapping = mmap(NULL, held.len, PROT_READ, MAP_PRIVATE, fd, 0);
		if (held.mapping == MAP_FAILED)
			return error_errno(err, -errno, "mapping %s", path);
		held.data = held.mapping;
	}
	if (ret_identity)
		*ret_identity = file_identity(fd, &st, held.data, &now);
	*ret = held;
	return 0;
}

int held_map(const struct root *root, const char *path, size_t max, struct held *ret,
	     struct error *err)
{
	return map(root, path, max, ret, NULL, err);
}

int held_unpack(struct held *held, const char *path, size_t max, struct error *err)
{
	struct held plain = {0};
	int r;

	if (compression_of(held->data, held->len) == COMPRESSION_NONE)
		return 0;
	r = decompress(held->data, held->len, max, &plain.made, &plain.len, err);
	if (r < 0)
		return error_prefix(err, r, "%s", path);
	plain.data = plain.made;
	held_done(held);
	*held = plain;
	return 0;
}

const char *release_file_name(enum release_file file)
{
	return file_places[file].what;
}

void release_files_done(struct release_files *files)
{
	for (size_t i = 0; i < RELEASE_FILES; i++) {
		held_done(&files->held[i]);
		free(files->identities[i]);
	}
}

static char *place_path(const struct place *place, const char *release)
{
	return str_format("%s%s%s", place->before, release, place->after);
}

static int load_from(struct release_files *files, enum release_file file,
		     const char *path, struct error *err)
{
	autoheld struct held held = {0};
	autofree char *identity = NULL;
	int r = map(files->root, path, file_places[file].max, &held,
		    file_places[file].noted ? &identity : NULL, err);

	if (r == 0 && file_places[file].packed)
		r = held_unpack(&held, path, file_places[file].max, err);
	if (r < 0)
		return r;
	files->held[file] = held;
	files->identities[file] = take_ptr(identity);
	held = (struct held){0};
	return 0;
}

/* An image that only a boot loader entry knows (kernel-install's own layout). */
static char *entry_image(const struct release_files *files)
{
	autokernels struct kernel_list list = {0};

	if (kernels_probe(files->root, false, &list, NULL) < 0)
		return NULL;
	for (size_t i = 0; i < list.count; i++)
		if (str_eq(list.items[i].release, files->release))
			return str_dup(list.items[i].image.path);
	return NULL;
}

/* The first place that serves; one that can't be read is told where none serves. */
static int load(struct release_files *files, enum release_file file, struct error *err)
{
	const struct place *places = file_places[file].places;
	autofree char *other = NULL;
	int kept = -ENOENT;

	for (size_t i = 0; i < PLACES_MAX && places[i].before; i++) {
		autofree char *path = place_path(&places[i], files->release);
		int r = load_from(files, file, path, kept == -ENOENT ? err : NULL);

		if (r == 0)
			return 0;
		if (kept == -ENOENT && r != -ENOTDIR)
			kept = r;
	}
	if (file == RELEASE_IMAGE && kept == -ENOENT)
		other = entry_image(files);
	if (other)
		return load_from(files, file, other, err);
	if (kept == -ENOENT)
		return error_set(err, kept, "%s has no %s", files->release,
				 file_places[file].what);
	return kept;
}

int release_files_get(struct release_files *files, enum release_file file,
		      const struct held **ret, struct error *err)
{
	int r = files->held[file].data ? 0 : load(files, file, err);

	if (r == 0)
		*ret = &files->held[file];
	return r;
}

char *release_files_identity(const struct release_files *files, enum release_file file)
{
	const struct place *places = file_places[file].places;
	char *identity = NULL;

	if (files->held[file].data)
		return str_dup(files->identities[file]);
	for (size_t i = 0; i < PLACES_MAX && places[i].before; i++) {
		autofree char *path = place_path(&places[i], files->release);
		autoheld struct held held = {0};

		if (map(files->root, path, file_places[file].max, &held, &identity,
			NULL) == 0)
			return identity;
	}
	return NULL;
}

static bool is_file(const struct root *root, const char *path)
{
	struct stat st;

	return root_stat(root, path, &st) == 0 && S_ISREG(st.st_mode);
}

bool release_files_has(const struct release_files *files, enum release_file file)
{
	const struct place *places = file_places[file].places;
	autofree char *other = NULL;

	for (size_t i = 0; i < PLACES_MAX && places[i].before; i++) {
		autofree char *path = place_path(&places[i], files->release);

		if (is_file(files->root, path))
			return true;
	}
	if (file == RELEASE_IMAGE)
		other = entry_image(files);
	return other;
}
