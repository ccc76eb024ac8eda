/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * module-files-tool VERB ARGUMENT…: what kuro reads of modules, for the tests of
 * tests/integration/module-files. Paths lie below ROOT.
 *
 *   facts ROOT              of each module whose path is a line of the input
 *   exports ROOT            of each likewise, as Module.symvers has them
 *   judge ROOT RELEASE      would that release trust the signature of each likewise
 *   cut ROOT PATH           cut off at, before and behind the bounds of every section
 *   flip ROOT PATH ROUNDS   bits flipped, the same ones in every run
 */
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "probe/kernel-abi.h"

#define PATH_SIZE 4096

typedef int (*reader)(const struct root *root, const char *path, void *data,
		      struct error *err);

static int facts(const struct root *root, const char *path, void *data, struct error *err)
{
	automodule struct module_file file = {0};
	autofree char *firmware = NULL, *depends = NULL;
	size_t weak = 0;
	int r = module_file_read(root, path, &file, err);

	(void)data;
	if (r < 0)
		return r;
	module_file_examine(&file);
	for (size_t i = 0; i < file.import_count; i++)
		weak += file.imports[i].weak;
	firmware = strv_join(&file.firmware, ",");
	depends = strv_join(&file.depends, ",");
	printf("%s|%s|%u|%llu|%s|%s|%s|%s|%zu|%zu|%zu|%zu|%d|%d|%s|%s|%s\n", file.name,
	       file.fault ? file.fault : "", file.machine,
	       (unsigned long long)file.layout, file.vermagic ? file.vermagic : "",
	       file.license ? file.license : "", depends, firmware, file.import_count,
	       weak, file.version_count, file.export_count, file.has_btf, file.btf_sane,
	       file.build_id, file.signature.key ? file.signature.key : "",
	       file.signature.hash ? file.signature.hash : "");
	return 0;
}

static int exports(const struct root *root, const char *path, void *data,
		   struct error *err)
{
	automodule struct module_file whole = {0}, file = {0};
	int r = module_file_read(root, path, &whole, err);

	(void)data;
	if (r == 0 && whole.fault)
		return error_set(err, -ERROR_DAMAGED, "%s: %s", path, whole.fault);
	if (r == 0)
		r = module_file_exports(path, whole.bytes, whole.size, &file, err);
	if (r < 0)
		return r;
	if (file.fault || file.export_count != whole.export_count)
		return error_set(err, -ERROR_DAMAGED, "%s: exports alone differ", path);
	for (size_t i = 0; i < file.export_count; i++) {
		const struct symbol *symbol = &file.exports[i];

		printf("0x%08x\t%s\t%s\t%s\t%s\n", symbol->has_crc ? symbol->crc : 0,
		       symbol->name, symbol->owner,
		       symbol->gpl ? "EXPORT_SYMBOL_GPL" : "EXPORT_SYMBOL",
		       symbol->name_space);
	}
	return 0;
}

static int judge(const struct root *root, const char *path, void *data, struct error *err)
{
	static const char *const words[] = {
		[SIGNATURE_NONE] = "none",
		[SIGNATURE_TRUSTED] = "trusted",
		[SIGNATURE_UNKNOWN_KEY] = "unknown key",
		[SIGNATURE_BAD] = "bad",
		[SIGNATURE_REVOKED_KEY] = "revoked key",
		[SIGNATURE_REVOKED_FILE] = "revoked file",
	};
	const struct trusted_keys *keys = data;
	automodule struct module_file file = {0};
	int r = module_file_read(root, path, &file, err);

	if (r < 0)
		return r;
	printf("%s\n", words[trusted_keys_judge(keys, &file)]);
	return 0;
}

static int each_line(const struct root *root, reader read_one, void *data,
		     struct error *err)
{
	char path[PATH_SIZE];
	int r = 0;

	while (r == 0 && fgets(path, sizeof(path), stdin)) {
		path[strcspn(path, "\n")] = '\0';
		r = read_one(root, path, data, err);
	}
	return r;
}

static int judge_all(const struct root *root, const char *release, struct error *err)
{
	autosource struct kernel_source source = {0};
	autokeys struct trusted_keys *keys = NULL;
	int r = kernel_source_installed(root, release, &source, err);

	if (r == 0)
		r = trusted_keys_probe(root, &source, &keys, err);
	return r < 0 ? r : each_line(root, judge, keys, err);
}

/* A copy of just this size, so that a sanitizer sees what is read behind it. */
static bool is_fault(const void *data, size_t len)
{
	autofree void *copy = mem_zalloc(len);
	automodule struct module_file file = {0}, alone = {0};

	memcpy(copy, data, len);
	if (module_file_parse("/x.ko", copy, len, &file, NULL) < 0 ||
	    module_file_exports("/x.ko", copy, len, &alone, NULL) < 0 ||
	    (!file.fault && (alone.fault || alone.export_count != file.export_count)))
		abort();
	return file.fault != NULL;
}

static int cut(const struct root *root, const char *path, struct error *err)
{
	automodule struct module_file file = {0};
	const Elf64_Ehdr *header;
	const Elf64_Shdr *sections;
	size_t faults = 0, cuts = 0;
	int r = module_file_read(root, path, &file, err);

	if (r < 0)
		return r;
	header = file.bytes;
	sections = (const void *)((const char *)file.bytes + header->e_shoff);
	for (size_t i = 0; i < header->e_shnum; i++) {
		uint64_t ends[] = {sections[i].sh_offset,
				   sections[i].sh_offset + sections[i].sh_size};

		for (size_t k = 0; k < 6; k++) {
			uint64_t len = ends[k / 3] + k % 3 - 1;

			if (len >= file.signature.content)
				continue;
			cuts++;
			faults += is_fault(file.bytes, len);
		}
	}
	printf("%zu of %zu\n", faults, cuts);
	return 0;
}

/* xorshift64 */
static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static int flip(const struct root *root, const char *path, size_t rounds,
		struct error *err)
{
	automodule struct module_file file = {0};
	autofree char *copy = NULL;
	uint64_t seed = 0x6b75726f;
	size_t faults = 0;
	int r = module_file_read(root, path, &file, err);

	if (r < 0)
		return r;
	copy = mem_zalloc(file.size);
	for (size_t round = 0; round < rounds; round++) {
		memcpy(copy, file.bytes, file.size);
		for (int flips = 0; flips < 200; flips++) {
			uint64_t random = next_random(&seed);

			copy[(random >> 8) % file.size] ^= (char)(1 << (random & 7));
		}
		faults += is_fault(copy, file.size);
	}
	printf("%zu of %zu\n", faults, rounds);
	return 0;
}

static int run(int argc, char **argv, const struct root *root, struct error *err)
{
	if (argc == 3 && str_eq(argv[1], "facts"))
		return each_line(root, facts, NULL, err);
	if (argc == 3 && str_eq(argv[1], "exports"))
		return each_line(root, exports, NULL, err);
	if (argc == 4 && str_eq(argv[1], "judge"))
		return judge_all(root, argv[3], err);
	if (argc == 4 && str_eq(argv[1], "cut"))
		return cut(root, argv[3], err);
	if (argc == 5 && str_eq(argv[1], "flip"))
		return flip(root, argv[3], strtoul(argv[4], NULL, 10), err);
	return error_set(err, -ERROR_USAGE, "see the source");
}

int main(int argc, char **argv)
{
	struct error err = {0};
	struct root root;
	int r;

	if (argc < 3 || root_open(&root, argv[2], &err) < 0)
		return EXIT_USAGE;
	r = run(argc, argv, &root, &err);
	if (r < 0)
		fprintf(stderr, "%s: %s\n", error_name(r), err.message);
	root_done(&root);
	return error_exit_status(r);
}
