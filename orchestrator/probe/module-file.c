/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One module file as a loader reads it.
 */
#include "probe/module-file.h"
