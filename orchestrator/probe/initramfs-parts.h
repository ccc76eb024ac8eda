/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What reading an initramfs image is made of: a walker over the archive's bytes, which
 * come in pieces; the table of what was in it; and what is kept of a module's content.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/root-file.h"
#include "core/initramfs.h"

/* --- content of a module ---------------------------------------------------------- */

struct content_reader;

struct content_reader *content_reader_new(void);
void content_reader_free(struct content_reader *reader);
/* crc: the CRC-32, too, which costs more than all else of it. */
void content_begin(struct content_reader *reader, uint64_t size, bool crc);
void content_add(struct content_reader *reader, const uint8_t *bytes, size_t len);
/* After size bytes; ret is that content. */
void content_end(struct content_reader *reader, struct module_content *ret);

/* --- what was in it --------------------------------------------------------------- */

/* One header's numbers (Documentation/driver-api/early-userspace/buffer-format.rst). */
struct cpio_header {
	uint32_t ino, mode, nlink, size, major, minor, name_size, sum;
	bool summed; /* magic 070702: sum is that of the data */
};

#define ENTRY_NO_CONTENT SIZE_MAX

struct image_entry {
	char *path;   /* without "./" and "/" before it; "" is the root */
	char *target; /* of a link; else NULL */
	uint32_t mode;
	size_t content; /* index, or ENTRY_NO_CONTENT */
};

struct entries {
	struct image_entry *items;
	size_t count, size;
	size_t names; /* bytes of all paths and targets */
	struct module_content *contents;
	size_t content_count, content_size;
	struct content_reader *reader;
	size_t reading; /* index of the content that is read, or ENTRY_NO_CONTENT */
	const struct root *root; /* where the modules may be installed */
	enum { CRC_UNDECIDED, CRC_NO, CRC_YES } crc;
	void *links; /* hard links of this archive (tsearch(3)) */
};

/* "usr/lib/modules/…" as "lib/modules/…". */
const char *entry_without_usr(const char *path);
/* Below the tree of a release, and named as modules are. */
bool entry_is_module_path(const char *path);

/* root is borrowed. */
void entries_init(struct entries *entries, const struct root *root);
void entries_done(struct entries *entries);
/* One more, and its data next. -ERROR_DAMAGED: more than a machine could hold. */
int entries_add(struct entries *entries, const struct cpio_header *header,
		const char *name, const char *target, struct error *err);
void entries_data(struct entries *entries, const uint8_t *bytes, size_t len);
void entries_data_end(struct entries *entries);
void entries_forget_links(struct entries *entries);
/* Each path once, as the last archive has it, into the image's lists. Empties entries. */
void entries_finish(struct entries *entries, struct initramfs *image);

/* --- the archive ------------------------------------------------------------------ */

#define CPIO_NAME_MAX 4096 /* PATH_MAX; a longer name's entry is passed over */
#define CPIO_HEADER   110

enum cpio_state { CPIO_START, CPIO_NAME, CPIO_BODY, CPIO_SKIP, CPIO_RESET };

struct cpio_walker {
	enum cpio_state state;
	uint64_t at, next; /* position in the archive, and of the next header */
	uint64_t end;      /* at, where the last entry ended */
	size_t have, want; /* of collected */
	uint64_t left;     /* of the data */
	uint32_t sum;
	bool trailer; /* TRAILER!!! was the last entry */
	bool early;   /* nothing but microcode and ACPI tables */
	size_t count; /* entries */
	struct cpio_header header;
	struct entries *entries;
	char collected[CPIO_NAME_MAX + 4 + CPIO_NAME_MAX + 1];
};

/* A new archive begins: what was counted is counted anew. */
void cpio_begin(struct cpio_walker *walker);
/* A header is what comes next. */
void cpio_expect(struct cpio_walker *walker);
/*
 * Walk over len bytes. Stops early, with ret_used below len, only in state CPIO_RESET
 * before a byte that is not zero. -ERROR_DAMAGED: what the kernel calls an error.
 */
int cpio_walk(struct cpio_walker *walker, const uint8_t *bytes, size_t len,
	      size_t *ret_used, struct error *err);
