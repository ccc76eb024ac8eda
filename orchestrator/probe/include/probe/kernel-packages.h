/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Installed packages that belong to one kernel release: image, modules, headers, tools.
 * Reads only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/root-file.h"
#include "base/text.h"

struct kernel_package {
	char *name;      /* as its manager takes it: a name, or NAME-VERSION-RELEASE.ARCH
			  */
	char *tail;      /* ends in "-RELEASE" for its release */
	bool held;       /* a person keeps it: apt-mark hold, dnf versionlock */
	bool unfinished; /* half-installed, or not configured */
};

struct kernel_package_list {
	struct kernel_package *items;
	size_t count;
};

void kernel_package_list_done(struct kernel_package_list *list);
#define autokernelpackages cleanup(kernel_package_list_done)

/*
 * Ask dpkg or rpm, of the machine itself. No package manager: an empty list. By name, as
 * apt does it (APT::VersionedKernelPackages: linux-…-RELEASE, …-modules-RELEASE,
 * …-kernel-RELEASE), and by version where the release is the version (rpm). Packages
 * of several releases (linux-headers-6.1.0-50-common) belong to none.
 * -ERROR_PROGRAM: it does not answer.
 */
int kernel_packages_probe(const struct root *root, struct kernel_package_list *ret,
			  struct error *err);
/* Does it belong to that release? */
bool kernel_package_is_of(const struct kernel_package *package, const char *release);
