/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The files of an installed release.
 */
#include "probe/kernel-abi.h"
