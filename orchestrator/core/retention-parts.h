/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the parts of retention share; private to core. An item is open until it has its
 * reason, and what one part has decided no later one changes. The parts in their order:
 * protect, select, limits, left-overs, room.
 */
#pragma once

#include "core/retention.h"

enum selector_kind {
	SELECTOR_RUNNING,
	SELECTOR_GOOD,
	SELECTOR_LATEST,
	SELECTOR_OLDEST,
	SELECTOR_PINNED,
	SELECTOR_PATTERN, /* a release is one without wildcards */
};
struct selector {
	enum selector_kind kind;
	unsigned int steps;  /* away from the word: the 1 of "good-1" */
	const char *pattern; /* borrowed */
};

/* -ERROR_USAGE with what is wrong with it and what there is. */
int selector_parse(const char *text, struct selector *ret, struct error *err);

/* What there is of one release: its kernels, then its generations, newest first. */
struct group {
	const char *release; /* NULL: of generations whose manifest can't be read */
	struct retention_item **items;
	size_t count;
	bool installed; /* it has a kernel, be it bare */
	bool bootable;  /* it has a kernel with an image */
};
struct decision {
	const struct retention_rules *rules;
	struct retention_set *set;
	struct retention_item **items; /* kernels and generations, in groups */
	size_t item_count;
	struct group *groups; /* newest release first */
	size_t group_count;
};

void decision_init(struct decision *decision, const struct retention_rules *rules,
		   struct retention_set *set);
void decision_done(struct decision *decision);

/* Decide on an item that is still open; others stay as they are. */
void item_keep(struct retention_item *item, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void item_remove(struct retention_item *item, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Decide on the open kernels of a release, and on its open generations. */
void group_keep_kernels(struct group *group, const char *reason);
void group_remove(struct group *group, const char *reason);
/* Its kernel is installed, and no rule has kept it or let it go yet. */
bool group_is_open(const struct group *group);
/* Its kernel is installed, and not removed. */
bool group_has_kernel(const struct group *group);
/* The kernels of generations that stay stay with them. */
void decision_keep_kernels(struct decision *decision);
/* The proven generation with the highest number below that one, or NULL. bootable: only
 * those whose kernel is installed with its image. */
struct retention_item *proven_below(const struct decision *decision, unsigned int below,
				    bool bootable);

/* a + b, or the highest number there is. */
uint64_t room_add(uint64_t a, uint64_t b);
/* The first of the patterns that the path fits, or NULL. */
const char *path_pattern(const struct strv *patterns, const char *path);
/* Why an item stays whatever the rules say ("it runs now"), or NULL. */
const char *item_protection(const struct retention_item *item);

/* What stays whatever the policy says. */
void retention_protect(struct decision *decision);
/* What the policy's selectors keep. */
void retention_select(struct decision *decision);
/* Generations without use go, and kernels that a limit excludes. */
void retention_limit(struct decision *decision);
/* What goes beyond the limit of room. */
void retention_limit_room(struct decision *decision);
void retention_judge_leftovers(struct decision *decision);
/* What goes while the wanted bytes are not free. */
void retention_make_room(struct decision *decision);
