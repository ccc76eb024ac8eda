/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Words and ends of what is known of a module.
 */
#include "core/module.h"
