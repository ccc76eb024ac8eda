/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Examinations that have a file of their own. For doctor.c.
 */
#pragma once

#include "flow/doctor.h"

/* why and mend are taken over and copied; mend may be NULL. */
void finding_set(struct finding *f, enum finding_state state, char *why,
		 const char *mend);
/* What compressing the initramfs costs here, and whether another setting would be
 * cheaper; takes a second at most. */
void examine_compression(const struct machine *machine, struct finding *f);
/* Whether one more kernel like the newest would fit on every file system it needs. */
void examine_next_kernel(const struct machine *machine, struct finding *f);
