/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * corpus-facts: what kuro reads of real kernels and modules, as lines of a compat case
 * (tests/cases/run-compat.c). Data of tests/corpus are made with it.
 *
 *   kernel ROOT RELEASE WORDS SET…   the kernel installed below ROOT, booted with WORDS
 *                              on its command line, as far as the modules in the
 *                              folders SET ask for it
 *   modules SET [ROOT RELEASE]   every module in the folder SET; its signature as that
 *                              kernel trusts it
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "probe/kernel-abi.h"

#define MODULES_MAX 512

/* The modules of one folder, with the set that they make. */
struct folder {
	struct module_file files[MODULES_MAX];
	struct strv names; /* as the files are called, without what follows the dot */
	struct compat_set set;
	size_t count;
};

static void folder_free(struct folder *folder)
{
	if (!folder)
		return;
	for (size_t i = 0; i < folder->count; i++)
		module_file_done(&folder->files[i]);
	strv_done(&folder->names);
	compat_set_done(&folder->set);
	free(folder);
}

static void folder_cleanup(struct folder **folder)
{
	folder_free(*folder);
}
#define autofolder cleanup(folder_cleanup)

static int folder_add(struct folder *folder, const struct root *root, const char *file,
		      struct error *err)
{
	autofree char *path = str_format("/%s", file);
	int r;

	if (!strstr(file, ".ko"))
		return 0;
	if (folder->count == MODULES_MAX)
		return error_set(err, -1, "more than %d modules", MODULES_MAX);
	r = module_file_read(root, path, &folder->files[folder->count], err);
	if (r < 0)
		return r;
	module_file_examine(&folder->files[folder->count]);
	strv_add_take(&folder->names, str_ndup(file, strcspn(file, ".")));
	folder->count++;
	return 0;
}

static struct folder *folder_read(const char *path, struct error *err)
{
	autofolder struct folder *folder = mem_zalloc(sizeof(*folder));
	autostrv struct strv files = {0};
	struct root root;
	int r = root_open(&root, path, err);

	if (r < 0)
		return NULL;
	r = root_list(&root, "/", &files, err);
	for (size_t i = 0; r == 0 && i < files.count; i++)
		r = folder_add(folder, &root, files.items[i], err);
	root_done(&root);
	if (r < 0)
		return NULL;
	folder->set.items = mem_zalloc((folder->count + 1) * sizeof(*folder->set.items));
	folder->set.count = folder->count;
	for (size_t i = 0; i < folder->count; i++)
		folder->set.items[i].file = &folder->files[i];
	return take_ptr(folder);
}

/* What the corpus asks of a kernel: its imports and exports; names of modules. */
struct questions {
	struct strv symbols, modules;
};

static void ask_names(struct questions *questions, const struct strv *names)
{
	for (size_t i = 0; i < names->count; i++) {
		strv_add(&questions->modules, names->items[i]);
		for (char *p = questions->modules.items[questions->modules.count - 1]; *p;
		     p++)
			*p = *p == '-' ? '_' : *p;
	}
}

static void ask_of(struct questions *questions, const struct module_file *file)
{
	for (size_t i = 0; i < file->import_count; i++)
		strv_add(&questions->symbols, file->imports[i].symbol);
	for (size_t i = 0; i < file->export_count; i++)
		strv_add(&questions->symbols, file->exports[i].name);
	strv_add(&questions->modules, file->name);
	ask_names(questions, &file->depends);
	ask_names(questions, &file->softdeps_pre);
}

static void print_list(const char *key, const struct strv *all, const struct strv *asked)
{
	bool any = false;

	for (size_t i = 0; i < asked->count; i++) {
		if (i > 0 && str_eq(asked->items[i], asked->items[i - 1]))
			continue;
		if (!strv_has(all, asked->items[i]))
			continue;
		printf("%s %s", any ? "" : key, asked->items[i]);
		any = true;
	}
	if (any)
		printf("\n");
}

static void print_option(const char *name, bool on)
{
	printf(" %s%s", on ? "" : "no-", name);
}

static void print_options(const struct kernel_abi *abi)
{
	printf("kernel: real");
	print_option("layout-checked", abi->layout_checked);
	print_option("modversions", abi->modversions);
	print_option("force-load", abi->force_load);
	print_option("sig-checked", abi->sig_checked);
	print_option("sig-enforced", abi->sig_enforced);
	print_option("livepatch", abi->livepatch);
	print_option("btf-fatal", abi->btf_fatal);
	print_option("export-flags", abi->export_flags);
	print_option("missing-import-allowed", abi->missing_import_allowed);
	print_option("missing-version-allowed", abi->missing_version_allowed);
	for (size_t i = 0; i < abi->blacklisted.count; i++)
		printf("%s %s", i > 0 ? "" : "\nblacklisted:", abi->blacklisted.items[i]);
	printf("\nrelease: %s\n", abi->release);
	printf("vermagic: %s\n", abi->vermagic ? abi->vermagic : "none");
	printf("layout: %llu\n", (unsigned long long)abi->layout);
}

static void print_symbol(const char *key, const struct symbol *symbol, bool versions)
{
	printf("%s %s%s", key, symbol->name, symbol->gpl ? " gpl" : "");
	if (versions && symbol->has_crc)
		printf(" version=%08x", symbol->crc);
	else if (versions)
		printf(" version=none");
	if (*symbol->name_space)
		printf(" namespace=%s", symbol->name_space);
}

static void print_symbols(const struct kernel_abi *abi, const struct strv *asked)
{
	for (size_t i = 0; i < asked->count; i++) {
		const struct symbol *symbol;

		if (i > 0 && str_eq(asked->items[i], asked->items[i - 1]))
			continue;
		symbol = symbol_table_find(abi->symbols, asked->items[i]);
		if (!symbol)
			continue;
		print_symbol("symbol:", symbol, abi->modversions);
		printf(*symbol->owner ? " owner=%s\n" : "%s\n", symbol->owner);
	}
}

static void print_kernel(const struct kernel_abi *abi, struct questions *questions)
{
	strv_add(&questions->symbols, "module_layout");
	strv_sort(&questions->symbols);
	strv_sort(&questions->modules);
	print_options(abi);
	print_list("tree:", &abi->in_tree, &questions->modules);
	print_list("built-in:", &abi->built_in, &questions->modules);
	print_list("taken:", &abi->taken, &questions->modules);
	print_symbols(abi, &questions->symbols);
}

/* Each set is asked for by itself: one of another may have what this one lacks. */
static int ask_sets(const struct kernel_source *source, struct kernel_abi *abi,
		    char **paths, struct questions *questions, struct error *err)
{
	int r = 0;

	for (; *paths && r == 0; paths++) {
		autofolder struct folder *folder = folder_read(*paths, err);

		if (!folder)
			return -1;
		for (size_t i = 0; i < folder->count; i++)
			ask_of(questions, &folder->files[i]);
		r = kernel_abi_add_exports(source, NULL, NULL, abi, &folder->set, err);
	}
	return r;
}

static void abi_cleanup(struct kernel_abi *abi)
{
	kernel_abi_done(abi);
}

/* args: release, words of its command line, folders */
static int tell_kernel(const struct root *root, char **args, struct error *err)
{
	autosource struct kernel_source source = {0};
	cleanup(abi_cleanup) struct kernel_abi abi = {0};
	struct questions questions = {0};
	int r = kernel_source_installed(root, args[0], &source, err);

	if (r == 0)
		r = kernel_abi_probe(&source, NULL, &abi, err);
	if (r == 0)
		kernel_abi_boot(&abi, &source, args[1], false);
	if (r == 0)
		r = ask_sets(&source, &abi, args + 2, &questions, err);
	if (r == 0)
		print_kernel(&abi, &questions);
	strv_done(&questions.symbols);
	strv_done(&questions.modules);
	return r;
}

static int kernel(char **args, struct error *err)
{
	struct root root;
	int r;

	if (!args[0] || !args[1] || !args[2])
		return error_set(err, -ERROR_USAGE, "kernel ROOT RELEASE WORDS SET...");
	r = root_open(&root, args[0], err);
	if (r == 0) {
		r = tell_kernel(&root, args + 1, err);
		root_done(&root);
	}
	return r;
}

static const struct module_version *version_of(const struct module_version *list,
					       size_t count, const char *symbol)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(list[i].symbol, symbol))
			return &list[i];
	return NULL;
}

static void print_version(const char *key, const struct module_version *version)
{
	if (version)
		printf("%s%08x", key, version->crc);
	else
		printf("%snone", key);
}

static void print_import(const struct module_file *file,
			 const struct module_import *import)
{
	printf("  needs: %s%s", import->symbol, import->weak ? " weak" : "");
	if (file->has_versions)
		print_version(" version=", version_of(file->versions, file->version_count,
						      import->symbol));
	if (file->has_versions_ext)
		print_version(" extended=",
			      version_of(file->versions_ext, file->version_ext_count,
					 import->symbol));
	printf("\n");
}

static void print_names(const char *key, const struct strv *names)
{
	autofree char *joined = strv_join(names, " ");

	if (names->count > 0)
		printf("  %s %s\n", key, joined);
}

static const char *versions_word(const struct module_file *file)
{
	if (file->has_versions_ext)
		return file->has_versions ? "both" : "extended";
	return file->has_versions ? "basic" : "none";
}

static const char *tables_word(const struct module_file *file)
{
	if (file->has_export_flags)
		return file->has_gpl_exports ? "both" : "flags";
	return file->has_gpl_exports ? "sections" : "none";
}

/* keys: NULL where no kernel was named; then nobody's is trusted. */
static const char *signature_word(const struct module_file *file,
				  const struct trusted_keys *keys)
{
	if (file->signature.malformed)
		return "damaged";
	if (!file->signature.present)
		return signature_trust_name(SIGNATURE_NONE);
	return signature_trust_name(keys ? trusted_keys_judge(keys, file)
					 : SIGNATURE_UNKNOWN_KEY);
}

static void print_head(const struct module_file *file, const struct trusted_keys *keys)
{
	printf("  machine: %u\n  layout: %llu\n", file->machine,
	       (unsigned long long)file->layout);
	printf("  vermagic: %s\n", file->vermagic ? file->vermagic : "none");
	printf("  license: %s\n", file->license ? file->license : "none");
	printf("  signature: %s\n", signature_word(file, keys));
	printf("  versions: %s\n", versions_word(file));
	print_version("  module_layout: ",
		      version_of(file->versions, file->version_count, "module_layout"));
	printf("\n  tables: %s\n", tables_word(file));
	if (file->doubled)
		printf("  doubled: %s\n", file->doubled);
	if (file->livepatch)
		printf("  livepatch: yes\n");
	if (file->has_btf)
		printf("  btf: %s\n", file->btf_sane ? "sane" : "damaged");
	print_names("imports:", &file->namespaces);
	print_names("depends:", &file->depends);
	print_names("softdep:", &file->softdeps_pre);
}

static void print_module(const char *name, const struct module_file *file,
			 const struct trusted_keys *keys)
{
	printf("module: %s\n", name);
	if (file->fault) {
		printf("  file: malformed %s\n", file->fault);
		return;
	}
	print_head(file, keys);
	for (size_t i = 0; i < file->export_count; i++) {
		print_symbol("  exports:", &file->exports[i], true);
		printf("\n");
	}
	for (size_t i = 0; i < file->import_count; i++)
		print_import(file, &file->imports[i]);
}

static int print_folder(const struct folder *folder, const struct root *root,
			const char *release, struct error *err)
{
	autosource struct kernel_source source = {0};
	autokeys struct trusted_keys *keys = NULL;
	int r = 0;

	if (release)
		r = kernel_source_installed(root, release, &source, err);
	if (release && r == 0)
		r = trusted_keys_probe(root, &source, &keys, err);
	for (size_t i = 0; r == 0 && i < folder->count; i++)
		print_module(folder->names.items[i], &folder->files[i], keys);
	return r;
}

static int modules(char **args, struct error *err)
{
	autofolder struct folder *folder = args[0] ? folder_read(args[0], err) : NULL;
	bool keys = folder && args[1] && args[2];
	struct root root;
	int r = folder ? 0 : -1;

	if (keys)
		r = root_open(&root, args[1], err);
	if (r < 0)
		return r;
	r = print_folder(folder, &root, keys ? args[2] : NULL, err);
	if (keys)
		root_done(&root);
	return r;
}

int main(int argc, char **argv)
{
	struct error err = {0};
	int r = -1;

	if (argc > 1 && str_eq(argv[1], "kernel"))
		r = kernel(argv + 2, &err);
	else if (argc > 1 && str_eq(argv[1], "modules"))
		r = modules(argv + 2, &err);
	else
		(void)error_set(&err, -ERROR_USAGE, "kernel or modules"); /* said below */
	if (r < 0)
		fprintf(stderr, "corpus-facts: %s\n", err.message);
	return r < 0 ? EXIT_FAILED : EXIT_DONE;
}
