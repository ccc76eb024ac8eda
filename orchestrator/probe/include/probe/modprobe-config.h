/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What keeps modprobe(8) and udev from loading a module that a tree has: modprobe.d(5),
 * and modprobe.blacklist= of a kernel's command line. It is one for all kernels of the
 * machine. What is loaded in spite of it was loaded some other way (by its name, by an
 * older initramfs), which the next boot has as well; none of it counts for what is built
 * in. The kernel's own module_blacklist= is kernel_abi's.
 */
#pragma once

#include <stdbool.h>

#include "base/root-file.h"
#include "base/text.h"

struct modprobe_config {
	struct strv blacklisted; /* not loaded by an alias; - as _ */
	/* the same by modprobe.blacklist= of the next boot alone: it was no hindrance to
	 * what is loaded now */
	struct strv newly;
	struct strv installs, commands; /* "install NAME COMMAND": patterns of names */
	struct strv aliases;            /* "PATTERN MODULE" */
	struct strv softdeps;           /* "MODULE NAME": NAME is wanted before MODULE */
};

/*
 * Read modprobe.d's of the root (/etc, /run, /usr/local/lib, /usr/lib, /lib) through
 * libkmod. command_line: what the kernel would be booted with; that of the boot that runs
 * is read from /proc. A file that can't be read says nothing. -ENOTSUP: no libkmod;
 * -EFBIG: more than modprobe.d ever has.
 */
int modprobe_config_read(const struct root *root, const char *command_line,
			 struct modprobe_config *ret, struct error *err);
void modprobe_config_done(struct modprobe_config *config);
#define automodprobe cleanup(modprobe_config_done)

/*
 * The install command of a module (- as _) where it loads nothing: /bin/false, /bin/true,
 * ":". NULL for none, and for one that may well load it.
 */
const char *modprobe_disabled(const struct modprobe_config *config, const char *module);
/* Will an alias of it have it loaded? now: it is loaded today. */
bool modprobe_autoloads(const struct modprobe_config *config, const char *module,
			bool now);
/* What modprobe.d's softdeps want loaded before the module; added to ret. */
void modprobe_softdeps(const struct modprobe_config *config, const char *module,
		       struct strv *ret);
