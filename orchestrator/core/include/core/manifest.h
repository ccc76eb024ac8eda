/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A generation as its manifest says: what was put into it, from where, when. Written
 * once into /boot/kuro/gen/N/manifest.json and never changed; from the manifests and
 * the boot block everything else can be rebuilt.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

#define MANIFEST_SHA256_HEX 65 /* 64 digits and NUL */
#define MANIFEST_FILES_MAX  8

struct manifest_file {
	char *name;    /* within the generation's directory */
	uint64_t size; /* bytes */
	char sha256[MANIFEST_SHA256_HEX];
};

struct manifest {
	unsigned int generation;
	char *release;
	char *title;         /* for menus */
	char *command_line;  /* lasting arguments, as the kernel gets them */
	char *trial_line;    /* further arguments of a trial boot */
	int64_t created;     /* seconds since 1970, UTC */
	int64_t transaction; /* its number in the state database, 0 for none */
	struct manifest_file files[MANIFEST_FILES_MAX];
	size_t file_count;
};

void manifest_done(struct manifest *m);
#define automanifest cleanup(manifest_done)

/* The file of that name, or NULL. */
const struct manifest_file *manifest_file(const struct manifest *m, const char *name);
/* JSON text; caller frees. */
char *manifest_format(const struct manifest *m);
/*
 * Parse JSON text. -ERROR_DAMAGED says what is wrong: more than 64 KiB, not JSON, nested
 * too deeply, schema unknown, a field missing or outside its bounds, a release or command
 * line that could not have been kuro's, a file name that is not plain, no file vmlinuz.
 * Unknown fields are left out.
 */
int manifest_parse(const char *text, size_t len, struct manifest *ret, struct error *err);
/*
 * The generation's boot.cfg, as grub/kuro.cfg sources it; caller frees. Reads generation,
 * title, both command lines, and the sizes of vmlinuz and initrd.img, which must be among
 * the files by then where the generation has them; the command lines must have passed
 * command_line_check. Whatever they hold, it is quoted: data, never script.
 */
char *manifest_boot_cfg(const struct manifest *m);
/* sha256sum(1) lines over every file but the manifest, for GRUB's hashsum; caller frees.
 */
char *manifest_sums(const struct manifest *m);
