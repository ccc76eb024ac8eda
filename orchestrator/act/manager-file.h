/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file of kuro's in a package manager's directory of settings.
 */
#pragma once

#include "base/root-file.h"

#define MANAGER_FILE_MAX ((size_t)1024 * 1024)

/* Only if it would change; a directory that is not there is a manager that is not. */
int manager_file_write(const struct root *root, const char *directory, const char *path,
		       const char *content, struct error *err);
