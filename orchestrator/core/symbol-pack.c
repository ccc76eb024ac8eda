/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A symbol table as bytes and back. The bytes hold the finished index, so that reading
 * them is one pass that checks and copies; nothing in them is used as a place before it
 * was compared with what is there. The sum finds damage, not malice: who may write the
 * cache may write anything.
 *
 * head | symbols | slots | notes | texts; texts begin with an empty one and end in NUL.
 */
#include <endian.h>
#include <string.h>

#include "symbol-index.h"

#define PACK_MAGIC "kuroSYM1"

struct pack_head {
	char magic[8];
	uint64_t sum;  /* of everything behind it */
	uint64_t size; /* of everything */
	char key[72];
	uint64_t seed;
	uint32_t count, slots, notes, texts;
};

#define PACK_SUMMED offsetof(struct pack_head, size)

struct pack_symbol {
	uint32_t name, name_space, owner; /* offsets in texts */
	uint32_t crc, flags;
};

struct pack_note {
	char name[32];
	uint32_t data, len;
};

enum { PACK_HAS_CRC = 1, PACK_GPL = 2 };

/* Every step is one to one in the state and in the word: no change of one word is lost.
 */
uint64_t symbol_pack_sum(const void *data, size_t len)
{
	static const uint64_t prime = 0x9e3779b97f4a7c15;
	const char *at = data;
	uint64_t sum = len, word;

	for (; len >= sizeof(word); at += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		sum = (sum ^ le64toh(word)) * prime;
		sum ^= sum >> 29;
	}
	word = 0;
	memcpy(&word, at, len);
	sum = (sum ^ le64toh(word)) * prime;
	return sum ^ (sum >> 32);
}

static uint32_t pack_text(struct text *texts, const char *text, size_t len)
{
	size_t at = texts->len;

	if (len == 0)
		return 0;
	text_append_n(texts, text, len);
	text_append_n(texts, "", 1);
	return htole32((uint32_t)at);
}

static void pack_symbols(const struct symbol_table *table, struct pack_symbol *to,
			 struct text *texts)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct symbol *s = &table->symbols[i], *last = i ? s - 1 : NULL;

		to[i].name = pack_text(texts, s->name, strlen(s->name));
		if (last && last->name_space == s->name_space)
			to[i].name_space = to[i - 1].name_space;
		else
			to[i].name_space =
				pack_text(texts, s->name_space, strlen(s->name_space));
		if (last && last->owner == s->owner)
			to[i].owner = to[i - 1].owner;
		else
			to[i].owner = pack_text(texts, s->owner, strlen(s->owner));
		to[i].crc = htole32(s->crc);
		to[i].flags = htole32((s->has_crc ? PACK_HAS_CRC : 0) |
				      (s->gpl ? PACK_GPL : 0));
	}
}

static void pack_notes(const struct symbol_table *table, struct pack_note *to,
		       struct text *texts)
{
	for (size_t i = 0; i < table->note_count; i++) {
		const struct symbol_note *note = &table->notes[i];

		memcpy(to[i].name, note->name, sizeof(note->name));
		to[i].data = pack_text(texts, note->data, note->len);
		to[i].len = htole32((uint32_t)note->len);
	}
}

static void pack_slots(const struct symbol_table *table, struct symbol_slot *to)
{
	for (size_t i = 0; i < table->slot_count; i++) {
		to[i].hash = htole32(table->slots[i].hash);
		to[i].id = htole32(table->slots[i].id);
	}
}

int symbol_table_pack(const struct symbol_table *table, const char *key, void **ret,
		      size_t *ret_len)
{
	size_t symbols = table->count * sizeof(struct pack_symbol);
	size_t slots = table->slot_count * sizeof(struct symbol_slot);
	size_t notes = table->note_count * sizeof(struct pack_note);
	size_t fixed = sizeof(struct pack_head) + symbols + slots + notes;
	autotext struct text texts = {0};
	autofree char *packed = mem_zalloc(fixed);
	struct pack_head *head;
	char *at = packed + sizeof(*head);

	if (strlen(key) >= sizeof(head->key))
		return -EINVAL;
	text_append_n(&texts, "", 1);
	pack_symbols(table, (struct pack_symbol *)at, &texts);
	pack_slots(table, (struct symbol_slot *)(at + symbols));
	pack_notes(table, (struct pack_note *)(at + symbols + slots), &texts);
	if (texts.len > UINT32_MAX)
		return -EFBIG;
	packed = mem_regrow(packed, fixed + texts.len, 1);
	memcpy(packed + fixed, texts.data, texts.len);
	head = (struct pack_head *)packed;
	memcpy(head->magic, PACK_MAGIC, sizeof(head->magic));
	head->size = htole64(fixed + texts.len);
	memcpy(head->key, key, strlen(key));
	head->seed = htole64(table->seed);
	head->count = htole32((uint32_t)table->count);
	head->slots = htole32((uint32_t)table->slot_count);
	head->notes = htole32((uint32_t)table->note_count);
	head->texts = htole32((uint32_t)texts.len);
	head->sum = htole64(
		symbol_pack_sum(packed + PACK_SUMMED, fixed + texts.len - PACK_SUMMED));
	*ret = take_ptr(packed);
	*ret_len = fixed + texts.len;
	return 0;
}

/* Where the parts of a pack lie, once they are known to lie in it. */
struct pack {
	const struct pack_head *head;
	const struct pack_symbol *symbols;
	const struct symbol_slot *slots;
	const struct pack_note *notes;
	const char *texts;
	uint32_t count, slot_count, note_count, text_len;
};

static const char *pack_head_fault(const struct pack_head *head, size_t len,
				   const char *key)
{
	if (memcmp(head->magic, PACK_MAGIC, sizeof(head->magic)) != 0)
		return "it is in another format";
	if (le64toh(head->size) != len)
		return "it is cut off";
	if (le64toh(head->sum) !=
	    symbol_pack_sum((const char *)head + PACK_SUMMED, len - PACK_SUMMED))
		return "its sum is wrong";
	if (strncmp(head->key, key, sizeof(head->key)) != 0)
		return "it is of another image";
	return NULL;
}

/* The parts fill the whole exactly; 32-bit counts of small records can't overflow. */
static const char *pack_place(const void *data, size_t len, struct pack *pack)
{
	const struct pack_head *head = data;
	const char *at = (const char *)data + sizeof(*head);
	uint64_t symbols, slots, notes;

	pack->head = head;
	pack->count = le32toh(head->count);
	pack->slot_count = le32toh(head->slots);
	pack->note_count = le32toh(head->notes);
	pack->text_len = le32toh(head->texts);
	symbols = (uint64_t)pack->count * sizeof(struct pack_symbol);
	slots = (uint64_t)pack->slot_count * sizeof(struct symbol_slot);
	notes = (uint64_t)pack->note_count * sizeof(struct pack_note);
	if (sizeof(*head) + symbols + slots + notes + pack->text_len != len)
		return "its parts do not fill it";
	if (pack->count > SYMBOL_TABLE_MAX || pack->note_count > SYMBOL_TABLE_NOTES ||
	    (pack->slot_count & (pack->slot_count - 1)) ||
	    pack->slot_count < (uint64_t)pack->count * 2)
		return "a count is out of bounds";
	pack->symbols = (const struct pack_symbol *)at;
	pack->slots = (const struct symbol_slot *)(at + symbols);
	pack->notes = (const struct pack_note *)(at + symbols + slots);
	pack->texts = at + symbols + slots + notes;
	if (!pack->text_len || pack->texts[0] || pack->texts[pack->text_len - 1])
		return "its texts have no end";
	return NULL;
}

static const char *unpack_symbols(struct symbol_table *table, const struct pack *pack,
				  const char *texts)
{
	table->symbols = mem_regrow(NULL, pack->count, sizeof(*table->symbols));
	table->count = table->size = pack->count;
	for (size_t i = 0; i < pack->count; i++) {
		const struct pack_symbol *from = &pack->symbols[i];
		uint32_t name = le32toh(from->name), owner = le32toh(from->owner);
		uint32_t name_space = le32toh(from->name_space);
		uint32_t flags = le32toh(from->flags);

		if (name >= pack->text_len || owner >= pack->text_len ||
		    name_space >= pack->text_len)
			return "a symbol's text is not in it";
		table->symbols[i] = (struct symbol){
			.name = texts + name,
			.name_space = name_space ? texts + name_space : "",
			.owner = owner ? texts + owner : "",
			.crc = le32toh(from->crc),
			.has_crc = flags & PACK_HAS_CRC,
			.gpl = flags & PACK_GPL,
		};
	}
	return NULL;
}

static const char *unpack_slots(struct symbol_table *table, const struct pack *pack)
{
	table->slots = mem_regrow(NULL, pack->slot_count, sizeof(*table->slots));
	table->slot_count = pack->slot_count;
	for (size_t i = 0; i < pack->slot_count; i++) {
		uint32_t id = le32toh(pack->slots[i].id);

		if (id > pack->count)
			return "its index names a symbol that is not in it";
		table->slots[i] = (struct symbol_slot){
			.hash = le32toh(pack->slots[i].hash),
			.id = id,
		};
	}
	return NULL;
}

static const char *unpack_notes(struct symbol_table *table, const struct pack *pack)
{
	for (size_t i = 0; i < pack->note_count; i++) {
		uint64_t at = le32toh(pack->notes[i].data),
			 n = le32toh(pack->notes[i].len);
		char name[sizeof(table->notes->name)];

		memcpy(name, pack->notes[i].name, sizeof(name));
		if (at + n > pack->text_len || name[sizeof(name) - 1] ||
		    symbol_table_note(table, name, pack->texts + at, n) < 0)
			return "a note's bytes are not in it";
	}
	return NULL;
}

static const char *unpack(struct symbol_table *table, const struct pack *pack)
{
	struct text_block *block = mem_zalloc(sizeof(*block) + pack->text_len);
	const char *fault;

	block->size = block->used = pack->text_len;
	memcpy(block->data, pack->texts, pack->text_len);
	table->blocks = block;
	table->seed = le64toh(pack->head->seed);
	fault = unpack_symbols(table, pack, block->data);
	if (!fault)
		fault = unpack_slots(table, pack);
	return fault ? fault : unpack_notes(table, pack);
}

int symbol_table_unpack(const void *data, size_t len, const char *key,
			struct symbol_table **ret, struct error *err)
{
	autosymbols struct symbol_table *table = symbol_table_new();
	autofree void *aligned = NULL;
	struct pack pack = {0};
	const char *fault = "it is cut off";

	if ((uintptr_t)data % sizeof(uint64_t)) {
		aligned = mem_zalloc(len);
		memcpy(aligned, data, len);
		data = aligned;
	}
	if (len >= sizeof(struct pack_head))
		fault = pack_head_fault(data, len, key);
	if (!fault)
		fault = pack_place(data, len, &pack);
	if (!fault)
		fault = unpack(table, &pack);
	if (fault)
		return error_set(err, -ERROR_DAMAGED, "cached symbols: %s", fault);
	*ret = take_ptr(table);
	return 0;
}
