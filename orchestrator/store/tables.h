/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The tables: which column is which member of core's records. schema.c creates them.
 */
#pragma once

#include "row.h"

extern const struct table transactions_table;
extern const struct table steps_table;
extern const struct table boots_table;
extern const struct table generations_table;
extern const struct table holds_table;
extern const struct table compatibility_table;
extern const struct table evidence_table;
