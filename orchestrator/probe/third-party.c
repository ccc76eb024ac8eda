/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Third-party modules, found and not listed by hand.
 */
#include "probe/third-party.h"
