/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The parts of a module file, each read by its own source from a section table that was
 * found sound (module-elf.h). Each returns 0, or -1 with the reason appended to fault.
 * Texts in ret point into the bytes of the file.
 */
#pragma once

#include "core/module.h"
#include "module-elf.h"

/* More of anything than this is no module's: the largest kernels export 20,000 symbols
 * altogether. */
#define MODULE_RECORDS_MAX     ((size_t)1 << 18)
#define MODULE_EXPORTS_MAX     (1U << 16)
#define MODULE_SYMBOL_NAME_MAX 4096 /* KSYM_NAME_LEN is 512 */

/* module-info.c: .modinfo, the note with the build id, .BTF's header. */
int module_info_read(const struct module_elf *elf, struct module_file *ret,
		     struct text *fault);
/* Only its name; NULL where .modinfo has none. */
int module_info_name(const struct module_elf *elf, const char **ret, struct text *fault);

/* module-symbols.c: what the module needs, and at which versions. */
int module_imports_read(const struct module_elf *elf, struct module_file *ret,
			struct text *fault);
int module_versions_read(const struct module_elf *elf, struct module_file *ret,
			 struct text *fault);

/* module-exports.c: ret->exports, whose owner is ret->name. */
int module_exports_read(const struct module_elf *elf, struct module_file *ret,
			struct text *fault);

/*
 * module-signature.c. module_signature_read: the signature behind a module's content, if
 * there is one; ret->content is len where there is none. What its message says comes with
 * module_signature_read_signer: texts that were made are put into owned (three slots:
 * signer, key, hash; the caller frees) and ret points at them.
 */
/* Bytes of a module before its signature; len where there is none. */
size_t module_content_length(const void *data, size_t len);
void module_signature_read(const void *data, size_t len, struct module_signature *ret);
void module_signature_read_signer(struct module_signature *ret, char *owned[3]);
