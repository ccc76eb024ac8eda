/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a kernel offers to modules, from its own files.
 */
#include "probe/kernel-abi.h"
