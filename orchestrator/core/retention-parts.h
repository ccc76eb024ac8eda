/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of retention share; private to core. */
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
