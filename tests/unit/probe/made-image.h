/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kernel images made by tests: an ELF file of sections, and what wraps it up.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

#define MADE_SECTIONS 24

struct made_section {
	const char *name;
	uint64_t address; /* 0: it is not loaded */
	struct text bytes;
};

struct made_elf {
	struct made_section sections[MADE_SECTIONS];
	size_t count;
};
void made_elf_done(struct made_elf *elf);
#define automade cleanup(made_elf_done)

/* The section of that name, empty at first; each has 64 KiB of addresses to itself. */
struct made_section *made_section(struct made_elf *elf, const char *name);
/* Put a text with its NUL into a section; its address. */
uint64_t made_text(struct made_elf *elf, const char *section, const char *text);
void made_u32(struct text *to, uint32_t number);
void made_u64(struct text *to, uint64_t number);

/* How __ksymtab looks: its places relative or absolute, with a namespace's or without. */
enum made_layout { MADE_PREL, MADE_PREL_SHORT, MADE_ABSOLUTE, MADE_ABSOLUTE_SHORT };
/* One exported symbol: into __ksymtab or __ksymtab_gpl. */
void made_export(struct made_elf *elf, enum made_layout layout, bool gpl,
		 const char *name, const char *name_space);
/* Its version, behind the others of that section. */
void made_crc(struct made_elf *elf, bool gpl, uint32_t crc);
/* One built-in parameter, and one __modver record. */
void made_param(struct made_elf *elf, const char *name, uint16_t permissions);
void made_version(struct made_elf *elf, const char *module);

/* The ELF file (64 bits, x86-64). */
void made_elf_file(const struct made_elf *elf, struct text *ret);

void made_gzip(const struct text *plain, struct text *ret);
/* A bzImage of this payload; the last four bytes of the payload say how long it is. */
void made_bzimage(const char *payload, size_t len, struct text *ret);
/* An EFI zboot image of this payload. */
void made_zboot(const struct text *payload, const char *type, struct text *ret);
/* A raw arm64 Image that holds this. */
void made_raw(const char *data, size_t len, struct text *ret);
