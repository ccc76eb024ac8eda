/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is kept of a module's bytes to compare two copies. The digest is XXH64, not a
 * cryptographic one: it is to find what is stale or damaged, and SHA-256 of all modules
 * alone takes most of the time that unpacking an image takes.
 */
#include <stdio.h>
#include <string.h>
#include <xxhash.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "initramfs-parts.h"
#include "probe/decompress.h"

#define BUILD_ID  20 /* SHA-1, as the kernel's Makefile wants it */
#define SIGNATURE "~Module signature appended~\n"
#define TAIL      (sizeof(SIGNATURE) - 1)

/* elf(5): a note's header, its owner, and what it holds. */
struct note {
	uint32_t name, size, type;
	char owner[4];
	uint8_t value[BUILD_ID];
};
#define NOTE_OWNER_AT 12

struct content_reader {
	XXH64_state_t *hash;
	uint64_t size, at;
	bool crc;
	uint32_t crc32;
	uint8_t head[COMPRESSION_MAGIC_MAX], tail[TAIL];
	/* the last bytes of what was added, where a note may have begun */
	uint8_t carry[2 * sizeof(struct note)];
	size_t carried;
	char build_id[2 * BUILD_ID + 1];
};

struct content_reader *content_reader_new(void)
{
	struct content_reader *reader = mem_zalloc(sizeof(*reader));

	reader->hash = XXH64_createState();
	if (!reader->hash)
		abort(); /* as every allocation that fails */
	return reader;
}

void content_reader_free(struct content_reader *reader)
{
	if (!reader)
		return;
	(void)XXH64_freeState(reader->hash); /* always XXH_OK */
	free(reader);
}

void content_begin(struct content_reader *reader, uint64_t size, bool crc)
{
	reader->size = size;
	reader->at = 0;
	reader->crc = crc;
	reader->crc32 = 0;
	reader->carried = 0;
	reader->build_id[0] = '\0';
	(void)XXH64_reset(reader->hash, 0); /* fails for NULL only */
}

/* What of the bytes, which are at that position, lies in [from, from + size). */
static void keep(uint8_t *to, uint64_t from, size_t size, const struct content_reader *of,
		 const uint8_t *bytes, size_t len)
{
	uint64_t begin = of->at > from ? of->at : from;
	uint64_t end = of->at + len < from + size ? of->at + len : from + size;

	if (begin < end)
		memcpy(to + (begin - from), bytes + (begin - of->at),
		       (size_t)(end - begin));
}

/* position: of the bytes in the module, where notes stand at multiples of 4. */
static void build_id_find(struct content_reader *reader, uint64_t position,
			  const uint8_t *bytes, size_t len)
{
	static const struct note wanted = {4, BUILD_ID, 3, "GNU", {0}};
	uint32_t owner, word;

	memcpy(&owner, wanted.owner, sizeof(owner));
	for (size_t i = (size_t)(-position & 3); i + sizeof(wanted) <= len; i += 4) {
		memcpy(&word, bytes + i + NOTE_OWNER_AT, sizeof(word));
		if (word != owner || memcmp(bytes + i, &wanted, NOTE_OWNER_AT) != 0)
			continue;
		for (size_t n = 0; n < BUILD_ID; n++)
			(void)snprintf(reader->build_id + 2 * n, 3, "%02x",
				       bytes[i + sizeof(wanted) - BUILD_ID + n]);
		return;
	}
}

/* Also across the border of two pieces. */
static void build_id_look(struct content_reader *reader, const uint8_t *bytes, size_t len)
{
	size_t part = sizeof(struct note) - 1, more = len < part ? len : part, kept;

	memcpy(reader->carry + reader->carried, bytes, more);
	build_id_find(reader, reader->at - reader->carried, reader->carry,
		      reader->carried + more);
	if (reader->build_id[0])
		return;
	build_id_find(reader, reader->at, bytes, len);
	if (len >= part) {
		memcpy(reader->carry, bytes + len - part, part);
		reader->carried = part;
		return;
	}
	reader->carried += len;
	kept = reader->carried < part ? reader->carried : part;
	memmove(reader->carry, reader->carry + reader->carried - kept, kept);
	reader->carried = kept;
}

void content_add(struct content_reader *reader, const uint8_t *bytes, size_t len)
{
	(void)XXH64_update(reader->hash, bytes, len); /* fails for NULL only */
	if (reader->crc)
		reader->crc32 = (uint32_t)crc32_z(reader->crc32, bytes, len);
	keep(reader->head, 0, sizeof(reader->head), reader, bytes, len);
	if (reader->size >= TAIL)
		keep(reader->tail, reader->size - TAIL, TAIL, reader, bytes, len);
	if (!reader->build_id[0])
		build_id_look(reader, bytes, len);
	reader->at += len;
}

static void plain_end(const struct content_reader *reader, XXH64_hash_t digest,
		      struct module_content *ret)
{
	ret->plain = (struct module_sums){
		.size = reader->at,
		.crc32 = reader->crc32,
		.has_crc32 = reader->crc,
		.xxh64 = (uint32_t)digest,
		.has_xxh64 = true,
	};
	memcpy(ret->build_id, reader->build_id, sizeof(ret->build_id));
	ret->is_signed = reader->at >= TAIL && memcmp(reader->tail, SIGNATURE, TAIL) == 0;
}

void content_end(struct content_reader *reader, struct module_content *ret)
{
	XXH64_hash_t digest = XXH64_digest(reader->hash);
	size_t head = reader->at < sizeof(reader->head) ? (size_t)reader->at
							: sizeof(reader->head);
	enum compression packing = compression_of(reader->head, head);

	*ret = (struct module_content){
		.packing = compression_name(packing),
		.size = reader->at,
	};
	(void)snprintf(ret->digest, sizeof(ret->digest), "%016jx", (uintmax_t)digest);
	if (packing == COMPRESSION_NONE)
		plain_end(reader, digest, ret);
}
