/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Module files made for tests: an ELF file of the sections and symbols that are asked
 * for, little endian and 64 bits wide.
 */
#pragma once

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

struct made_section {
	const char *name;
	uint32_t type; /* 0: SHT_PROGBITS */
	uint64_t flags;
	const void *data;
	size_t len;
};

struct made_symbol {
	const char *name;
	const char *section; /* NULL: undefined; "ABS", "COMMON" */
	uint64_t value;
	unsigned char bind;
};

/* Lists end with a NULL name. Behind the sections given, .symtab, .strtab, .shstrtab. */
struct made_module {
	const struct made_section *sections;
	const struct made_symbol *symbols;
};

/* The file's bytes; the caller frees. */
void *made_module_bytes(const struct made_module *module, size_t *ret_len);

/*
 * A module that has everything of before extended versions: needs printk and, weakly,
 * maybe_there; exports made_open (GPL only, namespace MADE) and made_close.
 */
extern const struct made_module made_whole;
