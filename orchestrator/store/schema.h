/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What each database file holds, and the steps from every older version to this one.
 * PRAGMA user_version is the version, PRAGMA application_id says that a file is kuro's.
 */
#pragma once

#include <sys/types.h>

#include "connection.h"
#include "row.h"

/* "kuro" in ASCII. */
#define SCHEMA_APPLICATION_ID 0x6b75726f

struct schema {
	const char *file; /* within the place */
	mode_t mode;
	const char *const *steps; /* steps[V] leads from version V to V + 1 */
	int version;
	const struct table *const *tables; /* NULL-terminated */
};

extern const struct schema state_schema;
extern const struct schema evidence_schema;

/*
 * The version of an open file; 0 is an empty one. -ERROR_DAMAGED: not kuro's;
 * -ERROR_UNSUPPORTED: made by a newer kuro.
 */
int schema_version(const struct schema *schema, struct connection *c, struct error *err);
/* Bring a file to this version in one change; repeatable. */
int schema_migrate(const struct schema *schema, struct connection *c, struct error *err);
/* Are all tables there, and nothing that runs code? -ERROR_DAMAGED otherwise. */
int schema_verify(const struct schema *schema, struct connection *c, struct error *err);
