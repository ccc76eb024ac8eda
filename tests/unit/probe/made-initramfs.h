/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Archives of the formats newc and crc, as cpio(1) writes them or a little wrong.
 */
#pragma once

#include <stdint.h>
#include <sys/stat.h>

#include "base/root-file.h"

struct made_entry {
	const char *name, *data; /* data NULL: none */
	uint32_t mode;           /* 0: an ordinary file, 0644 */
	uint32_t ino, nlink;     /* 0: one of its own; one */
	size_t size;             /* of data; 0: its length */
	const char *magic;       /* NULL: "070701" */
	uint32_t sum_off;        /* how far the sum of 070702 is off */
};

/* Appends it, and what fills it up. */
void made_entry(struct text *to, const struct made_entry *entry);
void made_file_entry(struct text *to, const char *name, const char *data);
/* name and every directory that it lies in; data as above. */
void made_deep(struct text *to, const char *name, const char *data);
void made_link_entry(struct text *to, const char *name, const char *target);
void made_folder(struct text *to, const char *name);
/* TRAILER!!! */
void made_end(struct text *to);
/* Zeroes up to a multiple of n. */
void made_fill(struct text *to, size_t n);

/* The file, which is not synced: a test reads thousands. */
void made_image(const struct root *root, const char *path, const void *data, size_t len);
