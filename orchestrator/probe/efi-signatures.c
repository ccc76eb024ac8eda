/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lists of UEFI signatures.
 */
#include "efi-signatures.h"

#include <stdint.h>
#include <string.h>

#define GUID_SIZE   16
#define HEADER_SIZE 28 /* type, then the sizes of list, header and signature */

static const unsigned char guids[][GUID_SIZE] = {
	/* EFI_CERT_X509_GUID, a5c059a1-94e4-4aa7-87b5-ab155c2bf072 */
	[EFI_SIGNATURE_X509] = {0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a, 0x87,
				0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72},
	/* EFI_CERT_SHA256_GUID, c1c41626-504c-4092-aca9-41f936934328 */
	[EFI_SIGNATURE_SHA256] = {0x26, 0x16, 0xc4, 0xc1, 0x4c, 0x50, 0x92, 0x40, 0xac,
				  0xa9, 0x41, 0xf9, 0x36, 0x93, 0x43, 0x28},
};

static size_t number(const unsigned char *p)
{
	return (size_t)p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 | (size_t)p[3] << 24;
}

void efi_signatures_each(enum efi_signature kind, const void *data, size_t len,
			 void (*each)(void *data, const void *signature, size_t len),
			 void *each_data)
{
	const unsigned char *list = data;

	while (len >= HEADER_SIZE) {
		size_t list_size = number(list + 16);
		size_t header = number(list + 20);
		size_t size = number(list + 24);

		if (list_size < HEADER_SIZE || list_size > len ||
		    header > list_size - HEADER_SIZE || size <= GUID_SIZE)
			return;
		for (size_t at = HEADER_SIZE + header;
		     at < list_size && size <= list_size - at; at += size)
			if (memcmp(list, guids[kind], GUID_SIZE) == 0)
				each(each_data, list + at + GUID_SIZE, size - GUID_SIZE);
		list += list_size;
		len -= list_size;
	}
}
