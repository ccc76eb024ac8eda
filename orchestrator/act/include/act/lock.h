/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One kuro at a time changes a machine: /run/kuro/lock, an open file description's lock
 * (fcntl(2), F_OFD_SETLK) that the kernel drops when its holder dies, and the holder's
 * words inside.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/root-file.h"

struct lock {
	int fd;
};

/*
 * Take the lock at once or not at all. -ERROR_BUSY names the holder: verb, process and
 * since when. verb is this process's own word for its successors.
 */
int lock_take(const struct root *root, const char *verb, struct lock *ret,
	      struct error *err);
/* Zeroes and a lock that was released are none. */
void lock_release(struct lock *lock);
#define autolock cleanup(lock_release)

/*
 * Is it held now? Needs read permission only and does not get in a holder's way.
 * ret_holder (may be NULL): who, for people; written when held, freed by the caller.
 */
bool lock_held(const struct root *root, char **ret_holder);
