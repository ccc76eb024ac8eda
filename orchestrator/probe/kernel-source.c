/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An installed release as a source: its files, the modules of its tree, and depmod's
 * index of the symbols that they export. Changes nothing, runs nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/release.h"
#include "kmod-index.h"
#include "probe/decompress.h"
#include "probe/kernel-abi.h"
#include "release-files.h"
#include "tree-order.h"

#define TREE_DEPTH_MAX   24
#define TREE_ENTRIES_MAX 200000
#define INDEX_MAX        ((size_t)256 * 1024 * 1024)

enum index_state { INDEX_NOT_TRIED, INDEX_READY, INDEX_ABSENT };

struct installed {
	const struct root *root;
	char *release;
	char *tree; /* "/lib/modules/REL", or NULL */
	struct release_files files;
	struct text names;  /* of the tree's own modules, a path a line */
	struct text strays; /* lines of modules.order, between newlines */
	enum index_state index;
	struct held symbols, paths; /* modules.symbols.bin, modules.dep.bin */
};

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
	text_append(&walk->in->names, path);
	text_append_n(&walk->in->names, "\n", 1);
	return 0;
}

/* One that does not decompress is no module: its loader would refuse it too. */
static int walk_module(struct tree_walk *walk, const char *path, struct error *err)
{
	autoheld struct held held = {0};
	int r = held_map(walk->in->root, path, MODULE_FILE_MAX, &held, err);

	if (r == -ENOENT || r == -EINVAL)
		return 0; /* gone meanwhile, or no file */
	if (r == 0)
		r = held_unpack(&held, path, module_plain_max(held.len), err);
	if (r == -ERROR_DAMAGED || r == -EFBIG)
		return 0;
	if (r < 0)
		return r;
	return walk->module(walk->module_data, path, held.data, held.len, err);
}

/* Is it the kernel's own? rel is below the tree: "kernel/fs/fat/fat.ko.xz". */
static bool is_own(struct installed *in, const char *rel, size_t len);

/* The paths of depmod's list that are the tree's own, absolute. */
static void names_from_dep(struct installed *in, const struct held *dep)
{
	const char *line = dep->data, *end = line + dep->len;

	while (line < end) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		size_t len = (size_t)((stop ? stop : end) - line);
		const char *colon = memchr(line, ':', len);

		if (colon && is_own(in, line, (size_t)(colon - line))) {
			text_append(&in->names, in->tree);
			text_append_n(&in->names, "/", 1);
			text_append_n(&in->names, line, (size_t)(colon - line));
			text_append_n(&in->names, "\n", 1);
		}
		line += len + 1;
	}
}

static int names_load(struct installed *in, struct error *err)
{
	struct tree_walk walk = {.in = in, .each = walk_name};
	const struct held *dep;

	if (!in->tree)
		return error_set(err, -ENOENT, "%s has no module tree", in->release);
	if (in->names.len == 0 &&
	    release_files_get(&in->files, RELEASE_DEP, &dep, NULL) == 0)
		names_from_dep(in, dep);
	return in->names.len ? 0 : installed_walk(&walk, err);
}

static bool is_below_kernel(const char *rel, size_t len)
{
	static const char below[] = "kernel/";

	return len > sizeof(below) && strncmp(rel, below, sizeof(below) - 1) == 0;
}

/* Lines of modules.order that are not below kernel/: mostly none. */
static void strays_load(struct installed *in)
{
	const struct held *order;
	const char *line, *end;

	text_append(&in->strays, "\n");
	if (release_files_get(&in->files, RELEASE_ORDER, &order, NULL) < 0)
		return;
	line = order->data;
	end = line + order->len;
	while (line < end) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		size_t len = (size_t)((stop ? stop : end) - line);

		if (!is_below_kernel(line, len)) {
			text_append_n(&in->strays, line, len);
			text_append_n(&in->strays, "\n", 1);
		}
		line += len + 1;
	}
}

/* Is it a line of modules.order? Names there have no compression's ending. */
static bool is_ordered(struct installed *in, const char *rel, size_t len)
{
	autofree char *line = NULL;
	char *name, *ending;

	if (in->strays.len == 0)
		strays_load(in);
	if (in->strays.len == 1)
		return false;
	line = str_format("\n%.*s\n", (int)len, rel);
	name = strrchr(line, '/');
	ending = strstr(name ? name : line, ".ko");
	if (!ending)
		return false;
	memcpy(ending, ".ko\n", sizeof(".ko\n")); /* in place of ".ko.xz\n" */
	return memmem(in->strays.data, in->strays.len, line, strlen(line));
}

/* One that the kernel's package put beside kernel/, where others put theirs. */
static bool is_moved(struct installed *in, const char *rel, size_t len)
{
	struct tree_order order = {0};
	const struct held *held;

	if (release_files_get(&in->files, RELEASE_ORDER, &held, NULL) == 0)
		order = (struct tree_order){held->data, held->len};
	return tree_order_moved(&order, in->root, in->tree, rel, len);
}

static bool is_own(struct installed *in, const char *rel, size_t len)
{
	return is_below_kernel(rel, len) ||
	       (len > 0 && rel[0] != '/' &&
		(is_ordered(in, rel, len) || is_moved(in, rel, len)));
}

static int installed_file(void *data, const char *what, const void **ret, size_t *ret_len,
			  struct error *err)
{
	struct installed *in = data;
	const struct held *held;
	int r;

	for (enum release_file file = 0; file < RELEASE_FILES; file++) {
		if (!str_eq(release_file_name(file), what))
			continue;
		r = release_files_get(&in->files, file, &held, err);
		if (r < 0)
			return r;
		*ret = held->data;
		*ret_len = held->len;
		return 0;
	}
	if (!str_eq(what, "modules"))
		return error_set(err, -ENOENT, "%s has no %s", in->release, what);
	r = names_load(in, err);
	if (r < 0)
		return r;
	*ret = text_str(&in->names);
	*ret_len = in->names.len;
	return 0;
}

static char *installed_identity(void *data, const char *what)
{
	const struct installed *in = data;

	for (enum release_file file = 0; file < RELEASE_FILES; file++)
		if (str_eq(release_file_name(file), what))
			return release_files_identity(&in->files, file);
	return NULL;
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
	r = decompress(held.data, held.len, module_plain_max(held.len), ret, ret_len,
		       err);
	return r < 0 ? error_prefix(err, r, "%s", path) : 0;
}

static int installed_look(void *data, const char *path,
			  int (*each)(void *data, const char *path, const void *bytes,
				      size_t len, struct error *err),
			  void *each_data, struct error *err)
{
	const struct installed *in = data;
	autoheld struct held held = {0};
	int r = held_map(in->root, path, MODULE_FILE_MAX, &held, err);

	return r < 0 ? r : each(each_data, path, held.data, held.len, err);
}

static int index_open(const struct installed *in, const char *name, struct held *ret)
{
	autofree char *path = str_format("%s/%s", in->tree, name);

	return held_map(in->root, path, INDEX_MAX, ret, NULL);
}

static bool index_ready(struct installed *in)
{
	if (in->index == INDEX_NOT_TRIED)
		in->index =
			in->tree &&
					index_open(in, "modules.symbols.bin",
						   &in->symbols) == 0 &&
					index_open(in, "modules.dep.bin", &in->paths) == 0
				? INDEX_READY
				: INDEX_ABSENT;
	return in->index == INDEX_READY;
}

/* The path of a module by its line of depmod's, "kernel/fs/fat/fat.ko: ..."; NULL for one
 * that is not the kernel's own. */
static char *own_path(struct installed *in, const char *line)
{
	size_t len = strcspn(line, ":");

	return is_own(in, line, len) ? str_format("%s/%.*s", in->tree, (int)len, line)
				     : NULL;
}

/* A module that is built in has no line. */
static int module_path(struct installed *in, const char *module, char **ret)
{
	autostrv struct strv lines = {0};
	int r = kmod_index_find(in->paths.data, in->paths.len, module, &lines);

	if (r < 0)
		return r;
	*ret = own_path(in, lines.items[0]);
	return *ret ? 0 : -ENOENT;
}

/* The first of those that export it which is the kernel's own. */
static int symbol_path(struct installed *in, const char *symbol, char **ret)
{
	autofree char *key = str_format("symbol:%s", symbol);
	autostrv struct strv modules = {0};
	int r = kmod_index_find(in->symbols.data, in->symbols.len, key, &modules);
	bool found = false;

	for (size_t i = 0; i < modules.count && !found && r != -ERROR_DAMAGED; i++) {
		r = module_path(in, modules.items[i], ret);
		found = r == 0;
	}
	return r;
}

static int installed_provider(void *data, const char *symbol, char **ret_path,
			      struct error *err)
{
	struct installed *in = data;
	int r = index_ready(in) ? symbol_path(in, symbol, ret_path) : -ERROR_DAMAGED;

	if (r == -ERROR_DAMAGED)
		return error_set(err, -ENOTSUP, "%s has no index of symbols; run depmod",
				 in->release);
	if (r < 0)
		return error_set(err, r, "no module of %s exports %s", in->release,
				 symbol);
	return 0;
}

static void installed_done(void *data)
{
	struct installed *in = data;

	held_done(&in->symbols);
	held_done(&in->paths);
	release_files_done(&in->files);
	text_done(&in->names);
	text_done(&in->strays);
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
	static const char *const places[] = {"/lib/modules", "/usr/lib/modules"};

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		char *path = str_format("%s/%s", places[i], release);

		if (is_dir(root, path))
			return path;
		free(path);
	}
	return NULL;
}

static struct installed *installed_new(const struct root *root, const char *release)
{
	struct installed *in = mem_zalloc(sizeof(*in));

	*in = (struct installed){
		.root = root,
		.release = str_dup(release),
		.tree = find_tree(root, release),
	};
	in->files.root = root;
	in->files.release = in->release;
	return in;
}

static struct kernel_source installed_source(struct installed *in)
{
	return (struct kernel_source){
		.data = in,
		.release = in->release,
		.file = installed_file,
		.identity = installed_identity,
		.modules = installed_modules,
		.provider = installed_provider,
		.module = installed_module,
		.look = installed_look,
		.done = installed_done,
	};
}

int kernel_source_installed(const struct root *root, const char *release,
			    struct kernel_source *ret, struct error *err)
{
	struct installed *in;

	if (!release_valid(release))
		return error_set(err, -EINVAL, "\"%s\" is no kernel release", release);
	in = installed_new(root, release);
	if (!release_files_has(&in->files, RELEASE_IMAGE) &&
	    !release_files_has(&in->files, RELEASE_SYMVERS)) {
		installed_done(in);
		return error_set(
			err, -ENOENT,
			"%s is not installed here: it has neither a kernel image "
			"nor symvers",
			release);
	}
	*ret = installed_source(in);
	return 0;
}

int kernel_source_tree(const struct root *root, const char *release,
		       struct kernel_source *ret, struct error *err)
{
	struct installed *in;

	if (!release_valid(release))
		return error_set(err, -EINVAL, "\"%s\" is no kernel release", release);
	in = installed_new(root, release);
	if (!in->tree) {
		installed_done(in);
		return error_set(err, -ENOENT, "%s has no module tree here", release);
	}
	*ret = installed_source(in);
	return 0;
}
