/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The files of an installed release, wherever its distribution puts them. Each is mapped
 * once and lives as long as the source; symbols are looked up in depmod's index through
 * libkmod. Changes nothing, runs nothing.
 */
#include <fcntl.h>
#include <libkmod.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "core/release.h"
#include "module-index.h"
#include "probe/decompress.h"
#include "probe/kernel-abi.h"
#include "probe/kernel-image.h"
#include "probe/kernels.h"

#define MIB              ((size_t)1024 * 1024)
#define TREE_DEPTH_MAX   24
#define TREE_ENTRIES_MAX 200000
#define PLACES_MAX       10

/* A path is before, the release, after. */
struct place {
	const char *before, *after;
};

static const struct place tree_places[] = {
	{"/lib/modules/", ""},
	{"/usr/lib/modules/", ""},
};

enum source_file {
	FILE_IMAGE,
	FILE_CONFIG,
	FILE_SYMVERS,
	FILE_BUILTIN,
	FILE_MODINFO,
	FILE_DEP,
	FILE_ORDER,
	FILE_MODULES, /* made from FILE_DEP or from the tree itself */
	SOURCE_FILES,
};

/* Where each is looked for, in this order; the first that is there serves. */
static const struct {
	const char *what;
	size_t max;
	bool packed; /* may be compressed, whatever its name says */
	struct place places[PLACES_MAX];
} source_files[SOURCE_FILES] = {
	[FILE_IMAGE] = {"image",
			KERNEL_IMAGE_MAX,
			false,
			{{"/usr/lib/modules/", "/vmlinuz"},
			 {"/lib/modules/", "/vmlinuz"},
			 {"/boot/vmlinuz-", ""},
			 {"/usr/lib/modules/", "/Image"},
			 {"/lib/modules/", "/Image"},
			 {"/boot/Image-", ""},
			 {"/boot/vmlinux-", ""}}},
	[FILE_CONFIG] = {"config",
			 16 * MIB,
			 true,
			 {{"/usr/lib/modules/", "/config"},
			  {"/lib/modules/", "/config"},
			  {"/boot/config-", ""}}},
	[FILE_SYMVERS] = {"symvers",
			  64 * MIB,
			  true,
			  {{"/lib/modules/", "/build/Module.symvers"},
			   {"/usr/lib/modules/", "/build/Module.symvers"},
			   {"/usr/lib/modules/", "/symvers.gz"},
			   {"/usr/lib/modules/", "/symvers.xz"},
			   {"/usr/lib/modules/", "/symvers.zst"},
			   {"/boot/symvers-", ".gz"},
			   {"/boot/symvers-", ".xz"},
			   {"/boot/symvers-", ".zst"}}},
	[FILE_BUILTIN] = {"modules.builtin",
			  16 * MIB,
			  false,
			  {{"/lib/modules/", "/modules.builtin"},
			   {"/usr/lib/modules/", "/modules.builtin"}}},
	[FILE_MODINFO] = {"modules.builtin.modinfo",
			  64 * MIB,
			  false,
			  {{"/lib/modules/", "/modules.builtin.modinfo"},
			   {"/usr/lib/modules/", "/modules.builtin.modinfo"}}},
	[FILE_DEP] = {"modules.dep",
		      64 * MIB,
		      false,
		      {{"/lib/modules/", "/modules.dep"},
		       {"/usr/lib/modules/", "/modules.dep"}}},
	[FILE_ORDER] = {"modules.order",
			64 * MIB,
			false,
			{{"/lib/modules/", "/modules.order"},
			 {"/usr/lib/modules/", "/modules.order"}}},
	[FILE_MODULES] = {.what = "modules"},
};

/* A file's bytes: a mapping, or what was made of one. */
struct held {
	const void *data;
	size_t len;
	void *mapping;
	void *made;
};

enum index_state { INDEX_NOT_TRIED, INDEX_READY, INDEX_ABSENT };

struct installed {
	const struct root *root;
	char *release;
	char *tree; /* "/lib/modules/REL", or NULL */
	struct held files[SOURCE_FILES];
	enum index_state index;
	struct kmod_ctx *kmod;
	int tree_fd; /* libkmod's way into the tree; -1 */
};

static void held_done(struct held *held)
{
	if (held->mapping)
		(void)munmap(held->mapping, held->len); /* its own mapping */
	free(held->made);
	*held = (struct held){0};
}
#define autoheld cleanup(held_done)

static int held_map(const struct root *root, const char *path, size_t max,
		    struct held *ret, struct error *err)
{
	autoclose int fd = root_openat(root, path, O_RDONLY | O_NOCTTY | O_NONBLOCK, 0);
	struct held held = {.data = ""};
	struct stat st;

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
	*ret = held;
	return 0;
}

/* Plain bytes instead of compressed ones; what is not compressed stays as it is. */
static int held_unpack(struct held *held, const char *path, size_t max, struct error *err)
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

static char *place_path(const struct place *place, const char *release)
{
	return str_format("%s%s%s", place->before, release, place->after);
}

static bool is_file(const struct root *root, const char *path)
{
	struct stat st;

	return root_stat(root, path, &st) == 0 && S_ISREG(st.st_mode);
}

static bool file_exists(const struct installed *in, enum source_file file)
{
	const struct place *places = source_files[file].places;

	for (size_t i = 0; i < PLACES_MAX && places[i].before; i++) {
		autofree char *path = place_path(&places[i], in->release);

		if (is_file(in->root, path))
			return true;
	}
	return false;
}

static int file_load_from(struct installed *in, enum source_file file, const char *path,
			  struct error *err)
{
	autoheld struct held held = {0};
	int r = held_map(in->root, path, source_files[file].max, &held, err);

	if (r == 0 && source_files[file].packed)
		r = held_unpack(&held, path, source_files[file].max, err);
	if (r < 0)
		return r;
	in->files[file] = held;
	held = (struct held){0};
	return 0;
}

/* An image that only a boot loader entry knows (kernel-install's own layout). */
static char *entry_image(const struct root *root, const char *release)
{
	autokernels struct kernel_list list = {0};

	if (kernels_probe(root, false, &list, NULL) < 0)
		return NULL;
	for (size_t i = 0; i < list.count; i++)
		if (str_eq(list.items[i].release, release))
			return str_dup(list.items[i].image.path);
	return NULL;
}

/* The first place that serves; one that can't be read is told where none serves. */
static int file_load(struct installed *in, enum source_file file, struct error *err)
{
	const struct place *places = source_files[file].places;
	autofree char *other = NULL;
	int kept = -ENOENT;

	for (size_t i = 0; i < PLACES_MAX && places[i].before; i++) {
		autofree char *path = place_path(&places[i], in->release);
		int r = file_load_from(in, file, path, kept == -ENOENT ? err : NULL);

		if (r == 0)
			return 0;
		if (kept == -ENOENT && r != -ENOTDIR)
			kept = r;
	}
	if (file == FILE_IMAGE && kept == -ENOENT)
		other = entry_image(in->root, in->release);
	if (other)
		return file_load_from(in, file, other, err);
	if (kept == -ENOENT)
		return error_set(err, kept, "%s has no %s", in->release,
				 source_files[file].what);
	return kept;
}

static bool is_module_file(const char *name)
{
	static const char *const ends[] = {".ko", ".ko.xz", ".ko.zst", ".ko.gz"};

	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (str_ends(name, ends[i]))
			return true;
	return false;
}

/* A walk through a tree; each is called for files of modules. */
struct tree_walk {
	struct installed *in;
	size_t entries_left;
	int (*each)(struct tree_walk *walk, const char *path, struct error *err);
	struct text names; /* of walk_name */
	int (*module)(void *data, const char *path, const void *bytes, size_t len,
		      struct error *err); /* of walk_module */
	void *module_data;
};

static bool is_dir(const struct root *root, const char *path)
{
	struct stat st;

	return root_lstat(root, path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Recursion is bounded by TREE_DEPTH_MAX. */
static int tree_walk(struct tree_walk *walk, const char *dir, unsigned int depth,
		     struct error *err)
{
	autostrv struct strv names = {0};
	int r = root_list(walk->in->root, dir, &names, err);

	for (size_t i = 0; r == 0 && i < names.count; i++) {
		autofree char *path = str_format("%s/%s", dir, names.items[i]);

		if (walk->entries_left-- == 0)
			return error_set(err, -E2BIG,
					 "%s holds more than %d files, which kuro does "
					 "not believe",
					 walk->in->tree, TREE_ENTRIES_MAX);
		if (is_module_file(names.items[i]))
			r = walk->each(walk, path, err);
		else if (depth < TREE_DEPTH_MAX && is_dir(walk->in->root, path))
			r = tree_walk(walk, path, depth + 1, err);
	}
	return r;
}

static int installed_walk(struct tree_walk *walk, struct error *err)
{
	autofree char *dir = NULL;

	walk->entries_left = TREE_ENTRIES_MAX;
	if (!walk->in->tree)
		return 0;
	dir = str_format("%s/kernel", walk->in->tree);
	return tree_walk(walk, dir, 0, err);
}

static int walk_name(struct tree_walk *walk, const char *path, struct error *err)
{
	(void)err; /* a name can't fail */
	text_append(&walk->names, path);
	text_append_n(&walk->names, "\n", 1);
	return 0;
}

/* One that does not decompress is given as it is: its reader says what is wrong. */
static int walk_module(struct tree_walk *walk, const char *path, struct error *err)
{
	autoheld struct held held = {0};
	int r = held_map(walk->in->root, path, MODULE_FILE_MAX, &held, err);

	if (r == -ENOENT || r == -EINVAL)
		return 0; /* gone meanwhile, or no file */
	if (r < 0)
		return r;
	(void)held_unpack(&held, path, MODULE_FILE_MAX, NULL); /* see above */
	return walk->module(walk->module_data, path, held.data, held.len, err);
}

/* Is it the kernel's own? rel is below the tree: "kernel/fs/fat/fat.ko.xz". */
static bool is_own(struct installed *in, const char *rel, size_t len);

/* The paths of depmod's list that are the tree's own, absolute. */
static void names_from_dep(struct installed *in, const struct held *dep, struct text *ret)
{
	const char *line = dep->data, *end = line + dep->len;

	while (line < end) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		size_t len = (size_t)((stop ? stop : end) - line);
		const char *colon = memchr(line, ':', len);

		if (colon && is_own(in, line, (size_t)(colon - line))) {
			text_append(ret, in->tree);
			text_append_n(ret, "/", 1);
			text_append_n(ret, line, (size_t)(colon - line));
			text_append_n(ret, "\n", 1);
		}
		line += len + 1;
	}
}

static int installed_hold(struct installed *in, enum source_file file, struct error *err);

static int names_load(struct installed *in, struct error *err)
{
	struct tree_walk walk = {.in = in, .each = walk_name};
	struct held *held = &in->files[FILE_MODULES];
	int r = 0;

	if (!in->tree)
		return error_set(err, -ENOENT, "%s has no module tree", in->release);
	if (installed_hold(in, FILE_DEP, NULL) == 0)
		names_from_dep(in, &in->files[FILE_DEP], &walk.names);
	if (walk.names.len == 0)
		r = installed_walk(&walk, err);
	held->len = walk.names.len;
	held->made = text_take(&walk.names);
	held->data = held->made;
	return r;
}

static int installed_hold(struct installed *in, enum source_file file, struct error *err)
{
	if (in->files[file].data)
		return 0;
	return file == FILE_MODULES ? names_load(in, err) : file_load(in, file, err);
}

/* Is "\nREL\n" a line of modules.order? Names there have no compression's ending. */
static bool is_ordered(struct installed *in, const char *rel, size_t len)
{
	const struct held *order = &in->files[FILE_ORDER];
	autofree char *name = str_ndup(rel, len);
	char *end = strstr(name, ".ko");
	const char *at;

	if (!end || installed_hold(in, FILE_ORDER, NULL) < 0)
		return false;
	end[3] = '\n';
	len = (size_t)(end - name) + 4;
	at = memmem(order->data, order->len, name, len);
	return at && (at == (const char *)order->data || at[-1] == '\n');
}

static bool is_own(struct installed *in, const char *rel, size_t len)
{
	static const char below[] = "kernel/";

	if (len > sizeof(below) && strncmp(rel, below, sizeof(below) - 1) == 0)
		return true;
	return len > 0 && rel[0] != '/' && is_ordered(in, rel, len);
}

static int installed_file(void *data, const char *what, const void **ret, size_t *ret_len,
			  struct error *err)
{
	struct installed *in = data;

	for (enum source_file file = 0; file < SOURCE_FILES; file++) {
		int r;

		if (!str_eq(source_files[file].what, what))
			continue;
		r = installed_hold(in, file, err);
		if (r < 0)
			return r;
		*ret = in->files[file].data;
		*ret_len = in->files[file].len;
		return 0;
	}
	return error_set(err, -ENOENT, "%s has no %s", in->release, what);
}

static int installed_modules(void *data,
			     int (*each)(void *data, const char *path, const void *bytes,
					 size_t len, struct error *err),
			     void *each_data, struct error *err)
{
	struct tree_walk walk = {
		.in = data,
		.each = walk_module,
		.module = each,
		.module_data = each_data,
	};

	return installed_walk(&walk, err);
}

static int installed_module(void *data, const char *path, void **ret, size_t *ret_len,
			    struct error *err)
{
	const struct installed *in = data;
	autoheld struct held held = {0};
	int r = held_map(in->root, path, MODULE_FILE_MAX, &held, err);

	if (r < 0)
		return r;
	r = decompress(held.data, held.len, MODULE_FILE_MAX, ret, ret_len, err);
	return r < 0 ? error_prefix(err, r, "%s", path) : 0;
}

static void be_silent(void *data, int priority, const char *file, int line,
		      const char *function, const char *format, va_list args)
	__attribute__((format(printf, 6, 0)));
static void be_silent(void *data, int priority, const char *file, int line,
		      const char *function, const char *format, va_list args)
{
	(void)data; /* what fails is told by our own errors */
	(void)priority;
	(void)file;
	(void)line;
	(void)function;
	(void)format;
	(void)args;
}

/*
 * libkmod takes a path of the file system that kuro runs in; by descriptor no link of
 * another root leads it elsewhere.
 */
static int index_open(struct installed *in, struct error *err)
{
	static const char *const no_config = NULL;
	autofree char *dir = NULL;
	int r = module_indexes_check(in->root, in->tree, err);

	if (r < 0)
		return r;
	in->tree_fd = root_openat(in->root, in->tree, O_PATH | O_DIRECTORY, 0);
	if (in->tree_fd < 0)
		return error_errno(err, in->tree_fd, "%s", in->tree);
	dir = str_format("/proc/self/fd/%d", in->tree_fd);
	in->kmod = kmod_new(dir, &no_config);
	if (!in->kmod)
		return error_set(err, -EIO, "%s can't be opened by libkmod", in->tree);
	kmod_set_log_fn(in->kmod, be_silent, NULL);
	r = kmod_load_resources(in->kmod);
	return r < 0 ? error_errno(err, r, "indexes of %s", in->tree) : 0;
}

static bool index_ready(struct installed *in)
{
	if (in->index == INDEX_NOT_TRIED)
		in->index = in->tree && index_open(in, NULL) == 0 ? INDEX_READY
								  : INDEX_ABSENT;
	return in->index == INDEX_READY;
}

/* The path below the tree, or NULL: a module that is built in has none. */
static char *own_path(struct installed *in, const struct kmod_module *module)
{
	const char *path = kmod_module_get_path(module);
	const char *dir = kmod_get_dirname(in->kmod);

	if (!path || !str_starts(path, dir) || path[strlen(dir)] != '/')
		return NULL;
	path += strlen(dir) + 1;
	return is_own(in, path, strlen(path)) ? str_format("%s/%s", in->tree, path)
					      : NULL;
}

static int installed_provider(void *data, const char *symbol, char **ret_path,
			      struct error *err)
{
	struct installed *in = data;
	autofree char *alias = str_format("symbol:%s", symbol);
	struct kmod_list *list = NULL, *item;
	char *path = NULL;

	if (!index_ready(in))
		return error_set(err, -ENOTSUP, "%s has no index of symbols; run depmod",
				 in->release);
	/* A name that libkmod refuses is exported by no module. */
	(void)kmod_module_new_from_lookup(in->kmod, alias, &list);
	kmod_list_foreach(item, list)
	{
		struct kmod_module *module = kmod_module_get_module(item);

		if (!path)
			path = own_path(in, module);
		kmod_module_unref(module);
	}
	kmod_module_unref_list(list);
	if (!path)
		return error_set(err, -ENOENT, "no module of %s exports %s", in->release,
				 symbol);
	*ret_path = path;
	return 0;
}

static void installed_done(void *data)
{
	struct installed *in = data;

	kmod_unref(in->kmod);
	if (in->tree_fd >= 0)
		(void)close(in->tree_fd); /* O_PATH: nothing to flush */
	for (size_t i = 0; i < SOURCE_FILES; i++)
		held_done(&in->files[i]);
	free(in->release);
	free(in->tree);
	free(in);
}

void kernel_source_done(struct kernel_source *source)
{
	if (source->done)
		source->done(source->data);
	*source = (struct kernel_source){0};
}

static char *find_tree(const struct root *root, const char *release)
{
	for (size_t i = 0; i < ARRAY_LEN(tree_places); i++) {
		char *path = place_path(&tree_places[i], release);

		if (is_dir(root, path))
			return path;
		free(path);
	}
	return NULL;
}

static bool has_symbols(const struct installed *in)
{
	autofree char *other = NULL;

	if (file_exists(in, FILE_IMAGE) || file_exists(in, FILE_SYMVERS))
		return true;
	other = entry_image(in->root, in->release);
	return other;
}

int kernel_source_installed(const struct root *root, const char *release,
			    struct kernel_source *ret, struct error *err)
{
	struct installed *in;

	if (!release_valid(release))
		return error_set(err, -EINVAL, "\"%s\" is no kernel release", release);
	in = mem_zalloc(sizeof(*in));
	*in = (struct installed){
		.root = root,
		.release = str_dup(release),
		.tree = find_tree(root, release),
		.tree_fd = -1,
	};
	if (!has_symbols(in)) {
		installed_done(in);
		return error_set(
			err, -ENOENT,
			"%s is not installed here: it has neither a kernel image "
			"nor symvers",
			release);
	}
	*ret = (struct kernel_source){
		.data = in,
		.release = in->release,
		.file = installed_file,
		.modules = installed_modules,
		.provider = installed_provider,
		.module = installed_module,
		.done = installed_done,
	};
	return 0;
}
