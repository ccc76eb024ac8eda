/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bytes of cpio archives
 * (Documentation/driver-api/early-userspace/buffer-format.rst).
 */
#include "made-initramfs.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

void made_fill(struct text *to, size_t n)
{
	while (to->len % n)
		text_append_n(to, "", 1);
}

static uint32_t sum_of(const char *data, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += (unsigned char)data[i];
	return sum;
}

void made_entry(struct text *to, const struct made_entry *entry)
{
	static uint32_t inodes = 1000;
	size_t name = strlen(entry->name) + 1;
	size_t size = entry->data && !entry->size ? strlen(entry->data) : entry->size;
	const char *magic = entry->magic ? entry->magic : "070701";
	uint32_t sum = str_eq(magic, "070702") ? sum_of(entry->data, size) : 0;
	uint32_t numbers[] = {
		entry->ino ? entry->ino : inodes++,
		entry->mode ? entry->mode : S_IFREG | 0644,
		0,
		0,
		entry->nlink ? entry->nlink : 1,
		1700000000,
		(uint32_t)size,
		8,
		1,
		0,
		0,
		(uint32_t)name,
		sum + entry->sum_off,
	};

	text_append(to, magic);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		text_appendf(to, i % 2 ? "%08X" : "%08x", numbers[i]);
	text_append_n(to, entry->name, name);
	while ((110 + name++) % 4)
		text_append_n(to, "", 1);
	if (size > 0)
		text_append_n(to, entry->data, size);
	while (size++ % 4)
		text_append_n(to, "", 1);
}

void made_file_entry(struct text *to, const char *name, const char *data)
{
	made_entry(to, &(struct made_entry){.name = name, .data = data});
}

void made_folder(struct text *to, const char *name)
{
	made_entry(to, &(struct made_entry){.name = name, .mode = S_IFDIR | 0755});
}

void made_deep(struct text *to, const char *name, const char *data)
{
	for (const char *slash = name; (slash = strchr(slash, '/')); slash++) {
		autofree char *folder = str_ndup(name, (size_t)(slash - name));

		made_folder(to, folder);
	}
	made_file_entry(to, name, data);
}

void made_link_entry(struct text *to, const char *name, const char *target)
{
	made_entry(to, &(struct made_entry){.name = name,
					    .data = target,
					    .mode = S_IFLNK | 0777});
}

void made_end(struct text *to)
{
	made_entry(to, &(struct made_entry){.name = "TRAILER!!!", .mode = 0, .ino = 1});
}

/* Cut to its length at last: ext4 takes what is cut to nothing for a replacement, and
 * writes it out. */
void made_image(const struct root *root, const char *path, const void *data, size_t len)
{
	autoclose int fd = root_openat(root, path, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, data, len, 0), len);
	assert_int_equal(ftruncate(fd, (off_t)len), 0);
}
