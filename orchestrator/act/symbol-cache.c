/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Symbols of images, kept by content.
 */
#include "act/symbol-cache.h"
