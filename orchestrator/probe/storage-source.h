/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where storage_probe gets its facts from; tests give made-up ones.
 */
#pragma once

#include "base/root-file.h"
#include "core/kernel.h"

struct storage_source {
	const struct root *root; /* the machine's files */
	const struct root *host; /* /proc, /sys, /dev and /run of the kernel that runs */
	const char *prefix; /* of root's mount points in mountinfo; "" for the live one */
};

int storage_probe_from(const struct storage_source *source, struct storage_map *ret,
		       struct error *err);
