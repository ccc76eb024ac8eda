/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Module.symvers.
 */
#include "probe/kernel-image.h"
