/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel command line as the distribution's grub-mkconfig would write it.
 */
#pragma once

#include "base/root-file.h"
#include "base/text.h"
#include "core/kernel.h"

/*
 * From /etc/default/grub and /etc/default/grub.d: root=, ro, rootflags=subvol= on btrfs,
 * GRUB_CMDLINE_LINUX, GRUB_CMDLINE_LINUX_DEFAULT. Adds to ret. -ENOENT: no
 * /etc/default/grub; -ERROR_UNSUPPORTED: it takes a shell to read, or settings that kuro
 * does not know how to follow; the message says which.
 * Source: GRUB 2.06 util/grub-mkconfig.in, util/grub.d/10_linux.in.
 */
int grub_settings_command_line(const struct root *root, const struct kernel *kernel,
			       const struct storage *root_storage, struct strv *ret,
			       struct error *err);
