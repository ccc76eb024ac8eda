/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The machine's state as the health checks compare it: taken as the baseline before an
 * upgrade and again at the boot that is judged.
 */
#pragma once

#include "base/root-file.h"
#include "base/text.h"

struct machine_state {
	struct strv modules;      /* loaded, names */
	struct strv drivers;      /* "modalias driver" of each device bound to one */
	struct strv mounts;       /* "source type[,ro] target" of block-backed mounts */
	struct strv failed_units; /* systemd units that failed, or crash and restart */
	struct strv links;        /* interfaces with a default route, "eth0 up" */
	struct strv listening;    /* "tcp 0.0.0.0:22" */
};

void machine_state_done(struct machine_state *s);
#define autostate cleanup(machine_state_done)

/* Read /proc and /sys, ask systemd; what can't be read stays empty. Always returns 0. */
int machine_state_probe(const struct root *root, struct machine_state *ret,
			struct error *err);
/*
 * Names of modules whose state is Live alone, added in no order; what can't be read is
 * told by a negative code.
 */
int state_modules(const struct root *root, struct strv *ret);
/* JSON text, caller frees; and back (-ERROR_DAMAGED). */
char *machine_state_format(const struct machine_state *s);
int machine_state_parse(const char *text, struct machine_state *ret, struct error *err);
