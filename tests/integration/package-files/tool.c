/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * package-files-tool VERB FILE…: what kuro reads of packages, a line each, for the tests
 * of tests/integration/package-files. Exit status and standard error are the error's.
 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "core/symbol-table.h"
#include "probe/package-file.h"

static void print_all(const char *what, const struct strv *words)
{
	for (size_t i = 0; i < words->count; i++)
		printf("%s %s\n", what, words->items[i]);
}

static int kernel_print(const struct packaged_kernel *kernel, struct error *err)
{
	static const char *const files[] = {"image",           "config",
					    "symvers",         "modules",
					    "modules.builtin", "modules.builtin.modinfo"};

	printf("kernel %s\n", kernel->release);
	print_all("package", &kernel->packages);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		const void *data;
		size_t len;

		if (kernel->source.file(kernel->source.data, files[i], &data, &len,
					err) == 0)
			printf("file %s %zu\n", files[i], len);
	}
	printf("exports %zu\n",
	       symbol_table_count(kernel->source.exports(kernel->source.data)));
	return 0;
}

/* As Module.symvers has them. */
static int symbols_print(const struct packaged_kernel *kernel, struct error *err)
{
	const struct symbol_table *table = kernel->source.exports(kernel->source.data);

	(void)err; /* nothing is read */
	for (size_t i = 0; i < symbol_table_count(table); i++) {
		const struct symbol *symbol = symbol_table_at(table, i);

		printf("0x%08x\t%s\t%s\t%s\t%s\n", symbol->crc, symbol->name,
		       symbol->owner, symbol->gpl ? "EXPORT_SYMBOL_GPL" : "EXPORT_SYMBOL",
		       symbol->name_space);
	}
	return 0;
}

static int drivers_print(const struct packaged_kernel *kernel, struct error *err)
{
	struct driver_names names;
	int r = packaged_kernel_drivers(kernel, &names, err);

	if (r < 0)
		return r;
	print_all("alias", &names.aliases);
	print_all("module", &names.modules);
	print_all("built-in", &names.built_in);
	driver_names_done(&names);
	return 0;
}

static int module_line(void *data, const char *path, const void *bytes, size_t len,
		       struct error *err)
{
	(void)data;
	(void)err;
	printf("%s %zu %d\n", path, len, len > 4 && memcmp(bytes, "\177ELF", 4) == 0);
	return 0;
}

static int modules_print(const struct packaged_kernel *kernel, struct error *err)
{
	return kernel->source.modules(kernel->source.data, module_line, NULL, err);
}

/* The last module that modules gives, by its path. */
static int module_print(const struct packaged_kernel *kernel, struct error *err)
{
	const void *list;
	autofree void *bytes = NULL;
	autostrv struct strv paths = {0};
	size_t len;
	int r = kernel->source.file(kernel->source.data, "modules", &list, &len, err);

	if (r < 0)
		return r;
	strv_split(&paths, list, "\n");
	for (size_t i = 0; i < paths.count && r == 0; i += paths.count - 1) {
		free(take_ptr(bytes));
		r = kernel->source.module(kernel->source.data, paths.items[i], &bytes,
					  &len, err);
		if (r == 0)
			r = module_line(NULL, paths.items[i], bytes, len, err);
	}
	return r;
}

static int member_print(void *data, struct package_member *member, struct error *err)
{
	(void)data;
	(void)err;
	printf("%s %llu\n", member->path, (unsigned long long)member->size);
	return 0;
}

static int members_print(const struct root *root, const char *path, struct error *err)
{
	autopackage struct package_info info = {0};
	int r = package_file_read(root, path, member_print, NULL, &info, err);

	if (r == 0)
		printf("%s %s %s %s\n", info.rpm ? "rpm" : "deb", info.name, info.version,
		       info.architecture);
	return r;
}

static const struct {
	const char *name;
	int (*print)(const struct packaged_kernel *kernel, struct error *err);
} verbs[] = {
	{"kernels", kernel_print},  {"symbols", symbols_print},
	{"drivers", drivers_print}, {"modules", modules_print},
	{"module", module_print},
};

static int kernels_print(const struct root *root, const char *verb,
			 const struct strv *paths, struct error *err)
{
	autopackaged struct packaged_kernels kernels = {0};
	int r = packaged_kernels_read(root, paths, &kernels, err);

	for (size_t k = 0; k < kernels.count && r == 0; k++)
		for (size_t i = 0; i < ARRAY_LEN(verbs) && r == 0; i++)
			if (str_eq(verbs[i].name, verb))
				r = verbs[i].print(&kernels.items[k], err);
	for (size_t i = 0; i < kernels.module_count; i++)
		printf("third-party %s %s %s\n", kernels.modules[i].name,
		       kernels.modules[i].path,
		       kernels.modules[i].fault ? kernels.modules[i].fault : "sound");
	return r;
}

int main(int argc, char **argv)
{
	autostrv struct strv paths = {0};
	struct error err = {0};
	struct root root;
	struct rusage used;
	int r;

	if (argc < 3)
		return EXIT_USAGE;
	for (int i = 2; i < argc; i++)
		strv_add(&paths, argv[i]);
	r = root_open(&root, "/", &err);
	if (r == 0 && str_eq(argv[1], "members"))
		r = members_print(&root, paths.items[0], &err);
	else if (r == 0)
		r = kernels_print(&root, argv[1], &paths, &err);
	root_done(&root);
	if (getrusage(RUSAGE_SELF, &used) == 0)
		printf("peak %ld KiB\n", used.ru_maxrss);
	if (r < 0)
		fprintf(stderr, "%s: %s\n", error_name(r), err.message);
	return error_exit_status(r);
}
