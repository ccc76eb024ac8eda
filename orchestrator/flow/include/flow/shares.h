/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who takes what of the boot file systems. In /boot each file counts once: for the newest
 * generation that holds it, else for its kernel, else for what it is.
 */
#pragma once

#include "core/retention.h"
#include "flow/inventory.h"

enum share_kind {
	SHARE_GENERATION,
	SHARE_KERNEL, /* its files in /boot that no generation holds */
	SHARE_LEFT_OVERS,
	SHARE_OTHER,
};

struct share {
	enum share_kind kind;
	char *name;  /* "7", a release, or what it is */
	char *label; /* for people */
	uint64_t bytes;
	uint64_t goes; /* bytes of it that the policy would free */
};

struct share_list {
	char *mount;
	uint64_t total, free; /* bytes; free is also what only root may fill */
	struct share *items;
	size_t count;
};

void share_list_done(struct share_list *list);
#define autoshares cleanup(share_list_done)

/* set: decided by the policy (prune_plan), or empty where nothing is decided. */
int shares_measure(const struct root *root, const struct inventory *inventory,
		   const struct retention_set *set, struct share_list *ret,
		   struct error *err);
/*
 * The same of an ESP that is a file system of its own: loaders and firmware, nothing that
 * retention knows. mount stays NULL where there is none, or where looking would mount it.
 */
void shares_measure_esp(const struct storage_map *storage, struct share_list *ret);
const char *share_kind_name(enum share_kind kind);
