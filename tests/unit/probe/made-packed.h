/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every compression that kuro reads, made. Those that a kernel reads come first.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

enum {
	WAY_GZIP,
	WAY_XZ,
	WAY_LZMA,
	WAY_ZSTD,
	WAY_ZSTD_STREAM, /* its frame does not say how long it is */
	WAY_LZ4_LEGACY,
	WAY_LZOP,
	WAY_BZIP2,
	KERNEL_WAYS,
	WAY_LZ4 = KERNEL_WAYS,
	WAY_XZ_CRC64,
	WAYS,
};
extern const struct way {
	const char *name; /* of the compression */
	/* Appends to to. */
	void (*compress)(const uint8_t *data, size_t len, struct text *to);
	bool summed; /* holds a check of what it holds */
} ways[WAYS];
