/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices bound to a driver now.
 */
#include "probe/devices.h"
