/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The verdict on the boot that runs: its health is watched until it is believed, then
 * the trial is blessed or taken back.
 */
#pragma once

#include "flow/journey.h"
#include "probe/health.h"

#define VERDICT_HEALTH_FILE "/run/kuro/health.json"
#define VERDICT_FILE        "/run/kuro/verdict"

/*
 * Run the checks until they are believed: healthy for the bake time, or failed as many
 * rounds as the policy says. Changes nothing but, with save, /run/kuro/health.json.
 */
int verdict_health(const struct machine *machine, bool settle, bool save,
		   struct health *ret, struct error *err);

struct verdict_result {
	enum verdict verdict;
	bool blessed;     /* a trial became the good one */
	bool rolled_back; /* a trial was taken back; a reboot is wanted */
	char *sentence;   /* for people; owned */
};
void verdict_result_done(struct verdict_result *result);

/*
 * Judge this boot by its health (from /run where this boot's checks have run, else run
 * now), bless or roll back. boot_failed: boot-complete.target was not reached.
 * May be repeated: a boot has one verdict.
 */
int verdict_run(const struct machine *machine, bool boot_failed,
		struct verdict_result *ret, struct error *err);
