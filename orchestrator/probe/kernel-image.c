/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside a kernel image: the ELF in it.
 */
#include "probe/kernel-image.h"
