/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as a kernel image: refused with a sentence, or everything that is read of one
 * is read to its end, and what the symbols say is text.
 */
#include <assert.h>
#include <string.h>

#include "base/cleanup.h"
#include "fuzz.h"
#include "probe/kernel-image.h"

static int touch(void *data, const void *der, size_t len)
{
	const unsigned char *bytes = der;

	for (size_t i = 0; i < len; i++)
		*(unsigned int *)data += bytes[i];
	return 0;
}

static void check_symbols(const struct kernel_image *image)
{
	autosymbols struct symbol_table *table = symbol_table_new();
	struct error err = {0};
	bool versions, flags;

	if (kernel_image_symbols(image, table, &versions, &flags, &err) < 0) {
		assert(err.message[0]);
		return;
	}
	assert(symbol_table_count(table) > 0);
	for (size_t i = 0; i < symbol_table_count(table); i++) {
		const struct symbol *symbol = symbol_table_at(table, i);

		assert(*symbol->name && strlen(symbol->name_space) < 1024);
		assert(symbol_table_find(table, symbol->name) == symbol);
	}
}

static void check_facts(const struct kernel_image *image)
{
	autostrv struct strv names = {0};
	autofree char *vermagic = NULL;
	struct error err = {0};
	unsigned int sum = 0;
	uint64_t layout;

	if (kernel_image_vermagic(image, "6.1.0", &vermagic, &err) == 0)
		assert(str_starts(vermagic, "6.1.0 ") && str_ends(vermagic, " "));
	(void)kernel_image_module_size(image, &layout, &err);
	(void)kernel_image_builtin_names(image, &names, &err);
	(void)kernel_image_certificates(image, touch, &sum, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autoimage struct kernel_image image = {0};
	struct error err = {0};

	if (kernel_image_open("image", data, size, &image, &err) < 0) {
		assert(err.message[0]);
		return 0;
	}
	check_symbols(&image);
	check_facts(&image);
	return 0;
}
