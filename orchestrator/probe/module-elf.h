/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The section table of a module as the kernel's loader checks it before anything else:
 * kernel/module/main.c, elf_validity_check (6.1), elf_validity_cache_copy (6.13 on).
 * Only 64-bit little endian files pass.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"

/* The sections that kuro looks into. */
enum module_part {
	PART_INFO,
	PART_THIS_MODULE,
	PART_VERSIONS,
	PART_VERSION_CRCS,
	PART_VERSION_NAMES,
	PART_EXPORTS,
	PART_EXPORTS_GPL,
	PART_CRCS,
	PART_CRCS_GPL,
	PART_EXPORT_STRINGS,
	PART_EXPORT_FLAGS,
	PART_BTF,
	PART_BTF_BASE,
	PART_BUILD_ID,
	PARTS,
};

struct module_section {
	size_t index;              /* 0: there is none */
	const unsigned char *data; /* NULL where the section has no bytes in the file */
	size_t size;               /* of data */
};

struct module_elf {
	uint16_t machine;
	bool unread; /* of 32 bits, or big endian */
	const char
		*doubled; /* a section that there may be but one of; the first counts */
	size_t section_count;
	struct module_section parts[PARTS];
	const unsigned char *symbols; /* struct module_symbol's source, 24 bytes each */
	size_t symbol_count;
	const char *strings; /* begins and ends with NUL */
	size_t strings_size;
};

/*
 * Check data (without an appended signature) and find its parts, which point into it.
 * 0, or -1 with the reason appended to fault: a sentence without end stop. ret->machine
 * is set where there is an ELF header of a known kind.
 */
int module_elf_open(const void *data, size_t len, struct module_elf *ret,
		    struct text *fault);
/* Append the reason and return -1. */
int module_fault(struct text *fault, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Little endian numbers at any address. */
static inline uint32_t module_u32(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static inline uint64_t module_u64(const unsigned char *p)
{
	return module_u32(p) | (uint64_t)module_u32(p + 4) << 32;
}

/* Elf64_Sym, what is asked of it. */
struct module_symbol {
	uint32_t name;
	uint8_t bind;
	uint8_t type;
	uint16_t section;
	uint64_t value;
};

static inline struct module_symbol module_symbol_at(const struct module_elf *elf,
						    size_t i)
{
	const unsigned char *p = elf->symbols + i * 24;

	return (struct module_symbol){
		.name = module_u32(p),
		.bind = p[4] >> 4,
		.type = p[4] & 0xf,
		.section = (uint16_t)(p[6] | p[7] << 8),
		.value = module_u64(p + 8),
	};
}
