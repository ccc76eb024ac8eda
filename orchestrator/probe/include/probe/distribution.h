/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the distribution decided: its name, its kernel command line, its initramfs
 * generator, its GRUB tools.
 */
#pragma once

#include "base/root-file.h"
#include "base/text.h"
#include "core/kernel.h"

/* PRETTY_NAME of os-release made printable, "Linux" where there is none. Caller frees. */
int distribution_name(const struct root *root, char **ret, struct error *err);

/*
 * The kernel command line for a release, arguments in order, from the first of:
 * /etc/kernel/cmdline; the BLS entry's options; /etc/default/grub with
 * /etc/default/grub.d (GRUB_CMDLINE_LINUX, GRUB_CMDLINE_LINUX_DEFAULT, with root= of this
 * machine as grub-mkconfig would write it, "ro"); /proc/cmdline. ret_source names the one
 * taken (caller frees). Settings that need a shell to read (a "$" other than of a
 * variable assigned before) fall through to the next, and ret_source says so. Of an
 * entry's variables $tuned_params (TuneD) and those of the grubenv ($kernelopts) are
 * followed. Under a root that is not live, root= is that of its own /etc/fstab where it
 * has one. What belongs to one boot (command_line_lasting) is left out; ret is added to.
 * -ENOENT: no place holds one; the message says why each was passed over.
 */
int distribution_command_line(const struct root *root, const struct kernel *kernel,
			      const struct storage *root_storage, struct strv *ret,
			      char **ret_source, struct error *err);

enum generator {
	GENERATOR_NONE,
	GENERATOR_INITRAMFS_TOOLS,
	GENERATOR_DRACUT,
	GENERATOR_MKINITCPIO,
};
/* The initramfs generator in use here; where both are, the one kernel packages call. */
enum generator distribution_generator(const struct root *root);
