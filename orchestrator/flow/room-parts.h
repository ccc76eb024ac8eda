/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the parts of the prediction share: the machine as it is, and the plan of demands
 * that grows.
 */
#pragma once

#include "core/kernel.h"
#include "flow/room.h"
#include "probe/space.h"

/* Temporary demands of one phase are there together. */
enum room_phase {
	ROOM_INITRAMFS,  /* the generator at work, and a second image beside the first */
	ROOM_GENERATION, /* files written beside what they replace */
	ROOM_PACKAGES,   /* from here on: each package's new files beside its old ones */
};

struct room {
	const struct machine *machine;
	struct kernel_list kernels; /* installed, with their packages */
	const char *release;        /* that comes, or is tried */
	const struct package_lists *lists;
	bool foreign, triggers;    /* as in struct room_task */
	const struct kernel *like; /* the installed kernel most like it, or NULL */
	struct room_tree {
		uint64_t bytes, files; /* of its packages */
		bool packed;           /* its modules are compressed one by one */
	} brought, liked;              /* of the release, of the one like it */
	bool listed;                   /* brought is known from the packages themselves */
	struct space_plan plan;
	size_t modules; /* the file system of module trees */
};
void room_done(struct room *room);

/* The kernels of this machine, and the one to measure by. */
int room_look(struct room *room, struct error *err);
/* A demand at path. */
struct room_demand {
	const char *what, *path;
	uint64_t bytes, inodes;
	bool temporary, measured;
	int phase;
};
int room_put(struct room *room, const struct room_demand *demand, struct error *err);
/* Everything of a tally, under that name; temporary in that phase where it is not < 0. */
void room_put_tally(struct room *room, const char *what, const struct space_tally *tally,
		    bool measured, int phase);

/*
 * The image of the release and its generator's work; there is the release's kernel where
 * it is installed, or NULL. ret_size: of the image, bytes; 0: there will be none.
 */
int room_initramfs(struct room *room, const struct kernel *there, uint64_t *ret_size,
		   struct error *err);
/* What the plan's packages put where, and what fetching and unpacking them takes. */
int room_packages(struct room *room, const struct package_plan *plan, struct error *err);
/* As if the package of the newest kernel came once more. */
int room_packages_again(struct room *room, struct error *err);
