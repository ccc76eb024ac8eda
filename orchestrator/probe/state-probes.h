/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The single questions behind machine_state_probe, for health checks that need the
 * answer to one. Each adds to ret what it finds, in no order, made printable; what can't
 * be read is told by a negative code and leaves ret as far as it came.
 */
#pragma once

#include "base/root-file.h"
#include "base/text.h"
#include "probe/state.h"

/*
 * "modalias driver" of devices with a driver, and the modalias of those without one on
 * buses whose drivers come from modules (unbound may be NULL).
 */
int state_drivers(const struct root *root, struct strv *ret, struct strv *unbound);
/* "source type[,ro] target" of mounts that stand on a block device or a pool. */
int state_mounts(const struct root *root, struct strv *ret);
/* Interfaces with a default route, IPv4 or IPv6: "eth0 up". */
int state_links(const struct root *root, struct strv *ret);
/* "tcp 0.0.0.0:22", "tcp6 [::]:22". */
int state_listening(const struct root *root, struct strv *ret);
/*
 * Units that failed, and services that wait to be restarted after they failed; asked of
 * the service manager. Under a root that is not live there are none.
 */
int state_failed_units(const struct root *root, struct strv *ret);

/* Sort, and drop what stands there twice. */
void state_unique(struct strv *v);
