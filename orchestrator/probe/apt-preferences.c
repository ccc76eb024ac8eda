/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Preferences put together as apt reads them: its one file, then those of its directory.
 */
#include "probe/apt-preferences.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

#define PREFERENCES "/etc/apt/preferences"
#define PARTS       "/etc/apt/preferences.d"
#define PART_MAX    ((size_t)1024 * 1024)
#define ALL_MAX     (16 * PART_MAX)

/* Letters, digits and "_-." only, ending in ".pref" or without a dot. */
static bool name_counts(const char *name)
{
	const char *dot = strrchr(name, '.');

	for (const char *at = name; *at; at++)
		if (!isalnum((unsigned char)*at) && !strchr("_-.", *at))
			return false;
	return *name != '.' && (!dot || str_eq(dot, ".pref"));
}

/* What can't be read is left out: apt itself says so of it. */
static void add_file(const struct root *root, const char *path, struct text *all)
{
	autofree char *text = NULL;

	if (all->len < ALL_MAX && root_read(root, path, PART_MAX, &text, NULL, NULL) == 0)
		text_appendf(all, "%s\n\n", text);
}

int apt_preferences_others(const struct root *root, const char *more, struct error *err)
{
	autostrv struct strv names = {0};
	autotext struct text all = {0};
	autoclose int fd = -1;
	int r;

	if (!more && !root_exists(root, APT_HOLDS))
		return error_set(err, -ENOENT, "nothing is marked as held for apt");
	r = root_list(root, PARTS, &names, err);
	if (r < 0 && r != -ENOENT)
		return r;
	add_file(root, PREFERENCES, &all);
	for (size_t i = 0; i < names.count; i++) {
		autofree char *path = str_format(PARTS "/%s", names.items[i]);

		if (name_counts(names.items[i]) && !str_eq(path, APT_HOLDS))
			add_file(root, path, &all);
	}
	text_append(&all, more ? more : "");
	fd = memfd_create("kuro-preferences", MFD_CLOEXEC);
	if (fd < 0 || pwrite(fd, text_str(&all), all.len, 0) != (ssize_t)all.len)
		return error_set(err, -errno, "apt's preferences can't be passed on: %s",
				 strerror(errno));
	return take_fd(&fd);
}
