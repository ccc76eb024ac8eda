/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The proof of an initramfs: read whole, compared with what this machine's root needs and
 * with the last proven image.
 */
#pragma once

#include "core/initramfs.h"
#include "flow/journey.h"

struct prove_report {
	char *path, *release;
	struct initramfs image;
	struct root_needs needs;
	struct initramfs_baseline proven;
	bool proven_known;
	struct initramfs_proof proof;
};
void prove_report_done(struct prove_report *report);
#define autoprove cleanup(prove_report_done)

/*
 * Prove the image at path below the machine's root. release NULL: told by the image's
 * module tree (-ERROR_USAGE where it has none, or several). Changes nothing; may be
 * repeated. What can't be told of this machine is in needs.unknown. -ENOENT, -EACCES,
 * -EIO: of the image.
 */
int prove_initramfs(const struct machine *machine, const char *path, const char *release,
		    struct prove_report *ret, struct error *err);
/* The same for a file below another root: as the person who names it sees it. */
int prove_initramfs_at(const struct machine *machine, const struct root *place,
		       const char *path, const char *release, struct prove_report *ret,
		       struct error *err);
/* Has the release a module tree here, by its build's own list not an empty one, so that
 * an image may lack some of them? */
bool prove_has_modules(const struct root *root, const char *release);
/* Everyone's short answer: 0, or -ERROR_REFUSED with the fatal reasons in one message. */
int prove_refuse(const struct prove_report *report, struct error *err);
