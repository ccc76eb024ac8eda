/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kuro's place in the machine: GRUB's configuration with or without the drop-in's
 * entries, the units, the dead-man's deadline. Each is repeatable and undone by its
 * counterpart.
 */
#pragma once

#include <stdbool.h>

#include "act/packages.h"

/*
 * The grub.cfg in use ("/boot/grub/grub.cfg", "/boot/grub2/grub.cfg"); NULL where there
 * is none. Static.
 */
const char *integrate_grub_cfg(const struct root *root);
/*
 * What /boot/kuro/grub.conf must hold under this policy, written durably; it takes
 * effect when grub.cfg is generated. env_path: of the boot block, as the machine sees
 * it; -EINVAL where it holds characters that GRUB's script would not take.
 */
int integrate_write_grub_conf(const struct root *root, const struct policy *policy,
			      const char *env_path, struct error *err);
/*
 * Generate grub.cfg anew into a file beside it, have GRUB check its syntax, then
 * rename it into place and push. Where there is a boot block it must carry kuro's
 * entries, where there is none it must not; else the one in use stays.
 * -ERROR_UNSUPPORTED: no grub-mkconfig here; -ENOENT: the drop-in is missing.
 */
int integrate_regenerate_grub(const struct package_run *run, struct error *err);
/* Does grub.cfg carry kuro's section, with its entries? */
bool integrate_grub_has_kuro(const struct root *root);
/* The units that are enabled, ended by NULL. */
extern const char *const integrate_units[];
/*
 * Enable the units and write the dead-man's deadline from the policy; and the reverse,
 * to which units that are gone already are no hindrance. An image (--root) is changed
 * by the live system's systemctl. -ENOENT: a unit is not installed;
 * -ERROR_UNSUPPORTED: no systemd here.
 */
int integrate_enable_units(const struct package_run *run, struct error *err);
int integrate_disable_units(const struct package_run *run, struct error *err);
/*
 * Have kuro-prune.service started, without waiting for it. -ERROR_UNSUPPORTED: no systemd
 * runs on this machine, or it does not have the unit.
 */
int integrate_start_prune(const struct root *root, struct error *err);
/*
 * Ask init for a reboot; force: without stopping services (a trial that failed).
 * Returns when init has taken the order. -ERROR_UNSUPPORTED under --root.
 */
int integrate_reboot(const struct root *root, bool force, struct error *err);
/* The sentence shown at login, or NULL to take it away. */
int integrate_motd(const struct root *root, const char *sentence, struct error *err);
