/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The parts of root_needs_probe: each adds to target->needs what one kind of layer asks
 * for.
 */
#pragma once

#include "root-target.h"

/* The cipher of a LUKS device at place (below /sys/devices), from its header. */
void root_needs_cipher(struct root_target *target, const char *place);
/* A file system or a disk at the other end of a network, by its place in sysfs. */
void root_needs_remote(struct root_target *target, const char *place);
/* "dm-0", or "vg-root" where the device mapper has a name for it. Caller frees. */
char *root_place_name(const struct root *root, const char *place);
/* A sentence in target->needs->unknown, each once. */
void root_needs_unknown(struct root_target *target, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
