/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether another release has a driver for them.
 */
#include "probe/devices.h"
