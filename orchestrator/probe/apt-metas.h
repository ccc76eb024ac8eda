/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which installed packages bring kernels: meta-packages, and what a name says.
 */
#pragma once

#include "probe/apt-answers.h"

#define APT_IMAGE   "linux-image-"
#define APT_HEADERS "linux-headers-"

/* The release whose image a package of that name holds, or NULL. Caller frees. */
char *apt_image_release(const char *package);
/* Is it unpacked, whole or not? */
bool apt_is_present(const struct dpkg_package *package);
/* The kernel meta-packages among them, those of headers and above them too. */
void apt_find_metas(const struct dpkg_list *list, struct strv *metas);
