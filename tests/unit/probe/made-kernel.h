/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A kernel made of bytes: an image with a few exports, modules of its tree, and the
 * indexes that depmod would write. Every failure ends the test.
 */
#pragma once

#include <stdint.h>

#include "made-machine.h"
#include "probe/kernel-abi.h"

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

/*
 * The kernel of most tests: one_mod exports one and one_more, two_mod exports two, as
 * does updates/alien.ko, which alone exports foreign; the image exports alpha and beta.
 */
#define REL      "6.1.0-9-amd64"
#define TREE     "/lib/modules/" REL
#define VERMAGIC REL " SMP preempt mod_unload modversions "

extern const struct made_module module_one, module_two;
/* Its image alone, with this text in it. */
void made_kernel(const struct made_machine *m, const char *path, const char *text);
/* All of it on Debian's layout, with depmod's indexes. */
void made_release(const struct made_machine *m);
void made_source(const struct made_machine *m, struct kernel_source *ret);
