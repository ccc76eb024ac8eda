/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The names that Debian, Fedora and SUSE give a release's files in /boot, and what they
 * take there.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/root-file.h"

/*
 * The release that a file of that name in /boot is of, or NULL: none. Rescue images are
 * of none. Caller frees. Whether there is such a release is not asked: the name of a
 * copy ("vmlinuz-6.1.0-50-amd64.mine") gives one too.
 */
char *boot_name_release(const char *name);
/* The same for an initramfs alone. */
char *boot_name_initramfs_release(const char *name);

/* Where the generator of this distribution puts the images of all releases: static. */
struct boot_layout {
	const char *start, *end; /* "/boot/initramfs-", ".img" */
};
const struct boot_layout *boot_layout(const struct root *root);

/* Bytes that a release's files in /boot occupy there, however many names they have. */
uint64_t boot_names_room(const struct root *root, const char *release);
