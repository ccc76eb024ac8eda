/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Exported symbols: an arena, an index, and their form in a cache.
 */
#include "core/symbol-table.h"
