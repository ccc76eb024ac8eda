/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What apt tells a program of DPkg::Pre-Install-Pkgs before it calls dpkg: each package
 * that comes, changes or goes. Source of the format: apt.conf(5), DPkg::Pre-Install-Pkgs
 * and DPkg::Tools::Options, version 3.
 */
#pragma once

#include "probe/packages.h"

/*
 * Read it from text. ret gets one change a package, with the archive of each that comes;
 * what apt merely configures is none. -ERROR_DAMAGED: it is not version 3, cut off, or
 * names what can't be a package.
 */
int apt_incoming_parse(const char *text, struct package_plan *ret, struct error *err);
