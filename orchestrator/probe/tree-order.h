/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * modules.order of a tree: what the kernel's build put into it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/root-file.h"

struct tree_order {
	const char *text; /* lines, borrowed; NULL: there is no list */
	size_t len;
};

/*
 * Is the file the kernel's own, though its package moved it out of kernel/? Those of
 * RHEL and Fedora keep the rest of the path: kernel/net/sctp/sctp.ko of the list lies in
 * extra/net/sctp/sctp.ko.xz (kernel-modules-extra; internal/ and partner/ alike). Where
 * kernel/ has its file still, another one lies in its place: not the kernel's. rel is
 * below tree, which is below root.
 */
bool tree_order_moved(const struct tree_order *order, const struct root *root,
		      const char *tree, const char *rel, size_t len);
