/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Installed kernels, on Debian's layout (/boot/vmlinuz-REL) and on the RPM layout
 * (/usr/lib/modules/REL/vmlinuz, /boot/loader/entries). Reads only.
 */
#pragma once

#include "base/root-file.h"
#include "core/kernel.h"

/*
 * Every release that has an image or a module tree. What can't be read (a package
 * manager that does not answer, a tree without image) is left NULL, not an error.
 * with_sizes: walk the module trees for modules_room (slower).
 * Source of the entries' format: UAPI group, Boot Loader Specification, type #1.
 */
int kernels_probe(const struct root *root, bool with_sizes, struct kernel_list *ret,
		  struct error *err);
/* Owning packages of the images (dpkg-query or rpm), into kernel.package. */
int kernels_probe_packages(const struct root *root, struct kernel_list *list,
			   struct error *err);
