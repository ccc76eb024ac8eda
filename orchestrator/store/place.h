/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The directory of the databases, held by a descriptor so that no link leads SQLite
 * outside the machine's root, and a look at its files before SQLite opens them.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/root-file.h"

#define PLACE_DIRECTORY "/var/lib/kuro"

/* SQLite writes pages of at least this size and takes a file of less for an empty one. */
#define PLACE_PAGE_LEAST 512

struct place {
	int fd;     /* O_PATH; -1 where there is no such directory */
	char *name; /* as messages name it */
};

/* On failure place has its name, no descriptor, and is closed like an open one. */
int place_open(struct place *place, const struct root *root, struct error *err);
void place_close(struct place *place);
#define autoplace cleanup(place_close)

/* Size of a file; -ENOENT; -ERROR_DAMAGED: a link or a device stands in its stead. */
int place_size(const struct place *place, const char *file, off_t *ret,
	       struct error *err);
/* The same of a database: -ERROR_DAMAGED too where it is too short for one page. */
int place_look(const struct place *place, const char *file, off_t *ret,
	       struct error *err);
/*
 * Look at the journal that a crash may have left beside a database; ret says whether it
 * has content. kuro never makes one that names a further file (SQLite would delete that
 * one): -ERROR_DAMAGED.
 */
int place_look_at_journal(const struct place *place, const char *file, bool *ret,
			  struct error *err);
