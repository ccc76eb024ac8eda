/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What kuro reads of a kernel image, for tests/integration/kernel-images/run.
 *
 *   tool facts IMAGE RELEASE      vermagic, size of struct module, names, certificates
 *   tool compare IMAGE SYMVERS    the image's exports beside Module.symvers' "vmlinux"
 *   tool symbols IMAGE            only reads them
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/root-file.h"
#include "probe/kernel-image.h"

#define SYMVERS_MAX ((size_t)64 * 1024 * 1024)

static int count_certificate(void *data, const void *der, size_t len)
{
	(void)der;
	(void)printf("certificate %zu bytes\n", len);
	++*(size_t *)data;
	return 0;
}

static int facts(const struct kernel_image *image, const char *release, struct error *err)
{
	autofree char *vermagic = NULL;
	autostrv struct strv names = {0};
	uint64_t size = 0;
	size_t certificates = 0;
	int r = kernel_image_vermagic(image, release, &vermagic, err);

	if (r == 0)
		r = kernel_image_module_size(image, &size, err);
	if (r == 0)
		r = kernel_image_builtin_names(image, &names, err);
	if (r == 0)
		r = kernel_image_certificates(image, count_certificate, &certificates,
					      err);
	if (r < 0)
		return r;
	(void)printf("machine %u\nvermagic %s|\nlayout %ju\n", image->machine, vermagic,
		     (uintmax_t)size);
	for (size_t i = 0; i < names.count; i++)
		(void)printf("name %s\n", names.items[i]);
	(void)printf("certificates %zu\n", certificates);
	return 0;
}

/* Those of the image itself. */
static int read_symvers(const struct root *live, const char *path,
			struct symbol_table *table, struct error *err)
{
	autosymbols struct symbol_table *all = symbol_table_new();
	autofree char *text = NULL;
	bool versions;
	size_t len;
	int r = root_read(live, path, SYMVERS_MAX, &text, &len, err);

	if (r == 0)
		r = symvers_parse(path, text, len, all, &versions, err);
	for (size_t i = 0; r == 0 && i < symbol_table_count(all); i++) {
		const struct symbol *symbol = symbol_table_at(all, i);

		if (!*symbol->owner)
			r = symbol_table_add(table, symbol);
	}
	return r;
}

static int compare(const struct root *live, const struct symbol_table *symbols,
		   const char *path, struct error *err)
{
	autosymbols struct symbol_table *symvers = symbol_table_new();
	struct symbol_difference found;
	int r = read_symvers(live, path, symvers, err);

	if (r < 0)
		return r;
	symbol_table_compare(symbols, symvers, &found);
	(void)printf("image %zu symvers %zu missing %zu more %zu differ %zu %s\n",
		     symbol_table_count(symbols), symbol_table_count(symvers),
		     found.missing, found.more, found.differ,
		     found.first ? found.first : "");
	r = found.first ? 1 : 0;
	free(found.first);
	return r;
}

static int run(const struct root *live, char **argv, const struct kernel_image *image,
	       struct error *err)
{
	autosymbols struct symbol_table *symbols = symbol_table_new();
	bool versions, flags;
	int r;

	if (str_eq(argv[1], "facts"))
		return facts(image, argv[3], err);
	r = kernel_image_symbols(image, symbols, &versions, &flags, err);
	if (r == 0)
		(void)printf("symbols %zu versions %d flags %d\n",
			     symbol_table_count(symbols), versions, flags);
	if (r == 0 && str_eq(argv[1], "compare"))
		r = compare(live, symbols, argv[3], err);
	return r;
}

static int open_and_run(const struct root *live, char **argv, struct error *err)
{
	autoimage struct kernel_image image = {0};
	autoclose int fd = root_openat(live, argv[2], O_RDONLY, 0);
	struct stat st;
	void *data;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, fd < 0 ? fd : -errno, "%s", argv[2]);
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return error_errno(err, -errno, "%s", argv[2]);
	r = kernel_image_open(argv[2], data, (size_t)st.st_size, &image, err);
	if (r == 0)
		r = run(live, argv, &image, err);
	(void)munmap(data, (size_t)st.st_size); /* the program ends here */
	return r;
}

int main(int argc, char **argv)
{
	struct error err = {0};
	struct root live;
	int r;

	if (argc < 3 + !str_eq(argc > 1 ? argv[1] : "", "symbols"))
		return EXIT_USAGE;
	r = root_open(&live, "/", &err);
	if (r == 0)
		r = open_and_run(&live, argv, &err);
	if (r < 0)
		fprintf(stderr, "%s\n", err.message);
	root_done(&live);
	return r < 0 ? EXIT_FAILED : r;
}
