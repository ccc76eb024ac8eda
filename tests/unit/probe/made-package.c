/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Packages made in memory. tar, cpio and compression are libarchive's; ar and the head of
 * an .rpm are written here, so that they can be written wrong.
 */
#include "made-package.h"

#include <archive.h>
#include <archive_entry.h>
#include <arpa/inet.h>
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"

static la_ssize_t archive_bytes(struct archive *archive, void *data, const void *bytes,
				size_t len)
{
	(void)archive;
	text_append_n(data, bytes, len);
	return (la_ssize_t)len;
}

static void member_write(struct archive *archive, const struct made_member *member)
{
	size_t size = member->text && !member->size ? strlen(member->text) : member->size;
	autofree char *zeroes = member->text ? NULL : mem_zalloc(size);
	struct archive_entry *entry = archive_entry_new();
	bool folder = str_ends(member->name, "/");

	assert(entry);
	archive_entry_set_pathname(entry, member->name);
	archive_entry_set_filetype(entry, folder ? AE_IFDIR : AE_IFREG);
	archive_entry_set_perm(entry, 0755);
	if (member->target && member->hard)
		archive_entry_set_hardlink(entry, member->target);
	else if (member->target)
		archive_entry_set_symlink(entry, member->target);
	if (member->target && !member->hard)
		archive_entry_set_filetype(entry, AE_IFLNK);
	archive_entry_set_size(entry, (la_int64_t)size);
	assert(archive_write_header(archive, entry) == ARCHIVE_OK);
	if (!folder && !member->target)
		assert(archive_write_data(archive, member->text ? member->text : zeroes,
					  size) == (la_ssize_t)size);
	archive_entry_free(entry);
}

struct text made_archive(enum made_format format, int filter,
			 const struct made_member *members)
{
	static int (*const set[])(struct archive *) = {
		[MADE_TAR] = archive_write_set_format_gnutar,
		[MADE_PAX] = archive_write_set_format_pax,
		[MADE_CPIO] = archive_write_set_format_cpio_newc,
		[MADE_RAW] = archive_write_set_format_raw,
	};
	struct archive *archive = archive_write_new();
	struct text made = {0};

	assert(archive);
	assert(set[format](archive) == ARCHIVE_OK);
	assert(archive_write_add_filter(archive, filter) == ARCHIVE_OK);
	/* A small dictionary is soon there; what has no levels does not care. */
	(void)archive_write_set_filter_option(archive, NULL, "compression-level", "1");
	assert(archive_write_set_bytes_in_last_block(archive, 1) == ARCHIVE_OK);
	assert(archive_write_open(archive, &made, NULL, archive_bytes, NULL) ==
	       ARCHIVE_OK);
	for (; members->name; members++)
		member_write(archive, members);
	assert(archive_write_close(archive) == ARCHIVE_OK);
	assert(archive_write_free(archive) == ARCHIVE_OK);
	return made;
}

struct text made_compressed(int filter, const void *data, size_t len)
{
	const struct made_member members[] = {{.name = "x", .text = data, .size = len},
					      {0}};

	return made_archive(MADE_RAW, filter, members);
}

void made_ar(struct text *ar)
{
	text_append(ar, "!<arch>\n");
}

void made_ar_member(struct text *ar, const char *name, const void *data, size_t len)
{
	text_appendf(ar, "%-16s%-12d%-6d%-6d%-8o%-10zu`\n", name, 0, 0, 0, 0100644, len);
	text_append_n(ar, data, len);
	if (len % 2)
		text_append(ar, "\n");
}

struct text made_deb(int filter, const struct made_member *members)
{
	static const struct made_member control[] = {MADE_FILE("./control", MADE_CONTROL),
						     {0}};
	autotext struct text first = made_archive(MADE_TAR, filter, control);
	autotext struct text second = made_archive(MADE_TAR, filter, members);
	struct text deb = {0};

	made_ar(&deb);
	made_ar_member(&deb, "debian-binary", "2.0\n", 4);
	made_ar_member(&deb, "control.tar", first.data, first.len);
	made_ar_member(&deb, "data.tar", second.data, second.len);
	return deb;
}

static void add_u32(struct text *to, uint32_t value)
{
	uint32_t big = htonl(value);

	text_append_n(to, (const char *)&big, sizeof(big));
}

static void add_header(struct text *to, uint32_t entries, uint32_t store)
{
	text_append_n(to, "\x8e\xad\xe8\x01\0\0\0\0", 8);
	add_u32(to, entries);
	add_u32(to, store);
}

static void add_entry(struct text *to, uint32_t tag, uint32_t offset)
{
	const uint32_t string = 6;

	add_u32(to, tag);
	add_u32(to, string);
	add_u32(to, offset);
	add_u32(to, 1);
}

struct text made_rpm(int filter, const struct made_member *members)
{
	static const char lead[96] = "\xed\xab\xee\xdb\x03\0\0\0\0\1made-2-3";
	static const char store[] = "made\0"
				    "2\0"
				    "3\0"
				    "x86_64";
	autotext struct text payload = made_archive(MADE_CPIO, filter, members);
	struct text rpm = {0};

	text_append_n(&rpm, lead, sizeof(lead));
	add_header(&rpm, 1, 3); /* a signature of three bytes, then padding */
	add_entry(&rpm, 1000, 0);
	text_append_n(&rpm, "sig\0\0\0\0\0", 8);
	add_header(&rpm, 4, sizeof(store));
	add_entry(&rpm, 1000, 0);
	add_entry(&rpm, 1001, 5);
	add_entry(&rpm, 1002, 7);
	add_entry(&rpm, 1022, 9);
	text_append_n(&rpm, store, sizeof(store));
	text_append_n(&rpm, payload.data, payload.len);
	return rpm;
}
