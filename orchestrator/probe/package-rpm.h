/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The head of an .rpm: lead, signature header, header. Source: "RPM Package format"
 * (rpm.org), lib/header.c of rpm.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

#define RPM_MAGIC "\xed\xab\xee\xdb"

struct rpm_head {
	char *name, *version, *release, *architecture; /* architecture may be "" */
	uint64_t payload; /* where in the file the compressed cpio begins */
};
void rpm_head_done(struct rpm_head *head);
#define autorpm cleanup(rpm_head_done)

/*
 * Read by pread, size bytes being in the file. -ERROR_DAMAGED with a sentence that does
 * not name the file; -EIO.
 */
int rpm_head_read(int fd, uint64_t size, struct rpm_head *ret, struct error *err);
