/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names of releases' files in /boot.
 */
#include "probe/boot-names.h"

#include <string.h>

#include "base/cleanup.h"
#include "core/release.h"

#define BLOCK 512 /* stat(2): st_blocks counts these */

/* What stands before and behind a release; the first that fits counts. */
struct pattern {
	const char *before, *after;
};

static const struct pattern initramfs_patterns[] = {
	{"initrd.img-", ""},    {"initramfs-", "kdump.img"},
	{"initramfs-", ".img"}, {"initrd-", "-kdump"},
	{"initrd-", ""},
};

static const struct pattern kernel_patterns[] = {
	{"vmlinuz-", ""},     {"vmlinux-", ""},     {"Image-", ""},
	{"config-", ""},      {"System.map-", ""},  {"symvers-", ".gz"},
	{"symvers-", ".xz"},  {"symvers-", ".zst"}, {".vmlinuz-", ".hmac"},
	{"sysctl.conf-", ""},
};

static char *pattern_release(const struct pattern *p, const char *name)
{
	size_t before = strlen(p->before), after = strlen(p->after), len = strlen(name);
	autofree char *release = NULL;

	if (len <= before + after || !str_starts(name, p->before) ||
	    !str_ends(name, p->after))
		return NULL;
	release = str_ndup(name + before, len - before - after);
	if (!release_valid(release) || str_starts(release, "0-rescue"))
		return NULL;
	return take_ptr(release);
}

char *boot_name_initramfs_release(const char *name)
{
	char *release = NULL;

	for (size_t i = 0; i < ARRAY_LEN(initramfs_patterns) && !release; i++)
		release = pattern_release(&initramfs_patterns[i], name);
	return release;
}

char *boot_name_release(const char *name)
{
	char *release = boot_name_initramfs_release(name);

	for (size_t i = 0; i < ARRAY_LEN(kernel_patterns) && !release; i++)
		release = pattern_release(&kernel_patterns[i], name);
	return release;
}

const struct boot_layout *boot_layout(const struct root *root)
{
	/* the first whose marker exists */
	static const struct {
		const char *marker;
		struct boot_layout layout;
	} layouts[] = {
		{"/var/lib/dpkg/status", {"/boot/initrd.img-", ""}},
		{"/etc/SUSE-brand", {"/boot/initrd-", ""}},
		{"/usr/lib/sysimage/zypp", {"/boot/initrd-", ""}},
		{"/", {"/boot/initramfs-", ".img"}},
	};
	size_t i = 0;

	while (i + 1 < ARRAY_LEN(layouts) && !root_exists(root, layouts[i].marker))
		i++;
	return &layouts[i].layout;
}

uint64_t boot_names_room(const struct root *root, const char *release)
{
	autostrv struct strv names = {0};
	uint64_t room = 0;

	if (root_list(root, "/boot", &names, NULL) < 0)
		return 0;
	for (size_t i = 0; i < names.count; i++) {
		autofree char *of = boot_name_release(names.items[i]);
		autofree char *path = str_format("/boot/%s", names.items[i]);
		struct stat st;

		if (str_eq(of, release) && root_lstat(root, path, &st) == 0 &&
		    S_ISREG(st.st_mode))
			room += (uint64_t)st.st_blocks * BLOCK;
	}
	return room;
}
