/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Each promise of DESIGN.md: kept here, not kept, and why.
 */
#pragma once

#include "flow/inventory.h"

enum finding_state { FINDING_KEPT, FINDING_WEAK, FINDING_BROKEN, FINDING_UNKNOWN };

struct finding {
	const char *promise; /* what is promised, static */
	enum finding_state state;
	char *why;  /* what was seen */
	char *mend; /* what a person can do, or NULL */
};

struct finding_list {
	struct finding *items;
	size_t count;
};

void finding_list_done(struct finding_list *list);
#define autofindings cleanup(finding_list_done)
const char *finding_state_name(enum finding_state state);

/* Look at everything; changes nothing. */
int doctor_run(const struct machine *machine, struct finding_list *ret,
	       struct error *err);
