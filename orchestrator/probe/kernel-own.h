/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the tree's own modules need of each other, where third-party ones take the place
 * of some of them. For kernel-providers.c.
 */
#pragma once

#include "probe/kernel-abi.h"

/*
 * Fill abi->own, replacing what is there, with the modules that give the wanted symbols
 * and those that they need in turn; what they export is added to abi->symbols. Opens
 * nothing where no member of the set has a file and a name of the kernel's modules.order.
 * A source without an index of symbols, or that shows no modules, has none. A module that
 * is gone or damaged is left out.
 */
int kernel_own_read(const struct kernel_source *source, struct kernel_abi *abi,
		    const struct compat_set *set, const struct symbol_table *wanted,
		    struct error *err);

/* The export of a name that another module has already stays away: the kernel would
 * refuse the second module. A table that is full is an error. */
int kernel_abi_add_export(struct kernel_abi *abi, const struct symbol *symbol,
			  struct error *err);
