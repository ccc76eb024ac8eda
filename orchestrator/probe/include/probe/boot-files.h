/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kuro's own files on the boot file system, read: the block and the generations.
 */
#pragma once

#include "base/root-file.h"
#include "core/boot-protocol.h"
#include "core/manifest.h"

#define BOOT_DIR         "/boot/kuro"
#define BOOT_GENERATIONS BOOT_DIR "/gen"
#define BOOT_GRUB_CONF   BOOT_DIR "/grub.conf"

/* Where the block lies: KURO_ENV of grub.conf, else /boot/kuro/env. Caller frees. */
char *boot_files_env_path(const struct root *root);

/* -ENOENT: kuro is not set up here. -ERROR_DAMAGED as boot_block_parse. */
int boot_files_read_block(const struct root *root, struct boot_block *ret,
			  struct error *err);

/* Generation numbers that have a directory, ascending. Free ret. */
int boot_files_generations(const struct root *root, unsigned int **ret, size_t *ret_count,
			   struct error *err);

/* Read and parse a generation's manifest. -ENOENT: no such generation; -ERROR_DAMAGED. */
int boot_files_manifest(const struct root *root, unsigned int generation,
			struct manifest *ret, struct error *err);
/*
 * Compare a generation's files with its manifest: sizes, and with hashes also every
 * byte. -ERROR_DAMAGED names the file and what differs; -ENOENT.
 */
int boot_files_verify(const struct root *root, unsigned int generation, bool hashes,
		      struct error *err);
/* SHA-256 of a descriptor's whole content, as hex, and its size. */
int boot_files_hash(int fd, const char *what, char *ret_hex, uint64_t *ret_size,
		    struct error *err);
