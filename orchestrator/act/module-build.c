/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Third-party modules made for another release.
 */
#include "act/module-build.h"
