/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as a manifest: refused, or read as one that is the same after it was written
 * and read again, and whose boot.cfg has the lines of every boot.cfg and no further.
 */
#include <assert.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/manifest.h"
#include "fuzz.h"

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void check(const struct manifest *m)
{
	autofree char *text = manifest_format(m), *text_again = NULL;
	autofree char *script = manifest_boot_cfg(m), *sums = manifest_sums(m);
	automanifest struct manifest again = {0};
	size_t sized =
		(manifest_file(m, "vmlinuz")->size > 0) +
		(manifest_file(m, "initrd.img") && manifest_file(m, "initrd.img")->size);

	assert(manifest_parse(text, strlen(text), &again, NULL) == 0);
	text_again = manifest_format(&again);
	assert(strcmp(text, text_again) == 0);
	assert(count_lines(script) == 14 + sized);
	assert(count_lines(sums) <= m->file_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	automanifest struct manifest m = {0};
	struct error err = {0};
	int r = manifest_parse((const char *)data, size, &m, &err);

	assert(r == 0 || (r == -ERROR_DAMAGED && err.message[0]));
	if (r == 0)
		check(&m);
	return 0;
}
