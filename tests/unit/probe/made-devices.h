/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A made /sys: devices, their drivers, block devices, interfaces. Every failure ends the
 * test.
 */
#pragma once

#include "base/root-file.h"

/* A link at path to target, both below /sys, written relatively as sysfs does. */
void put_link(const struct root *root, const char *path, const char *target);
/* A device: where, its modalias, "bus/driver" and module (with a dash before its name: a
 * built-in one that sysfs names); NULL for what it lacks. */
void put_device(const struct root *root, const char *where, const char *alias,
		const char *driver, const char *module);
/* A block device: number, place, and the kernel names it stands on. */
void put_block(const struct root *root, const char *number, const char *where,
	       const char *slaves);
void put_partition(const struct root *root, const char *number, const char *where);
void put_interface(const struct root *root, const char *where, const char *lower);
/* The default route goes over it. */
void put_route(const struct root *root, const char *interface);
/* /proc/self/mountinfo */
void put_mounts(const struct root *root, const char *text);
