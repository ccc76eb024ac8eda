/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an image leaves in the root that it is unpacked to: modules and whether they are
 * the installed ones, links of both kinds, /init, what a later archive puts in its place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "made-initramfs.h"
#include "made-machine.h"
#include "made-packed.h"
#include "probe/initramfs.h"

#define IMAGE  "/initrd"
#define TREE   "lib/modules/6.1.0"
#define SIGNED "~Module signature appended~\n"
#define MIB    ((size_t)1024 * 1024)

static void read_text(struct made_machine *m, const struct text *image,
		      struct initramfs *ret)
{
	struct error err = {0};

	made_image(&m->root, IMAGE, image->data, image->len);
	if (initramfs_read(&m->root, IMAGE, ret, &err) < 0)
		fail_msg("%s", err.message);
	if (ret->fault)
		fail_msg("%s", ret->fault);
}

static void modes(struct text *image, const char *name, uint32_t mode)
{
	made_entry(image, &(struct made_entry){.name = name, .data = "x", .mode = mode});
}

/* --- /init -------------------------------------------------------------------------- */

struct init_case {
	const char *links[8]; /* name, target, … */
	const char *file;     /* with mode 0755; NULL: none */
	bool there;
};

static const struct init_case init_cases[] = {
	{{NULL}, "init", true},
	{{NULL}, "./init", true},
	{{NULL}, "/init", true},
	{{NULL}, NULL, false},
	{{NULL}, "sbin/init", false},
	{{"init", "usr/lib/systemd/systemd"}, "usr/lib/systemd/systemd", true},
	{{"init", "/usr/lib/systemd/systemd"}, "usr/lib/systemd/systemd", true},
	{{"init", "lib/systemd/systemd", "lib", "usr/lib"},
	 "usr/lib/systemd/systemd",
	 true},
	{{"init", "bin/../sbin/./init"}, "sbin/init", false}, /* there is no bin */
	{{"init", "sbin/../sbin/./init"}, "sbin/init", true},
	{{"init", "../../sbin/init"}, "sbin/init", true}, /* / is its own parent */
	{{"init", "sbin/init", "sbin/init", "../bin/busybox"}, "bin/busybox", false},
	{{"init", "usr/lib/systemd/systemd"}, NULL, false},
	{{"init", "a", "a", "b", "b", "init"}, NULL, false},
	{{"init", "init/init"}, NULL, false},
};

static void check_init(struct made_machine *m, const struct init_case *row, uint32_t mode)
{
	autoinitramfs struct initramfs got = {0};
	autotext struct text image = {0};

	for (size_t i = 0; row->links[i]; i += 2)
		made_link_entry(&image, row->links[i], row->links[i + 1]);
	if (row->file) {
		made_deep(&image, row->file[0] == '/' ? row->file + 1 : row->file, "");
		modes(&image, row->file, mode);
	}
	made_end(&image);
	read_text(m, &image, &got);
	if (got.init != row->there || got.init_executable != (row->there && mode & 0111))
		fail_msg("%s: %d %d", row->links[0] ? row->links[1] : row->file, got.init,
			 got.init_executable);
}

static void init_is_where_its_links_lead(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(init_cases); i++) {
		check_init(*state, &init_cases[i], S_IFREG | 0755);
		check_init(*state, &init_cases[i], S_IFREG | 0644);
		check_init(*state, &init_cases[i], S_IFREG | 0100);
	}
}

static void what_is_no_program_is_no_init(void **state)
{
	autoinitramfs struct initramfs got = {0};
	autotext struct text image = {0};

	made_folder(&image, "init");
	made_end(&image);
	read_text(*state, &image, &got);
	assert_false(got.init || got.init_executable);
}

/* As many as a path may have, and one more. */
static void links_lead_on_to_a_depth(void **state)
{
	for (int depth = 40; depth <= 41; depth++) {
		autoinitramfs struct initramfs got = {0};
		autotext struct text image = {0};

		made_link_entry(&image, "init", "l1");
		for (int i = 1; i < depth; i++) {
			autofree char *name = str_format("l%d", i);
			autofree char *target = str_format("l%d", i + 1);

			made_link_entry(&image, name, i + 1 < depth ? target : "program");
		}
		modes(&image, "program", S_IFREG | 0755);
		made_end(&image);
		read_text(*state, &image, &got);
		assert_true(got.init == (depth == 40));
	}
}

/* --- files -------------------------------------------------------------------------- */

static void has_files(const struct initramfs *image, const char *expected)
{
	autofree char *files = strv_join(&image->files, "|");

	assert_string_equal(files, expected);
}

static void the_later_archive_counts(void **state)
{
	autoinitramfs struct initramfs got = {0};
	autotext struct text image = {0};

	made_folder(&image, "etc");
	modes(&image, "etc/was-file", S_IFREG | 0644);
	made_link_entry(&image, "etc/was-link", "file");
	modes(&image, "init", S_IFREG | 0644);
	made_end(&image);
	made_link_entry(&image, "./etc/was-file", "elsewhere");
	modes(&image, "/etc/was-link", S_IFREG | 0644);
	modes(&image, "init", S_IFREG | 0755);
	made_folder(&image, "etc/");
	made_end(&image);
	read_text(*state, &image, &got);
	has_files(&got, "etc/|etc/was-file -> elsewhere|etc/was-link|init");
	assert_true(got.init_executable);
}

/* The kernel makes no directory for them. */
static void what_lies_in_no_directory_is_not_there(void **state)
{
	autoinitramfs struct initramfs got = {0};
	autotext struct text image = {0};

	made_file_entry(&image, "none/file", "x");
	made_folder(&image, "none/folder");
	made_file_entry(&image, "none/folder/file", "x");
	made_file_entry(&image, TREE "/kernel/a.ko", "x");
	made_link_entry(&image, "lib", "usr/lib");
	made_deep(&image, "usr/lib/file", "x");
	made_file_entry(&image, "lib/through-the-link", "x");
	made_end(&image);
	read_text(*state, &image, &got);
	has_files(&got, "lib -> usr/lib|lib/through-the-link|usr/|usr/lib/|usr/lib/file");
	assert_int_equal(got.module_count, 0);
}

/* --- modules ------------------------------------------------------------------------ */

static const struct module_content *content_of(const struct initramfs *image,
					       const char *name)
{
	const struct initramfs_module *module = initramfs_module_find(image, name);

	if (!module)
		fail_msg("there is no %s", name);
	return &module->content;
}

static void modules_have_a_path_and_a_name(void **state)
{
	autoinitramfs struct initramfs got = {0};
	autotext struct text image = {0};

	made_deep(&image, "usr/" TREE "/kernel/fs/a-b.ko", "ab");
	made_deep(&image, TREE "/updates/dkms/zfs.ko.xz", "z");
	made_deep(&image, TREE "/kernel/dup.ko", "1");
	made_deep(&image, TREE "/updates/dup.ko", "2");
	made_deep(&image, TREE "/modules.dep", "");
	made_deep(&image, "lib/modules/stray.ko", "");
	made_deep(&image, "usr/share/lib/modules/6.2.0/other.ko", "");
	made_end(&image);
	read_text(*state, &image, &got);
	assert_int_equal(got.module_count, 4);
	assert_string_equal(got.modules[0].path, TREE "/kernel/fs/a-b.ko");
	assert_string_equal(got.modules[0].name, "a_b");
	assert_int_equal(got.modules[0].content.size, 2);
	assert_string_equal(initramfs_module_find(&got, "dup")->path,
			    TREE "/updates/dup.ko");
	assert_string_equal(initramfs_module_find(&got, "zfs")->path,
			    TREE "/updates/dkms/zfs.ko.xz");
	assert_null(initramfs_module_find(&got, "stray"));
	assert_null(initramfs_module_find(&got, "zz"));
	assert_null(initramfs_module_find(&got, ""));
	assert_int_equal(got.trees.count, 1);
	assert_string_equal(got.trees.items[0], "6.1.0");
	assert_true(strv_has(&got.files, "lib/modules/6.1.0/modules.dep"));
	assert_false(strv_has(&got.files, "lib/modules/6.1.0/kernel/dup.ko"));
}

/* cpio(1) writes the data with the last of them. */
static void hard_links_have_one_content(void **state)
{
	struct made_entry link = {.ino = 7, .nlink = 3};
	autoinitramfs struct initramfs got = {0};
	autotext struct text image = {0};

	made_deep(&image, TREE "/alone.ko", "same");
	for (size_t i = 0; i < 3; i++) {
		link.name = (const char *const[]){TREE "/a.ko", "other", TREE "/b.ko"}[i];
		link.data = i == 1 ? "same" : NULL;
		made_entry(&image, &link);
	}
	made_end(&image);
	link.name = TREE "/another-archive.ko";
	link.data = NULL;
	made_entry(&image, &link);
	made_end(&image);
	read_text(*state, &image, &got);
	assert_string_equal(content_of(&got, "a")->digest,
			    content_of(&got, "alone")->digest);
	assert_string_equal(content_of(&got, "b")->digest,
			    content_of(&got, "alone")->digest);
	assert_int_equal(content_of(&got, "b")->size, 4);
	assert_int_equal(content_of(&got, "another_archive")->size, 0);
}

/* As weak-updates has them. */
static void a_link_to_a_module_is_one(void **state)
{
	autoinitramfs struct initramfs got = {0};
	autotext struct text image = {0};

	made_deep(&image, "usr/lib/modules/5.9/extra/a.ko", "of 5.9");
	made_folder(&image, "usr/" TREE);
	made_folder(&image, "usr/" TREE "/weak-updates");
	made_link_entry(&image, "lib", "usr/lib");
	made_link_entry(&image, "usr/" TREE "/weak-updates/a.ko",
			"/lib/modules/5.9/extra/a.ko");
	made_link_entry(&image, "usr/" TREE "/weak-updates/b.ko", "../../5.9/extra/a.ko");
	made_link_entry(&image, "usr/" TREE "/weak-updates/c.ko", "/lib/nothing.ko");
	made_link_entry(&image, "usr/" TREE "/weak-updates/d.ko", "d.ko");
	made_end(&image);
	read_text(*state, &image, &got);
	assert_int_equal(got.module_count, 3);
	assert_int_equal(content_of(&got, "b")->size, 6);
	assert_string_equal(got.modules[1].path, TREE "/weak-updates/a.ko");
	assert_string_equal(got.modules[1].content.digest, got.modules[0].content.digest);
}

/* --- beside what is installed ------------------------------------------------------- */

/* Like a module's: a build-id at a place of its own, debugging symbols, a signature. */
static void made_ko(struct text *to, const char *code, size_t note_at, const char *debug,
		    bool is_signed)
{
	static const char note[] = "\4\0\0\0\x14\0\0\0\3\0\0\0GNU";

	while (to->len < note_at)
		text_append_n(to, "\177ELF", 4);
	text_append_n(to, note, sizeof(note));
	text_appendf(to, "%-20s", code);
	text_appendf(to, "code %s", code);
	made_fill(to, 4096);
	text_append(to, debug);
	if (is_signed)
		text_append(to, SIGNED);
}

static void image_of(struct made_machine *m, const char *name, const struct text *module,
		     struct initramfs *ret)
{
	autotext struct text image = {0}, archive = {0};

	made_deep(&archive, name, "");
	made_entry(&archive, &(struct made_entry){.name = name,
						  .data = module->data,
						  .size = module->len});
	made_end(&archive);
	made_fill(&archive, 512);
	ways[WAY_ZSTD].compress((const uint8_t *)archive.data, archive.len, &image);
	read_text(m, &image, ret);
}

static bool is_equal(struct made_machine *m, const struct initramfs *image,
		     const char *path, const struct text *installed)
{
	struct module_content content;
	struct error err = {0};

	made_image(&m->root, path, installed->data, installed->len);
	if (module_content_probe(&m->root, path, image->modules[0].content.packing,
				 &content, &err) < 0)
		fail_msg("%s", err.message);
	return module_content_equal(&image->modules[0].content, &content);
}

static void a_copy_is_told_from_a_stale_one(void **state)
{
	autotext struct text now = {0}, old = {0}, longer = {0}, nothing = {0};
	autoinitramfs struct initramfs image = {0};

	made_ko(&now, "now", 64, "", true);
	made_ko(&old, "old", 64, "", true);
	made_ko(&longer, "now", 64, "debug", true);
	image_of(*state, TREE "/a.ko", &now, &image);
	assert_true(content_of(&image, "a")->is_signed);
	assert_true(is_equal(*state, &image, "/a.ko", &now));
	assert_false(is_equal(*state, &image, "/a.ko", &old));
	assert_false(is_equal(*state, &image, "/a.ko", &longer));
	assert_false(is_equal(*state, &image, "/a.ko", &nothing));
}

/* The copy is plain, what is installed is packed: sums decide. */
static void a_packed_one_is_told_by_its_sums(void **state)
{
	static const struct {
		const char *path;
		int way;
		bool known;
	} rows[] = {
		{"/a.ko.gz", WAY_GZIP, true},          {"/a.ko.xz", WAY_XZ, true},
		{"/a.ko.zst", WAY_ZSTD, true},         {"/a.ko.xz", WAY_XZ_CRC64, false},
		{"/a.ko.zst", WAY_ZSTD_STREAM, false}, {"/a.ko.xz", WAY_LZMA, false},
	};
	autotext struct text now = {0}, old = {0};
	autoinitramfs struct initramfs image = {0};

	made_ko(&now, "now", 64, "", true);
	made_ko(&old, "old", 64, "", true);
	image_of(*state, TREE "/a.ko", &now, &image);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct way *way = &ways[rows[i].way];
		autotext struct text same = {0}, stale = {0};

		way->compress((const uint8_t *)now.data, now.len, &same);
		way->compress((const uint8_t *)old.data, old.len, &stale);
		assert_true(is_equal(*state, &image, rows[i].path, &same));
		if (is_equal(*state, &image, rows[i].path, &stale) == rows[i].known)
			fail_msg("%s by %s", rows[i].path, way->name);
		stale.len /= 2;
		(void)is_equal(*state, &image, rows[i].path, &stale);
	}
}

/* Both packed the same way: the bytes as they are. */
static void packed_copies_are_compared_as_they_are(void **state)
{
	autotext struct text now = {0}, old = {0}, packed = {0}, stale = {0};
	autoinitramfs struct initramfs image = {0};

	made_ko(&now, "now", 64, "", true);
	made_ko(&old, "old", 64, "", true);
	ways[WAY_XZ].compress((const uint8_t *)now.data, now.len, &packed);
	ways[WAY_XZ].compress((const uint8_t *)old.data, old.len, &stale);
	image_of(*state, TREE "/a.ko.xz", &packed, &image);
	assert_string_equal(content_of(&image, "a")->packing, "xz");
	assert_true(is_equal(*state, &image, "/a.ko.xz", &packed));
	assert_false(is_equal(*state, &image, "/a.ko.xz", &stale));
	assert_true(is_equal(*state, &image, "/a.ko", &now)); /* can't be told */
}

/* dracut strips debugging symbols from what has no signature. Notes stand where they are
 * put: also across the border of two pieces. */
static void a_stripped_copy_is_the_same(void **state)
{
	static const size_t places[] = {64, 4096, 262144 - 512 - 12, 262144, 600000};

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		autotext struct text stripped = {0}, whole = {0}, old = {0}, sealed = {0};
		autoinitramfs struct initramfs image = {0};

		made_ko(&stripped, "now", places[i], "", false);
		made_ko(&whole, "now", places[i], "debugging symbols", false);
		made_ko(&old, "old", places[i], "debugging symbols", false);
		made_ko(&sealed, "now", places[i], "debugging symbols", true);
		image_of(*state, TREE "/a.ko", &stripped, &image);
		assert_true(str_starts(content_of(&image, "a")->build_id, "6e6f7720"));
		assert_true(is_equal(*state, &image, "/a.ko", &whole));
		assert_false(is_equal(*state, &image, "/a.ko", &old));
		assert_false(is_equal(*state, &image, "/a.ko", &sealed));
	}
}

/* Every place that a piece's border can have in a note. */
static void notes_are_found_across_pieces(void **state)
{
	for (size_t shift = 0; shift < 80; shift += 4) {
		autotext struct text module = {0};
		autoinitramfs struct initramfs image = {0};

		made_ko(&module, "now", 262144 - 700 + shift * 8, "", false);
		image_of(*state, TREE "/a.ko", &module, &image);
		assert_true(str_starts(content_of(&image, "a")->build_id, "6e6f7720"));
	}
}

/* The CRC-32 is reckoned where it may be needed, not where the tree is plain. */
static void sums_are_as_the_tree_is(void **state)
{
	struct made_machine *m = *state;
	autotext struct text module = {0};
	autoinitramfs struct initramfs unknown = {0}, packed = {0}, plain = {0};

	made_ko(&module, "now", 64, "", true);
	image_of(m, TREE "/a.ko", &module, &unknown);
	assert_true(content_of(&unknown, "a")->plain.has_crc32);
	made_bytes(&m->root, "/" TREE "/a.ko.xz", "", 0);
	image_of(m, TREE "/a.ko", &module, &packed);
	assert_true(content_of(&packed, "a")->plain.has_crc32);
	made_bytes(&m->root, "/" TREE "/b.ko", "", 0);
	image_of(m, TREE "/b.ko", &module, &plain);
	assert_false(content_of(&plain, "b")->plain.has_crc32);
	assert_true(content_of(&plain, "b")->plain.has_xxh64);
}

static void what_can_not_be_read_is_an_error(void **state)
{
	struct made_machine *m = *state;
	struct module_content content;
	struct error err = {0};

	assert_int_equal(module_content_probe(&m->root, "/none.ko", "none", &content,
					      &err),
			 -ENOENT);
	assert_non_null(strstr(err.message, "/none.ko can't be opened"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(init_is_where_its_links_lead),
		cmocka_unit_test(what_is_no_program_is_no_init),
		cmocka_unit_test(links_lead_on_to_a_depth),
		cmocka_unit_test(the_later_archive_counts),
		cmocka_unit_test(what_lies_in_no_directory_is_not_there),
		cmocka_unit_test(modules_have_a_path_and_a_name),
		cmocka_unit_test(hard_links_have_one_content),
		cmocka_unit_test(a_link_to_a_module_is_one),
		cmocka_unit_test(a_copy_is_told_from_a_stale_one),
		cmocka_unit_test(a_packed_one_is_told_by_its_sums),
		cmocka_unit_test(packed_copies_are_compared_as_they_are),
		cmocka_unit_test(a_stripped_copy_is_the_same),
		cmocka_unit_test(notes_are_found_across_pieces),
		cmocka_unit_test(sums_are_as_the_tree_is),
		cmocka_unit_test(what_can_not_be_read_is_an_error),
	};

	return cmocka_run_group_tests(tests, made_machine_set_up, made_machine_tear_down);
}
