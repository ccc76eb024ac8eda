/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Block devices through sysfs: what one is called and what it stands on. Reads sysfs and
 * udev's data below host, the root of the machine that runs, never below --root.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/root-file.h"
#include "base/text.h"

/* The kernel's name ("vda3", "dm-0"), or NULL. Caller frees. */
char *block_device_name(const struct root *host, dev_t device);
/* /dev/vda3, /dev/mapper/vg-root: its node, or NULL. Caller frees. */
char *block_device_node(const struct root *host, dev_t device);
/* The number of the device with the kernel's name, 0 where there is none. */
dev_t block_device_number(const struct root *host, const char *name);

/*
 * Add what the device stands on, itself first ("crypt luks-1", "partition vda3",
 * "disk vda"), each once.
 */
void storage_stack_add(const struct root *host, dev_t device, struct strv *ret);
/* The same for a btrfs of that UUID, which may span devices: "btrfs vda3 vdb1" first. */
void storage_stack_add_btrfs(const struct root *host, const char *uuid, dev_t device,
			     struct strv *ret);
/*
 * Nothing but partitions and disks? A loop device counts as a disk where loop_is_disk:
 * an image of a machine, looked into from outside.
 */
bool storage_stack_plain(const struct strv *stack, bool loop_is_disk);
