/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Modules that the running kernel's loader refused in this boot, as its log has them.
 */
#pragma once

#include "base/cleanup.h"
#include "base/root-file.h"

struct module_refusal {
	char *module; /* - as _ */
	char *text;   /* the first line about it */
};

struct module_refusals {
	struct module_refusal *items;
	size_t count;
};
void module_refusals_done(struct module_refusals *refusals);
#define autorefusals cleanup(module_refusals_done)

/*
 * One record of /dev/kmsg: the message where it is the loader's word on a module (kernel/
 * module/main.c, version.c, signing.c of Linux 6.1 to 7.x), and the module's name (caller
 * frees); else NULL. Only the kernel itself is believed (facility 0).
 */
const char *module_log_refusal(const char *record, char **ret_module);
/*
 * A line of modprobe(8), insmod(8) or systemd-modules-load(8): the part of it that says
 * that the kernel would not take the module's signature, and the module's name (caller
 * frees); else NULL. Here the kernel's own log names no module. locked: the kernel is
 * locked down, and what it refuses to do may be that.
 */
const char *module_log_rejection(const char *line, bool locked, char **ret_module);
/*
 * One entry for each module: from the kernel's log, then, as far as there is one, from
 * the journal of this boot. A log that can't be read is an error: -EACCES, -EPERM.
 */
int module_log_read(const struct root *root, struct module_refusals *ret);
