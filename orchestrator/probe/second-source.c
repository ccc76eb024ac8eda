/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Module.symvers beside an image that was read. Both are known again by their identities:
 * comparing them takes as long as vetting a hundred modules.
 */
#include <string.h>

#include "base/cleanup.h"
#include "file-notes.h"
#include "probe/kernel-image.h"

#define NOTED "symvers"

/* Those of the image alone. */
static void symbols_of_image(const struct symbol_table *from, struct symbol_table *ret)
{
	for (size_t i = 0; i < symbol_table_count(from); i++) {
		const struct symbol *symbol = symbol_table_at(from, i);

		if (*symbol->owner == '\0')
			(void)symbol_table_add(ret, symbol); /* names are single there */
	}
}

static int symvers_read(const struct kernel_source *source, struct symbol_table *ret,
			struct error *err)
{
	autosymbols struct symbol_table *all = symbol_table_new();
	bool versions = false;
	const void *bytes;
	size_t len = 0;
	int r = source->file(source->data, "symvers", &bytes, &len, err);

	if (r == 0)
		r = symvers_parse("Module.symvers", bytes, len, all, &versions, err);
	if (r == 0)
		symbols_of_image(all, ret);
	return r;
}

/* "" where they agree. */
static char *difference_of(const struct kernel_abi *abi,
			   const struct symbol_table *symvers)
{
	struct symbol_difference difference = {0};
	char *text;

	symbol_table_compare(abi->symbols, symvers, &difference);
	if (!difference.first)
		return str_dup("");
	text = str_format("the image of %s and its Module.symvers disagree (%zu symbols "
			  "are in the image only, %zu in Module.symvers only, %zu "
			  "differ; first: %s): modules built against these headers may "
			  "not load",
			  abi->release, difference.missing, difference.more,
			  difference.differ, difference.first);
	free(difference.first);
	return text;
}

/* Of both files; NULL where one of them has none, or there is but one. */
static char *identity_of(const struct kernel_source *source)
{
	autofree char *image = NULL, *symvers = NULL;

	if (!source->identity)
		return NULL;
	image = source->identity(source->data, "image");
	if (image)
		symvers = source->identity(source->data, "symvers");
	return symvers ? str_format("%s, %s", image, symvers) : NULL;
}

int kernel_abi_second_source(const struct kernel_source *source,
			     const struct symbol_cache *cache,
			     const struct kernel_abi *abi, char **ret, struct error *err)
{
	autosymbols struct symbol_table *symvers = NULL;
	autofree char *before = identity_of(source), *identity = NULL;
	char *text = file_note_find(cache, source->release, NOTED, before);
	int r;

	if (!text) {
		symvers = symbol_table_new();
		r = symvers_read(source, symvers, err);
		if (r < 0)
			return r;
		text = difference_of(abi, symvers);
		identity = identity_of(source); /* of what was read */
		file_note_keep(cache, source->release, NOTED, identity, text);
	}
	if (*text == '\0') {
		free(text);
		text = NULL;
	}
	*ret = text;
	return 0;
}
