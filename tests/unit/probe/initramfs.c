/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Images of one or more archives are read to the last byte as the kernel reads them;
 * what is cut off, bent or not for a kernel is a fault that says where.
 */
#include "probe/initramfs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "made-initramfs.h"
#include "made-machine.h"
#include "made-packed.h"

#define IMAGE "/initrd"
#define PLAIN WAYS

/* An archive with one file that no other has, and some that all have. */
static void archive(struct text *to, const char *name)
{
	autotext struct text filler = {0};

	for (int i = 0; i < 3000; i++)
		text_appendf(&filler, "%s %d\n", name, i * i);
	made_folder(to, ".");
	made_folder(to, "etc");
	made_file_entry(to, "etc/common", "of all");
	made_entry(to, &(struct made_entry){.name = "init",
					    .data = "#!/bin/sh\n",
					    .mode = S_IFREG | 0755});
	made_file_entry(to, name, text_str(&filler));
	made_end(to);
}

static void early(struct text *to)
{
	made_folder(to, "kernel");
	made_deep(to, "kernel/x86/microcode/AuthenticAMD.bin", "microcode");
	made_end(to);
}

static void packed(struct text *to, const char *name, int way)
{
	autotext struct text plain = {0};

	archive(&plain, name);
	made_fill(&plain, 512);
	if (way == PLAIN)
		text_append_n(to, plain.data, plain.len);
	else
		ways[way].compress((const uint8_t *)plain.data, plain.len, to);
}

static void read_bytes(struct made_machine *m, const void *data, size_t len,
		       struct initramfs *ret)
{
	struct error err = {0};

	made_image(&m->root, IMAGE, data, len);
	if (initramfs_read(&m->root, IMAGE, ret, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(ret->size, len);
}

static void read_text(struct made_machine *m, const struct text *image,
		      struct initramfs *ret)
{
	read_bytes(m, image->data, image->len, ret);
}

static void has_fault(struct made_machine *m, const struct text *image, const char *fault)
{
	autoinitramfs struct initramfs got = {0};

	read_text(m, image, &got);
	if (!got.fault || !strstr(got.fault, fault))
		fail_msg("\"%s\" is not \"%s\"", got.fault ? got.fault : "none", fault);
}

static void no_fault(const struct initramfs *image, const char *what)
{
	if (image->fault)
		fail_msg("%s: %s", what, image->fault);
	assert_true(image->init && image->init_executable);
}

/* --- what follows what -------------------------------------------------------------- */

/*
 * Letters: e an early archive, p a plain one, g gzip, x xz, l lzma, z zstd, s zstd
 * without its size, 4 lz4, o lzop, b bzip2; 0 four zero bytes, 5 zeroes up to a multiple
 * of 512.
 */
static const char letters[] = "gxlzs4ob";

static const char *const good_rows[] = {
	"p",   "g",     "x",     "l",    "z",   "s",    "4",   "o",     "b",
	"e5z", "e5g",   "e5e5z", "ez",   "ez0", "e5x5", "zz",  "gg",    "xx",
	"bb",  "oo",    "44",    "4040", "z0z", "z5z",  "g5z", "gz",    "zg",
	"40z", "45g",   "05z",   "pp",   "p5p", "p5z",  "z5p", "z5e5z", "e5gzxbo40s5p",
	"lg",  "e5p5z", "s0s0s", "0p",
};

static void part(struct text *image, char letter, int number)
{
	autofree char *name = str_format("etc/part-%d", number);
	const char *way = strchr(letters, letter);

	if (letter == '0')
		text_append_n(image, "\0\0\0\0", 4);
	else if (letter == '5')
		made_fill(image, 512);
	else if (letter == 'e')
		early(image);
	else
		packed(image, name, letter == 'p' ? PLAIN : (int)(way - letters));
}

static void check_part(const struct initramfs *image, size_t n, char letter, int number)
{
	const struct initramfs_segment *segment = &image->segments[n];
	autofree char *name = str_format("etc/part-%d", number);

	assert_true(n < image->segment_count);
	assert_true(segment->early == (letter == 'e'));
	assert_int_equal(segment->entries, 5);
	assert_true(letter == 'e' || strv_has(&image->files, name));
	if (letter == 'e' || letter == 'p') {
		assert_string_equal(segment->packing, "none");
		assert_int_equal(segment->packed, segment->plain);
		return;
	}
	assert_string_equal(segment->packing,
			    ways[strchr(letters, letter) - letters].name);
	assert_int_equal(segment->plain % 512, 0);
}

static void check_row(struct made_machine *m, const char *row)
{
	autoinitramfs struct initramfs got = {0};
	autotext struct text image = {0};
	uint64_t offsets[32], ends[32];
	size_t n = 0;

	for (int i = 0; row[i]; i++) {
		offsets[n] = image.len;
		part(&image, row[i], i);
		ends[n] = image.len;
		n += row[i] != '0' && row[i] != '5';
	}
	read_text(m, &image, &got);
	no_fault(&got, row);
	assert_int_equal(got.segment_count, n);
	n = 0;
	for (int i = 0; row[i]; i++) {
		if (row[i] == '0' || row[i] == '5')
			continue;
		check_part(&got, n, row[i], i);
		assert_int_equal(got.segments[n].offset, offsets[n]);
		assert_true(got.segments[n].packed <= ends[n] - offsets[n]);
		n++;
	}
}

static void archives_follow_one_another(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(good_rows); i++)
		check_row(*state, good_rows[i]);
}

/* As the kernel: lz4 takes what follows for more of it; nothing begins anywhere. */
static void what_no_kernel_reads_is_a_fault(void **state)
{
	static const struct {
		const char *row, *fault;
	} bad[] = {
		{"4g", "what follows it is neither lz4 nor four zero bytes"},
		{"40z4z", "what follows it is neither lz4 nor four zero bytes"},
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		autotext struct text image = {0};

		for (int k = 0; bad[i].row[k]; k++)
			part(&image, bad[i].row[k], k);
		has_fault(*state, &image, bad[i].fault);
	}
}

static void forms_that_no_kernel_knows_are_a_fault(void **state)
{
	static const struct {
		int way;
		const char *fault;
	} bad[] = {
		{WAY_LZ4, "the lz4 archive at byte 1024 of the file: it is in lz4's new "
			  "format, which no kernel reads"},
		{WAY_XZ_CRC64, "its check is one that no kernel knows: make it by xz "
			       "--check=crc32"},
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		autotext struct text image = {0};

		early(&image);
		made_fill(&image, 512);
		packed(&image, "part", bad[i].way);
		has_fault(*state, &image, bad[i].fault);
	}
}

static void junk_is_a_fault(void **state)
{
	autotext struct text image = {0}, empty = {0}, zeroes = {0}, shifted = {0};

	packed(&image, "part", WAY_ZSTD);
	text_append(&image, "junk");
	has_fault(*state, &image, "no archive, compressed or not, nor zeroes");
	image.len = 0;
	packed(&image, "part", PLAIN);
	text_append(&image, "070707junk");
	has_fault(*state, &image, "it is cut off");
	text_append_n(&image, image.data, 200);
	has_fault(*state, &image, "an old format");
	has_fault(*state, &empty, "it holds no archive");
	text_append_n(&zeroes, "\0\0\0\0\0\0", 6);
	has_fault(*state, &zeroes, "it holds no archive");
	text_append_n(&shifted, "\0\0", 2);
	packed(&shifted, "part", PLAIN);
	has_fault(*state, &shifted, "what stands at byte 2 is no archive");
}

/* What is in a stream is one archive or more, and no stream. */
static void nothing_is_unpacked_twice(void **state)
{
	autotext struct text once = {0}, twice = {0};

	packed(&once, "part", WAY_GZIP);
	ways[WAY_ZSTD].compress((const uint8_t *)once.data, once.len, &twice);
	has_fault(*state, &twice, "no header of a file");
	once.len = twice.len = 0;
	packed(&once, "part", PLAIN);
	text_append(&once, "junk");
	ways[WAY_ZSTD].compress((const uint8_t *)once.data, once.len, &twice);
	has_fault(*state, &twice, "no header of a file before byte");
}

static void two_archives_may_be_in_one_stream(void **state)
{
	autoinitramfs struct initramfs got = {0};
	autotext struct text plain = {0}, image = {0};

	archive(&plain, "one");
	made_fill(&plain, 512);
	archive(&plain, "two");
	ways[WAY_XZ].compress((const uint8_t *)plain.data, plain.len, &image);
	read_text(*state, &image, &got);
	no_fault(&got, "two in one");
	assert_int_equal(got.segment_count, 1);
	assert_int_equal(got.segments[0].entries, 10);
	assert_true(strv_has(&got.files, "one") && strv_has(&got.files, "two"));
}

/* --- cut off and bent --------------------------------------------------------------- */

static void cut_at(struct made_machine *m, const struct text *image, size_t whole,
		   size_t len)
{
	autoinitramfs struct initramfs got = {0};

	read_bytes(m, image->data, len, &got);
	/* Between two archives nothing tells that there was another, but for /init. */
	if (!got.fault && got.init)
		fail_msg("cut at %zu of %zu, nothing is said", len, whole);
}

static void what_is_cut_off_is_a_fault(void **state)
{
	for (int way = 0; way <= KERNEL_WAYS; way++) {
		autotext struct text image = {0};
		size_t whole, step;

		early(&image);
		made_fill(&image, 512);
		packed(&image, "part", way == KERNEL_WAYS ? PLAIN : way);
		/* The last bytes of a plain one are zeroes that fill it up. */
		whole = image.len;
		while (way == KERNEL_WAYS && image.data[whole - 1] == '\0')
			whole--;
		step = 1 + whole / 300;
		for (size_t len = 0; len < whole; len += step)
			cut_at(*state, &image, whole, len);
		for (size_t back = 1; back < 12; back++)
			cut_at(*state, &image, whole, whole - back);
	}
}

/* Every boundary of a file, too: a whole archive ends with TRAILER!!!. */
static void a_plain_archive_cut_between_files_is_a_fault(void **state)
{
	autotext struct text image = {0};

	for (int i = 0; i < 5; i++) {
		autofree char *name = str_format("file-%d", i);

		made_file_entry(&image, name, "x");
		has_fault(*state, &image, "it is cut off");
	}
}

static void same_files(const struct initramfs *a, const struct initramfs *b)
{
	autofree char *x = strv_join(&a->files, "\n"), *y = strv_join(&b->files, "\n");

	assert_string_equal(x, y);
}

static void what_is_bent_is_a_fault(void **state)
{
	struct made_machine *m = *state;

	for (int way = 0; way < KERNEL_WAYS; way++) {
		autoinitramfs struct initramfs whole = {0};
		autotext struct text image = {0};

		packed(&image, "part", way);
		read_text(m, &image, &whole);
		for (size_t at = 0; at < image.len; at += 1 + image.len / 80) {
			autoinitramfs struct initramfs got = {0};

			image.data[at] ^= 0x10;
			read_text(m, &image, &got);
			if (ways[way].summed && !got.fault)
				same_files(&got, &whole); /* as a gzip header's time */
			image.data[at] ^= 0x10;
		}
	}
}

/* --- headers ------------------------------------------------------------------------ */

static void sums_are_checked(void **state)
{
	struct made_entry file = {.name = "file",
				  .data = "0123456789\xff",
				  .magic = "070702"};
	autoinitramfs struct initramfs got = {0};
	autotext struct text image = {0}, bad = {0};

	made_entry(&image, &file);
	made_entry(&image, &(struct made_entry){.name = "none", .magic = "070702"});
	made_link_entry(&image, "link", "file");
	made_end(&image);
	read_text(*state, &image, &got);
	assert_null(got.fault);
	file.sum_off = 1;
	made_entry(&bad, &file);
	made_end(&bad);
	has_fault(*state, &bad, "data with a wrong checksum");
	bad.len = 0;
	made_entry(&bad,
		   &(struct made_entry){.name = "none", .magic = "070702", .sum_off = 7});
	made_end(&bad);
	has_fault(*state, &bad, "data with a wrong checksum");
}

static void headers_are_what_they_must_be(void **state)
{
	static const struct {
		size_t at;
		char byte;
		const char *fault;
	} bent[] = {
		{5, '7', "an old format"},      {5, '3', "no header of a file"},
		{20, 'g', "a damaged header"},  {60, ' ', "a damaged header"},
		{109, 'x', "a damaged header"}, {114, 'x', "a name without an end"},
	};

	for (size_t i = 0; i < ARRAY_LEN(bent); i++) {
		autotext struct text image = {0};

		made_file_entry(&image, "file", "data");
		made_end(&image);
		image.data[bent[i].at] = bent[i].byte;
		has_fault(*state, &image, bent[i].fault);
	}
}

/* PATH_MAX, with the zero at the end; what is longer is passed over. */
static void names_have_a_limit(void **state)
{
	autoinitramfs struct initramfs got = {0};
	autotext struct text image = {0};
	autofree char *longest = mem_zalloc(4098);

	memset(longest, 'a', 4096);
	made_entry(&image, &(struct made_entry){.name = longest, .data = "too long"});
	made_link_entry(&image, longest, "too long");
	longest[4095] = '\0';
	made_file_entry(&image, longest, "as long as may be");
	made_link_entry(&image, "link", longest);
	made_end(&image);
	read_text(*state, &image, &got);
	assert_null(got.fault);
	assert_int_equal(got.files.count, 2);
	assert_string_equal(got.files.items[0], longest);
}

static void targets_have_a_limit(void **state)
{
	autoinitramfs struct initramfs got = {0};
	autotext struct text image = {0};
	autofree char *target = mem_zalloc(4098);

	memset(target, 'a', 4097);
	made_link_entry(&image, "too-long", target);
	target[4096] = '\0';
	made_link_entry(&image, "link", target);
	made_end(&image);
	read_text(*state, &image, &got);
	assert_null(got.fault);
	assert_int_equal(got.files.count, 1);
	assert_true(str_starts(got.files.items[0], "link -> aaaa"));
}

static void there_is_an_end_to_archives(void **state)
{
	autotext struct text image = {0};

	for (int i = 0; i < 1025; i++)
		made_end(&image);
	has_fault(*state, &image, "over 1024 archives");
}

static void a_boot_configuration_is_no_junk(void **state)
{
	autoinitramfs struct initramfs got = {0}, shorter = {0};
	autotext struct text image = {0};
	size_t end;

	packed(&image, "part", WAY_ZSTD);
	made_fill(&image, 4);
	end = image.len;
	text_append_n(&image, "kernel.quiet\n\0\0\0", 16);
	text_append_n(&image, "\x10\0\0\0\x01\x02\0\0#BOOTCONFIG\n", 20);
	read_text(*state, &image, &got);
	no_fault(&got, "with a boot configuration");
	assert_true(got.segments[0].packed <= end);
	text_append_n(&image, "\0\0\0", 3);
	read_text(*state, &image, &shorter);
	no_fault(&shorter, "with a boot configuration, filled up");
	image.data[end + 16] = '\xff'; /* a size that the file has not */
	image.data[end + 18] = '\xff';
	has_fault(*state, &image, "no archive");
}

/* More than any kernel has would keep whoever compares them busy. */
static void there_is_an_end_to_modules(void **state)
{
	autotext struct text modules = {0}, trees = {0};

	made_deep(&modules, "lib/modules/6.1.0/0.ko", "module");
	for (int i = 1; i <= 65536; i++) {
		autofree char *name = str_format("lib/modules/6.1.0/%d.ko", i);

		made_file_entry(&modules, name, "module");
	}
	made_end(&modules);
	has_fault(*state, &modules, "it holds more than 65536 modules");
	made_deep(&trees, "lib/modules/0/x", "");
	for (int i = 1; i <= 1024; i++) {
		autofree char *name = str_format("lib/modules/%d", i);

		made_folder(&trees, name);
	}
	made_end(&trees);
	has_fault(*state, &trees, "more than 1024 releases");
}

static void what_is_no_file_is_told(void **state)
{
	struct made_machine *m = *state;
	autoinitramfs struct initramfs got = {0};
	struct error err = {0};

	assert_int_equal(initramfs_read(&m->root, "/nothing", &got, &err), -ENOENT);
	assert_non_null(strstr(err.message, "/nothing can't be opened"));
	made_dir(&m->root, "/folder");
	assert_int_equal(initramfs_read(&m->root, "/folder", &got, &err), 0);
	assert_string_equal(got.fault, "it is no regular file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(archives_follow_one_another),
		cmocka_unit_test(what_no_kernel_reads_is_a_fault),
		cmocka_unit_test(forms_that_no_kernel_knows_are_a_fault),
		cmocka_unit_test(junk_is_a_fault),
		cmocka_unit_test(nothing_is_unpacked_twice),
		cmocka_unit_test(two_archives_may_be_in_one_stream),
		cmocka_unit_test(what_is_cut_off_is_a_fault),
		cmocka_unit_test(a_plain_archive_cut_between_files_is_a_fault),
		cmocka_unit_test(what_is_bent_is_a_fault),
		cmocka_unit_test(sums_are_checked),
		cmocka_unit_test(headers_are_what_they_must_be),
		cmocka_unit_test(names_have_a_limit),
		cmocka_unit_test(targets_have_a_limit),
		cmocka_unit_test(there_is_an_end_to_archives),
		cmocka_unit_test(a_boot_configuration_is_no_junk),
		cmocka_unit_test(there_is_an_end_to_modules),
		cmocka_unit_test(what_is_no_file_is_told),
	};

	return cmocka_run_group_tests(tests, made_machine_set_up, made_machine_tear_down);
}
