/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a boot left behind: the kernel's last messages in pstore, the journal's last
 * lines, the watchdog's word on the reset. Reads only; each may simply not exist.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/root-file.h"
#include "base/text.h"

/*
 * Kernel messages kept across a reset that are not older than since (seconds since
 * 1970): /sys/fs/pstore and where systemd-pstore(8) moves them, /var/lib/systemd/pstore.
 * The last 64 KiB; caller frees. -ENOENT: none.
 */
int boot_log_pstore(const struct root *root, int64_t since, char **ret);

/* The last lines of a boot's journal, oldest first; caller frees. -ENOENT: none is kept.
 */
int boot_log_journal(const struct root *root, const char *boot_id, unsigned int lines,
		     char **ret);

/* Does a watchdog say that it caused the last reset (WDIOF_CARDRESET)? */
bool boot_log_watchdog_reset(const struct root *root);

/* The line of a kernel log that says why it died ("Kernel panic - …"), or NULL. Caller
 * frees. */
char *boot_log_cause(const char *log);
