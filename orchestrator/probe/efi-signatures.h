/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * X.509 certificates in a list of UEFI signatures (EFI_SIGNATURE_LIST, UEFI Specification
 * 32.4.1), as db and shim's MokListRT hold them.
 */
#pragma once

#include <stddef.h>

/*
 * each is called with the DER bytes of every certificate; other kinds of signatures are
 * left out. What follows a list that does not hold together is left alone.
 */
void efi_signatures_each(const void *data, size_t len,
			 void (*each)(void *data, const void *der, size_t len),
			 void *each_data);
