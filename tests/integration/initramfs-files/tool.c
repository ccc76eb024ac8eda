/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * initramfs-tool list FILE: what kuro reads of an image, a line a thing, its peak last.
 * initramfs-tool compare FILE DIR: which of its modules are not those of the trees in
 * DIR.
 */
#include <stdio.h>
#include <string.h>

#include "base/root-file.h"
#include "core/initramfs.h"
#include "probe/initramfs.h"

static void cleanup_root(struct root *root)
{
	root_done(root);
}

/* Of this program alone: getrusage(2) counts who started it, too. */
static void print_peak(const struct root *root)
{
	autofree char *text = NULL;
	const char *line = NULL;

	if (root_read(root, "/proc/self/status", 65536, &text, NULL, NULL) == 0)
		line = strstr(text, "VmHWM:");
	printf("peak %s\n",
	       line ? strtok(text + (line - text) + strlen("VmHWM:"), "\t k") : "-1");
}

static void print_image(const struct initramfs *image)
{
	if (image->fault)
		printf("fault %s\n", image->fault);
	for (size_t i = 0; i < image->segment_count; i++) {
		const struct initramfs_segment *segment = &image->segments[i];

		printf("segment %ju %ju %ju %s %zu%s\n", (uintmax_t)segment->offset,
		       (uintmax_t)segment->packed, (uintmax_t)segment->plain,
		       segment->packing, segment->entries,
		       segment->early ? " early" : "");
	}
	for (size_t i = 0; i < image->trees.count; i++)
		printf("tree %s\n", image->trees.items[i]);
	for (size_t i = 0; i < image->module_count; i++) {
		const struct initramfs_module *module = &image->modules[i];

		printf("module %s %s %s %ju %s%s%s\n", module->path, module->name,
		       module->content.packing, (uintmax_t)module->content.size,
		       module->content.digest,
		       module->content.is_signed ? " signed " : " - ",
		       module->content.build_id);
	}
	for (size_t i = 0; i < image->files.count; i++)
		printf("file %s\n", image->files.items[i]);
	printf("init%s%s\n", image->init ? " there" : "",
	       image->init_executable ? " executable" : "");
}

static int compare(const struct initramfs *image, const char *folder, struct error *err)
{
	cleanup(cleanup_root) struct root root = {.fd = -1};
	int r = root_open(&root, folder, err);

	for (size_t i = 0; r == 0 && i < image->module_count; i++) {
		const struct initramfs_module *module = &image->modules[i];
		struct module_content installed;
		const char *below = module->path + strlen("lib/modules");
		autofree char *path = str_dup(below);
		autofree char *packed = str_format("%s.xz", below);

		r = module_content_probe(&root, root_exists(&root, path) ? path : packed,
					 module->content.packing, &installed, err);
		if (r == 0 && !module_content_equal(&module->content, &installed))
			printf("differs %s\n", module->path);
	}
	printf("compared %zu\n", image->module_count);
	return r;
}

int main(int argc, char **argv)
{
	cleanup(cleanup_root) struct root root = {.fd = -1};
	autoinitramfs struct initramfs image = {0};
	struct error err = {0};
	int r;

	if (argc < 3)
		return EXIT_USAGE;
	r = root_open(&root, "/", &err);
	if (r == 0)
		r = initramfs_read(&root, argv[2], &image, &err);
	if (r == 0 && str_eq(argv[1], "list"))
		print_image(&image);
	if (r == 0 && str_eq(argv[1], "compare") && argc > 3)
		r = compare(&image, argv[3], &err);
	if (r < 0)
		(void)fprintf(stderr, "%s\n", err.message);
	print_peak(&root);
	return r < 0 ? EXIT_FAILED : EXIT_DONE;
}
