/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The head of an .rpm: two headers of the same form behind a lead, each an index of
 * 16-byte entries and a store that they point into. Only four tags are read; the index
 * is the only thing that is held.
 */
#include "package-rpm.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

#define LEAD_SIZE   96
#define INTRO_SIZE  16
#define ENTRIES_MAX 65535
#define STORE_MAX   ((uint32_t)256 * 1024 * 1024 - 1) /* rpm's own HEADER_DATA_MAX */
#define TEXT_MAX    255
#define TYPE_STRING 6

static const char header_magic[] = "\x8e\xad\xe8\x01";

struct rpm_entry {
	uint32_t tag, type, offset, count; /* big endian */
};

/* One header in the file: where its index and its store are. */
struct rpm_header {
	uint64_t index, store, end;
	uint32_t entries, store_size;
};

static const struct {
	uint32_t tag;
	const char *name;
	bool needed;
	size_t place; /* in struct rpm_head */
} tags[] = {
	{1000, "name", true, offsetof(struct rpm_head, name)},
	{1001, "version", true, offsetof(struct rpm_head, version)},
	{1002, "release", true, offsetof(struct rpm_head, release)},
	{1022, "architecture", false, offsetof(struct rpm_head, architecture)},
};

void rpm_head_done(struct rpm_head *head)
{
	free(head->name);
	free(head->version);
	free(head->release);
	free(head->architecture);
	*head = (struct rpm_head){0};
}

static int read_at(int fd, uint64_t offset, void *ret, size_t len, struct error *err)
{
	char *to = ret;

	for (size_t got = 0; got < len;) {
		ssize_t n = pread(fd, to + got, len - got, (off_t)(offset + got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, -errno, "the header can't be read");
		if (n == 0)
			return error_set(err, -ERROR_DAMAGED, "the header is cut off");
		got += (size_t)n;
	}
	return 0;
}

static int header_find(int fd, uint64_t size, uint64_t at, struct rpm_header *ret,
		       struct error *err)
{
	unsigned char intro[INTRO_SIZE];
	uint32_t counts[2];
	int r = read_at(fd, at, intro, sizeof(intro), err);

	if (r < 0)
		return r;
	if (memcmp(intro, header_magic, sizeof(header_magic) - 1) != 0)
		return error_set(err, -ERROR_DAMAGED, "there is no header at %llu",
				 (unsigned long long)at);
	memcpy(counts, intro + 8, sizeof(counts));
	ret->entries = be32toh(counts[0]);
	ret->store_size = be32toh(counts[1]);
	if (ret->entries == 0 || ret->entries > ENTRIES_MAX ||
	    ret->store_size > STORE_MAX)
		return error_set(err, -ERROR_DAMAGED,
				 "a header of %u entries and %u bytes is none of rpm's",
				 ret->entries, ret->store_size);
	ret->index = at + INTRO_SIZE;
	ret->store = ret->index + ret->entries * (uint64_t)sizeof(struct rpm_entry);
	ret->end = ret->store + ret->store_size;
	if (ret->end > size)
		return error_set(err, -ERROR_DAMAGED, "the header is cut off");
	return 0;
}

/* The text that an entry points to, which ends within the store. */
static int entry_text(int fd, const struct rpm_header *header,
		      const struct rpm_entry *entry, char **ret, struct error *err)
{
	uint32_t offset = be32toh(entry->offset);
	char text[TEXT_MAX + 1];
	size_t room = sizeof(text);
	int r;

	if (be32toh(entry->type) != TYPE_STRING || be32toh(entry->count) != 1 ||
	    offset >= header->store_size)
		return error_set(err, -ERROR_DAMAGED, "header tag %u is no text",
				 be32toh(entry->tag));
	if (room > header->store_size - offset)
		room = header->store_size - offset;
	r = read_at(fd, header->store + offset, text, room, err);
	if (r < 0)
		return r;
	if (!memchr(text, '\0', room))
		return error_set(err, -ERROR_DAMAGED, "header tag %u has no end",
				 be32toh(entry->tag));
	*ret = str_printable(text);
	return 0;
}

static int entries_read(int fd, const struct rpm_header *header, struct rpm_head *head,
			struct error *err)
{
	size_t len = header->entries * sizeof(struct rpm_entry);
	autofree struct rpm_entry *entries = mem_zalloc(len);
	int r = read_at(fd, header->index, entries, len, err);

	for (uint32_t i = 0; i < header->entries && r == 0; i++)
		for (size_t t = 0; t < ARRAY_LEN(tags) && r == 0; t++) {
			char **place = (char **)((char *)head + tags[t].place);

			if (be32toh(entries[i].tag) == tags[t].tag && !*place)
				r = entry_text(fd, header, &entries[i], place, err);
		}
	return r;
}

static int head_complete(struct rpm_head *head, struct error *err)
{
	for (size_t t = 0; t < ARRAY_LEN(tags); t++) {
		char **place = (char **)((char *)head + tags[t].place);

		if (!*place && tags[t].needed)
			return error_set(err, -ERROR_DAMAGED, "the header has no %s",
					 tags[t].name);
		if (!*place)
			*place = str_dup("");
	}
	return 0;
}

int rpm_head_read(int fd, uint64_t size, struct rpm_head *ret, struct error *err)
{
	autorpm struct rpm_head head = {0};
	struct rpm_header signature = {0}, header = {0};
	unsigned char lead[LEAD_SIZE];
	int r = read_at(fd, 0, lead, sizeof(lead), err);

	if (r == 0 && memcmp(lead, RPM_MAGIC, 4) != 0)
		r = error_set(err, -ERROR_DAMAGED, "it does not begin as an .rpm does");
	if (r == 0 && (lead[6] != 0 || lead[7] != 0))
		r = error_set(err, -ERROR_DAMAGED, "it is a source package");
	if (r == 0)
		r = header_find(fd, size, LEAD_SIZE, &signature, err);
	if (r == 0)
		r = header_find(fd, size, (signature.end + 7) & ~(uint64_t)7, &header,
				err);
	if (r == 0)
		r = entries_read(fd, &header, &head, err);
	if (r == 0)
		r = head_complete(&head, err);
	if (r < 0)
		return r;
	head.payload = header.end;
	*ret = head;
	head = (struct rpm_head){0};
	return 0;
}
