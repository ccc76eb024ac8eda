/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What those who make modules on the machine itself wrote down: DKMS
 * (/var/lib/dkms/NAME/VERSION/RELEASE/ARCH/module), kmods-via-containers
 * (/etc/kvc/NAME.conf), akmods (/usr/src/akmods, /var/cache/akmods). What can't be read
 * says nothing.
 */
#pragma once

#include <stddef.h>

#include "base/root-file.h"
#include "core/module.h"

struct module_record {
	char *module; /* - as _ */
	enum module_provider provider;
	char *package; /* "NAME/VERSION" of DKMS, else NAME; "akmod-NAME" */
	char *version; /* or NULL */
};

struct module_providers {
	struct module_record *items; /* sorted by module */
	size_t count;
	struct strv akmods;         /* NAME of each */
	struct module_record akmod; /* the one found last */
};

void module_providers_done(struct module_providers *providers);
void module_providers_read(const struct root *root, const char *release,
			   struct module_providers *ret);
/*
 * Who made that module, whose file lies at path below the tree (or NULL: nowhere).
 * Borrowed until the next question; NULL: none of them.
 */
const struct module_record *module_providers_find(struct module_providers *providers,
						  const char *module, const char *path);

#define DKMS_TREE  "/var/lib/dkms"
#define AKMODS_SRC "/usr/src/akmods"
/* Can it stand in a path below those, and as a word for a program? */
bool provider_word_valid(const char *word);
