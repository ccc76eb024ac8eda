/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Installed kernels, on Debian's layout (/boot/vmlinuz-REL) and on the RPM layout
 * (/usr/lib/modules/REL/vmlinuz, /boot/loader/entries). Reads only.
 */
#pragma once

#include "base/root-file.h"
#include "core/kernel.h"

/*
 * Every release that has an image or a module tree; a directory that holds only links
 * to headers is no tree, and rescue images (0-rescue-…), backups (.old, .dpkg-…) and
 * names that release_valid refuses are no releases. What can't be read (a /boot closed
 * to the unprivileged, a tree without image) is left NULL, not an error; -E2BIG beyond
 * 512 releases. with_sizes: walk the module trees for modules_room (slower). Runs no
 * program. loader_options keep GRUB's variables ("$tuned_params") as they are written.
 * Source of the entries' format: UAPI group, Boot Loader Specification, type #1.
 */
int kernels_probe(const struct root *root, bool with_sizes, struct kernel_list *ret,
		  struct error *err);
/*
 * Owning packages of the images, into kernel.package: dpkg's name ("linux-image-6.1.0-50-
 * amd64"), or rpm's name-version-release.arch ("kernel-core-6.5.6-300.fc39.x86_64"). No
 * package manager, or none that answers: no names, and success.
 */
int kernels_probe_packages(const struct root *root, struct kernel_list *list,
			   struct error *err);
/* Bytes that a directory with all below it occupies, links not followed, on its own file
 * system; 0 where it can't be read. */
uint64_t kernel_tree_room(const struct root *root, const char *path);

/* Is the release's module tree there, more than what others leave in one that went? */
bool kernel_tree_exists(const struct root *root, const char *release);
