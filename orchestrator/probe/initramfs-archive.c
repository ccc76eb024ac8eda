/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A cpio archive of the formats newc and crc, walked over as the kernel does it
 * (init/initramfs.c), state by state: what it takes is taken, what it passes over is
 * passed over, what it calls an error is one.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "initramfs-parts.h"

#define TRAILER "TRAILER!!!"
#define FIELDS  13
#define DIGITS  8

struct piece {
	const uint8_t *at;
	size_t left;
};

/* What one state did: an error below 0, STOP until there is more, or GO on. */
enum { STOP, GO };

static void collect_begin(struct cpio_walker *walker, enum cpio_state state, size_t want)
{
	walker->state = state;
	walker->have = 0;
	walker->want = want;
}

void cpio_expect(struct cpio_walker *walker)
{
	collect_begin(walker, CPIO_START, CPIO_HEADER);
}

void cpio_begin(struct cpio_walker *walker)
{
	walker->count = 0;
	walker->end = 0;
	walker->early = true;
	walker->trailer = false;
}

static int damaged(const struct cpio_walker *walker, const char *what, struct error *err)
{
	return error_set(err, -ERROR_DAMAGED, "%s before byte %ju of an archive", what,
			 (uintmax_t)walker->at);
}

static void eat(struct cpio_walker *walker, struct piece *piece, size_t n)
{
	piece->at += n;
	piece->left -= n;
	walker->at += n;
}

static bool collect(struct cpio_walker *walker, struct piece *piece)
{
	size_t n = walker->want - walker->have;

	n = n < piece->left ? n : piece->left;
	memcpy(walker->collected + walker->have, piece->at, n);
	walker->have += n;
	eat(walker, piece, n);
	return walker->have == walker->want;
}

/* A name's bytes, and those that bring header and name to a multiple of 4. */
static uint64_t name_padded(uint64_t size)
{
	return ((size + 1) & ~(uint64_t)3) + 2;
}

static bool hexadecimal(const char *digits, uint32_t *ret)
{
	uint32_t number = 0;

	for (int i = 0; i < DIGITS; i++) {
		char c = digits[i];
		uint32_t digit;

		if (c >= '0' && c <= '9')
			digit = (uint32_t)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			digit = (uint32_t)((c | 0x20) - 'a') + 10;
		else
			return false;
		number = number << 4 | digit;
	}
	*ret = number;
	return true;
}

static int parse_header(struct cpio_walker *walker, struct error *err)
{
	uint32_t n[FIELDS];

	if (memcmp(walker->collected, "070707", 6) == 0)
		return damaged(walker, "a header of an old format (not newc)", err);
	if (memcmp(walker->collected, "070701", 6) != 0 &&
	    memcmp(walker->collected, "070702", 6) != 0)
		return damaged(walker, "no header of a file", err);
	for (size_t i = 0; i < FIELDS; i++)
		if (!hexadecimal(walker->collected + 6 + i * DIGITS, &n[i]))
			return damaged(walker, "a damaged header", err);
	walker->header = (struct cpio_header){
		.ino = n[0],
		.mode = n[1],
		.nlink = n[4],
		.size = n[6],
		.major = n[7],
		.minor = n[8],
		.name_size = n[11],
		.sum = n[12],
		.summed = walker->collected[5] == '2',
	};
	return 0;
}

static int do_start(struct cpio_walker *walker, struct piece *piece, struct error *err)
{
	const struct cpio_header *header = &walker->header;
	uint64_t name;
	int r;

	if (!collect(walker, piece))
		return STOP;
	r = parse_header(walker, err);
	if (r < 0)
		return r;
	name = name_padded(header->name_size);
	walker->trailer = false;
	walker->next = (walker->at + name + header->size + 3) & ~(uint64_t)3;
	walker->state = CPIO_SKIP;
	if (header->name_size == 0 || header->name_size > CPIO_NAME_MAX)
		return GO;
	if (S_ISLNK(header->mode) && header->size <= CPIO_NAME_MAX)
		collect_begin(walker, CPIO_NAME, (size_t)name + header->size);
	else if (S_ISREG(header->mode) || (header->size == 0 && !S_ISLNK(header->mode)))
		collect_begin(walker, CPIO_NAME, (size_t)name);
	return GO;
}

/* dracut marks such an archive by a file of its own. */
static bool is_early(const char *name)
{
	while (str_starts(name, "./"))
		name += 2;
	return str_eq(name, ".") || str_eq(name, "kernel") ||
	       str_starts(name, "kernel/") || str_eq(name, "early_cpio");
}

static int do_name(struct cpio_walker *walker, struct piece *piece, struct error *err)
{
	const struct cpio_header *header = &walker->header;
	const char *name = walker->collected, *target = NULL;
	int r;

	if (!collect(walker, piece))
		return STOP;
	walker->state = CPIO_SKIP;
	if (name[header->name_size - 1] != '\0')
		return damaged(walker, "a name without an end", err);
	if (strcmp(name, TRAILER) == 0 && !S_ISLNK(header->mode)) {
		walker->trailer = true;
		entries_forget_links(walker->entries);
		return GO;
	}
	if (S_ISLNK(header->mode)) {
		walker->collected[walker->have] = '\0';
		target = name + name_padded(header->name_size);
	}
	walker->count++;
	walker->early = walker->early && is_early(name);
	if (S_ISREG(header->mode)) {
		walker->state = CPIO_BODY;
		walker->left = header->size;
		walker->sum = 0;
	}
	r = entries_add(walker->entries, header, name, target, err);
	return r < 0 ? r : GO;
}

static uint32_t sum_of(const uint8_t *bytes, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += bytes[i];
	return sum;
}

static int do_body(struct cpio_walker *walker, struct piece *piece, struct error *err)
{
	size_t n = walker->left < piece->left ? (size_t)walker->left : piece->left;

	entries_data(walker->entries, piece->at, n);
	if (walker->header.summed)
		walker->sum += sum_of(piece->at, n);
	eat(walker, piece, n);
	walker->left -= n;
	if (walker->left > 0)
		return STOP;
	entries_data_end(walker->entries);
	if (walker->header.summed && walker->sum != walker->header.sum)
		return damaged(walker, "data with a wrong checksum", err);
	walker->state = CPIO_SKIP;
	return GO;
}

static int do_skip(struct cpio_walker *walker, struct piece *piece, struct error *err)
{
	uint64_t n = walker->next - walker->at;

	(void)err;
	if (n > piece->left) {
		eat(walker, piece, piece->left);
		return STOP;
	}
	eat(walker, piece, (size_t)n);
	walker->end = walker->at;
	walker->state = CPIO_RESET;
	return GO;
}

static int do_reset(struct cpio_walker *walker, struct piece *piece, struct error *err)
{
	size_t n = 0;

	while (n < piece->left && piece->at[n] == 0)
		n++;
	eat(walker, piece, n);
	if (piece->left > 0 && walker->at & 3)
		return damaged(walker, "padding to no multiple of 4", err);
	return STOP;
}

int cpio_walk(struct cpio_walker *walker, const uint8_t *bytes, size_t len,
	      size_t *ret_used, struct error *err)
{
	static int (*const states[])(struct cpio_walker * walker, struct piece * piece,
				     struct error * err) = {
		[CPIO_START] = do_start, [CPIO_NAME] = do_name,   [CPIO_BODY] = do_body,
		[CPIO_SKIP] = do_skip,   [CPIO_RESET] = do_reset,
	};
	struct piece piece = {bytes, len};
	int r = GO;

	while (r == GO)
		r = states[walker->state](walker, &piece, err);
	*ret_used = len - piece.left;
	return r;
}
