/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What maps one block device onto others, as sysfs tells it: the module that does it, and
 * what user space must do before it is there.
 */
#pragma once

#include <stdbool.h>

#include "base/root-file.h"

struct root_layer {
	const char *file; /* of the block device in sysfs */
	enum { LAYER_BEGINS, LAYER_IS, LAYER_HOLDS } how;
	const char *text;
	const char *module; /* or NULL */
	const char *tool;   /* that sets it up: "a|b", any of them; or NULL */
	bool optional;      /* a boot may reach its root by another way */
};

#define ROOT_LAYERS_MAX 40

/* Those of the block device at place (below /sys/devices) into ret; how many. */
size_t root_layers(const struct root *root, const char *place,
		   const struct root_layer *ret[ROOT_LAYERS_MAX]);
