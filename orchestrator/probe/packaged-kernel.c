/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kernels out of packages: one pass over each file, in which whatever belongs to a
 * release is put to it. Whose modules they are is known at a package's end only: members
 * come in any order, and a kernel's package may have modules outside of kernel/ as well.
 */
#include <malloc.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/release.h"
#include "packaged-source.h"
#include "probe/decompress.h"

#define MIB          ((size_t)1024 * 1024)
#define RELEASES_MAX 64
#define SYMVERS_MAX  (64 * MIB)
#define HELD_MAX     (PACKAGED_MODULES_MAX * (uint64_t)MIB)

/* A module that is perhaps not the kernel's own. */
struct pending {
	char *release;
	struct module_file file;
};

struct pass {
	const struct root *root;
	const char *package;
	struct packaged_source **sources;
	size_t source_count;
	struct pending *pending; /* of this package */
	size_t pending_count;
	struct packaged_kernels found;
	struct package_files *files; /* of this package */
	uint64_t held;               /* bytes that stay in memory */
	uint64_t unpacked;           /* bytes of modules, plain */
	const char *only; /* a release without an image: all its modules are apart */
};

/* Where a kernel's files are; of two that are there the upper one counts. */
static const struct {
	const char *before, *after; /* the release stands between */
	enum packaged_file file;
	size_t max;
} places[] = {
	{"/lib/modules/", "/vmlinuz", PACKAGED_IMAGE, 128 * MIB},
	{"/boot/vmlinuz-", "", PACKAGED_IMAGE, 128 * MIB},
	{"/lib/modules/", "/Image", PACKAGED_IMAGE, 128 * MIB},
	{"/boot/Image-", "", PACKAGED_IMAGE, 128 * MIB},
	{"/boot/vmlinux-", "", PACKAGED_IMAGE, 128 * MIB},
	{"/lib/modules/", "/config", PACKAGED_CONFIG, 4 * MIB},
	{"/boot/config-", "", PACKAGED_CONFIG, 4 * MIB},
	{"/lib/modules/", "/symvers", PACKAGED_SYMVERS, SYMVERS_MAX},
	{"/lib/modules/", "/symvers.gz", PACKAGED_SYMVERS, SYMVERS_MAX},
	{"/lib/modules/", "/symvers.xz", PACKAGED_SYMVERS, SYMVERS_MAX},
	{"/lib/modules/", "/symvers.zst", PACKAGED_SYMVERS, SYMVERS_MAX},
	{"/boot/symvers-", ".gz", PACKAGED_SYMVERS, SYMVERS_MAX},
	{"/boot/symvers-", ".xz", PACKAGED_SYMVERS, SYMVERS_MAX},
	{"/boot/symvers-", ".zst", PACKAGED_SYMVERS, SYMVERS_MAX},
	{"/usr/src/linux-headers-", "/Module.symvers", PACKAGED_SYMVERS, SYMVERS_MAX},
	{"/usr/src/kernels/", "/Module.symvers", PACKAGED_SYMVERS, SYMVERS_MAX},
	{"/lib/modules/", "/modules.builtin", PACKAGED_BUILTIN, 4 * MIB},
	{"/lib/modules/", "/modules.builtin.modinfo", PACKAGED_BUILTIN_MODINFO, 16 * MIB},
};

static bool is_compressed_name(const char *name)
{
	static const char *const ends[] = {".gz", ".xz", ".bz2", ".zst", ".lz4"};

	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (str_ends(name, ends[i]))
			return true;
	return false;
}

/* The release that a path has between two texts, or NULL; caller frees. */
static char *release_between(const char *path, const char *before, const char *after)
{
	size_t len = strlen(path), first = strlen(before), last = strlen(after);
	autofree char *release = NULL;

	if (len <= first + last || !str_starts(path, before) || !str_ends(path, after))
		return NULL;
	release = str_ndup(path + first, len - first - last);
	/* SUSE puts a compressed vmlinux beside the image that boots. */
	if (!release_valid(release) || is_compressed_name(release))
		return NULL;
	return take_ptr(release);
}

static struct packaged_source *pass_find(const struct pass *pass, const char *release)
{
	for (size_t i = 0; i < pass->source_count; i++)
		if (str_eq(pass->sources[i]->release, release))
			return pass->sources[i];
	return NULL;
}

static int pass_source(struct pass *pass, const char *release,
		       struct packaged_source **ret, struct error *err)
{
	struct packaged_source *source = pass_find(pass, release);

	if (!source && pass->source_count == RELEASES_MAX)
		return error_set(err, -ERROR_REFUSED,
				 "%s: the packages hold over %d kernels", pass->package,
				 RELEASES_MAX);
	if (!source) {
		source = packaged_source_new(pass->root, release);
		pass->sources = mem_regrow(pass->sources, pass->source_count + 1,
					   sizeof(struct packaged_source *));
		pass->sources[pass->source_count++] = source;
	}
	*ret = source;
	return 0;
}

static bool package_is_own(const struct packaged_source *source, const char *package)
{
	return strv_has(&source->packages, package);
}

static void package_set_own(struct packaged_source *source, const char *package)
{
	if (!package_is_own(source, package))
		strv_add(&source->packages, package);
}

static int pass_hold(struct pass *pass, uint64_t bytes, struct error *err)
{
	pass->held += bytes;
	if (pass->held > HELD_MAX)
		return error_set(err, -ERROR_REFUSED,
				 "%s: what the packages hold takes over %d MiB of memory",
				 pass->package, PACKAGED_MODULES_MAX);
	return 0;
}

/* Symvers' compression is undone here: what reads them wants text. */
static int symvers_plain(const struct pass *pass, void **data, size_t *len,
			 struct error *err)
{
	struct error why = {0};
	void *plain;

	if (compression_of(*data, *len) == COMPRESSION_NONE)
		return 0;
	if (decompress(*data, *len, SYMVERS_MAX, &plain, len, &why) < 0)
		return error_set(err, -ERROR_DAMAGED, "%s is damaged: symvers: %s",
				 pass->package, why.message);
	free(*data);
	*data = plain;
	return 0;
}

static int pass_file(struct pass *pass, struct package_member *member, size_t place,
		     const char *release, struct error *err)
{
	const enum packaged_file file = places[place].file;
	struct packaged_source *source;
	autofree void *data = NULL;
	size_t len = 0;
	int r = pass_source(pass, release, &source, err);

	if (r < 0)
		return r;
	if (file == PACKAGED_IMAGE)
		package_set_own(source, pass->package);
	if (source->files[file].data && source->files[file].rank <= place)
		return 0;
	r = packaged_member_read(pass->package, member, places[place].max, &data, &len,
				 err);
	if (r == 0 && file == PACKAGED_SYMVERS)
		r = symvers_plain(pass, &data, &len, err);
	if (r == 0)
		r = pass_hold(pass, len, err);
	if (r < 0)
		return r;
	free(source->files[file].data);
	source->files[file].data = take_ptr(data);
	source->files[file].len = len;
	source->files[file].rank = place;
	return 0;
}

static int pass_kernel_module(struct pass *pass, struct package_member *member,
			      const char *release, struct error *err)
{
	struct packaged_source *source;
	autofree void *bytes = NULL;
	size_t len = 0;
	int r = pass_source(pass, release, &source, err);

	if (r == 0)
		r = packaged_module_read(pass->package, member, &bytes, &len, err);
	if (r < 0)
		return r;
	package_set_own(source, pass->package);
	pass->unpacked += len;
	if (pass->unpacked > PACKAGE_PLAIN_MAX)
		return error_set(err, -ERROR_DAMAGED,
				 "%s is damaged: its modules unpack to"
				 " over %llu bytes",
				 pass->package, (unsigned long long)PACKAGE_PLAIN_MAX);
	return pass_hold(pass, packaged_source_gather(source, member->path, bytes, len),
			 err);
}

/* A module that stands outside of kernel/, or whose kernel has no image here. */
static int pass_other_module(struct pass *pass, struct package_member *member,
			     const char *release, struct error *err)
{
	autofree void *bytes = NULL;
	struct pending pending = {0};
	size_t len = 0;
	int r;

	if (pass->pending_count + pass->found.module_count == PACKAGED_MODULES_MAX)
		return error_set(err, -ERROR_REFUSED,
				 "%s: it holds over %d modules of %s, but none of the "
				 "packages holds its image",
				 pass->package, PACKAGED_MODULES_MAX, release);
	r = packaged_module_read(pass->package, member, &bytes, &len, err);
	if (r == 0)
		r = pass_hold(pass, len, err);
	if (r == 0)
		r = module_file_parse(member->path, bytes, len, &pending.file, err);
	if (r < 0)
		return r;
	pending.release = str_dup(release);
	pass->pending =
		mem_regrow(pass->pending, pass->pending_count + 1, sizeof(pending));
	pass->pending[pass->pending_count++] = pending;
	return 0;
}

/* kernel-modules-extra of RHEL and Fedora puts the kernel's own outside of kernel/. */
static bool package_is_kernels(const char *package)
{
	const char *slash = strrchr(package, '/');
	const char *name = slash ? slash + 1 : package;

	return str_starts(name, "kernel-") && str_ends(name, ".rpm") &&
	       !strstr(name, "-kmp-");
}

/*
 * "/lib/modules/REL/kernel/nvidia-535/bits/nvidia.ko.sig": parts of a module, which is
 * not there before its package links it.
 */
static void pass_part(struct pass *pass, const char *path)
{
	static const char modules[] = "/lib/modules/", end[] = ".sig";
	autofree char *file = NULL, *name = NULL, *release = NULL;

	if (!str_starts(path, modules) || !str_ends(path, end))
		return;
	file = str_ndup(path, strlen(path) - strlen(end));
	name = module_name_of(file);
	path += strlen(modules);
	release = str_ndup(path, strcspn(path, "/"));
	if (name && release_valid(release) &&
	    pass->found.linked.count < PACKAGED_MODULES_MAX)
		strv_add_take(&pass->found.linked, str_format("%s/%s", release, name));
}

static int pass_member(void *data, struct package_member *member, struct error *err)
{
	struct pass *pass = data;
	bool in_kernel = false;
	autofree char *release = packaged_module_release(member->path, &in_kernel);

	package_files_add(pass->files, member);
	if (pass->only && !str_eq(release, pass->only))
		return 0;
	if (release && !pass->only && (in_kernel || package_is_kernels(pass->package)))
		return pass_kernel_module(pass, member, release, err);
	if (release)
		return pass_other_module(pass, member, release, err);
	pass_part(pass, member->path);
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		release =
			release_between(member->path, places[i].before, places[i].after);
		if (release)
			return pass_file(pass, member, i, release, err);
	}
	return 0;
}

static void pass_found_module(struct pass *pass, struct module_file *file)
{
	struct packaged_kernels *found = &pass->found;

	module_file_examine(file);
	found->modules =
		mem_regrow(found->modules, found->module_count + 1, sizeof(*file));
	found->modules[found->module_count++] = *file;
	*file = (struct module_file){0};
}

/* The package has been seen to its end: whose are the modules outside of kernel/? */
static void pass_settle(struct pass *pass)
{
	for (size_t i = 0; i < pass->pending_count; i++) {
		struct pending *pending = &pass->pending[i];
		struct packaged_source *source =
			pass->only ? NULL : pass_find(pass, pending->release);

		if (source && package_is_own(source, pass->package))
			(void)packaged_source_gather(source, pending->file.path,
						     pending->file.bytes,
						     pending->file.size); /* was held */
		else
			pass_found_module(pass, &pending->file);
		module_file_done(&pending->file);
		free(take_ptr(pending->release));
	}
	pass->pending_count = 0;
}

static int pass_package(struct pass *pass, const char *path, struct error *err)
{
	int r;

	pass->package = path;
	pass->files = package_lists_begin(&pass->found.lists, path);
	r = package_file_read(pass->root, path, pass_member, pass, NULL, err);
	if (r < 0)
		return r;
	package_files_end(pass->files);
	pass_settle(pass);
	return 0;
}

/* Modules below kernel/, and no image: an addition to a kernel that is not among these.
 */
static int pass_without_image(struct pass *pass, const struct packaged_source *source,
			      struct error *err)
{
	if (source->drivers.modules.count > PACKAGED_MODULES_MAX)
		return error_set(
			err, -ERROR_REFUSED,
			"%s holds the modules of %s, but none of the packages holds "
			"its image; name that one's package too",
			source->packages.items[0], source->release);
	pass->only = source->release;
	for (size_t i = 0; i < source->packages.count; i++) {
		int r = pass_package(pass, source->packages.items[i], err);

		if (r < 0)
			return r;
	}
	return 0;
}

static void kernel_add(struct packaged_kernels *found, struct packaged_source *source)
{
	struct packaged_kernel kernel = {.release = str_dup(source->release)};

	for (size_t i = 0; i < source->packages.count; i++)
		strv_add(&kernel.packages, source->packages.items[i]);
	packaged_source_finish(source, &kernel.source);
	found->items = mem_regrow(found->items, found->count + 1, sizeof(kernel));
	found->items[found->count++] = kernel;
}

static int newest_first(const void *a, const void *b)
{
	return release_compare(((const struct packaged_kernel *)b)->release,
			       ((const struct packaged_kernel *)a)->release);
}

static int pass_end(struct pass *pass, const struct strv *paths, struct error *err)
{
	for (size_t i = 0; i < pass->source_count; i++) {
		struct packaged_source *source = pass->sources[i];
		int r = 0;

		if (source->files[PACKAGED_IMAGE].data) {
			pass->sources[i] = NULL;
			kernel_add(&pass->found, source);
		} else if (source->packages.count > 0) {
			r = pass_without_image(pass, source, err);
		}
		if (r < 0)
			return r;
	}
	if (pass->found.count == 0 && pass->found.module_count == 0) {
		autofree char *names = strv_join(paths, ", ");

		return error_set(err, -ERROR_REFUSED, "no kernel and no module in %s",
				 names);
	}
	if (pass->found.count > 1)
		qsort(pass->found.items, pass->found.count, sizeof(*pass->found.items),
		      newest_first);
	return 0;
}

static void pass_done(struct pass *pass)
{
	for (size_t i = 0; i < pass->source_count; i++)
		packaged_source_free(pass->sources[i]);
	free(pass->sources);
	for (size_t i = 0; i < pass->pending_count; i++) {
		free(pass->pending[i].release);
		module_file_done(&pass->pending[i].file);
	}
	free(pass->pending);
	packaged_kernels_done(&pass->found);
}

static bool named_before(const struct strv *paths, size_t i)
{
	for (size_t before = 0; before < i; before++)
		if (str_eq(paths->items[before], paths->items[i]))
			return true;
	return false;
}

int packaged_kernels_read(const struct root *root, const struct strv *paths,
			  struct packaged_kernels *ret, struct error *err)
{
	cleanup(pass_done) struct pass pass = {.root = root};
	int r = 0;

	for (size_t i = 0; i < paths->count && r == 0; i++)
		if (!named_before(paths, i))
			r = pass_package(&pass, paths->items[i], err);
	if (r < 0)
		return r;
	r = pass_end(&pass, paths, err);
	if (r < 0)
		return r;
	/* The image is unpacked next; what modules passed through is not needed then. */
	(void)malloc_trim(0); /* a kindness */
	*ret = pass.found;
	pass.found = (struct packaged_kernels){0};
	return 0;
}

void packaged_kernels_done(struct packaged_kernels *kernels)
{
	for (size_t i = 0; i < kernels->count; i++) {
		kernel_source_done(&kernels->items[i].source);
		strv_done(&kernels->items[i].packages);
		free(kernels->items[i].release);
	}
	for (size_t i = 0; i < kernels->module_count; i++)
		module_file_done(&kernels->modules[i]);
	strv_done(&kernels->linked);
	package_lists_done(&kernels->lists);
	free(kernels->items);
	free(kernels->modules);
	*kernels = (struct packaged_kernels){0};
}
