/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The boot that runs: which generation, as a trial or not, since when.
 */
#pragma once

#include "base/root-file.h"
#include "base/text.h"

struct this_boot {
	char *boot_id;
	char *release;
	unsigned int generation; /* kuro.generation=, 0 for none */
	bool trial;              /* kuro.trial=1 */
	int64_t begun;           /* seconds since 1970 (btime of /proc/stat) */
	struct strv command_line;
};

/*
 * Read /proc and uname. Under a root that is not live, ROOT/proc is read, and a file
 * missing there leaves its field empty.
 */
int this_boot_probe(const struct root *root, struct this_boot *ret, struct error *err);
/* The generation that this boot tries, 0 where it is no trial's. */
unsigned int this_boot_trying(const struct this_boot *b);
void this_boot_done(struct this_boot *b);
#define autothisboot cleanup(this_boot_done)
