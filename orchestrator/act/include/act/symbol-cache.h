/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The symbols of kernel images, kept by the image's SHA-256 below
 * /var/cache/kuro/symbols, and, two files for each release, what its packed modules
 * export (by their own SHA-256) and what is known of its files that have not changed
 * since. Safe to delete at any time; at most SYMBOL_CACHE_MAX files, the oldest go. What
 * does not match its key or its own sum is no cache. Unprivileged: read only.
 */
#pragma once

#include "base/root-file.h"
#include "probe/kernel-abi.h"

#define SYMBOL_CACHE_DIR "/var/cache/kuro/symbols"
#define SYMBOL_CACHE_MAX 16

/* root must outlive ret. Failing to keep something is no error: it is made again. */
void symbol_cache_open(const struct root *root, struct symbol_cache *ret);
