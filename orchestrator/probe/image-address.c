/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Addresses of an image: the sections are sorted by theirs.
 */
#include "image-address.h"

#include <string.h>

struct image_lookup image_lookup(const struct kernel_image *image)
{
	struct image_lookup lookup = {.image = image};

	while (lookup.loaded < image->section_count &&
	       image->sections[lookup.loaded].loaded)
		lookup.loaded++;
	return lookup;
}

static bool holds(const struct image_section *section, uint64_t address)
{
	return address >= section->address && address - section->address < section->size;
}

/* The last section that begins at address or before. */
static const struct image_section *section_before(const struct image_lookup *lookup,
						  uint64_t address)
{
	const struct image_section *sections = lookup->image->sections;
	size_t from = 0, to = lookup->loaded;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (sections[middle].address <= address)
			from = middle + 1;
		else
			to = middle;
	}
	return from ? &sections[from - 1] : NULL;
}

const uint8_t *image_at(struct image_lookup *lookup, uint64_t address, uint64_t *ret_left)
{
	const struct image_section *section = lookup->last;

	if (!section || !holds(section, address))
		section = section_before(lookup, address);
	if (!section || !holds(section, address))
		return NULL;
	lookup->last = section;
	*ret_left = section->size - (address - section->address);
	return section->data + (address - section->address);
}

const char *image_text(struct image_lookup *lookup, uint64_t address)
{
	uint64_t left;
	const uint8_t *at = image_at(lookup, address, &left);

	if (!at || !memchr(at, '\0', left < IMAGE_TEXT_MAX ? left : IMAGE_TEXT_MAX))
		return NULL;
	return (const char *)at;
}

uint64_t image_word(const struct kernel_image *image, const uint8_t *at)
{
	uint64_t wide;
	uint32_t narrow;

	if (image->wide) {
		memcpy(&wide, at, sizeof(wide));
		return wide;
	}
	memcpy(&narrow, at, sizeof(narrow));
	return narrow;
}
