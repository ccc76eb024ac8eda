/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What concerns modules is read from every kind of image that holds it and from every
 * layout of its tables; images that lie about themselves are refused, whatever they say.
 */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "made-image.h"
#include "probe/kernel-image.h"

#define RELEASE  "6.1.0-56-amd64"
#define VERMAGIC RELEASE " SMP preempt mod_unload modversions "

/* Two symbols, two for GPL modules, with versions: Linux 5.12 to 6.x. */
static struct made_elf usual(void)
{
	struct made_elf elf = {0};

	(void)made_text(&elf, ".rodata", "Linux version " RELEASE " (debian)");
	(void)made_text(&elf, ".rodata", RELEASE " (a banner)");
	(void)made_text(&elf, ".rodata", "x" VERMAGIC);
	(void)made_text(&elf, ".rodata", VERMAGIC);
	made_export(&elf, MADE_PREL, false, "alpha", NULL);
	made_export(&elf, MADE_PREL, false, "beta", "SPACE");
	made_export(&elf, MADE_PREL, true, "gamma", "");
	made_export(&elf, MADE_PREL, true, "delta", "module:a,b*");
	made_crc(&elf, false, 0x11);
	made_crc(&elf, false, 0x22);
	made_crc(&elf, true, 0x33);
	made_crc(&elf, true, 0);
	return elf;
}

struct read {
	struct symbol_table *table;
	bool versions, flags;
};

static int read_symbols(const struct text *image, struct read *ret, struct error *err)
{
	autoimage struct kernel_image opened = {0};
	int r = kernel_image_open("vmlinuz", image->data, image->len, &opened, err);

	ret->table = symbol_table_new();
	if (r == 0)
		r = kernel_image_symbols(&opened, ret->table, &ret->versions, &ret->flags,
					 err);
	return r;
}

static struct read symbols_of(const struct text *image)
{
	struct error err = {0};
	struct read read;

	if (read_symbols(image, &read, &err) < 0)
		fail_msg("%s", err.message);
	return read;
}

static void is_symbol(const struct symbol_table *table, const char *name,
		      const char *name_space, uint32_t crc, bool gpl)
{
	const struct symbol *symbol = symbol_table_find(table, name);

	if (!symbol)
		fail_msg("%s is not there", name);
	assert_string_equal(symbol->name_space, name_space);
	assert_string_equal(symbol->owner, "");
	assert_int_equal(symbol->has_crc, crc != 0);
	assert_int_equal(symbol->crc, crc);
	assert_int_equal(symbol->gpl, gpl);
}

static void are_usual(const struct text *image)
{
	struct read read = symbols_of(image);

	assert_int_equal(symbol_table_count(read.table), 4);
	is_symbol(read.table, "alpha", "", 0x11, false);
	is_symbol(read.table, "beta", "SPACE", 0x22, false);
	is_symbol(read.table, "gamma", "", 0x33, true);
	is_symbol(read.table, "delta", "module:a,b*", 0, true);
	assert_true(read.versions);
	assert_false(read.flags);
	symbol_table_free(read.table);
}

static void every_kind_of_image_is_read(void **state)
{
	automade struct made_elf elf = usual();
	autotext struct text plain = {0}, gzip = {0}, bz = {0}, zboot = {0};

	(void)state;
	made_elf_file(&elf, &plain);
	are_usual(&plain);
	made_gzip(&plain, &gzip);
	are_usual(&gzip);
	made_bzimage(gzip.data, gzip.len, &bz);
	are_usual(&bz);
	made_zboot(&gzip, "gzip", &zboot);
	are_usual(&zboot);
}

static void a_plain_payload_is_read_where_it_lies(void **state)
{
	automade struct made_elf elf = usual();
	autotext struct text plain = {0}, bz = {0};

	(void)state;
	made_elf_file(&elf, &plain);
	made_u32(&plain, (uint32_t)plain.len);
	made_bzimage(plain.data, plain.len, &bz);
	are_usual(&bz);
}

static void a_raw_image_has_a_vermagic_and_no_symbols(void **state)
{
	static const char data[] = "\0Linux version " RELEASE "\0" VERMAGIC "\0";
	autotext struct text raw = {0}, gzip = {0}, zboot = {0};
	const struct text *const images[] = {&raw, &gzip, &zboot};

	(void)state;
	made_raw(data, sizeof(data), &raw);
	made_gzip(&raw, &gzip);
	made_zboot(&gzip, "gzip", &zboot);
	for (size_t i = 0; i < ARRAY_LEN(images); i++) {
		autoimage struct kernel_image image = {0};
		autosymbols struct symbol_table *table = symbol_table_new();
		autofree char *vermagic = NULL;
		struct error err = {0};
		bool versions, flags;

		assert_int_equal(kernel_image_open("Image", images[i]->data,
						   images[i]->len, &image, &err),
				 0);
		assert_int_equal(image.machine, EM_AARCH64);
		assert_false(image.elf);
		assert_int_equal(kernel_image_symbols(&image, table, &versions, &flags,
						      &err),
				 -ENOTSUP);
		assert_int_equal(kernel_image_vermagic(&image, RELEASE, &vermagic, &err),
				 0);
		assert_string_equal(vermagic, VERMAGIC);
	}
}

static void flags_take_the_place_of_sections(void **state)
{
	automade struct made_elf elf = {0};
	autotext struct text plain = {0};
	struct read read;

	(void)state;
	made_export(&elf, MADE_PREL, false, "alpha", NULL);
	made_export(&elf, MADE_PREL, false, "beta", "SPACE");
	made_export(&elf, MADE_PREL, false, "gamma", NULL);
	text_append_n(&made_section(&elf, "__kflagstab")->bytes, "\0\1\376", 3);
	made_elf_file(&elf, &plain);
	read = symbols_of(&plain);
	assert_int_equal(symbol_table_count(read.table), 3);
	is_symbol(read.table, "alpha", "", 0, false);
	is_symbol(read.table, "beta", "SPACE", 0, true);
	is_symbol(read.table, "gamma", "", 0, false);
	assert_false(read.versions);
	assert_true(read.flags);
	symbol_table_free(read.table);
}

static void older_tables_are_read(void **state)
{
	static const enum made_layout layouts[] = {MADE_PREL_SHORT, MADE_ABSOLUTE,
						   MADE_ABSOLUTE_SHORT};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(layouts); i++) {
		automade struct made_elf elf = {0};
		autotext struct text plain = {0};
		bool spaces = layouts[i] == MADE_ABSOLUTE;
		struct read read;

		/* Seven of them, so that no other size fits. */
		for (uint32_t n = 1; n <= 7; n++) {
			autofree char *name = str_format("old_%u", n);

			made_export(&elf, layouts[i], false, name,
				    spaces ? "SPACE" : NULL);
			made_crc(&elf, false, n);
		}
		made_elf_file(&elf, &plain);
		read = symbols_of(&plain);
		assert_int_equal(symbol_table_count(read.table), 7);
		is_symbol(read.table, "old_1", spaces ? "SPACE" : "", 1, false);
		is_symbol(read.table, "old_7", spaces ? "SPACE" : "", 7, false);
		symbol_table_free(read.table);
	}
}

static void names_may_lie_in_any_section(void **state)
{
	automade struct made_elf elf = {0};
	autotext struct text plain = {0};
	struct made_section *entries = made_section(&elf, "__ksymtab");
	uint64_t name, place;
	struct read read;

	(void)state;
	made_section(&elf, "__ksymtab_strings");
	(void)made_text(&elf, ".data", "a text before");
	name = made_text(&elf, ".data", "elsewhere");
	made_u32(&entries->bytes, 1);
	place = entries->address + entries->bytes.len;
	made_u32(&entries->bytes, (uint32_t)(name - place));
	made_u32(&entries->bytes, 0);
	made_elf_file(&elf, &plain);
	read = symbols_of(&plain);
	is_symbol(read.table, "elsewhere", "", 0, false);
	symbol_table_free(read.table);
}

static void is_damaged(const struct text *image, const char *says)
{
	struct error err = {0};
	struct read read = {0};
	int r = read_symbols(image, &read, &err);

	symbol_table_free(read.table);
	if (r != -ERROR_DAMAGED)
		fail_msg("%d (%s), not damaged: %s", r, err.message, says);
	if (!strstr(err.message, says))
		fail_msg("\"%s\" does not say \"%s\"", err.message, says);
}

static void tables_that_do_not_fit_are_damaged(void **state)
{
	automade struct made_elf elf = usual(), bent = usual(), flags = usual();
	automade struct made_elf nameless = {0};
	autotext struct text one = {0}, two = {0}, three = {0}, four = {0};

	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		made_crc(&elf, true, i);
	made_elf_file(&elf, &one);
	is_damaged(&one, "their versions or flags are for 5");
	text_append_n(&made_section(&bent, "__ksymtab")->bytes, "1", 1);
	made_elf_file(&bent, &two);
	is_damaged(&two, "__ksymtab of 25 bytes for 2 symbols");
	text_append_n(&made_section(&flags, "__kflagstab")->bytes, "1", 1);
	made_elf_file(&flags, &three);
	is_damaged(&three, "__ksymtab");
	for (int i = 0; i < 3; i++)
		made_u32(&made_section(&nameless, "__ksymtab")->bytes, 0x70000000);
	made_elf_file(&nameless, &four);
	is_damaged(&four, "symbol 0 of __ksymtab has no name");
}

static void an_image_without_exports_says_so(void **state)
{
	automade struct made_elf elf = {0};
	autotext struct text plain = {0};
	struct error err = {0};
	struct read read = {0};

	(void)state;
	(void)made_text(&elf, ".rodata", "nothing");
	made_elf_file(&elf, &plain);
	assert_int_equal(read_symbols(&plain, &read, &err), -ENOENT);
	symbol_table_free(read.table);
}

/* Symbols whose names are pieces of one kilobyte: there is no memory for each. */
static void names_that_overlap_are_damaged(void **state)
{
	automade struct made_elf elf = {0};
	autotext struct text plain = {0};
	struct made_section *entries = made_section(&elf, "__ksymtab");
	char name[1000];
	uint64_t at;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	at = made_text(&elf, "__ksymtab_strings", name);
	for (uint64_t i = 0; i < 200000; i++) {
		uint64_t place = entries->address + entries->bytes.len + 4;

		made_u32(&entries->bytes, 0);
		made_u32(&entries->bytes, (uint32_t)(at - place + i % 900));
		made_u32(&entries->bytes, 0);
	}
	made_elf_file(&elf, &plain);
	is_damaged(&plain, "has no name");
}

static void payloads_that_lie_are_damaged(void **state)
{
	automade struct made_elf elf = usual();
	autotext struct text plain = {0}, gzip = {0}, image = {0};

	(void)state;
	made_elf_file(&elf, &plain);
	made_gzip(&plain, &gzip);
	made_bzimage(gzip.data, gzip.len, &image);
	/* The plain size, in gzip's own last bytes, one less and one more. */
	image.data[image.len - 6 - 4]--;
	is_damaged(&image, "payload");
	image.data[image.len - 6 - 4] += 2;
	is_damaged(&image, "payload");
	image.data[image.len - 6 - 4]--;
	are_usual(&image);
	image.data[image.len - 6 - 1] = 0x7f;
	is_damaged(&image, "says that it is");
	image.data[image.len - 6 - 1] = 0;
	image.data[0x24f] = 1;
	is_damaged(&image, "the file is cut off");
	image.data[0x24f] = 0;
	image.data[0x24b] = '\xff';
	is_damaged(&image, "the file is cut off");
	image.data[0x24b] = 0;
	image.data[0x1f6] = 1;
	is_damaged(&image, "the file is cut off");
	image.data[0x1f6] = 0;
	are_usual(&image);
	image.data[(2 + 1) * 512 + 64 + 20] ^= 0x55;
	is_damaged(&image, "payload");
}

static void every_cut_is_refused(void **state)
{
	automade struct made_elf elf = usual();
	autotext struct text plain = {0}, gzip = {0}, image = {0};

	(void)state;
	made_elf_file(&elf, &plain);
	made_gzip(&plain, &gzip);
	made_bzimage(gzip.data, gzip.len, &image);
	for (size_t len = 0; len < image.len - 6; len += 1 + len / 100) {
		struct text cut = {.data = str_ndup("", 0), .len = len};
		struct error err = {0};
		struct read read = {0};

		cut.data = mem_regrow(cut.data, len, 1);
		memcpy(cut.data, image.data, len);
		assert_true(read_symbols(&cut, &read, &err) < 0);
		assert_true(err.message[0]);
		symbol_table_free(read.table);
		free(cut.data);
	}
}

static int count(void *data, const void *der, size_t len)
{
	(void)der;
	*(size_t *)data += len;
	return 0;
}

/* Whatever they say: it ends, in what was asked for or in a sentence. */
static void facts_of(const struct kernel_image *image, struct error *err)
{
	autosymbols struct symbol_table *table = symbol_table_new();
	autostrv struct strv names = {0};
	autofree char *vermagic = NULL;
	uint64_t layout;
	size_t certificates = 0;
	bool versions, flags;

	(void)kernel_image_symbols(image, table, &versions, &flags, err);
	(void)kernel_image_vermagic(image, RELEASE, &vermagic, err);
	(void)kernel_image_module_size(image, &layout, err);
	(void)kernel_image_builtin_names(image, &names, err);
	(void)kernel_image_certificates(image, count, &certificates, err);
}

static void no_bent_byte_leads_outside(void **state)
{
	automade struct made_elf elf = usual();
	autotext struct text plain = {0};

	(void)state;
	made_param(&elf, "a.b", 0644);
	made_version(&elf, "v");
	made_elf_file(&elf, &plain);
	for (size_t i = 0; i < plain.len * 3; i++) {
		static const char values[] = {'\0', '\377', '\200'};
		char was = plain.data[i / 3];
		struct kernel_image image = {0};
		struct error err = {0};

		plain.data[i / 3] = values[i % 3];
		if (kernel_image_open("i", plain.data, plain.len, &image, &err) == 0)
			facts_of(&image, &err);
		else
			assert_true(err.message[0]);
		kernel_image_done(&image);
		plain.data[i / 3] = was;
	}
	are_usual(&plain);
}

static struct kernel_image opened(const struct text *image)
{
	struct kernel_image opened = {0};
	struct error err = {0};

	if (kernel_image_open("vmlinuz", image->data, image->len, &opened, &err) < 0)
		fail_msg("%s", err.message);
	return opened;
}

static void the_vermagic_is_told_from_a_banner(void **state)
{
	automade struct made_elf elf = usual();
	autotext struct text plain = {0};
	autoimage struct kernel_image image = {0};
	autofree char *vermagic = NULL;
	struct error err = {0};

	(void)state;
	made_elf_file(&elf, &plain);
	image = opened(&plain);
	assert_int_equal(image.machine, EM_X86_64);
	assert_int_equal(kernel_image_vermagic(&image, RELEASE, &vermagic, &err), 0);
	assert_string_equal(vermagic, VERMAGIC);
	assert_int_equal(kernel_image_vermagic(&image, "6.1.0-5", &vermagic, &err),
			 -ENOENT);
	assert_int_equal(kernel_image_vermagic(&image, "", &vermagic, &err), -ENOENT);
}

/* An int, a struct of another name, struct module with two members. */
static void put_btf(struct made_elf *elf, uint32_t size)
{
	static const char texts[] = "\0module\0other\0member";
	struct text *to = &made_section(elf, ".BTF")->bytes;
	autotext struct text types = {0};

	for (uint32_t i = 0; i < 3; i++) {
		made_u32(&types, (const uint32_t[]){15, 8, 1}[i]);
		made_u32(&types,
			 (const uint32_t[]){1u << 24, 4u << 24 | 1, 4u << 24 | 2}[i]);
		made_u32(&types, i == 2 ? size : 4);
		for (uint32_t n = 0; n < (const uint32_t[]){1, 3, 6}[i]; n++)
			made_u32(&types, 0);
	}
	made_u32(to, 0x1eb9f);
	made_u32(to, 24);
	made_u32(to, 0);
	made_u32(to, (uint32_t)types.len);
	made_u32(to, (uint32_t)types.len);
	made_u32(to, sizeof(texts));
	text_append_n(to, types.data, types.len);
	text_append_n(to, texts, sizeof(texts));
}

static void the_size_of_struct_module_is_in_btf(void **state)
{
	automade struct made_elf with = usual(), without = usual(), bent = usual();
	autotext struct text plain = {0}, bare = {0}, broken = {0};
	autoimage struct kernel_image image = {0}, none = {0}, third = {0};
	struct error err = {0};
	uint64_t size = 7;

	(void)state;
	put_btf(&with, 1280);
	made_elf_file(&with, &plain);
	image = opened(&plain);
	assert_int_equal(kernel_image_module_size(&image, &size, &err), 0);
	assert_int_equal(size, 1280);
	made_elf_file(&without, &bare);
	none = opened(&bare);
	assert_int_equal(kernel_image_module_size(&none, &size, &err), 0);
	assert_int_equal(size, 0);
	put_btf(&bent, 1280);
	made_section(&bent, ".BTF")->bytes.data[0] = 0;
	made_elf_file(&bent, &broken);
	third = opened(&broken);
	assert_int_equal(kernel_image_module_size(&third, &size, &err), -ERROR_DAMAGED);
}

static void names_in_sys_module_are_found(void **state)
{
	automade struct made_elf elf = usual();
	autotext struct text plain = {0};
	autoimage struct kernel_image image = {0};
	autostrv struct strv names = {0};
	autofree char *joined = NULL;
	struct error err = {0};

	(void)state;
	made_param(&elf, "tcp_cubic.beta", 0644);
	made_param(&elf, "tcp_cubic.fast", 0444);
	made_param(&elf, "hidden.param", 0);
	made_param(&elf, "panic", 0644);
	made_param(&elf, "ahci.x", 0400);
	made_version(&elf, "virtio_blk");
	made_version(&elf, "ahci");
	made_elf_file(&elf, &plain);
	image = opened(&plain);
	assert_int_equal(kernel_image_builtin_names(&image, &names, &err), 0);
	joined = strv_join(&names, " ");
	assert_string_equal(joined, "ahci kernel tcp_cubic virtio_blk");
}

/* Before 5.12 __modver held pointers. */
static void versions_may_stand_behind_pointers(void **state)
{
	automade struct made_elf elf = usual();
	autotext struct text plain = {0};
	autoimage struct kernel_image image = {0};
	autostrv struct strv names = {0};
	struct made_section *records, *pointers;
	struct error err = {0};

	(void)state;
	made_version(&elf, "one");
	made_version(&elf, "two");
	records = made_section(&elf, "__modver");
	records->name = ".data";
	pointers = made_section(&elf, "__modver");
	made_u64(&pointers->bytes, records->address);
	made_u64(&pointers->bytes, records->address + 72);
	made_elf_file(&elf, &plain);
	image = opened(&plain);
	if (kernel_image_builtin_names(&image, &names, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(names.count, 2);
	assert_string_equal(names.items[1], "two");
}

/* As much of an X.509 certificate as tells one, len bytes long. */
static void put_certificate(struct text *to, size_t len)
{
	const unsigned char head[] = {0x30,
				      0x82,
				      (unsigned char)((len - 4) >> 8),
				      (unsigned char)(len - 4),
				      0x30,
				      0x82,
				      0,
				      100,
				      0xa0,
				      3,
				      2,
				      1,
				      2,
				      2};

	text_append_n(to, (const char *)head, sizeof(head));
	for (size_t i = sizeof(head); i < len; i++)
		text_append_n(to, "c", 1);
}

static size_t certificates_in(struct made_elf *elf)
{
	autotext struct text plain = {0};
	autoimage struct kernel_image image = {0};
	struct error err = {0};
	size_t bytes = 0;

	made_elf_file(elf, &plain);
	image = opened(&plain);
	assert_int_equal(kernel_image_certificates(&image, count, &bytes, &err), 0);
	return bytes;
}

static void certificates_are_those_with_their_length_behind(void **state)
{
	automade struct made_elf elf = usual(), room = usual(), none = usual();
	struct text *to = &made_section(&elf, ".init.data")->bytes;

	(void)state;
	/* A certificate of a self test, then the list. */
	put_certificate(to, 500);
	while (to->len % 8)
		text_append_n(to, "", 1);
	made_u64(to, 1);
	put_certificate(to, 477);
	put_certificate(to, 1324);
	while (to->len % 8)
		text_append_n(to, "", 1);
	made_u64(to, 477 + 1324);
	assert_int_equal(certificates_in(&elf), 477 + 1324);
	/* Room for one more between the list and its length. */
	to = &made_section(&room, ".init.data")->bytes;
	put_certificate(to, 800);
	for (int i = 0; i < 4096; i++)
		text_append_n(to, "", 1);
	made_u64(to, 800);
	assert_int_equal(certificates_in(&room), 800);
	put_certificate(&made_section(&none, ".init.data")->bytes, 800);
	assert_int_equal(certificates_in(&none), 0);
}

/* A section of beginnings of certificates, each with a length that is none. */
static void searching_for_certificates_ends(void **state)
{
	automade struct made_elf elf = {0};
	struct text *to = &made_section(&elf, ".init.data")->bytes;
	clock_t from = clock();

	(void)state;
	for (int i = 0; i < 20000; i++) {
		put_certificate(to, 112);
		text_append_n(to, "no", 2);
	}
	assert_int_equal(certificates_in(&elf), 0);
	assert_true(clock() - from < 2 * CLOCKS_PER_SEC);
}

static void files_that_are_no_kernels_say_so(void **state)
{
	static const char *const others[] = {"", "#!/bin/sh\n", "MZ", "\037\213"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		struct text text = {.data = str_dup(others[i]), .len = strlen(others[i])};

		is_damaged(&text, "vmlinuz: ");
		free(text.data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_image_is_read),
		cmocka_unit_test(a_plain_payload_is_read_where_it_lies),
		cmocka_unit_test(a_raw_image_has_a_vermagic_and_no_symbols),
		cmocka_unit_test(flags_take_the_place_of_sections),
		cmocka_unit_test(older_tables_are_read),
		cmocka_unit_test(names_may_lie_in_any_section),
		cmocka_unit_test(tables_that_do_not_fit_are_damaged),
		cmocka_unit_test(an_image_without_exports_says_so),
		cmocka_unit_test(names_that_overlap_are_damaged),
		cmocka_unit_test(payloads_that_lie_are_damaged),
		cmocka_unit_test(every_cut_is_refused),
		cmocka_unit_test(no_bent_byte_leads_outside),
		cmocka_unit_test(the_vermagic_is_told_from_a_banner),
		cmocka_unit_test(the_size_of_struct_module_is_in_btf),
		cmocka_unit_test(names_in_sys_module_are_found),
		cmocka_unit_test(versions_may_stand_behind_pointers),
		cmocka_unit_test(certificates_are_those_with_their_length_behind),
		cmocka_unit_test(searching_for_certificates_ends),
		cmocka_unit_test(files_that_are_no_kernels_say_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
