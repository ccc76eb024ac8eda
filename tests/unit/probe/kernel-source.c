/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A release's files are found on every layout; its modules are listed without those of
 * others, and depmod's index is asked where it is whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "kmod-index.h"
#include "made-kernel.h"
#include "probe/kernel-abi.h"

static void assert_file(const struct kernel_source *source, const char *what,
			const char *expected)
{
	const void *data;
	size_t len;

	assert_int_equal(source->file(source->data, what, &data, &len, NULL), 0);
	assert_int_equal(len, strlen(expected));
	assert_memory_equal(data, expected, len);
}

static void image_of_the_tree_comes_first(void **state)
{
	const struct made_machine *m = *state;
	autosource struct kernel_source source = {0};

	made_file(&m->root, "/usr/lib/modules/" REL "/vmlinuz", "of the tree");
	made_file(&m->root, "/boot/vmlinuz-" REL, "of boot");
	made_source(m, &source);
	assert_string_equal(source.release, REL);
	assert_file(&source, "image", "of the tree");
}

static void images_are_found_by_every_name(void **state)
{
	static const char *const names[] = {"/usr/lib/modules/" REL "/vmlinuz",
					    "/boot/vmlinuz-" REL,
					    "/usr/lib/modules/" REL "/Image",
					    "/boot/Image-" REL, "/boot/vmlinux-" REL};
	const struct made_machine *m = *state;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		autosource struct kernel_source source = {0};

		made_file(&m->root, names[i], names[i]);
		made_source(m, &source);
		assert_file(&source, "image", names[i]);
		assert_int_equal(root_unlink(&m->root, names[i], NULL), 0);
	}
}

static void entry_alone_knows_the_image(void **state)
{
	const struct made_machine *m = *state;
	autosource struct kernel_source source = {0};

	made_file(&m->root, "/efi/m/" REL "/linux", "on the ESP");
	made_file(&m->root, "/efi/loader/entries/m-" REL ".conf",
		  "version " REL "\nlinux /m/" REL "/linux\n");
	made_source(m, &source);
	assert_file(&source, "image", "on the ESP");
}

static void config_and_lists_are_found(void **state)
{
	const struct made_machine *m = *state;
	autosource struct kernel_source source = {0};
	const void *data;
	size_t len;

	made_file(&m->root, "/boot/vmlinuz-" REL, "image");
	made_file(&m->root, "/boot/config-" REL, "of boot");
	made_file(&m->root, TREE "/modules.order", "order");
	made_file(&m->root, TREE "/modules.builtin", "");
	made_source(m, &source);
	assert_file(&source, "config", "of boot");
	assert_file(&source, "modules.order", "order");
	assert_file(&source, "modules.builtin", "");
	assert_int_equal(source.file(source.data, "modules.builtin.modinfo", &data, &len,
				     NULL),
			 -ENOENT);
	assert_int_equal(source.file(source.data, "../../etc/shadow", &data, &len, NULL),
			 -ENOENT);
}

/* gzip of SYMVERS_LINE. */
#define SYMVERS_LINE "0x12345678\tgz_symbol\tvmlinux\tEXPORT_SYMBOL_GPL\t\n"
static const unsigned char symvers_gz[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00,
					   0x02, 0x03, 0x33, 0xa8, 0x30, 0x34, 0x32, 0x36,
					   0x31, 0x35, 0x33, 0xb7, 0xe0, 0x4c, 0xaf, 0x8a,
					   0x2f, 0xae, 0xcc, 0x4d, 0xca, 0xcf, 0xe1, 0x2c,
					   0xcb, 0xcd, 0xc9, 0xcc, 0x2b, 0xad, 0xe0, 0x74,
					   0x8d, 0x08, 0xf0, 0x0f, 0x0a, 0x89, 0x0f, 0x8e,
					   0xf4, 0x75, 0xf2, 0xf7, 0x89, 0x77, 0x0f, 0xf0,
					   0xe1, 0xe4, 0x02, 0x00, 0x0c, 0x1f, 0x50, 0xae,
					   0x30, 0x00, 0x00, 0x00};

static void symvers_is_found_packed_and_behind_a_link(void **state)
{
	const struct made_machine *m = *state;
	autosource struct kernel_source packed = {0}, built = {0};

	made_bytes(&m->root, "/boot/symvers-" REL ".gz", symvers_gz, sizeof(symvers_gz));
	made_source(m, &packed);
	assert_file(&packed, "symvers", SYMVERS_LINE);
	made_file(&m->root, "/usr/src/headers/Module.symvers", "of the headers");
	made_dir(&m->root, TREE);
	made_link(&m->root, "/usr/src/headers", TREE "/build");
	made_source(m, &built);
	assert_file(&built, "symvers", "of the headers");
}

static void a_release_that_is_not_here_is_refused(void **state)
{
	const struct made_machine *m = *state;
	struct kernel_source source = {0};
	struct error err = {0};

	made_file(&m->root, TREE "/modules.dep", "");
	assert_int_equal(kernel_source_installed(&m->root, REL, &source, &err), -ENOENT);
	assert_non_null(strstr(err.message, REL));
	assert_int_equal(kernel_source_installed(&m->root, "../etc", &source, &err),
			 -EINVAL);
	assert_null(source.done);
}

static void only_the_kernels_own_modules_are_listed(void **state)
{
	const struct made_machine *m = *state;
	autosource struct kernel_source source = {0}, walked = {0};

	made_release(m);
	made_source(m, &source);
	assert_file(&source, "modules",
		    TREE "/kernel/net/two-mod.ko\n" TREE "/kernel/fs/one-mod.ko\n");
	assert_int_equal(root_unlink(&m->root, TREE "/modules.dep", NULL), 0);
	made_source(m, &walked);
	assert_file(&walked, "modules",
		    TREE "/kernel/fs/one-mod.ko\n" TREE "/kernel/net/two-mod.ko\n");
}

struct walk_seen {
	struct strv paths;
	size_t stop_at;
	size_t last_len;
};

static int see_module(void *data, const char *path, const void *bytes, size_t len,
		      struct error *err)
{
	struct walk_seen *seen = data;

	(void)bytes;
	(void)err;
	strv_add(&seen->paths, path);
	seen->last_len = len;
	return seen->paths.count == seen->stop_at ? 7 : 0;
}

static void modules_are_walked_and_unpacked(void **state)
{
	const struct made_machine *m = *state;
	autosource struct kernel_source source = {0};
	struct walk_seen all = {0}, first = {.stop_at = 1};

	made_release(m);
	made_bytes(&m->root, TREE "/kernel/zip.ko.gz", symvers_gz, sizeof(symvers_gz));
	made_bytes(&m->root, TREE "/kernel/cut.ko.gz", symvers_gz,
		   sizeof(symvers_gz) - 20);
	made_link(&m->root, "..", TREE "/kernel/loop");
	made_dir(&m->root, TREE "/kernel/dir.ko");
	made_source(m, &source);
	assert_int_equal(source.modules(source.data, see_module, &all, NULL), 0);
	assert_int_equal(all.paths.count, 3);
	assert_string_equal(all.paths.items[0], TREE "/kernel/fs/one-mod.ko");
	assert_string_equal(all.paths.items[2], TREE "/kernel/zip.ko.gz");
	assert_int_equal(all.last_len, strlen(SYMVERS_LINE));
	assert_int_equal(source.modules(source.data, see_module, &first, NULL), 7);
	assert_int_equal(first.paths.count, 1);
	strv_done(&all.paths);
	strv_done(&first.paths);
}

static void assert_provider(const struct kernel_source *source, const char *symbol,
			    const char *expected)
{
	autofree char *path = NULL;
	struct error err = {0};

	if (source->provider(source->data, symbol, &path, &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(path, expected);
}

static void the_kernels_own_provider_is_preferred(void **state)
{
	const struct made_machine *m = *state;
	autosource struct kernel_source source = {0};
	autofree char *path = NULL;
	autofree void *bytes = NULL;
	size_t len;

	made_release(m);
	made_source(m, &source);
	assert_provider(&source, "one", TREE "/kernel/fs/one-mod.ko");
	assert_provider(&source, "two", TREE "/kernel/net/two-mod.ko");
	assert_int_equal(source.provider(source.data, "nothing", &path, NULL), -ENOENT);
	assert_int_equal(source.provider(source.data, "foreign", &path, NULL), -ENOENT);
	assert_int_equal(source.module(source.data, TREE "/kernel/fs/one-mod.ko", &bytes,
				       &len, NULL),
			 0);
	assert_memory_equal(bytes, "\177ELF", 4);
}

/* Fedora moves modules of its own out of kernel/; modules.order still has them. */
static void a_module_of_modules_order_is_the_kernels_own(void **state)
{
	const struct made_machine *m = *state;
	autosource struct kernel_source source = {0};

	made_release(m);
	made_file(&m->root, TREE "/modules.order",
		  "kernel/fs/one-mod.ko\nupdates/alien.ko\n");
	made_source(m, &source);
	assert_provider(&source, "foreign", TREE "/updates/alien.ko");
}

/* RHEL's kernel-modules-extra: extra/net of what the build has as kernel/net. */
static void a_module_that_was_moved_is_the_kernels_own(void **state)
{
	static const struct made_key modules[] = {{"alien", {"extra/net/alien.ko:"}},
						  {NULL, {NULL}}};
	static const struct made_key symbols[] = {{"symbol:foreign", {"alien"}},
						  {NULL, {NULL}}};
	const struct made_machine *m = *state;
	autosource struct kernel_source source = {0};
	autofree char *path = NULL;

	made_release(m);
	made_indexes(&m->root, TREE, modules, symbols);
	made_file(&m->root, TREE "/modules.dep",
		  "extra/net/alien.ko:\nextra/x/alien.ko:\n");
	made_file(&m->root, TREE "/modules.order", "kernel/net/alien.ko\nkernel/x.ko\n");
	made_source(m, &source);
	assert_file(&source, "modules", TREE "/extra/net/alien.ko\n");
	assert_provider(&source, "foreign", TREE "/extra/net/alien.ko");
	/* a third party's may lie there while the kernel's is in its place */
	made_module_file(&m->root, TREE "/kernel/net/alien.ko", &module_two);
	assert_int_equal(source.provider(source.data, "foreign", &path, NULL), -ENOENT);
}

static void a_damaged_index_is_not_asked(void **state)
{
	const struct made_machine *m = *state;
	autosource struct kernel_source source = {0};
	autofree char *path = NULL;

	made_release(m);
	made_file(&m->root, TREE "/modules.symbols.bin", "\xb0\x07\xf4\x57");
	made_source(m, &source);
	assert_int_equal(source.provider(source.data, "one", &path, NULL), -ENOTSUP);
}

static void an_index_is_looked_over_to_its_last_byte(void **state)
{
	static const struct made_key keys[] = {{"symbol:one", {"one_mod", "other"}},
					       {"symbol:two", {"two_mod"}},
					       {NULL, {NULL}}};
	unsigned char *bytes;
	uint32_t root;
	size_t len;

	(void)state;
	bytes = made_index(keys, strlen("symbol:"), &len);
	assert_true(kmod_index_whole(bytes, len));
	for (size_t cut = 0; cut < len; cut++)
		assert_false(kmod_index_whole(bytes, cut));
	/* The first child is its own parent. */
	memcpy(&root, bytes + 8, sizeof(root));
	memcpy(bytes + len - 4, &root, sizeof(root));
	assert_false(kmod_index_whole(bytes, len));
	free(bytes);
}

static void assert_found(const unsigned char *bytes, size_t len, const char *name,
			 const char *values)
{
	autostrv struct strv found = {0};
	autofree char *joined = NULL;
	int r = kmod_index_find(bytes, len, name, &found);

	assert_int_equal(r, *values ? 0 : -ENOENT);
	joined = strv_join(&found, " ");
	assert_string_equal(joined, values);
}

static void a_name_is_found_whole(void **state)
{
	static const struct made_key keys[] = {{"symbol:one", {"one_mod", "other"}},
					       {"symbol:two", {"two_mod"}},
					       {NULL, {NULL}}};
	static const char *const others[] = {
		"",           "symbol:", "symbol:on", "symbol:ones", "symbol:tw",
		"symbol:owo", "one",     "symbol:*",  "symbol:\xff"};
	autofree unsigned char *bytes = NULL;
	size_t len;

	(void)state;
	bytes = made_index(keys, strlen("symbol:"), &len);
	assert_found(bytes, len, "symbol:one", "one_mod other");
	assert_found(bytes, len, "symbol:two", "two_mod");
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		assert_found(bytes, len, others[i], "");
}

/* Cut off at the end of memory of its own, or with a byte changed: an answer, the right
 * one, or damage. */
static void a_damaged_index_gives_no_wrong_place(void **state)
{
	static const struct made_key keys[] = {{"symbol:one", {"one_mod", "other"}},
					       {"symbol:two", {"two_mod"}},
					       {NULL, {NULL}}};
	autofree unsigned char *bytes = NULL;
	size_t len, damaged = 0;

	(void)state;
	bytes = made_index(keys, strlen("symbol:"), &len);
	for (size_t i = 0; i < len; i++) {
		autostrv struct strv cut = {0}, changed = {0};
		autofree unsigned char *copy = mem_zalloc(i);

		memcpy(copy, bytes, i);
		damaged += kmod_index_find(copy, i, "symbol:one", &cut) < 0;
		bytes[i] ^= 0xff;
		(void)kmod_index_find(bytes, len, "symbol:one", &changed);
		assert_true(changed.count <= 2);
		bytes[i] ^= 0xff;
	}
	assert_int_equal(damaged, len); /* its root is at its end */
}

#define MACHINE_TEST(f) \
	cmocka_unit_test_setup_teardown(f, made_machine_set_up, made_machine_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(image_of_the_tree_comes_first),
		MACHINE_TEST(images_are_found_by_every_name),
		MACHINE_TEST(entry_alone_knows_the_image),
		MACHINE_TEST(config_and_lists_are_found),
		MACHINE_TEST(symvers_is_found_packed_and_behind_a_link),
		MACHINE_TEST(a_release_that_is_not_here_is_refused),
		MACHINE_TEST(only_the_kernels_own_modules_are_listed),
		MACHINE_TEST(modules_are_walked_and_unpacked),
		MACHINE_TEST(the_kernels_own_provider_is_preferred),
		MACHINE_TEST(a_module_of_modules_order_is_the_kernels_own),
		MACHINE_TEST(a_module_that_was_moved_is_the_kernels_own),
		MACHINE_TEST(a_damaged_index_is_not_asked),
		cmocka_unit_test(an_index_is_looked_over_to_its_last_byte),
		cmocka_unit_test(a_name_is_found_whole),
		cmocka_unit_test(a_damaged_index_gives_no_wrong_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
