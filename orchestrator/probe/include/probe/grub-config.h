/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The generated grub.cfg, read as far as one question needs it: which of the
 * distribution's own entries would boot, and are its files whole?
 */
#pragma once

#include "base/root-file.h"

struct grub_choice {
	char *title;
	char *kernel;    /* path as the machine sees it */
	char *initramfs; /* or NULL where the entry has none */
};

void grub_choice_done(struct grub_choice *choice);

/*
 * The entry that the distribution's default chooses (GRUB_DEFAULT: a number, a title, an
 * id, "saved" through grubenv's saved_entry; submenus with ">"; BLS entries where
 * grub.cfg says blscfg), kuro's own entries left out, with its files looked at: there,
 * not empty, a kernel image whose header's size fits, an initramfs that starts like one.
 * -ENOENT: no such entry; -ERROR_DAMAGED: a file is missing or not whole, named.
 */
int grub_config_choice(const struct root *root, struct grub_choice *ret,
		       struct error *err);
