/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kernel command lines: split as the kernel splits them (lib/cmdline.c next_arg:
 * blanks separate, double quotes protect), joined again, and quoted for GRUB script
 * and the shell-like files distributions keep them in.
 */
#pragma once

#include "base/error.h"
#include "base/text.h"

/* Split; quotes are taken off. */
void command_line_split(const char *line, struct strv *ret);
/* Join; an argument with blanks is quoted as the kernel expects. Caller frees. */
char *command_line_join(const struct strv *args);
/* Value of the last NAME=VALUE, or NULL; "" for a bare NAME. Borrowed from args. */
const char *command_line_get(const struct strv *args, const char *name);
/*
 * args without what belongs to one boot or to a boot loader: BOOT_IMAGE=, initrd=,
 * kuro.*, and each argument of trial.
 */
void command_line_lasting(const struct strv *args, const struct strv *trial,
			  struct strv *ret);
/* One word for GRUB script: in single quotes, a quote inside written '\''. Caller frees.
 */
char *command_line_grub_word(const char *arg);
/*
 * An argument that can go into a GRUB script: printable UTF-8 without line breaks, at
 * most 512 bytes. -EINVAL names the argument.
 */
int command_line_check(const struct strv *args, struct error *err);
/*
 * Words of a shell assignment's value as /etc/default/grub has it, without running a
 * shell: single and double quotes, backslash; "$" or "`" is -ERROR_UNSUPPORTED.
 */
int command_line_unquote(const char *value, char **ret, struct error *err);
