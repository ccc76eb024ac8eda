/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What root, /boot and the ESP stand on, through libmount, libblkid and sysfs.
 */
#pragma once

#include "base/root-file.h"
#include "core/kernel.h"

/*
 * Fill the map. Under a root that is not live, mounts are looked for below it; a role
 * without an own mount has present=false. ESP: mounted vfat at /boot/efi, /efi or /boot.
 */
int storage_probe(const struct root *root, struct storage_map *ret, struct error *err);
