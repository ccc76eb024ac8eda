/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Packages give their members under the names they are installed by, whatever they are
 * compressed with; one that is cut off, out of order or made to hurt is told from a
 * sound one, in bounded time.
 */
#include <archive.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "made-machine.h"
#include "made-package.h"
#include "probe/package-file.h"

#define PATH "/made.pkg"

static const struct root *machine(void **state)
{
	const struct made_machine *m = *state;

	return &m->root;
}

#define MACHINE_TEST(f) \
	cmocka_unit_test_setup_teardown(f, made_machine_set_up, made_machine_tear_down)

static const struct made_member few[] = {
	MADE_FILE("./", ""),
	MADE_FILE("./usr/lib/modules/6.1/kernel/a.ko", "module a"),
	MADE_FILE("lib/modules/6.1/b.ko", "module b"),
	MADE_FILE("/boot//./vmlinuz-6.1", "image"),
	{.name = "./lib/modules/6.1/build", .target = "/usr/src/linux-headers-6.1"},
	MADE_FILE("./usr/lib/firmware/x", "firmware"),
	{0},
};
#define FEW_READ                                  \
	"/lib/modules/6.1/kernel/a.ko=module a\n" \
	"/lib/modules/6.1/b.ko=module b\n"        \
	"/boot/vmlinuz-6.1=image\n"               \
	"/usr/lib/firmware/x=firmware\n"

static const int filters[] = {ARCHIVE_FILTER_NONE, ARCHIVE_FILTER_GZIP,
			      ARCHIVE_FILTER_XZ,   ARCHIVE_FILTER_ZSTD,
			      ARCHIVE_FILTER_LZMA, ARCHIVE_FILTER_BZIP2};

/* "PATH=CONTENT" of every member. */
static int collect(void *data, struct package_member *member, struct error *err)
{
	autofree void *bytes = NULL;
	size_t len;
	int r = package_member_read(member, 1 << 20, &bytes, &len, err);

	if (r < 0)
		return r;
	assert_int_equal(len, member->size);
	text_appendf(data, "%s=%s\n", member->path, (const char *)bytes);
	return 0;
}

static int pass_over(void *data, struct package_member *member, struct error *err)
{
	(void)data;
	(void)member;
	(void)err;
	return 0;
}

static void put(const struct root *root, const struct text *package)
{
	made_bytes(root, PATH, package->data, package->len);
}

static int read_over(const struct root *root, const struct text *package,
		     struct error *err)
{
	put(root, package);
	return package_file_read(root, PATH, pass_over, NULL, NULL, err);
}

/* Damaged, and said so of this file with these words. */
static void assert_damaged(const struct root *root, const struct text *package,
			   const char *words)
{
	struct error err = {0};

	if (read_over(root, package, &err) != -ERROR_DAMAGED)
		fail_msg("%s, not damaged: %s", words, err.message);
	assert_non_null(strstr(err.message, PATH));
	if (!strstr(err.message, words))
		fail_msg("\"%s\" does not say \"%s\"", err.message, words);
}

static void members_come_as_installed(void **state)
{
	for (size_t i = 0; i < 2 * ARRAY_LEN(filters); i++) {
		const int filter = filters[i / 2];
		autotext struct text package =
			i % 2 ? made_deb(filter, few) : made_rpm(filter, few);
		autotext struct text read = {0};

		put(machine(state), &package);
		assert_int_equal(package_file_read(machine(state), PATH, collect, &read,
						   NULL, NULL),
				 0);
		assert_string_equal(text_str(&read), FEW_READ);
	}
}

static void package_says_what_it_is(void **state)
{
	autotext struct text deb = made_deb(ARCHIVE_FILTER_XZ, few);
	autotext struct text rpm = made_rpm(ARCHIVE_FILTER_XZ, few);
	autopackage struct package_info info = {0};

	put(machine(state), &deb);
	assert_int_equal(package_file_read(machine(state), PATH, pass_over, NULL, &info,
					   NULL),
			 0);
	assert_false(info.rpm);
	assert_string_equal(info.name, "made");
	assert_string_equal(info.version, "1:2-3");
	assert_string_equal(info.architecture, "amd64");
	package_info_done(&info);
	put(machine(state), &rpm);
	assert_int_equal(package_file_read(machine(state), PATH, pass_over, NULL, &info,
					   NULL),
			 0);
	assert_true(info.rpm);
	assert_string_equal(info.name, "made");
	assert_string_equal(info.version, "2-3");
	assert_string_equal(info.architecture, "x86_64");
}

static int stop_with(void *data, struct package_member *member, struct error *err)
{
	const int *answer = data;

	(void)member;
	return *answer < 0 ? error_set(err, *answer, "enough") : *answer;
}

static void visitor_can_end_it(void **state)
{
	autotext struct text deb = made_deb(ARCHIVE_FILTER_XZ, few);
	int answers[] = {7, -ENOSPC};
	struct error err = {0};

	put(machine(state), &deb);
	for (size_t i = 0; i < ARRAY_LEN(answers); i++)
		assert_int_equal(package_file_read(machine(state), PATH, stop_with,
						   &answers[i], NULL, &err),
				 answers[i]);
	assert_string_equal(err.message, "enough");
}

static int read_little(void *data, struct package_member *member, struct error *err)
{
	void *bytes;
	size_t len;

	(void)data;
	return package_member_read(member, 4, &bytes, &len, err);
}

static void member_over_the_bound_is_not_read(void **state)
{
	autotext struct text deb = made_deb(ARCHIVE_FILTER_XZ, few);
	struct error err = {0};

	put(machine(state), &deb);
	assert_int_equal(package_file_read(machine(state), PATH, read_little, NULL, NULL,
					   &err),
			 -EFBIG);
	assert_non_null(strstr(err.message, "/lib/modules/6.1/kernel/a.ko"));
}

static void names_that_lead_elsewhere_are_refused(void **state)
{
	static const char *const names[] = {"../etc/passwd", "./lib/../../x", "lib/..",
					    "a\nb",          "\033[2J",       "x\177"};

	for (size_t i = 0; i < 2 * ARRAY_LEN(names); i++) {
		struct made_member members[] = {MADE_FILE("./sound", "x"),
						MADE_FILE(names[i / 2], "y"),
						{0}};
		autotext struct text package =
			i % 2 ? made_deb(ARCHIVE_FILTER_GZIP, members)
			      : made_rpm(ARCHIVE_FILTER_GZIP, members);

		assert_damaged(machine(state), &package, "a member's name is \"");
	}
}

static void dots_in_names_are_no_way_up(void **state)
{
	static const struct made_member members[] = {MADE_FILE("./..a/b..c/...", "x"),
						     {0}};
	autotext struct text deb = made_deb(ARCHIVE_FILTER_GZIP, members);

	assert_int_equal(read_over(machine(state), &deb, NULL), 0);
}

static void links_have_no_content(void **state)
{
	static const struct made_member members[] = {MADE_FILE("./a", "content"),
						     {.name = "./b",
						      .target = "./a",
						      .hard = true},
						     {.name = "./c", .target = "a"},
						     {0}};
	autotext struct text deb = made_deb(ARCHIVE_FILTER_GZIP, members);
	autotext struct text read = {0};

	put(machine(state), &deb);
	assert_int_equal(package_file_read(machine(state), PATH, collect, &read, NULL,
					   NULL),
			 0);
	assert_string_equal(text_str(&read), "/a=content\n");
}

#define TEN "0123456789"

/* Members of an ar: v debian-binary, c control.tar, d data.tar, and what else is there.
 */
static struct text deb_of(const char *parts)
{
	static const struct made_member control[] = {MADE_FILE("./control", MADE_CONTROL),
						     {0}};
	static const struct made_member nameless[] = {MADE_FILE("./control",
								"Version: 1\n"),
						      {0}};
	static const struct made_member other[] = {MADE_FILE("./md5sums", "x"), {0}};
	/* Over 100 bytes in one part: ustar can't say it. */
	static const struct made_member far[] = {
		MADE_FILE("./" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN, "x"), {0}};
	autotext struct text c = made_archive(MADE_TAR, ARCHIVE_FILTER_GZIP, control);
	autotext struct text n = made_archive(MADE_TAR, ARCHIVE_FILTER_GZIP, nameless);
	autotext struct text o = made_archive(MADE_TAR, ARCHIVE_FILTER_GZIP, other);
	autotext struct text d = made_archive(MADE_TAR, ARCHIVE_FILTER_GZIP, few);
	autotext struct text p = made_archive(MADE_PAX, ARCHIVE_FILTER_GZIP, far);
	autotext struct text l = made_archive(MADE_TAR, ARCHIVE_FILTER_LZ4, few);
	const struct {
		char key;
		const char *name, *data;
		size_t len;
	} known[] = {
		{'v', "debian-binary", "2.0\n", 4},
		{'V', "debian-binary", "3.0\n", 4},
		{'c', "control.tar.gz", c.data, c.len},
		{'n', "control.tar.gz", n.data, n.len},
		{'o', "control.tar.gz", o.data, o.len},
		{'d', "data.tar.gz", d.data, d.len},
		{'p', "data.tar.gz", p.data, p.len},
		{'l', "data.tar.lz4", l.data, l.len},
		{'e', "data.tar", "", 0},
		{'t', "data.tar", "no tar at all, but text", 23},
		{'_', "_gpgorigin", "x", 1},
		{'?', "else", "x", 1},
	};
	struct text deb = {0};

	made_ar(&deb);
	for (const char *part = parts; *part; part++)
		for (size_t i = 0; i < ARRAY_LEN(known); i++)
			if (known[i].key == *part)
				made_ar_member(&deb, known[i].name, known[i].data,
					       known[i].len);
	return deb;
}

static void parts_of_a_deb_stand_in_order(void **state)
{
	static const struct {
		const char *parts, *words; /* NULL: it is sound */
	} cases[] = {
		{"vcd", NULL},
		{"v_c_d_", NULL},
		{"vcd?", NULL},
		{"", "it has no debian-binary"},
		{"v", "it has no control.tar"},
		{"vc", "it has no data.tar"},
		{"cd", "debian-binary is not where"},
		{"vd", "control.tar is not where"},
		{"vdc", "control.tar is not where"},
		{"v?cd", "control.tar is not where"},
		{"vc?d", "data.tar is not where"},
		{"vccd", "two members control.tar"},
		{"vcdd", "two members data.tar"},
		{"vvcd", "two members debian-binary"},
		{"vcd_d", "two members data.tar"},
		{"Vcd", "its format is not 2.x"},
		{"vod", "control file is missing"},
		{"vnd", "names no package"},
		{"vcp", "pax"},
		{"vcl", "lz4"},
		{"vce", ""},
		{"vct", ""},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autotext struct text deb = deb_of(cases[i].parts);

		if (cases[i].words)
			assert_damaged(machine(state), &deb, cases[i].words);
		else
			assert_int_equal(read_over(machine(state), &deb, NULL), 0);
	}
}

static void every_cut_is_seen(void **state)
{
	for (size_t i = 0; i < 2 * ARRAY_LEN(filters); i++) {
		const int filter = filters[i / 2];
		autotext struct text whole =
			i % 2 ? made_deb(filter, few) : made_rpm(filter, few);
		size_t step = whole.len > 2000 ? 97 : 7;

		/* An .rpm of no compression ends where its cpio does; behind it are
		 * zeroes. */
		if (i % 2 == 0 && filter == ARCHIVE_FILTER_NONE)
			whole.len -= 512;
		for (size_t len = 0; len < whole.len; len += step) {
			struct text cut = {whole.data, len, len};

			assert_damaged(machine(state), &cut, "");
		}
	}
}

static void changed_bytes_are_seen(void **state)
{
	autotext struct text deb = made_deb(ARCHIVE_FILTER_XZ, few);
	size_t at = deb.len - 100; /* in data.tar: xz has sums of everything */

	for (size_t i = 0; i < 100; i += 3) {
		deb.data[at + i] ^= 0x10;
		assert_damaged(machine(state), &deb, "");
		deb.data[at + i] ^= 0x10;
	}
	assert_int_equal(read_over(machine(state), &deb, NULL), 0);
}

static void bombs_end_early(void **state)
{
	static const struct made_member zeroes[] = {{.name = "./lib/x", .size = 80 << 20},
						    {0}};
	static const int bombs[] = {ARCHIVE_FILTER_ZSTD, ARCHIVE_FILTER_GZIP};

	for (size_t i = 0; i < ARRAY_LEN(bombs); i++) {
		autotext struct text deb = made_deb(bombs[i], zeroes);

		assert_true(deb.len < 600000);
		assert_damaged(machine(state), &deb, "unpack to over 67108864");
	}
}

/* Of an .rpm's payload, as xz -9e would never have it. */
static void dictionary_without_bound_is_damaged(void **state)
{
	autotext struct text rpm = made_rpm(ARCHIVE_FILTER_LZMA, few);
	char *lzma = memmem(rpm.data, rpm.len, "\x5d\0\0", 3);

	assert_non_null(lzma);
	memcpy(lzma + 1, "\xff\xff\xff\x7f", 4);
	assert_damaged(machine(state), &rpm, "");
	memcpy(lzma + 1, "\0\0\0\x40", 4); /* 1 GiB */
	assert_damaged(machine(state), &rpm, "dictionary");
}

/* The size field of the tar's member says more than there is. */
static void member_that_lies_about_its_size_is_damaged(void **state)
{
	autotext struct text tar = made_archive(MADE_TAR, ARCHIVE_FILTER_NONE, few);
	const size_t header = 512; /* behind "./" */
	autotext struct text deb = {0};
	unsigned int sum = 0;

	assert_string_equal(tar.data + header, few[1].name);
	memcpy(tar.data + header + 124, "77777777777", 11);
	memset(tar.data + header + 148, ' ', 8);
	for (size_t i = 0; i < 512; i++)
		sum += (unsigned char)tar.data[header + i];
	(void)snprintf(tar.data + header + 148, 8, "%06o", sum);
	made_ar(&deb);
	made_ar_member(&deb, "debian-binary", "2.0\n", 4);
	{
		static const struct made_member control[] = {MADE_FILE("control",
								       MADE_CONTROL),
							     {0}};
		autotext struct text c =
			made_archive(MADE_TAR, ARCHIVE_FILTER_NONE, control);

		made_ar_member(&deb, "control.tar", c.data, c.len);
	}
	made_ar_member(&deb, "data.tar", tar.data, tar.len);
	assert_damaged(machine(state), &deb, "");
}

/* A GNU long name, which is no name but megabytes. */
static void endless_name_is_damaged(void **state)
{
	autofree char *name = mem_zalloc((6 << 20) + 1);
	const struct made_member members[] = {MADE_FILE(name, "x"), {0}};

	memset(name, 'x', 6 << 20);
	for (size_t i = 0; i < 2; i++) {
		autotext struct text package = i ? made_deb(ARCHIVE_FILTER_ZSTD, members)
						 : made_rpm(ARCHIVE_FILTER_ZSTD, members);

		assert_damaged(machine(state), &package, "");
	}
}

static void head_of_an_rpm_is_not_believed(void **state)
{
	static const struct {
		size_t at, len;
		const char *bytes, *words;
	} cases[] = {
		{6, 2, "\0\1", "source package"},
		{96, 4, "\x8e\xad\xe8\x02", "no header"},
		{104, 4, "\xff\xff\xff\xff", "none of rpm's"},
		{108, 4, "\xff\xff\xff\xff", "none of rpm's"},
		{108, 4, "\0\xff\xff\xff", "cut off"},
		{MADE_RPM_HEADER, 4, "xxxx", "no header"},
		{MADE_RPM_HEADER + 8, 4, "\0\0\0\0", "none of rpm's"},
		{MADE_RPM_HEADER + 8, 4, "\0\0\xff\xff", "cut off"},
		{MADE_RPM_HEADER + 12, 4, "\x7f\0\0\0", "none of rpm's"},
		{MADE_RPM_INDEX + 2, 2, "\x03\xe9", "no name"},
		{MADE_RPM_INDEX + 4, 4, "\0\0\0\x07", "tag 1000 is no text"},
		{MADE_RPM_INDEX + 8, 4, "\x7f\xff\xff\xff", "tag 1000 is no text"},
		{MADE_RPM_INDEX + 8, 4, "\0\0\0\x10", "tag 1000 is no text"},
		{MADE_RPM_INDEX + 12, 4, "\0\0\0\x02", "tag 1000 is no text"},
		{MADE_RPM_STORE + 15, 1, "x", "tag 1022 has no end"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autotext struct text rpm = made_rpm(ARCHIVE_FILTER_ZSTD, few);

		memcpy(rpm.data + cases[i].at, cases[i].bytes, cases[i].len);
		assert_damaged(machine(state), &rpm, cases[i].words);
	}
}

static void other_files_are_no_packages(void **state)
{
	static const char *const others[] = {"", "x", "!<arch>", "PK\3\4 a zip",
					     "\xed\xab\xee"};
	autofree char *fifo = root_path(machine(state), "/fifo");
	struct error err = {0};

	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		autotext struct text other = {0};

		text_append(&other, others[i]);
		assert_damaged(machine(state), &other, "neither a .deb nor an .rpm");
	}
	assert_int_equal(package_file_read(machine(state), "/none", pass_over, NULL, NULL,
					   &err),
			 -ENOENT);
	made_dir(machine(state), "/folder");
	assert_int_equal(package_file_read(machine(state), "/folder", pass_over, NULL,
					   NULL, &err),
			 -ERROR_DAMAGED);
	assert_int_equal(mkfifo(fifo, 0644), 0);
	assert_int_equal(package_file_read(machine(state), "/fifo", pass_over, NULL, NULL,
					   &err),
			 -ERROR_DAMAGED);
	assert_non_null(strstr(err.message, "no regular file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(members_come_as_installed),
		MACHINE_TEST(package_says_what_it_is),
		MACHINE_TEST(visitor_can_end_it),
		MACHINE_TEST(member_over_the_bound_is_not_read),
		MACHINE_TEST(names_that_lead_elsewhere_are_refused),
		MACHINE_TEST(dots_in_names_are_no_way_up),
		MACHINE_TEST(links_have_no_content),
		MACHINE_TEST(parts_of_a_deb_stand_in_order),
		MACHINE_TEST(every_cut_is_seen),
		MACHINE_TEST(changed_bytes_are_seen),
		MACHINE_TEST(bombs_end_early),
		MACHINE_TEST(dictionary_without_bound_is_damaged),
		MACHINE_TEST(member_that_lies_about_its_size_is_damaged),
		MACHINE_TEST(endless_name_is_damaged),
		MACHINE_TEST(head_of_an_rpm_is_not_believed),
		MACHINE_TEST(other_files_are_no_packages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
