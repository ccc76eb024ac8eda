/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What was read of an initramfs image: found in it, compared, and let go.
 */
#include "core/initramfs.h"

#include <stdlib.h>

void initramfs_done(struct initramfs *image)
{
	for (size_t i = 0; i < image->module_count; i++) {
		free(image->modules[i].path);
		free(image->modules[i].name);
	}
	free(image->modules);
	free(image->segments);
	free(image->path);
	free(image->fault);
	strv_done(&image->trees);
	strv_done(&image->files);
	*image = (struct initramfs){0};
}

const struct initramfs_module *initramfs_module_find(const struct initramfs *image,
						     const char *name)
{
	for (size_t i = 0; i < image->module_count; i++)
		if (str_eq(image->modules[i].name, name))
			return &image->modules[i];
	return NULL;
}

static bool same_build(const struct module_content *a, const struct module_content *b)
{
	return *a->build_id && str_eq(a->build_id, b->build_id);
}

bool module_content_equal(const struct module_content *image,
			  const struct module_content *installed)
{
	if (!str_eq(image->packing, installed->packing))
		return same_build(image, installed);
	if (image->size == installed->size && str_eq(image->digest, installed->digest))
		return true;
	return str_eq(image->packing, "none") && !image->is_signed &&
	       !installed->is_signed && same_build(image, installed);
}
