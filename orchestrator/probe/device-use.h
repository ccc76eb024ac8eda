/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which places of /sys/devices this machine stands on: block devices under mounted file
 * systems, network interfaces of the default route.
 */
#pragma once

#include "base/cleanup.h"
#include "base/root-file.h"
#include "core/module.h"

/* What lies on the way from /sys/devices to path is in use. */
struct device_claim {
	char *path; /* below /sys/devices; or, where by_driver, a driver's name */
	bool by_driver;
	enum module_use use; /* ROOT, LINK or MOUNT */
	char *user;
};
struct device_claims {
	struct device_claim *items;
	size_t count;
	char *root_type; /* file system type of /, or NULL */
};
void device_claims_done(struct device_claims *claims);
#define autoclaims cleanup(device_claims_done)

/* Gather them from /proc and /sys below the root; what can't be read claims nothing. */
void device_claims_gather(const struct root *root, struct device_claims *ret);
