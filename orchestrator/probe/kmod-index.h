/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * depmod's binary indexes, looked over before libkmod maps them: libkmod follows their
 * offsets as they stand, and one cut off by a crash would end the program.
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
 * May libkmod load what depmod left in dir ("/lib/modules/6.1.0", "" for root itself)?
 * One that is missing is no harm: libkmod then finds nothing in it, or refuses to load.
 * -ERROR_DAMAGED names the index.
 */
int kmod_indexes_check(const struct root *root, const char *dir, struct error *err);
