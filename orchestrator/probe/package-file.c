/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Package files, read without unpacking them to disk.
 */
#include "probe/package-file.h"
