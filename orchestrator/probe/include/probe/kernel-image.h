/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside a kernel image: the ELF that a bzImage (any compression), an arm64 Image,
 * Image.gz or zboot image holds, and what of it concerns modules. Sources:
 * Documentation/arch/x86/boot.rst, Documentation/arch/arm64/booting.rst,
 * include/asm-generic/vmlinux.lds.h, include/linux/export-internal.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "core/symbol-table.h"

#define KERNEL_IMAGE_MAX ((size_t)512 * 1024 * 1024) /* plain */

/* One section of the ELF; those without bytes in the file are left out. */
struct image_section {
	const char *name;
	const uint8_t *data;
	uint64_t size, address;
	bool loaded; /* SHF_ALLOC: it has an address */
};

struct kernel_image {
	const uint8_t *data; /* the plain image: a mapped unlinked file, or in the bytes
				that it was opened with, which must live as long */
	size_t len;
	void *mapping; /* the mapped file, or NULL */
	uint16_t machine;
	bool elf;  /* false: a raw arm64 Image, which has no section headers */
	bool wide; /* ELFCLASS64 */
	struct image_section *sections; /* by address */
	size_t section_count;
};
/* -ERROR_DAMAGED: malformed, with the reason; -ENOTSUP: a format that can't be read. */
int kernel_image_open(const char *path, const void *data, size_t len,
		      struct kernel_image *ret, struct error *err);
void kernel_image_done(struct kernel_image *image);
#define autoimage cleanup(kernel_image_done)

/* The section of that name, or NULL. */
const struct image_section *kernel_image_section(const struct kernel_image *image,
						 const char *name);

/*
 * Every exported symbol. ret_versions: it has CRCs; ret_flags: it has __kflagstab.
 * -ENOTSUP: no section headers; -ERROR_DAMAGED; -ENOENT: it exports nothing.
 */
int kernel_image_symbols(const struct kernel_image *image, struct symbol_table *table,
			 bool *ret_versions, bool *ret_flags, struct error *err);
/* "6.1.0-56-amd64 SMP preempt mod_unload modversions "; caller frees; -ENOENT. */
int kernel_image_vermagic(const struct kernel_image *image, const char *release,
			  char **ret, struct error *err);
/* sizeof(struct module) from .BTF; *ret is 0 where there is none. */
int kernel_image_module_size(const struct kernel_image *image, uint64_t *ret,
			     struct error *err);
/* Names below /sys/module of what is built in (__param, __modver), sorted. */
int kernel_image_builtin_names(const struct kernel_image *image, struct strv *ret,
			       struct error *err);
/*
 * Each DER certificate built in (between system_certificate_list's bounds); each is
 * called with bytes that live during the call, and stops all by a result other than 0,
 * which is returned. None is success.
 */
int kernel_image_certificates(const struct kernel_image *image,
			      int (*each)(void *data, const void *der, size_t len),
			      void *data, struct error *err);

/*
 * Module.symvers' text (plain): five columns, tabs; also the four of before 5.4 and the
 * order of before 5.8. name is said in errors. An owner is a module's name ("nf_nat"), a
 * CRC of 0 is none. -ERROR_DAMAGED with the line's number.
 */
int symvers_parse(const char *name, const char *text, size_t len,
		  struct symbol_table *table, bool *ret_versions, struct error *err);
