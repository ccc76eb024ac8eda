/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One boot's part of the journal of the machine below a root.
 */
#pragma once

#include "base/root-file.h"
#include "systemd-library.h"

/*
 * boot_id as /proc/sys/kernel/random/boot_id has it. The caller closes *ret with
 * sym_sd_journal_close. -ENOTSUP: no libsystemd; or what sd-journal says.
 */
int journal_open_boot(const struct root *root, const char *boot_id, sd_journal **ret);
