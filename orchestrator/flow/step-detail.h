/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A transaction's detail: what undo needs, as JSON. Packages are its top level, as they
 * were before modules were built.
 */
#pragma once

#include "flow/journey.h"

/* plan, builds and links of the journey; caller frees. */
char *step_detail_format(const struct journey *j);
/* Back into the journey. -ERROR_DAMAGED. */
int step_detail_parse(const char *text, struct journey *j, struct error *err);
/* Format it into the transaction's row, and write that. */
int step_detail_save(struct journey *j, struct error *err);
