/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The inventory's ownership and its few questions. Fills nothing: probe/ does.
 */
#include "core/kernel.h"

#include <stdlib.h>

static void kernel_file_done(struct kernel_file *file)
{
	free(file->path);
	*file = (struct kernel_file){0};
}

void kernel_done(struct kernel *kernel)
{
	if (!kernel)
		return;
	free(kernel->release);
	kernel_file_done(&kernel->image);
	kernel_file_done(&kernel->initramfs);
	kernel_file_done(&kernel->config);
	free(kernel->modules);
	free(kernel->package);
	free(kernel->loader_entry);
	free(kernel->loader_options);
	*kernel = (struct kernel){0};
}

void kernel_list_done(struct kernel_list *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->count; i++)
		kernel_done(&list->items[i]);
	free(list->items);
	*list = (struct kernel_list){0};
}

const struct kernel *kernel_find(const struct kernel_list *list, const char *release)
{
	for (size_t i = 0; i < list->count; i++)
		if (str_eq(list->items[i].release, release))
			return &list->items[i];
	return NULL;
}

static void storage_done(struct storage *storage)
{
	free(storage->mount);
	free(storage->device);
	free(storage->uuid);
	free(storage->type);
	free(storage->options);
	strv_done(&storage->stack);
	*storage = (struct storage){0};
}

void storage_map_done(struct storage_map *map)
{
	if (!map)
		return;
	for (size_t i = 0; i < STORAGE_ROLES; i++)
		storage_done(&map->roles[i]);
}

const struct storage *storage_of_boot(const struct storage_map *map)
{
	const struct storage *boot = &map->roles[STORAGE_BOOT];

	return boot->present ? boot : &map->roles[STORAGE_ROOT];
}

const char *storage_role_name(enum storage_role role)
{
	static const char *const names[STORAGE_ROLES] = {
		[STORAGE_ROOT] = "root",
		[STORAGE_BOOT] = "boot",
		[STORAGE_ESP] = "esp",
	};

	return (unsigned int)role < STORAGE_ROLES ? names[role] : "unknown";
}
