/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kernels out of packages.
 */
#include "probe/package-file.h"
