/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads one module file, plain or compressed, as a kernel's loader would. Sources:
 * kernel/module/main.c, include/linux/module.h, scripts/mod/modpost.c.
 */
#pragma once

#include "base/root-file.h"
#include "core/module.h"

#define MODULE_FILE_MAX ((size_t)512 * 1024 * 1024) /* plain */
/*
 * How many bytes a module's file of len compressed ones may unpack to: one made to fill
 * memory grows by thousands, a module does not.
 */
size_t module_plain_max(size_t len);

/*
 * A file below the root; .ko, .ko.gz, .ko.xz, .ko.zst (told by content). One that is
 * no module any kernel would load is success with ret->fault set. -ENOENT, -EACCES, -EIO.
 */
int module_file_read(const struct root *root, const char *path, struct module_file *ret,
		     struct error *err);
/* The same from bytes; path names them. data is copied or decompressed, not kept. */
int module_file_parse(const char *path, const void *data, size_t len,
		      struct module_file *ret, struct error *err);
/* The same without a copy: what ret says of plain bytes lies in data, which must outlive
 * it.
 */
int module_file_borrow(const char *path, const void *data, size_t len,
		       struct module_file *ret, struct error *err);
/*
 * What only a module that is judged is asked: what the message of its signature says
 * (signer, key and hash, or that it is malformed), and whether its BTF holds together.
 * Apart, since this takes as long as all the rest. Before module_file_keep, whose files
 * have no bytes left; may be repeated.
 */
void module_file_examine(struct module_file *file);
/*
 * Only name and exports, for the tree's own modules: what it does not need to look at, it
 * does not. data must live as long as ret.
 */
int module_file_exports(const char *path, const void *data, size_t len,
			struct module_file *ret, struct error *err);

/* "/lib/modules/6.1.0/updates/dkms/a-b.ko.xz" → "a_b"; caller frees. NULL: no module's.
 */
char *module_name_of(const char *path);
