/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Can a module be made for another release?
 */
#include "probe/third-party.h"
