/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Firmware files where the kernel's loader looks for them
 * (drivers/base/firmware_loader/main.c, fw_path).
 */
#include <fnmatch.h>
#include <string.h>

#include "base/cleanup.h"
#include "probe/third-party.h"

static const char *const endings[] = {"", ".xz", ".zst"};

/* A pattern ("hw2.0/" with a star) is there where one file is that it matches. */
static bool pattern_present(const struct root *root, const char *path)
{
	const char *slash = strrchr(path, '/');
	autofree char *dir = str_ndup(path, (size_t)(slash - path));
	autostrv struct strv names = {0};

	(void)root_list(root, dir, &names, NULL); /* none: no file */
	for (size_t i = 0; i < names.count; i++)
		for (size_t j = 0; j < ARRAY_LEN(endings); j++) {
			autofree char *pattern =
				str_format("%s%s", slash + 1, endings[j]);

			if (fnmatch(pattern, names.items[i], FNM_PERIOD) == 0)
				return true;
		}
	return false;
}

static bool path_present(const struct root *root, const char *path)
{
	if (strpbrk(strrchr(path, '/'), "*?["))
		return pattern_present(root, path);
	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		autofree char *file = str_format("%s%s", path, endings[i]);

		if (root_exists(root, file))
			return true;
	}
	return false;
}

bool firmware_present(const struct root *root, const char *release, const char *name)
{
	const char *const dirs[] = {"/updates/", release, "/updates", "",
				    "/",         release, "",         ""};
	autofree char *own = NULL;

	for (size_t i = 0; i < ARRAY_LEN(dirs); i += 2) {
		autofree char *path =
			str_format("/lib/firmware%s%s/%s", dirs[i], dirs[i + 1], name);

		if (path_present(root, path))
			return true;
	}
	if (root_read_line(root, "/sys/module/firmware_class/parameters/path", &own,
			   NULL) == 0 &&
	    *own == '/') {
		autofree char *path = str_format("%s/%s", own, name);

		return path_present(root, path);
	}
	return false;
}
