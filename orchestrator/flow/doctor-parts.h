/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Examinations that have a file of their own. For doctor.c.
 */
#pragma once

#include "act/initramfs.h"
#include "flow/doctor.h"

/* why and mend are taken over and copied; mend may be NULL. */
void finding_set(struct finding *f, enum finding_state state, char *why,
		 const char *mend);
/* What compressing the initramfs costs here, and whether another setting would be
 * cheaper; takes a second at most. */
void examine_compression(const struct machine *machine, struct finding *f);
/* One compressor on the whole image of this machine, as the generator runs it. */
struct compression_outlook {
	enum compression compression;
	double seconds, mebibytes;
};
/* Is the other one quicker than the best so far, and its image not much larger than now?
 */
bool compression_better(const struct compression_outlook *now,
			const struct compression_outlook *best,
			const struct compression_outlook *other);
/* The figures, and the setting that would spare much time; best may be now. */
void compression_tell(const struct initramfs_generator *generator,
		      const struct compression_outlook *now,
		      const struct compression_outlook *best, struct finding *f);
/* Whether one more kernel like the newest would fit on every file system it needs. */
void examine_next_kernel(const struct machine *machine, struct finding *f);
