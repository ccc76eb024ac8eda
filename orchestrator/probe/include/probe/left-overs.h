/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What kernels, their generators and kuro itself left behind, and what else lies beside
 * the kernels without an owner. Reads only.
 *
 * Who leaves what: update-initramfs(8) ".new", ".bak", ".dpkg-bak", and the image of a
 * release whose removal it was not told of; dkms(8) ".old-dkms", and its builds in
 * /var/lib/dkms/NAME/VERSION/RELEASE; dpkg ".dpkg-new", ".dpkg-tmp"; depmod(8) and dkms a
 * module tree of which the package took its own part away.
 */
#pragma once

#include "core/kernel.h"
#include "core/retention.h"
#include "probe/kernel-packages.h"

#define LEFT_OVER_AGE 3600 /* seconds: what is younger may be somebody's work */

struct left_over {
	enum leftover kind;
	char *path;
	char *release;   /* that it was of, or NULL */
	uint64_t room;   /* bytes that go with it on the file system of /boot */
	int64_t created; /* seconds since 1970 */
};

struct left_over_list {
	struct left_over *items; /* in the order of paths within each place */
	size_t count;
};

void left_over_list_done(struct left_over_list *list);
#define autoleftovers cleanup(left_over_list_done)

struct left_over_question {
	const struct root *root;
	const struct kernel_list *kernels;
	const struct kernel_package_list *packages;
	/* releases that something else needs: the one that runs, those of generations */
	const struct strv *needed;
	/* NULL, or releases whose packages are about to go: what these leave counts as if
	 * they were gone */
	const struct strv *going;
	bool alone;  /* no other kuro is at work: its staging is a left-over */
	bool urgent; /* what is young counts too: no package manager is at work */
	int64_t now; /* seconds since 1970 */
};

/*
 * Everything in /boot (not in directories but kuro's own), the module trees and DKMS's
 * builds that is one. Files that nobody owns and nobody is known to have made are
 * LEFTOVER_UNKNOWN. A place that can't be read has none.
 */
void left_overs_probe(const struct left_over_question *question,
		      struct left_over_list *ret);
