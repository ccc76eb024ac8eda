/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A kernel made of bytes: an image with a few exports, modules of its tree, and the
 * indexes that depmod would write. Every failure ends the test.
 */
#pragma once

#include <stdint.h>

#include "made-machine.h"

struct made_export {
	const char *name; /* NULL ends a list; lists are in the order of names */
	uint32_t crc;
	bool gpl;
};

/* A plain vmlinux; text lies in its .rodata. The caller frees the bytes. */
void *made_image(const struct made_export *exports, const char *text, size_t *ret_len);

struct made_module {
	const char *name, *vermagic;
	size_t layout;
	const struct made_export *exports; /* or NULL */
	const char *const *imports;        /* NULL-terminated, or NULL */
	bool btf;
};
void *made_module(const struct made_module *module, size_t *ret_len);
void made_module_file(const struct root *root, const char *path,
		      const struct made_module *module);

/* A key of an index and its values; the first bytes of all keys after skip differ. */
struct made_key {
	const char *key; /* NULL ends a list */
	const char *values[3];
};
void *made_index(const struct made_key *keys, size_t skip, size_t *ret_len);
/* The five indexes of dir: modules by name ("a" → "kernel/a.ko:"), symbols. */
void made_indexes(const struct root *root, const char *dir,
		  const struct made_key *modules, const struct made_key *symbols);
