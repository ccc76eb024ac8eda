/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Certificates and hashes in a list of UEFI signatures (EFI_SIGNATURE_LIST, UEFI
 * Specification 32.4.1), as db, dbx and shim's MokListRT and MokListXRT hold them.
 */
#pragma once

#include <stddef.h>

enum efi_signature {
	EFI_SIGNATURE_X509,   /* the DER bytes of a certificate */
	EFI_SIGNATURE_SHA256, /* of a file */
};

/*
 * each is called with every signature of that kind; others are left out. What follows a
 * list that does not hold together is left alone.
 */
void efi_signatures_each(enum efi_signature kind, const void *data, size_t len,
			 void (*each)(void *data, const void *signature, size_t len),
			 void *each_data);
