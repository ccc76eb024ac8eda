/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kernels that are not installed: out of packages, or an image alone.
 */
#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/release.h"
#include "probe/kernel-image.h"
#include "probe/kernels.h"
#include "vet-parts.h"

#define IMAGE_MAX ((size_t)512 * 1024 * 1024)

/* Offsets in an x86 image: Documentation/arch/x86/boot.rst. */
#define IMAGE_MAGIC   0x202
#define IMAGE_VERSION 0x20e
#define IMAGE_SETUP   0x200

bool vet_is_headers_of(const char *path, const char *release)
{
	const char *name = strrchr(path, '/');

	return release_headers_package(release, name ? name + 1 : path);
}

/* Ubuntu's: parts of a module that its package links when it is installed. */
static void linked_take(struct vet *vet, const struct strv *linked)
{
	size_t n = strlen(vet->report->release);

	for (size_t i = 0; i < linked->count; i++)
		if (str_starts(linked->items[i], vet->report->release) &&
		    linked->items[i][n] == '/')
			strv_add(&vet->linked, linked->items[i] + n + 1);
}

/* What a package's modules were made for: the first word of the first one's vermagic. */
static char *brought_release(const struct vet_report *report)
{
	const char *vermagic = NULL;

	for (size_t i = 0; i < report->brought_count && !vermagic; i++)
		vermagic = report->brought[i].vermagic;
	return vermagic ? str_ndup(vermagic, strcspn(vermagic, " ")) : NULL;
}

/* Modules alone are for a kernel that is here: the one they name, else the newest. */
static int packages_of_modules(struct vet *vet, struct error *err)
{
	autokernels struct kernel_list kernels = {0};
	autofree char *wanted = brought_release(vet->report);
	const struct kernel *kernel;
	int r = kernels_probe(vet->machine->root, false, &kernels, err);

	if (r < 0)
		return r;
	kernel = wanted ? kernel_find(&kernels, wanted) : NULL;
	if (!kernel && kernels.count > 0)
		kernel = &kernels.items[0];
	if (!kernel)
		return error_set(err, -ERROR_REFUSED,
				 "these packages hold modules and no kernel, and none is "
				 "installed");
	vet->report->release = str_dup(kernel->release);
	r = kernel_source_installed(vet->machine->root, kernel->release, &vet->source,
				    err);
	vet->installed = true;
	vet->whole_tree = true;
	vet->modules_only = true;
	r = r < 0 ? r : vet_run(vet, err);
	kernel_source_done(&vet->source);
	return r;
}

/* An image, and the trees that its modules may come from. */
struct bare_image {
	const struct kernel_source *packaged; /* the image's packages, or NULL: */
	void *bytes;                          /* the image alone */
	size_t len;
	struct kernel_source tree;    /* of its own release, where that is installed */
	struct kernel_source running; /* of the running one */
};

static int bare_file(void *data, const char *what, const void **ret, size_t *ret_len,
		     struct error *err)
{
	struct bare_image *bare = data;

	if (bare->packaged && !str_eq(what, "modules") && !str_eq(what, "firmware") &&
	    bare->packaged->file(bare->packaged->data, what, ret, ret_len, NULL) == 0)
		return 0;
	if (bare->bytes && str_eq(what, "image")) {
		*ret = bare->bytes;
		*ret_len = bare->len;
		return 0;
	}
	if (!bare->tree.file)
		return error_set(err, -ENOENT, "an image alone has no %s", what);
	return bare->tree.file(bare->tree.data, what, ret, ret_len, err);
}

/* Whose modules stand for the image's own. */
static const struct kernel_source *bare_modules(const struct bare_image *bare)
{
	return bare->tree.provider ? &bare->tree : &bare->running;
}

static int bare_provider(void *data, const char *symbol, char **ret_path,
			 struct error *err)
{
	const struct kernel_source *source = bare_modules(data);

	if (!source->provider)
		return error_set(err, -ENOENT, "no module exports %s", symbol);
	return source->provider(source->data, symbol, ret_path, err);
}

static int bare_module(void *data, const char *path, void **ret, size_t *ret_len,
		       struct error *err)
{
	const struct kernel_source *source = bare_modules(data);

	if (!source->module)
		return error_set(err, -ENOENT, "%s is not there", path);
	return source->module(source->data, path, ret, ret_len, err);
}

static int bare_each(void *data,
		     int (*each)(void *data, const char *path, const void *bytes,
				 size_t len, struct error *err),
		     void *each_data, struct error *err)
{
	const struct kernel_source *source = bare_modules(data);

	return source->modules ? source->modules(source->data, each, each_data, err) : 0;
}

static void bare_done(struct bare_image *bare)
{
	kernel_source_done(&bare->tree);
	kernel_source_done(&bare->running);
	free(bare->bytes);
}

/* The release that an x86 image names in its setup; else the one in the file's name. */
static char *bare_release(const struct bare_image *bare, const char *path)
{
	const uint8_t *bytes = bare->bytes;
	const char *dash = strrchr(path, '/'), *text;
	autofree char *release = NULL;
	uint16_t offset;
	size_t at;

	if (bare->len > IMAGE_SETUP + 0x100 &&
	    memcmp(bytes + IMAGE_MAGIC, "HdrS", 4) == 0) {
		memcpy(&offset, bytes + IMAGE_VERSION, sizeof(offset));
		at = (size_t)le16toh(offset) + IMAGE_SETUP;
		text = at < bare->len ? (const char *)bytes + at : "";
		release = str_ndup(text, strnlen(text, bare->len - at));
		release[strcspn(release, " ")] = '\0';
	}
	if (release && release_valid(release))
		return take_ptr(release);
	dash = strchr(dash ? dash : path, '-');
	return dash && release_valid(dash + 1) ? str_dup(dash + 1) : NULL;
}

/* A directory may be all that there is of it; its image may not be there yet. */
static bool bare_tree(const struct root *root, const char *release,
		      struct kernel_source *ret)
{
	const void *paths;
	size_t len = 0;

	if (kernel_source_tree(root, release, ret, NULL) < 0)
		return false;
	if (ret->file(ret->data, "modules.order", &paths, &len, NULL) == 0 && len > 0)
		return true;
	kernel_source_done(ret);
	*ret = (struct kernel_source){0};
	return false;
}

/* The source of vet, and whether a whole tree is behind it. */
static void bare_source(struct vet *vet, struct bare_image *bare)
{
	const struct root *root = vet->machine->root;

	/* neither needs to be there */
	if (bare_tree(root, vet->report->release, &bare->tree))
		vet->installed = vet->whole_tree = true;
	else if (vet->running)
		(void)kernel_source_installed(root, vet->running, &bare->running, NULL);
	vet->source = (struct kernel_source){
		.data = bare,
		.release = vet->report->release,
		.file = bare_file,
		.modules = bare_each,
		.provider = bare_provider,
		.module = bare_module,
	};
}

/* Is it the image's package of several, the modules' one missing? A kernel may have
 * everything built in. */
static bool packages_lack_modules(const struct kernel_source *source)
{
	const void *paths;
	size_t len = 0;

	return (source->file(source->data, "modules", &paths, &len, NULL) < 0 ||
		len == 0) &&
	       vet_config_has_modules(source) != 0;
}

/* Which package is usually forgotten; caller frees. */
static char *packages_missing(const struct vet *vet)
{
	const struct strv *paths = &vet->report->packages;

	for (size_t i = 0; i < paths->count; i++)
		if (str_ends(paths->items[i], ".rpm"))
			return str_dup("kernel-modules-core and kernel-modules of the "
				       "same version");
	return str_format("linux-modules-%s, and linux-modules-extra-%s where there is "
			  "one",
			  vet->report->release, vet->report->release);
}

/* What is not there drives no device: that is told once, and nothing is concluded. */
static int packages_of_image(struct vet *vet, const struct kernel_source *packaged,
			     struct error *err)
{
	cleanup(bare_done) struct bare_image bare = {.packaged = packaged};
	autofree char *missing = packages_missing(vet);

	bare_source(vet, &bare);
	if (vet->whole_tree)
		vet_find(vet, VET_NOTE,
			 "the packages of %s hold no modules: the installed ones are "
			 "vetted with its image",
			 vet->report->release);
	else
		vet_find(vet, VET_REFUSAL,
			 "the packages of %s hold its image but none of its modules, %s: "
			 "what it would drive and load can't be told; name the package "
			 "of its modules too (%s)",
			 vet->report->release,
			 vet_config_has_modules(packaged) == 1
				 ? "while it is built with CONFIG_MODULES=y"
				 : "nor its configuration",
			 missing);
	return vet_run(vet, err);
}

static int packages_of_kernel(struct vet *vet, const struct packaged_kernels *kernels,
			      struct error *err)
{
	const struct strv *paths = &vet->report->packages;
	const struct packaged_kernel *kernel = &kernels->items[0];

	vet->report->release = str_dup(kernel->release);
	for (size_t i = 0; i < paths->count; i++)
		if (vet_is_headers_of(paths->items[i], vet->report->release))
			vet->headers_come = true;
	linked_take(vet, &kernels->linked);
	if (kernels->count > 1)
		vet_find(vet, VET_WARNING,
			 "these packages hold %zu kernels; the newest, %s, is vetted",
			 kernels->count, vet->report->release);
	if (packages_lack_modules(&kernel->source))
		return packages_of_image(vet, &kernel->source, err);
	vet->packaged = kernel;
	vet->source = kernel->source; /* stays the packages' */
	vet->whole_tree = true;
	return vet_run(vet, err);
}

static int packages_vet(struct vet *vet, const struct root *where, struct error *err)
{
	autopackaged struct packaged_kernels kernels = {0};
	int r = packaged_kernels_read(where, &vet->report->packages, &kernels, err);

	if (r < 0)
		return r;
	vet->report->lists = kernels.lists;
	kernels.lists = (struct package_lists){0};
	vet->report->brought = take_ptr(kernels.modules);
	vet->report->brought_count = kernels.module_count;
	kernels.module_count = 0;
	return kernels.count > 0 ? packages_of_kernel(vet, &kernels, err)
				 : packages_of_modules(vet, err);
}

int vet_packages(const struct machine *machine, const struct vet_place *place,
		 enum vet_depth depth, struct vet_report *ret, struct error *err)
{
	autovet struct vet_report report = {0};
	struct vet vet = {.depth = depth,
			  .report = &report,
			  .complete = place->complete,
			  .headers_come = place->headers_come};
	int r = vet_begin(&vet, machine, err);

	for (size_t i = 0; i < place->paths->count; i++)
		strv_add(&report.packages, place->paths->items[i]);
	if (r == 0)
		r = packages_vet(&vet, place->root, err);
	vet_end(&vet);
	if (r < 0)
		return r;
	*ret = report;
	report = (struct vet_report){0};
	return 0;
}

static int image_vet(struct vet *vet, struct bare_image *bare, struct error *err)
{
	bare_source(vet, bare);
	if (!vet->whole_tree)
		vet_find(vet, VET_WARNING,
			 "an image alone says nothing of the devices that its modules "
			 "drive, nor of what they export: the running kernel's stand "
			 "for them");
	return vet_run(vet, err);
}

int vet_image(const struct machine *machine, const struct root *where, const char *path,
	      struct vet_report *ret, struct error *err)
{
	autovet struct vet_report report = {0};
	cleanup(bare_done) struct bare_image bare = {0};
	struct vet vet = {.depth = VET_WHOLE, .report = &report};
	char *bytes = NULL;
	int r = root_read(where, path, IMAGE_MAX, &bytes, &bare.len, err);

	if (r < 0)
		return r;
	bare.bytes = bytes;
	report.release = bare_release(&bare, path);
	if (!report.release)
		return error_set(err, -ERROR_DAMAGED,
				 "%s does not look like a kernel image: it names no "
				 "release",
				 path);
	r = vet_begin(&vet, machine, err);
	if (r == 0)
		r = image_vet(&vet, &bare, err);
	vet_end(&vet);
	if (r < 0)
		return r;
	*ret = report;
	report = (struct vet_report){0};
	return 0;
}
