/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A module file of any content: read whole and for its exports alone, its signature
 * judged. What is found lies within the file and ends with NUL; both ways of reading
 * find the same exports. Compressed input is left to the target of decompression.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "fuzz.h"
#include "probe/decompress.h"
#include "probe/kernel-abi.h"

static void must(bool held)
{
	if (!held)
		abort();
}

/* Touches every byte of it, for the sanitizer. */
static size_t length(const char *text)
{
	return text ? strlen(text) : 0;
}

static size_t texts_length(const struct module_file *file)
{
	size_t sum = length(file->name) + length(file->vermagic) + length(file->license) +
		     length(file->version) + length(file->srcversion) +
		     length(file->provenance) + length(file->signature.signer) +
		     length(file->signature.key) + length(file->signature.hash);

	for (size_t i = 0; i < file->import_count; i++)
		sum += length(file->imports[i].symbol);
	for (size_t i = 0; i < file->version_count; i++)
		sum += length(file->versions[i].symbol);
	for (size_t i = 0; i < file->version_ext_count; i++)
		sum += length(file->versions_ext[i].symbol);
	return sum;
}

static void compare_exports(const struct module_file *a, const struct module_file *b)
{
	must(a->export_count == b->export_count);
	for (size_t i = 0; i < a->export_count; i++) {
		const struct symbol *x = &a->exports[i], *y = &b->exports[i];

		must(strcmp(x->name, y->name) == 0 && strcmp(x->owner, y->owner) == 0 &&
		     strcmp(x->name_space, y->name_space) == 0);
		must(x->crc == y->crc && x->has_crc == y->has_crc && x->gpl == y->gpl);
	}
}

/* A configuration without key rings: neither firmware nor image is asked. */
static int no_rings(void *data, const char *what, const void **ret, size_t *ret_len,
		    struct error *err)
{
	(void)data;
	if (strcmp(what, "config") != 0)
		return error_set(err, -ENOENT, "no %s", what);
	*ret = "";
	*ret_len = 0;
	return 0;
}

static void judge(const struct module_file *file)
{
	const struct kernel_source source = {.release = "6.1.0", .file = no_rings};
	const struct root root = {.fd = -1};
	autokeys struct trusted_keys *keys = NULL;

	must(trusted_keys_probe(&root, &source, &keys, NULL) == 0);
	must(trusted_keys_judge(keys, file) != SIGNATURE_TRUSTED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	automodule struct module_file whole = {0}, exports = {0};

	if (compression_of(data, size) != COMPRESSION_NONE)
		return 0;
	must(module_file_parse("/x.ko", data, size, &whole, NULL) == 0);
	must(module_file_exports("/x.ko", data, size, &exports, NULL) == 0);
	must(whole.name && exports.name);
	(void)texts_length(&whole); /* its reading is what counts */
	if (!whole.fault) {
		must(!exports.fault);
		compare_exports(&whole, &exports);
	}
	module_file_examine(&whole);
	judge(&whole);
	module_file_keep(&whole);
	(void)texts_length(&whole); /* and what was moved */
	judge(&whole);
	return 0;
}
