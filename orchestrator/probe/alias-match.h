/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Many aliases of modules against many modaliases of devices, in one pass over the
 * aliases: nothing is allocated, and an alias is compared only with the modaliases that
 * begin as it does. Same answer as modprobe's (fnmatch, - as _ outside of brackets).
 */
#pragma once

#include <stddef.h>

#include "base/text.h"

struct alias_match {
	const struct strv *wanted; /* modaliases, - as _, sorted, each once */
	/* wanted->items[index] is matched by an alias of the module (not terminated). */
	void (*take)(void *data, size_t index, const char *module, size_t length);
	void *data;
};

/* - as _ but in brackets, in place (libkmod's alias_normalize). */
void alias_normalize(char *alias);
/* One alias; what is too long for modprobe is passed over. */
void alias_match_one(const struct alias_match *match, const char *alias,
		     size_t alias_length, const char *module, size_t module_length);
/* Every "alias PATTERN MODULE" line of modules.alias. */
void alias_match_text(const struct alias_match *match, const char *text, size_t size);
/* Every "MODULE.alias=PATTERN" of modules.builtin.modinfo, which NULs separate. */
void alias_match_modinfo(const struct alias_match *match, const char *data, size_t size);
