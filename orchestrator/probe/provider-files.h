/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Modules of the kernel's own that are asked for their exports, each read once, on all
 * CPUs. For kernel-providers.c.
 */
#pragma once

#include "export-cache.h"

struct provider_file {
	char *path;
	char key[CONTENT_KEY_SIZE]; /* of a compressed one in a cache, or "" */
	bool known;                 /* the cache has its exports; file is empty */
	struct module_file file;    /* its exports, without bytes */
	int r;                      /* what reading it returned */
	struct error why;
};

struct kernel_providers {
	struct export_cache *cache;  /* or NULL */
	struct provider_file *items; /* sorted by path */
	size_t count;
};

struct kernel_providers *kernel_providers_new(const struct kernel_source *source,
					      const struct symbol_cache *cache);
/* Read those of the paths that were not read yet; NULL among them is passed over. */
void provider_files_read(struct kernel_providers *providers,
			 const struct kernel_source *source, char *const *paths,
			 size_t count);
/* NULL: it was not read. */
const struct provider_file *provider_files_find(const struct kernel_providers *providers,
						const char *path);
