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
/* One entry for each module. A log that can't be read is an error: -EACCES, -EPERM. */
int module_log_read(const struct root *root, struct module_refusals *ret);
