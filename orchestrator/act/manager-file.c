/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Settings of package managers are written rarely: most calls find all as it should be.
 */
#include "manager-file.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

int manager_file_write(const struct root *root, const char *directory, const char *path,
		       const char *content, struct error *err)
{
	autofree char *now = NULL;

	if (!root_exists(root, directory))
		return 0;
	if (root_read(root, path, MANAGER_FILE_MAX, &now, NULL, NULL) == 0 &&
	    str_eq(now, content))
		return 0;
	return root_write(root, path, 0644, content, strlen(content), err);
}
