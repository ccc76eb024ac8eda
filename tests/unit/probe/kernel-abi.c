/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a kernel offers is taken from the best source there is and kept by the image's
 * content; only modules that export what is needed are opened; a damaged image is never
 * believed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/process.h"
#include "file-notes.h"
#include "made-kernel.h"
#include "probe/kernel-abi.h"

#define CHECKS ".gnu.linkonce.this_module section size must match the kernel's"

static void probe(const struct kernel_source *source, struct kernel_abi *ret)
{
	struct error err = {0};

	if (kernel_abi_probe(source, NULL, ret, &err) < 0)
		fail_msg("%s", err.message);
}

/* gzip of "0x12345678\tgz_symbol\tvmlinux\tEXPORT_SYMBOL_GPL\t\n". */
static const unsigned char symvers_gz[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00,
					   0x02, 0x03, 0x33, 0xa8, 0x30, 0x34, 0x32, 0x36,
					   0x31, 0x35, 0x33, 0xb7, 0xe0, 0x4c, 0xaf, 0x8a,
					   0x2f, 0xae, 0xcc, 0x4d, 0xca, 0xcf, 0xe1, 0x2c,
					   0xcb, 0xcd, 0xc9, 0xcc, 0x2b, 0xad, 0xe0, 0x74,
					   0x8d, 0x08, 0xf0, 0x0f, 0x0a, 0x89, 0x0f, 0x8e,
					   0xf4, 0x75, 0xf2, 0xf7, 0x89, 0x77, 0x0f, 0xf0,
					   0xe1, 0xe4, 0x02, 0x00, 0x0c, 0x1f, 0x50, 0xae,
					   0x30, 0x00, 0x00, 0x00};

static void assert_symbol(const struct kernel_abi *abi, const char *name, uint32_t crc,
			  const char *owner)
{
	const struct symbol *symbol = symbol_table_find(abi->symbols, name);

	assert_non_null(symbol);
	assert_true(symbol->has_crc);
	assert_int_equal(symbol->crc, crc);
	assert_string_equal(symbol->owner, owner);
}

static void everything_of_a_kernel_is_found(void **state)
{
	const struct made_machine *m = *state;
	autosource struct kernel_source source = {0};
	autoabi struct kernel_abi abi = {0};

	made_release(m);
	made_source(m, &source);
	probe(&source, &abi);
	assert_string_equal(abi.release, REL);
	assert_string_equal(abi.vermagic, VERMAGIC);
	assert_int_equal(abi.machine, 62);
	assert_int_equal(abi.layout, 896);
	assert_false(abi.layout_checked);
	assert_true(abi.config_known);
	assert_true(abi.modversions);
	assert_true(abi.sig_checked);
	assert_false(abi.sig_enforced);
	assert_false(abi.from_symvers);
	assert_false(abi.export_flags);
	assert_int_equal(symbol_table_count(abi.symbols), 2);
	assert_symbol(&abi, "alpha", 0x11111111, "");
	assert_true(symbol_table_find(abi.symbols, "beta")->gpl);
	assert_int_equal(abi.in_tree.count, 2);
	assert_string_equal(abi.in_tree.items[0], "one_mod");
	assert_string_equal(abi.in_tree.items[1], "two_mod");
	assert_int_equal(abi.built_in.count, 2);
	assert_string_equal(abi.built_in.items[0], "crc_itu_t");
}

static void without_a_module_the_image_tells(void **state)
{
	const struct made_machine *m = *state;
	autosource struct kernel_source source = {0};
	autoabi struct kernel_abi abi = {0};

	made_kernel(m, "/boot/vmlinuz-" REL, VERMAGIC);
	made_source(m, &source);
	probe(&source, &abi);
	assert_string_equal(abi.vermagic, VERMAGIC);
	assert_int_equal(abi.machine, 62);
	assert_int_equal(abi.layout, 0);
	assert_int_equal(abi.in_tree.count, 0);
	/* No configuration either: the vermagic says that there are versions. */
	assert_false(abi.config_known);
	assert_true(abi.modversions);
	assert_true(abi.force_load);
	assert_false(abi.btf_fatal);
}

/* One put into kernel/ by hand says nothing of this kernel. */
static void a_foreign_module_is_no_witness(void **state)
{
	static const struct made_module foreign = {.name = "aa",
						   .vermagic = "5.10.0-1-amd64 SMP ",
						   .layout = 64};
	const struct made_machine *m = *state;
	autosource struct kernel_source source = {0};
	autoabi struct kernel_abi abi = {0};

	made_kernel(m, "/boot/vmlinuz-" REL, VERMAGIC);
	made_module_file(&m->root, TREE "/kernel/aa.ko", &foreign);
	made_file(&m->root, TREE "/kernel/ab.ko", "no module");
	made_module_file(&m->root, TREE "/kernel/fs/one-mod.ko", &module_one);
	made_source(m, &source);
	probe(&source, &abi);
	assert_string_equal(abi.vermagic, VERMAGIC);
	assert_int_equal(abi.layout, 896);
}

/* By the words in it, since distributions carried the check back. */
static void the_image_shows_whether_it_compares_layouts(void **state)
{
	const struct made_machine *m = *state;
	autosource struct kernel_source source = {0};
	autoabi struct kernel_abi abi = {0};

	made_kernel(m, "/boot/vmlinuz-" REL, CHECKS);
	made_source(m, &source);
	probe(&source, &abi);
	assert_true(abi.layout_checked);
}

static void btf_is_fatal_without_versions_where_nothing_else_tells(void **state)
{
	static const char vermagic[] = REL " SMP preempt mod_unload ";
	static const struct made_module with_btf = {.name = "one_mod",
						    .vermagic = vermagic,
						    .layout = 896,
						    .btf = true};
	const struct made_machine *m = *state;
	autosource struct kernel_source source = {0};
	autoabi struct kernel_abi abi = {0};

	made_kernel(m, "/boot/vmlinuz-" REL, vermagic);
	made_module_file(&m->root, TREE "/kernel/one.ko", &with_btf);
	made_source(m, &source);
	probe(&source, &abi);
	assert_false(abi.modversions);
	assert_true(abi.btf_fatal);
}

static void symvers_serves_where_there_is_no_image(void **state)
{
	const struct made_machine *m = *state;
	autosource struct kernel_source source = {0};
	autoabi struct kernel_abi abi = {0};

	made_bytes(&m->root, "/boot/symvers-" REL ".gz", symvers_gz, sizeof(symvers_gz));
	made_source(m, &source);
	probe(&source, &abi);
	assert_true(abi.from_symvers);
	assert_symbol(&abi, "gz_symbol", 0x12345678, "");
	assert_true(abi.modversions);
	assert_false(abi.layout_checked);
}

static void a_damaged_image_is_an_error(void **state)
{
	static const struct made_export exports[] = {{"alpha", 1, false},
						     {NULL, 0, false}};
	const struct made_machine *m = *state;
	autosource struct kernel_source source = {0};
	struct kernel_abi abi = {0};
	struct error err = {0};
	size_t len;
	autofree void *image = made_image(exports, VERMAGIC, &len);

	made_bytes(&m->root, "/boot/vmlinuz-" REL, image, len - 100);
	made_bytes(&m->root, "/boot/symvers-" REL ".gz", symvers_gz, sizeof(symvers_gz));
	made_source(m, &source);
	assert_int_equal(kernel_abi_probe(&source, NULL, &abi, &err), -ERROR_DAMAGED);
	assert_non_null(strstr(err.message, REL));
	assert_null(abi.symbols);
}

/* A cache that counts, and keeps what it was given last under each of four keys. */
struct made_cache {
	struct kept_table {
		char *key;
		void *packed;
		size_t len;
	} kept[4];
	unsigned int loads, stores;
};

static int cache_load(void *data, const char *key, struct symbol_table **ret)
{
	struct made_cache *cache = data;

	cache->loads++;
	for (size_t i = 0; i < ARRAY_LEN(cache->kept); i++)
		if (str_eq(cache->kept[i].key, key))
			return symbol_table_unpack(cache->kept[i].packed,
						   cache->kept[i].len, key, ret, NULL);
	return -ENOENT;
}

static void cache_store(void *data, const char *key, const struct symbol_table *table)
{
	struct made_cache *cache = data;
	struct kept_table *kept = cache->kept;

	cache->stores++;
	while (kept->key && !str_eq(kept->key, key))
		kept++;
	assert_ptr_not_equal(kept, cache->kept + ARRAY_LEN(cache->kept));
	free(kept->key);
	free(kept->packed);
	kept->key = str_dup(key);
	assert_int_equal(symbol_table_pack(table, key, &kept->packed, &kept->len), 0);
}

static void made_cache_done(struct made_cache *cache)
{
	for (size_t i = 0; i < ARRAY_LEN(cache->kept); i++) {
		free(cache->kept[i].key);
		free(cache->kept[i].packed);
	}
}

/* Files of a moment ago have no identity of their own yet. */
static char *identity_one(void *data, const char *what)
{
	(void)data;
	return str_eq(what, "image") ? str_dup("1 the image") : NULL;
}

static char *identity_other(void *data, const char *what)
{
	(void)data;
	return str_eq(what, "image") ? str_dup("1 the image of later") : NULL;
}

typedef char *identity_of(void *data, const char *what);

static void probe_cached(const struct made_machine *m, struct made_cache *kept,
			 identity_of *identity, struct kernel_abi *ret)
{
	const struct symbol_cache cache = {kept, cache_load, cache_store};
	autosource struct kernel_source source = {0};
	struct error err = {0};

	made_source(m, &source);
	source.identity = identity;
	if (kernel_abi_probe(&source, &cache, ret, &err) < 0)
		fail_msg("%s", err.message);
}

static void an_image_is_read_once_and_known_by_its_content(void **state)
{
	const struct made_machine *m = *state;
	cleanup(made_cache_done) struct made_cache kept = {0};
	autoabi struct kernel_abi first = {0}, again = {0}, other = {0};

	made_kernel(m, "/boot/vmlinuz-" REL, CHECKS " " VERMAGIC);
	probe_cached(m, &kept, NULL, &first);
	assert_int_equal(kept.stores, 1);
	probe_cached(m, &kept, NULL, &again);
	assert_int_equal(kept.loads, 2);
	assert_int_equal(kept.stores, 1);
	assert_int_equal(symbol_table_count(again.symbols), 2);
	assert_symbol(&again, "beta", 0x22222222, "");
	assert_int_equal(again.machine, first.machine);
	assert_true(again.layout_checked);
	assert_int_equal(again.taken.count, first.taken.count);
	made_kernel(m, "/boot/vmlinuz-" REL, VERMAGIC);
	probe_cached(m, &kept, NULL, &other);
	assert_int_equal(kept.stores, 2);
	assert_false(other.layout_checked);
}

/* The image itself is another one here, which shows that it was not read. */
static void an_image_of_the_same_identity_is_not_read_again(void **state)
{
	const struct made_machine *m = *state;
	cleanup(made_cache_done) struct made_cache kept = {0};
	autoabi struct kernel_abi first = {0}, same = {0}, other = {0}, none = {0};

	made_kernel(m, "/boot/vmlinuz-" REL, CHECKS " " VERMAGIC);
	probe_cached(m, &kept, identity_one, &first);
	assert_int_equal(kept.stores, 2);
	made_kernel(m, "/boot/vmlinuz-" REL, VERMAGIC);
	probe_cached(m, &kept, identity_one, &same);
	assert_int_equal(kept.stores, 2);
	assert_true(same.layout_checked);
	probe_cached(m, &kept, NULL, &none);
	assert_false(none.layout_checked);
	probe_cached(m, &kept, identity_other, &other);
	assert_false(other.layout_checked);
}

/* A tree told the size of struct module: without one the image is asked after all. */
static void what_was_not_looked_for_is_not_noted(void **state)
{
	const struct made_machine *m = *state;
	cleanup(made_cache_done) struct made_cache kept = {0};
	autoabi struct kernel_abi beside = {0}, alone = {0}, again = {0};

	made_release(m);
	probe_cached(m, &kept, NULL, &beside);
	assert_int_equal(beside.layout, 896);
	assert_int_equal(kept.stores, 1);
	assert_int_equal(root_remove_tree(&m->root, TREE, NULL), 0);
	probe_cached(m, &kept, NULL, &alone);
	assert_int_equal(kept.stores, 2);
	probe_cached(m, &kept, NULL, &again);
	assert_int_equal(kept.stores, 2);
}

/* Found through the note, or told again: what is there then. */
static void a_note_that_leads_nowhere_counts_for_nothing(void **state)
{
	static const char unknown[] = "00000000000000000000000000000000"
				      "00000000000000000000000000000000";
	static const char *const values[] = {"", "../../etc/passwd", "\n\n", unknown};
	const struct made_machine *m = *state;

	made_kernel(m, "/boot/vmlinuz-" REL, CHECKS " " VERMAGIC);
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		cleanup(made_cache_done) struct made_cache kept = {0};
		const struct symbol_cache cache = {&kept, cache_load, cache_store};
		autofree char *note = NULL;
		autoabi struct kernel_abi abi = {0};

		file_note_keep(&cache, REL, "image", "1 the image", values[i]);
		probe_cached(m, &kept, identity_one, &abi);
		assert_true(abi.layout_checked);
		note = file_note_find(&cache, REL, "image", "1 the image");
		assert_int_equal(strlen(note), 64);
		assert_string_not_equal(note, values[i]);
	}
}

static char *identity_both(void *data, const char *what)
{
	(void)data;
	return str_format("1 the %s", what);
}

#define SYMVERS TREE "/build/Module.symvers"

/* What Module.symvers is found to say beside the image, by this identity. */
static char *second_of(const struct made_machine *m, struct made_cache *kept,
		       identity_of *identity, int expected)
{
	const struct symbol_cache cache = {kept, cache_load, cache_store};
	autosource struct kernel_source source = {0};
	autoabi struct kernel_abi abi = {0};
	char *text = NULL;

	made_source(m, &source);
	source.identity = identity;
	probe(&source, &abi);
	assert_int_equal(kernel_abi_second_source(&source, &cache, &abi, &text, NULL),
			 expected);
	return text;
}

/* Changed files of the same identity show that they are not read again. */
static void a_second_source_is_compared_once(void **state)
{
	static const char same[] = "0x11111111\talpha\tvmlinux\tEXPORT_SYMBOL\t\n"
				   "0x22222222\tbeta\tvmlinux\tEXPORT_SYMBOL_GPL\t\n"
				   "0x00000007\tother\tfs/other\tEXPORT_SYMBOL\t\n";
	static const char other[] = "0x11111111\talpha\tvmlinux\tEXPORT_SYMBOL\t\n"
				    "0x33333333\tbeta\tvmlinux\tEXPORT_SYMBOL_GPL\t\n";
	const struct made_machine *m = *state;
	cleanup(made_cache_done) struct made_cache kept = {0}, anew = {0};
	autofree char *unnoted = NULL, *found = NULL, *again = NULL, *later = NULL;

	made_kernel(m, "/boot/vmlinuz-" REL, VERMAGIC);
	assert_null(second_of(m, &kept, identity_both, -ENOENT));
	made_file(&m->root, SYMVERS, same);
	assert_null(second_of(m, &kept, identity_both, 0));
	made_file(&m->root, SYMVERS, other);
	assert_null(second_of(m, &kept, identity_both, 0));
	unnoted = second_of(m, &kept, identity_one, 0);
	assert_non_null(strstr(unnoted, "beta has version 0x22222222"));
	found = second_of(m, &anew, identity_both, 0);
	assert_string_equal(found, unnoted);
	made_file(&m->root, SYMVERS, "no symvers at all");
	again = second_of(m, &anew, identity_both, 0);
	assert_string_equal(again, unnoted);
	later = second_of(m, &anew, NULL, -ERROR_DAMAGED);
	assert_null(later);
}

static void a_note_is_of_one_identity_alone(void **state)
{
	cleanup(made_cache_done) struct made_cache kept = {0};
	const struct symbol_cache cache = {&kept, cache_load, cache_store};
	autofree char *image = NULL, *symvers = NULL;

	(void)state;
	assert_null(file_note_find(&cache, REL, "image", "1 2 3"));
	file_note_keep(&cache, REL, "image", "1 2 3", "a");
	file_note_keep(&cache, REL, "symvers", "4", "b");
	assert_null(file_note_find(&cache, REL, "image", "1 2"));
	assert_null(file_note_find(&cache, REL, "image", "1 2 33"));
	assert_null(file_note_find(&cache, REL, "image", "1 2 3\na"));
	assert_null(file_note_find(&cache, REL, "image", "4"));
	assert_null(file_note_find(&cache, REL, "image", NULL));
	assert_null(file_note_find(&cache, "6.1.0-8-amd64", "image", "1 2 3"));
	image = file_note_find(&cache, REL, "image", "1 2 3");
	symvers = file_note_find(&cache, REL, "symvers", "4");
	assert_string_equal(image, "a");
	assert_string_equal(symvers, "b");
	assert_null(file_note_find(NULL, REL, "image", "1 2 3"));
	file_note_keep(NULL, REL, "image", "1 2 3", "a");
}

/* A third-party module that needs these symbols and exports "ours". */
struct made_set {
	struct module_import imports[5];
	struct symbol export;
	struct module_file file;
	struct compat_module item;
	struct compat_set set;
};

static void made_set(struct made_set *s)
{
	static const char *const needs[] = {"alpha", "one", "two", "ours", "nowhere"};

	for (size_t i = 0; i < ARRAY_LEN(needs); i++)
		s->imports[i].symbol = needs[i];
	s->export = (struct symbol){.name = "ours", .name_space = "", .owner = "x"};
	s->file = (struct module_file){
		.imports = s->imports,
		.import_count = ARRAY_LEN(needs),
		.exports = &s->export,
		.export_count = 1,
	};
	s->item.file = &s->file;
	s->set = (struct compat_set){.items = &s->item, .count = 1};
}

static void assert_exports_added(const struct kernel_abi *abi)
{
	assert_symbol(abi, "one", 1, "one_mod");
	assert_symbol(abi, "one_more", 2, "one_mod");
	assert_symbol(abi, "two", 3, "two_mod");
	assert_null(symbol_table_find(abi->symbols, "ours"));
	assert_null(symbol_table_find(abi->symbols, "nowhere"));
	assert_null(symbol_table_find(abi->symbols, "spare"));
	assert_int_equal(symbol_table_count(abi->symbols), 5);
}

/* The source of an installed kernel, with what is asked of it written down. */
struct watched {
	struct kernel_source below;
	struct strv opened;
	bool ahead, walked;
};

static int watched_provider(void *data, const char *symbol, char **ret_path,
			    struct error *err)
{
	struct watched *w = data;

	return w->below.provider(w->below.data, symbol, ret_path, err);
}

static int watched_module(void *data, const char *path, void **ret, size_t *ret_len,
			  struct error *err)
{
	struct watched *w = data;

	strv_add(&w->opened, path);
	return w->below.module(w->below.data, path, ret, ret_len, err);
}

static int watched_modules(void *data,
			   int (*each)(void *data, const char *path, const void *bytes,
				       size_t len, struct error *err),
			   void *each_data, struct error *err)
{
	struct watched *w = data;

	w->walked = true;
	return w->below.modules(w->below.data, each, each_data, err);
}

static void add_watched(const struct made_machine *m, struct watched *w,
			struct kernel_abi *abi)
{
	struct kernel_source source = {
		.data = w,
		.release = REL,
		.provider = watched_provider,
		.module = watched_module,
		.modules = watched_modules,
	};
	autoproviders struct kernel_providers *ahead = NULL;
	struct made_set s = {0};
	struct third_party known = {.file = &s.file};
	struct error err = {0};

	made_set(&s);
	made_source(m, &w->below);
	if (w->ahead)
		ahead = kernel_providers_ahead(&source, NULL,
					       &(struct third_party_list){&known, 1});
	probe(&w->below, abi);
	if (kernel_abi_add_exports(&source, NULL, ahead, abi, &s.set, &err) < 0)
		fail_msg("%s", err.message);
}

static const struct made_export spare_exports[] = {{"spare", 9, false}, {NULL, 0, false}};
static const struct made_module module_spare = {.name = "spare",
						.vermagic = VERMAGIC,
						.layout = 896,
						.exports = spare_exports};

static void only_modules_that_are_needed_are_opened(void **state)
{
	const struct made_machine *m = *state;
	autoabi struct kernel_abi abi = {0};
	struct watched w = {0};

	made_release(m);
	made_module_file(&m->root, TREE "/kernel/spare.ko", &module_spare);
	add_watched(m, &w, &abi);
	assert_exports_added(&abi);
	assert_int_equal(w.opened.count, 2);
	assert_string_equal(w.opened.items[0], TREE "/kernel/fs/one-mod.ko");
	assert_string_equal(w.opened.items[1], TREE "/kernel/net/two-mod.ko");
	assert_false(w.walked);
	strv_done(&w.opened);
	kernel_source_done(&w.below);
}

static void what_is_read_ahead_is_read_once_and_counts_where_needed(void **state)
{
	const struct made_machine *m = *state;
	autoabi struct kernel_abi abi = {0};
	struct watched w = {.ahead = true};

	made_release(m);
	made_module_file(&m->root, TREE "/kernel/spare.ko", &module_spare);
	add_watched(m, &w, &abi);
	assert_exports_added(&abi);
	assert_int_equal(w.opened.count, 3);
	strv_done(&w.opened);
	kernel_source_done(&w.below);
}

/* A module of the tree has the symbol, too: only one of both can be loaded. */
static void what_the_set_exports_is_looked_for_in_the_tree(void **state)
{
	const struct made_machine *m = *state;
	autosource struct kernel_source source = {0};
	autoabi struct kernel_abi abi = {0};
	struct symbol exports[] = {{.name = "one", .name_space = "", .owner = "third"},
				   {.name = "alpha", .name_space = "", .owner = "third"}};
	struct module_file file = {.name = "third",
				   .exports = exports,
				   .export_count = 2};
	struct compat_module item = {.file = &file};
	const struct compat_set set = {&item, 1};

	made_release(m);
	made_source(m, &source);
	probe(&source, &abi);
	assert_int_equal(kernel_abi_add_exports(&source, NULL, NULL, &abi, &set, NULL),
			 0);
	assert_symbol(&abi, "one", 1, "one_mod");
	assert_symbol(&abi, "alpha", 0x11111111, "");
}

static void without_an_index_every_module_is_read_once(void **state)
{
	const struct made_machine *m = *state;
	autoabi struct kernel_abi abi = {0};
	struct watched w = {0};

	made_release(m);
	made_module_file(&m->root, TREE "/kernel/spare.ko", &module_spare);
	assert_int_equal(root_unlink(&m->root, TREE "/modules.symbols.bin", NULL), 0);
	add_watched(m, &w, &abi);
	assert_exports_added(&abi);
	assert_true(w.walked);
	assert_int_equal(w.opened.count, 0);
	kernel_source_done(&w.below);
}

static void a_provider_that_is_gone_exports_nothing(void **state)
{
	const struct made_machine *m = *state;
	autoabi struct kernel_abi abi = {0};
	struct watched w = {0};

	made_release(m);
	assert_int_equal(root_unlink(&m->root, TREE "/kernel/fs/one-mod.ko", NULL), 0);
	made_file(&m->root, TREE "/kernel/net/two-mod.ko", "no module");
	add_watched(m, &w, &abi);
	assert_int_equal(symbol_table_count(abi.symbols), 2);
	strv_done(&w.opened);
	kernel_source_done(&w.below);
}

static void made_packed_module(const struct made_machine *m, const char *path,
			       const struct made_module *module)
{
	autofree char *full = NULL;
	const char *argv[] = {"gzip", "-f", NULL, NULL};
	struct process_result result = {0};

	made_module_file(&m->root, path, module);
	argv[2] = full = root_path(&m->root, path);
	assert_int_equal(process_check(&(struct process){.argv = argv}, &result, NULL),
			 0);
	process_result_done(&result);
}

static void add_cached(const struct made_machine *m, struct made_cache *kept,
		       struct kernel_abi *abi)
{
	const struct symbol_cache cache = {kept, cache_load, cache_store};
	autosource struct kernel_source source = {0};
	struct made_set s = {0};
	struct error err = {0};

	made_set(&s);
	made_source(m, &source);
	probe(&source, abi);
	if (kernel_abi_add_exports(&source, &cache, NULL, abi, &s.set, &err) < 0)
		fail_msg("%s", err.message);
}

static void made_packed_release(const struct made_machine *m,
				const struct made_module *one)
{
	static const struct made_key modules[] = {{"one_mod",
						   {"kernel/fs/one-mod.ko.gz:"}},
						  {"two_mod", {"kernel/net/two-mod.ko:"}},
						  {NULL, {NULL}}};
	static const struct made_key symbols[] = {{"symbol:one", {"one_mod"}},
						  {"symbol:two", {"two_mod"}},
						  {NULL, {NULL}}};

	made_release(m);
	made_packed_module(m, TREE "/kernel/fs/one-mod.ko", one);
	made_indexes(&m->root, TREE, modules, symbols);
}

/* A module that is packed is taken apart once; one that was built anew is found out. */
static void packed_modules_are_known_by_their_content(void **state)
{
	static const struct made_export anew[] = {{"one", 0x77, false},
						  {"one_more", 2, true},
						  {NULL, 0, false}};
	static const struct made_module built_anew = {.name = "one_mod",
						      .vermagic = VERMAGIC,
						      .layout = 896,
						      .exports = anew};
	const struct made_machine *m = *state;
	cleanup(made_cache_done) struct made_cache kept = {0};

	for (unsigned int round = 1; round <= 4; round++) {
		autoabi struct kernel_abi abi = {0};

		if (round == 1)
			made_packed_release(m, &module_one);
		if (round == 3)
			made_packed_release(m, &built_anew);
		add_cached(m, &kept, &abi);
		assert_symbol(&abi, "one", round < 3 ? 1 : 0x77, "one_mod");
		assert_symbol(&abi, "one_more", 2, "one_mod");
		assert_symbol(&abi, "two", 3, "two_mod");
		assert_int_equal(kept.stores, round < 3 ? 1 : 2);
	}
}

static const struct symbol_table *table_at_hand(void *data)
{
	return data;
}

static void exports_at_hand_are_used_as_they_are(void **state)
{
	static const struct symbol known[] = {
		{"one", "", "one_mod", 1, true, false},
		{"one_more", "", "one_mod", 2, true, true},
		{"spare", "", "spare", 9, true, false},
		{"two", "", "two_mod", 3, true, false},
	};
	const struct made_machine *m = *state;
	autosymbols struct symbol_table *table = symbol_table_new();
	struct kernel_source source = {.data = table,
				       .release = REL,
				       .exports = table_at_hand};
	autosource struct kernel_source installed = {0};
	autoabi struct kernel_abi abi = {0};
	struct made_set s = {0};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		assert_int_equal(symbol_table_add(table, &known[i]), 0);
	made_set(&s);
	made_release(m);
	made_source(m, &installed);
	probe(&installed, &abi);
	assert_int_equal(kernel_abi_add_exports(&source, NULL, NULL, &abi, &s.set, NULL),
			 0);
	assert_exports_added(&abi);
}

#define MACHINE_TEST(f) \
	cmocka_unit_test_setup_teardown(f, made_machine_set_up, made_machine_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(everything_of_a_kernel_is_found),
		MACHINE_TEST(without_a_module_the_image_tells),
		MACHINE_TEST(a_foreign_module_is_no_witness),
		MACHINE_TEST(the_image_shows_whether_it_compares_layouts),
		MACHINE_TEST(btf_is_fatal_without_versions_where_nothing_else_tells),
		MACHINE_TEST(symvers_serves_where_there_is_no_image),
		MACHINE_TEST(a_damaged_image_is_an_error),
		MACHINE_TEST(an_image_is_read_once_and_known_by_its_content),
		MACHINE_TEST(an_image_of_the_same_identity_is_not_read_again),
		MACHINE_TEST(what_was_not_looked_for_is_not_noted),
		MACHINE_TEST(a_note_that_leads_nowhere_counts_for_nothing),
		MACHINE_TEST(a_second_source_is_compared_once),
		MACHINE_TEST(a_note_is_of_one_identity_alone),
		MACHINE_TEST(only_modules_that_are_needed_are_opened),
		MACHINE_TEST(what_is_read_ahead_is_read_once_and_counts_where_needed),
		MACHINE_TEST(what_the_set_exports_is_looked_for_in_the_tree),
		MACHINE_TEST(without_an_index_every_module_is_read_once),
		MACHINE_TEST(a_provider_that_is_gone_exports_nothing),
		MACHINE_TEST(packed_modules_are_known_by_their_content),
		MACHINE_TEST(exports_at_hand_are_used_as_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
