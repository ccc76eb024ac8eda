/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Left-overs taken away (probe/left-overs.h finds them), and the files of a kernel that
 * no package owns.
 */
#pragma once

#include "base/root-file.h"
#include "core/kernel.h"
#include "core/retention.h"

/*
 * Remove a left-over with what refers to it (the generator's note of an initramfs, DKMS's
 * link to a build). What is gone already is success. -EINVAL: a path at which there are
 * none.
 */
int left_over_remove(const struct root *root, enum leftover kind, const char *path,
		     struct error *err);
/*
 * Remove what lets a loader boot a release, its module tree and its files in /boot, the
 * image last: as long as that is there, the next run finds the kernel and goes on. For
 * kernels that no package owns. May be repeated.
 */
int kernel_files_remove(const struct root *root, const struct kernel *kernel,
			struct error *err);
/* What was removed is so for GRUB too, as far as that can be had. */
void left_over_settle(const struct root *root);
