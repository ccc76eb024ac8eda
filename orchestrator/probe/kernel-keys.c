/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Certificates built into an image (certs/system_certificates.S): one DER certificate
 * behind the other, then, aligned, their whole length. No symbol says where; a run of
 * certificates with its own length behind it is nothing else.
 */
#include <endian.h>
#include <string.h>

#include "probe/kernel-image.h"

#define DER_SEQUENCE 0x30
/* CONFIG_SYSTEM_EXTRA_CERTIFICATE_SIZE leaves room between the list and its length. */
#define EXTRA_MAX ((size_t)64 * 1024)
#define TRIES_MAX ((size_t)4 * 1024 * 1024)

/* Bytes of the certificate at data, 0 where there is none (X.509, RFC 5280 4.1). */
static size_t certificate_at(const uint8_t *data, size_t len)
{
	/* SEQUENCE { SEQUENCE { [0] { INTEGER 2 }, INTEGER ... */
	static const uint8_t version[] = {0xa0, 0x03, 0x02, 0x01, 0x02, 0x02};
	size_t whole, body;

	if (len < 8 + sizeof(version) || data[0] != DER_SEQUENCE || data[1] != 0x82 ||
	    data[4] != DER_SEQUENCE || data[5] != 0x82 ||
	    memcmp(data + 8, version, sizeof(version)) != 0)
		return 0;
	whole = ((size_t)data[2] << 8 | data[3]) + 4;
	body = ((size_t)data[6] << 8 | data[7]) + 8;
	return whole <= len && body < whole ? whole : 0;
}

/* Bytes of the certificates from data on. */
static size_t run_at(const uint8_t *data, size_t len)
{
	size_t at = 0, size;

	while ((size = certificate_at(data + at, len - at)) != 0)
		at += size;
	return at;
}

/*
 * Does a word behind the run hold its length? Its place is aligned as its section is.
 * tries is how many words may still be looked at.
 */
static bool has_length(const struct image_section *section, size_t from, size_t run,
		       size_t *tries)
{
	uint64_t address = section->address + from + run, length;
	size_t at = from + run + (size_t)(-address & 7), end = at + EXTRA_MAX;

	for (; at < end && at + sizeof(length) <= section->size && *tries > 0;
	     at += sizeof(length), --*tries) {
		memcpy(&length, section->data + at, sizeof(length));
		if (le64toh(length) == run)
			return true;
	}
	return false;
}

static int tell(const uint8_t *data, size_t run,
		int (*each)(void *data, const void *der, size_t len), void *each_data)
{
	for (size_t at = 0, size; at < run; at += size) {
		int r;

		size = certificate_at(data + at, run - at);
		r = each(each_data, data + at, size);
		if (r != 0)
			return r;
	}
	return 0;
}

/* Where the list begins in the section, and how long it is; 0: it is not there. */
static size_t find_list(const struct image_section *section, size_t *ret_from)
{
	static const uint8_t begin[] = {DER_SEQUENCE, 0x82};
	const uint8_t *data = section->data, *at = data;
	size_t tries = TRIES_MAX;

	while ((at = memmem(at, section->size - (size_t)(at - data), begin,
			    sizeof(begin)))) {
		size_t from = (size_t)(at - data);
		size_t run = run_at(at, section->size - from);

		if (run && has_length(section, from, run, &tries)) {
			*ret_from = from;
			return run;
		}
		/* Within a run there is no other that could have a length behind it. */
		at += run ? run : 1;
	}
	return 0;
}

int kernel_image_certificates(const struct kernel_image *image,
			      int (*each)(void *data, const void *der, size_t len),
			      void *data, struct error *err)
{
	/* __INITRODATA is linked into the first of these. */
	static const char *const names[] = {".init.data", ".init.rodata", ".rodata",
					    ".data"};

	if (!image->elf)
		return error_set(err, -ENOTSUP,
				 "this image has no section headers to find keys by");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct image_section *section =
			kernel_image_section(image, names[i]);
		size_t from = 0, run = section ? find_list(section, &from) : 0;

		if (run)
			return tell(section->data + from, run, each, data);
	}
	return 0;
}
