/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The distribution's initramfs generator, run into staging, its result put into place
 * by rename: the image that a boot uses is never written over.
 */
#pragma once

#include "act/packages.h"
#include "core/kernel.h"
#include "probe/distribution.h"

/* Where that generator puts the image of a release on this layout. Caller frees. */
char *initramfs_path(const struct root *root, const char *release);
/* Build for a release that has none; -ERROR_PROGRAM with the generator's last lines,
 * -ENOSPC. */
int initramfs_build(const struct package_run *run, const char *release,
		    struct error *err);
