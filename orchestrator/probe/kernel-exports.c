/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What of an image concerns modules.
 */
#include "probe/kernel-image.h"
