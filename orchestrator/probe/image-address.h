/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Texts in an image by their address, for kernel-exports.c and kernel-facts.c.
 */
#pragma once

#include "probe/kernel-image.h"

#define IMAGE_TEXT_MAX 1024 /* KSYM_NAME_LEN is 512 */

/* Looks up addresses of one image, mostly neighbours. */
struct image_lookup {
	const struct kernel_image *image;
	const struct image_section *last;
	size_t loaded; /* sections with an address: they come first */
};
struct image_lookup image_lookup(const struct kernel_image *image);

/* What lies at address, and how much of its section from there on; NULL: nothing. */
const uint8_t *image_at(struct image_lookup *lookup, uint64_t address,
			uint64_t *ret_left);
/* The text at address, NULL where none ends within IMAGE_TEXT_MAX. */
const char *image_text(struct image_lookup *lookup, uint64_t address);

/* A word of the image's size at byte at of a section that holds it. */
uint64_t image_word(const struct kernel_image *image, const uint8_t *at);
