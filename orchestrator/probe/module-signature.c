/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Appended signatures, and the keys that a kernel trusts.
 */
#include "probe/kernel-abi.h"
