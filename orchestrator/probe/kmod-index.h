/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * depmod's binary indexes. libkmod follows their offsets as they stand, and one cut off
 * by a crash would end the program: those of aliases, whose patterns it matches, are
 * looked over before it maps them; a single name is looked up here, which is the same
 * work as looking over its branch alone.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/root-file.h"

/*
 * Does every offset, prefix and value of the index lie inside it, and does the trie end?
 * Source of the format: kmod, libkmod/libkmod-index.c (version 2.1).
 */
bool kmod_index_whole(const unsigned char *data, size_t len);
/*
 * The values of a name ("symbol:kmalloc" of modules.symbols.bin, "ext4" of
 * modules.dep.bin) in their order, copies. -ENOENT: there are none,
 * -ERROR_DAMAGED: the way to them leads astray. Patterns are taken as they are written.
 */
int kmod_index_find(const unsigned char *data, size_t len, const char *name,
		    struct strv *ret);
/*
 * May libkmod look up aliases in what depmod left in dir ("/lib/modules/6.1.0", "" for
 * root itself)? One that is missing is no harm: libkmod then finds nothing in it, or
 * refuses to load. -ERROR_DAMAGED names the index.
 */
int kmod_indexes_check(const struct root *root, const char *dir, struct error *err);
