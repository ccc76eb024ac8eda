/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Retention: which kernels, generations and left-over files stay on the boot file
 * systems, and why. Decides only; flow/prune carries it out.
 *
 * Selectors (policy retention.keep): "running", "good", "good-N" (the Nth proven
 * generation before the good one), "latest", "latest-N", "oldest", "oldest+N" (installed
 * releases in version order), "pinned", a release, or a pattern of releases with * and ?.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

enum retention_kind {
	RETENTION_KERNEL,     /* a release: image, initramfs, module tree, packages */
	RETENTION_GENERATION, /* kuro's own set of a release */
	RETENTION_LEFTOVER,   /* what no package and no generation owns any more */
};

/* Why a left-over is one. */
enum leftover {
	LEFTOVER_NONE,
	LEFTOVER_INITRAMFS, /* of a release that has no kernel any more */
	LEFTOVER_BACKUP,    /* .old-dkms, .bak, .new, .dpkg-…, initrd.img.old-… */
	LEFTOVER_TREE,      /* a module tree without kernel that no package owns */
	LEFTOVER_DKMS,      /* a DKMS build for a removed kernel */
	LEFTOVER_STAGING,   /* kuro's own, of an interrupted run */
	LEFTOVER_UNKNOWN,   /* nobody knows who made it: stays unless named by policy */
};

struct retention_item {
	enum retention_kind kind;
	enum leftover leftover;
	char *name;    /* release, "7", or path */
	char *release; /* that it belongs to, or NULL */
	unsigned int generation;
	uint64_t room;   /* bytes on the boot file system that go with it alone */
	uint64_t tree;   /* those where module trees lie, if that is another one */
	int64_t created; /* seconds since 1970; 0 unknown */
	bool running, good, previous, trial, pinned, proven;
	bool needed;   /* what a transaction is about that is under way */
	bool packaged; /* owned by a package: removed through its manager */
	bool held;     /* the package manager keeps it (apt-mark hold, versionlock) */
	bool bare;     /* a kernel of which there is no image: counts for nothing */
	/* decided */
	bool removed;
	char *reason; /* a sentence */
	/* told where nothing is carried out: paths that the packages of a kernel that
	 * goes don't take along, and that go after it */
	struct strv leaves;
};
struct retention_set {
	struct retention_item *items; /* newest release first, left-overs last */
	size_t count;
};
void retention_set_done(struct retention_set *set);
#define autoretention cleanup(retention_set_done)

struct retention_rules {
	const struct strv *keep; /* selectors: no limit removes what they choose */
	/* patterns of absolute paths: of unknown left-overs, and, as /boot/vmlinuz-…, of
	 * kernels that no package owns; both stay unless they are named */
	const struct strv *remove;
	/* Above a limit the oldest go that nothing keeps. 0: no limit. */
	unsigned int max_releases; /* kernels with an image */
	uint64_t max_room;         /* bytes of kernels and generations */
	unsigned int max_days;
	/* bytes that must come free on the boot file system, and where module trees lie;
	 * 0: none in particular */
	uint64_t wanted, wanted_trees;
	int64_t now; /* seconds since 1970 */
};

/* 0, or -ERROR_USAGE with what is wrong with the selector. */
int retention_selector_check(const char *selector, struct error *err);
/*
 * Decide for every item, whatever their order; may be repeated. Whatever the rules say,
 * these stay: what runs, the good, the previous and the trial generation, what is pinned
 * or held, what a transaction is about, the two newest proven generations, the two newest
 * of which the kernel is there too, and the kernels of all these; where fewer than two
 * are proven, the two newest kernels with an image.
 *
 * A kernel that stays keeps its newest generation and its newest proven one; one that
 * goes takes its generations along. Where the limits don't free the wanted bytes, more
 * goes that nothing keeps, oldest first, no more than is needed, and all of it where
 * that is not enough (see retention_freed).
 *
 * Marks hold for left-overs too: running is the one of the release that runs.
 */
void retention_decide(const struct retention_rules *rules, struct retention_set *set);
/* Bytes that the removed ones free on the boot file system, and where module trees lie.
 */
uint64_t retention_freed(const struct retention_set *set);
uint64_t retention_freed_trees(const struct retention_set *set);
