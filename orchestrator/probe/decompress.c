/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Compressed bytes to plain ones.
 */
#include "probe/decompress.h"
