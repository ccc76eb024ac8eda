/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The compatibility record: what was foretold of a third-party module under a release,
 * what happened when that release really ran, and on what kind of machine. Words here are
 * in the database and in `matrix --json`; they never change.
 */
#pragma once

#include <stdbool.h>

#include "core/transaction.h"

enum prediction {
	PREDICTION_NONE, /* never vetted */
	PREDICTION_LOADS,
	PREDICTION_LOADS_TAINTED,
	PREDICTION_FAILS,
	PREDICTION_ABSENT,
	PREDICTIONS,
};

enum observation {
	OBSERVATION_NONE, /* not seen yet */
	OBSERVATION_LOADED,
	OBSERVATION_FAILED, /* the kernel's log says why */
	OBSERVATIONS,
};

const char *prediction_name(enum prediction prediction);
const char *observation_name(enum observation observation);
/* Back from a name; -1 where there is no such. */
int prediction_parse(const char *name);
int observation_parse(const char *name);

/* One module of one version, one release, one kind of machine: its key. Texts of the key
 * are "" where they are not known. */
struct compat_record {
	char *module, *version, *release;
	char *machine;             /* DMI: "QEMU Standard PC (i440FX + PIIX, 1996)" */
	char *platform, *region;   /* of the cloud, as cloud-init has them */
	enum prediction predicted; /* by the last vetting */
	char *codes;               /* its reasons: "vermagic symbol-version", or NULL */
	int64_t vetted;            /* when; 0: never */
	enum observation observed;
	enum prediction foretold; /* what the prediction was when it was observed */
	char *detail;             /* what the kernel's log said, or NULL */
	int64_t seen;             /* when it was observed; 0: never */
};

void compat_record_done(struct compat_record *record);
RECORD_LIST(compat_record);

/* Was there a prediction, and did the opposite happen? */
bool compat_record_wrong(const struct compat_record *record);
