/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dpkg's lists of files (/var/lib/dpkg/info/PACKAGE.list), read without a program.
 */
#pragma once

#include <dirent.h>
#include <stdbool.h>

#include "base/root-file.h"

#define DPKG_LIST_MAX ((size_t)64 * 1024 * 1024)
#define DPKG_INFO     "/var/lib/dpkg/info"

/* Thousands of names, of which a handful is wanted: not root_list, which sorts them. The
 * caller closes it; NULL: there is none. */
DIR *dpkg_lists_open(const struct root *root);
/*
 * A list's text into a buffer that serves for all of them, NUL-terminated in data; its
 * len is not kept. false: name is no list that can be read.
 */
bool dpkg_list_read(int dir, const char *name, struct text *buffer);
