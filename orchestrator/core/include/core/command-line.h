/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kernel command lines: split as the kernel splits them (lib/cmdline.c next_arg:
 * blanks separate, double quotes protect), joined again, and quoted for GRUB script
 * and the shell-like files distributions keep them in.
 */
#pragma once

#include "base/error.h"
#include "base/text.h"

/*
 * x86 and arm64 take 2,048 bytes with the NUL (COMMAND_LINE_SIZE), and GRUB cuts
 * silently. It puts BOOT_IMAGE=… before, kuro its own marks behind: these are what is
 * left for the lasting arguments and for a trial's further ones.
 */
#define COMMAND_LINE_MAX       1408
#define COMMAND_LINE_TRIAL_MAX 512

/* Split, adding to ret; the quotes around an argument or its value are taken off. */
void command_line_split(const char *line, struct strv *ret);
/* Join; an argument with blanks is quoted as the kernel expects. Caller frees. */
char *command_line_join(const struct strv *args);
/* Value of the last NAME=VALUE or NAME ("" then), or NULL. Borrowed from args. */
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
 * Arguments (split) that reach the kernel through a GRUB script as they are: each
 * printable UTF-8 of 1 to 512 bytes without quotes, and without backslashes but in \xNN
 * (GRUB adds a backslash before each of these); together at most 1,792 bytes, so that
 * nothing is cut off behind. -EINVAL names the argument.
 */
int command_line_check(const struct strv *args, struct error *err);
/*
 * The value of a shell assignment as /etc/default/grub has it (what follows the "="),
 * without running a shell: single and double quotes, backslash; a comment behind is
 * dropped.
 * "$" or "`", an operator or a second word is -ERROR_UNSUPPORTED; an open quote -EINVAL.
 * Caller frees.
 */
int command_line_unquote(const char *value, char **ret, struct error *err);
