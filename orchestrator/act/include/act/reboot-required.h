/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /run/reboot-required and /run/reboot-required.pkgs: how Debian and Ubuntu say that a
 * reboot would change what runs; unattended-upgrades, kured, needrestart and login
 * messages look there. Source of the format: update-notifier-common's
 * notify-reboot-required: a sentence, and a package's name a line.
 */
#pragma once

#include "base/root-file.h"

#define REBOOT_REQUIRED          "/run/reboot-required"
#define REBOOT_REQUIRED_PACKAGES "/run/reboot-required.pkgs"

/* A reboot is wanted for that release's kernel. May be repeated. */
int reboot_required_add(const struct root *root, const char *release, struct error *err);
/*
 * No reboot is wanted for that release, by whichever of its packages' names (signed or
 * not) and whoever said so; where no other package asks for one either, none is wanted
 * any more. May be repeated.
 */
int reboot_required_drop(const struct root *root, const char *release, struct error *err);
