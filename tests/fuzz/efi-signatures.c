/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A variable of the firmware of any content: what is given out lies within it, in order
 * and apart.
 */
#include <stdlib.h>

#include "efi-signatures.h"
#include "fuzz.h"

struct bounds {
	const uint8_t *at, *end;
};

static void check(void *data, const void *der, size_t len)
{
	struct bounds *bounds = data;
	const uint8_t *p = der;

	if (p < bounds->at || p > bounds->end || len == 0 ||
	    len > (size_t)(bounds->end - p))
		abort();
	bounds->at = p + len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bounds bounds = {data, data + size};

	efi_signatures_each(EFI_SIGNATURE_X509, data, size, check, &bounds);
	bounds.at = data;
	efi_signatures_each(EFI_SIGNATURE_SHA256, data, size, check, &bounds);
	return 0;
}
