/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names from modules.dep and modules.builtin, aliases through libkmod. libkmod follows
 * every offset of an index without asking where it leads, so that an index is walked over
 * here first; where one is torn, or depmod made none, the text beside it serves.
 */
#include "driver-tree.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "alias-match.h"
#include "kmod-index.h"
#include "kmod-library.h"
#include "tree-order.h"

#define TREE_TEXT_MAX ((size_t)64 << 20)

enum { TEXT_DEP, TEXT_BUILTIN, TEXT_ALIAS, TEXT_MODINFO, TEXT_ORDER };

static const char *const text_files[] = {"/modules.dep", "/modules.builtin",
					 "/modules.alias", "/modules.builtin.modinfo",
					 "/modules.order"};

static void text_read(struct driver_tree *tree, size_t which)
{
	struct root here = {.fd = tree->fd};

	(void)root_read(&here, text_files[which], TREE_TEXT_MAX, &tree->texts[which],
			&tree->sizes[which], NULL); /* absent: no such names */
}

static int compare_names(const void *a, const void *b)
{
	const struct driver_name *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	return r != 0 ? r : (int)y->built_in - (int)x->built_in;
}

static void name_add(struct driver_tree *tree, size_t *room, struct driver_name name)
{
	if (tree->count == *room) {
		*room = *room ? *room * 2 : 1024;
		tree->names = mem_regrow(tree->names, *room, sizeof(*tree->names));
	}
	tree->names[tree->count++] = name;
}

static void names_sort(struct driver_tree *tree)
{
	size_t kept = 0;

	if (tree->count == 0)
		return;
	qsort(tree->names, tree->count, sizeof(*tree->names), compare_names);
	for (size_t i = 1; i < tree->count; i++)
		if (!str_eq(tree->names[i].name, tree->names[kept].name))
			tree->names[++kept] = tree->names[i];
	tree->count = kept + 1;
}

/* Places that the kernel's own packages leave to others (depmod.d's search order). */
static bool path_is_others(const char *path)
{
	static const char *const places[] = {"updates/", "extra/", "weak-updates/",
					     "extramodules/", "/"};

	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (str_starts(path, places[i]))
			return true;
	return false;
}

static bool path_is_third_party(const struct driver_tree *tree, const char *path)
{
	const struct tree_order order = {tree->texts[TEXT_ORDER],
					 tree->sizes[TEXT_ORDER]};
	struct root here = {.fd = tree->fd};

	return path_is_others(path) &&
	       !tree_order_moved(&order, &here, "", path, strlen(path));
}

/* "kernel/fs/ext4/ext4.ko.xz" to "ext4", in place. */
static char *name_of_path(char *path)
{
	char *slash = strrchr(path, '/');
	char *name = slash ? slash + 1 : path;
	char *end = strstr(name, ".ko");

	if (end)
		*end = '\0';
	alias_normalize(name);
	return name;
}

/* One path a line, up to a colon in modules.dep. Names stay in the text. */
static void names_of_text(struct driver_tree *tree, size_t *room, size_t which)
{
	char *rest = tree->texts[which], *line;

	while (rest && (line = strsep(&rest, "\n"))) {
		struct driver_name name = {.built_in = which == TEXT_BUILTIN};

		line[strcspn(line, ":")] = '\0';
		name.third_party = path_is_third_party(tree, line);
		name.name = name_of_path(line);
		if (*name.name)
			name_add(tree, room, name);
	}
}

/* libkmod on the tree; NULL where an index is missing or torn. */
static struct kmod_ctx *kmod_open(int fd)
{
	static const char *const no_config[] = {NULL};
	struct root here = {.fd = fd};
	autofree char *path = str_format("/proc/self/fd/%d", fd);
	struct kmod_ctx *kmod;

	if (!root_exists(&here, "/modules.alias.bin") ||
	    kmod_indexes_check(&here, "", NULL) < 0)
		return NULL;
	kmod = kmod_silent(path, no_config);
	if (kmod && sym_kmod_load_resources(kmod) < 0)
		return sym_kmod_unref(kmod);
	return kmod;
}

static int tree_directory(const struct root *root, const char *release)
{
	autofree char *path = str_format("/lib/modules/%s", release);
	autofree char *merged = str_format("/usr%s", path);
	int fd = root_openat(root, path, O_RDONLY | O_DIRECTORY, 0);

	return fd == -ENOENT ? root_openat(root, merged, O_RDONLY | O_DIRECTORY, 0) : fd;
}

/* As a depmod leaves it that was killed, or for which the disk had no room. */
static bool text_is_torn(const struct driver_tree *tree)
{
	struct root here = {.fd = tree->fd};
	size_t size = tree->sizes[TEXT_DEP];
	struct stat order;

	if (size > 0)
		return tree->texts[TEXT_DEP][size - 1] != '\n';
	return root_stat(&here, "/modules.order", &order) == 0 && order.st_size > 0;
}

int driver_tree_open(const struct root *root, const char *release,
		     struct driver_tree *ret, struct error *err)
{
	size_t room = 0;
	int r;

	*ret = (struct driver_tree){.fd = -1};
	if (!*release || strchr(release, '/') || *release == '.')
		return error_set(err, -EINVAL, "\"%s\" is no release", release);
	r = kmod_library_load(err);
	if (r < 0)
		return r;
	ret->fd = tree_directory(root, release);
	if (ret->fd < 0)
		return error_errno(err, ret->fd, "module tree of %s", release);
	for (size_t i = TEXT_DEP; i <= TEXT_BUILTIN; i++)
		text_read(ret, i);
	text_read(ret, TEXT_ORDER);
	ret->kmod = kmod_open(ret->fd);
	if (!ret->kmod) {
		text_read(ret, TEXT_ALIAS);
		text_read(ret, TEXT_MODINFO);
	}
	if (!ret->texts[TEXT_DEP] || (!ret->kmod && !ret->texts[TEXT_ALIAS]))
		return error_set(err, -ENOENT,
				 "module tree of %s has no %s; run: depmod %s", release,
				 ret->texts[TEXT_DEP] ? "modules.alias" : "modules.dep",
				 release);
	ret->torn = text_is_torn(ret);
	names_of_text(ret, &room, TEXT_BUILTIN);
	names_of_text(ret, &room, TEXT_DEP);
	names_sort(ret);
	return 0;
}

void driver_tree_of(const struct driver_names *lists, struct driver_tree *ret)
{
	size_t room = 0;

	*ret = (struct driver_tree){.fd = -1, .lists = lists};
	for (size_t i = 0; i < lists->built_in.count; i++)
		name_add(ret, &room,
			 (struct driver_name){lists->built_in.items[i], true, false});
	for (size_t i = 0; i < lists->modules.count; i++)
		name_add(ret, &room,
			 (struct driver_name){lists->modules.items[i], false, false});
	names_sort(ret);
}

void driver_tree_done(struct driver_tree *tree)
{
	for (size_t i = 0; i < ARRAY_LEN(tree->texts); i++)
		free(tree->texts[i]);
	free(tree->names);
	if (tree->kmod)
		sym_kmod_unref(tree->kmod);
	if (tree->fd >= 0)
		(void)close(tree->fd); /* reading only */
	*tree = (struct driver_tree){.fd = -1};
}

const struct driver_name *driver_tree_find(const struct driver_tree *tree,
					   const char *name)
{
	struct driver_name key = {.name = name};
	size_t low = 0, high = tree->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int r = strcmp(tree->names[middle].name, key.name);

		if (r == 0)
			return &tree->names[middle];
		if (r < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static void found_add(void *data, size_t index, const char *module, size_t length)
{
	struct strv *found = (struct strv *)data + index;
	char *name = str_ndup(module, length);

	alias_normalize(name);
	if (strv_has(found, name))
		free(name);
	else
		strv_add_take(found, name);
}

static void match_kmod(const struct driver_tree *tree, const struct strv *wanted,
		       struct strv *found)
{
	for (size_t i = 0; i < wanted->count; i++) {
		struct kmod_list *list = NULL, *item;

		if (sym_kmod_module_new_from_lookup(tree->kmod, wanted->items[i], &list) <
		    0)
			continue; /* no alias that modprobe would take */
		kmod_list_each(item, list)
		{
			struct kmod_module *module = sym_kmod_module_get_module(item);
			const char *name = sym_kmod_module_get_name(module);

			found_add(found, i, name, strlen(name));
			sym_kmod_module_unref(module);
		}
		sym_kmod_module_unref_list(list);
	}
}

void driver_aliases_match(const struct strv *aliases, const struct strv *wanted,
			  struct strv *found)
{
	const struct alias_match match = {wanted, found_add, found};

	for (size_t i = 0; i < aliases->count; i++) {
		const char *alias = aliases->items[i];
		const char *space = strrchr(alias, ' ');

		if (space)
			alias_match_one(&match, alias, (size_t)(space - alias), space + 1,
					strlen(space + 1));
	}
}

void driver_tree_match(const struct driver_tree *tree, const struct strv *wanted,
		       struct strv *found)
{
	struct alias_match match = {wanted, found_add, found};

	if (tree->kmod) {
		match_kmod(tree, wanted, found);
		return;
	}
	if (tree->lists)
		driver_aliases_match(&tree->lists->aliases, wanted, found);
	if (tree->texts[TEXT_ALIAS])
		alias_match_text(&match, tree->texts[TEXT_ALIAS],
				 tree->sizes[TEXT_ALIAS]);
	if (tree->texts[TEXT_MODINFO])
		alias_match_modinfo(&match, tree->texts[TEXT_MODINFO],
				    tree->sizes[TEXT_MODINFO]);
}
