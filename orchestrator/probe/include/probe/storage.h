/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What root, /boot and the ESP stand on, through libmount, libblkid and sysfs.
 */
#pragma once

#include "base/root-file.h"
#include "core/kernel.h"

/*
 * Fill the map. Under a root that is not live, mounts are looked for below it; a role
 * without an own mount has present=false, except root: it is then the file system that
 * the root lies on. ESP: mounted vfat at /boot/efi, /efi or /boot. One that waits to be
 * automounted is present with type "autofs", without device and with total 0: looking
 * closer would mount it.
 *
 * Works unprivileged; the UUID is then what udev noted. Runs no program. What a device
 * does not tell stays NULL or 0. stack: "zfs POOL" and "btrfs DEVICE…" (several devices)
 * stand first where the file system itself spans devices; "virtual NAME" is a disk
 * without hardware (zram, nbd). Below a root that is not live a loop device counts as
 * plain: it is an image of the machine's disk.
 */
int storage_probe(const struct root *root, struct storage_map *ret, struct error *err);
