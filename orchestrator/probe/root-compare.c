/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The modules of an image beside those that are installed.
 */
#include "base/cleanup.h"
#include "probe/initramfs.h"
#include "root-target.h"

/* One for each name. The image's modules stand in the order of their names: however many
 * there are, only the last one is asked. */
static struct root_need *installed_add(struct root_need_list *list, const char *name)
{
	struct root_need *item;

	if (list->count > 0 && str_eq(list->items[list->count - 1].name, name))
		return NULL;
	list->items = mem_grow_one(list->items, list->count, sizeof(*list->items));
	item = &list->items[list->count++];
	*item = (struct root_need){.name = str_dup(name), .optional = true};
	return item;
}

/* Where the image holds a module of the tree by that name. */
static void compare_one(const struct root_target *target,
			const struct initramfs_module *module)
{
	struct root_need *item = installed_add(&target->needs->installed, module->name);
	autofree char *path = NULL;

	/* libkmod remembers whatever name it was asked for */
	if (!item || !root_target_has(target, module->name))
		return;
	path = root_target_path(target, module->name);
	if (!path)
		return;
	item->why = path;
	(void)module_content_probe(target->root, path, module->content.packing,
				   &item->content, NULL); /* unreadable is unknown */
	path = NULL;
}

int root_needs_compare(const struct root *root, const struct initramfs *image,
		       struct root_needs *needs, struct error *err)
{
	autofree char *folder = str_format("lib/modules/%s/", needs->release);
	struct root_target target = {.tree.fd = -1};
	int r = root_target_open(root, needs->release, needs, &target, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < image->module_count; i++)
		if (str_starts(image->modules[i].path, folder))
			compare_one(&target, &image->modules[i]);
	root_target_done(&target);
	return 0;
}
