/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Is a binary index of depmod's whole? Asked before libkmod maps it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/root-file.h"

/* Every offset leads to a node within the file, no path is longer than an alias. */
bool kmod_index_whole(const unsigned char *data, size_t size);
/* The same of a file below root; a missing one is as absent_is says. */
bool kmod_index_sound(const struct root *root, const char *path, bool absent_is);
