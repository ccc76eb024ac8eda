/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a kernel's configuration says of its module loader. For kernel-abi.c.
 */
#pragma once

#include "core/compat.h"
#include "probe/kernel-abi.h"

/* A text file of a source, borrowed. */
struct source_text {
	const char *text;
	size_t len;
};
/* False where the source has none, or none that can be read. */
bool source_text(const struct kernel_source *source, const char *what,
		 struct source_text *ret);

/* What one of the kernel's own modules and its symbols show, for want of better. */
struct option_hints {
	bool versions; /* symbols have versions */
	bool btf;      /* modules have BTF */
};
/*
 * Fill abi's options from the source's configuration; without one from abi->vermagic and
 * the hints, and else as Debian configures kernels.
 */
void kernel_options_read(const struct kernel_source *source,
			 const struct option_hints *hints, struct kernel_abi *abi);
/*
 * Compressions of an initramfs that the kernel unpacks (CONFIG_RD_*), by the names of
 * compression_name. False where its configuration can't be read.
 */
bool kernel_options_unpacks(const struct kernel_source *source, struct strv *ret);
