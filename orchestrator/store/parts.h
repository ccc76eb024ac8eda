/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The two connections of an open database, for the functions that read and write rows.
 */
#pragma once

#include "connection.h"
#include "store/database.h"

struct connection *database_state(struct database *db);
/* Opened when it is first asked for in read mode. -EACCES: root alone may read it. */
int database_evidence(struct database *db, struct connection **ret, struct error *err);
