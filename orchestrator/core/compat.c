/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The judge: each check of the target kernel's module loader, from facts.
 */
#include "core/compat.h"
