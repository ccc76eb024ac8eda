/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Firmware kind, Secure Boot and BootCurrent, through efivar.
 */
#pragma once

#include "base/root-file.h"
#include "core/kernel.h"

/*
 * Never fails on a machine without UEFI: efi is false then. secure_boot is false too
 * where a person told shim not to check (MokSBStateRT). Under a root that is not live,
 * what lies in ROOT/sys is read.
 */
int firmware_probe(const struct root *root, struct firmware *ret, struct error *err);
