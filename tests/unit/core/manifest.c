/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Manifests read back as written; one that kuro could not have written is damaged and
 * says where; what is made for GRUB is script that GRUB takes, whatever the manifest
 * holds.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/process.h"
#include "core/manifest.h"

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void add_file(struct manifest *m, const char *name, uint64_t size)
{
	struct manifest_file *file = &m->files[m->file_count++];

	file->name = str_dup(name);
	file->size = size;
	memcpy(file->sha256, HASH, sizeof(HASH));
}

static struct manifest sample(void)
{
	struct manifest m = {
		.generation = 7,
		.release = str_dup("6.1.0-56-cloud-amd64"),
		.title = str_dup("Debian GNU/Linux, 6.1.0-56-cloud-amd64"),
		.command_line = str_dup("root=UUID=0a ro dyndbg=\"file a +p\""),
		.trial_line = str_dup("panic=10 oops=panic"),
		.created = 1700000000,
		.transaction = 3,
	};

	add_file(&m, "vmlinuz", 8000513);
	add_file(&m, "initrd.img", 1024);
	return m;
}

static void manifests_read_back_as_written(void **state)
{
	automanifest struct manifest m = sample(), read = {0};
	autofree char *text = manifest_format(&m), *again = NULL;
	struct error err = {0};

	(void)state;
	if (manifest_parse(text, strlen(text), &read, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(read.generation, 7);
	assert_string_equal(read.release, m.release);
	assert_string_equal(read.title, m.title);
	assert_string_equal(read.command_line, m.command_line);
	assert_string_equal(read.trial_line, m.trial_line);
	assert_int_equal(read.created, 1700000000);
	assert_int_equal(read.transaction, 3);
	assert_int_equal(read.file_count, 2);
	assert_int_equal(manifest_file(&read, "vmlinuz")->size, 8000513);
	assert_string_equal(manifest_file(&read, "initrd.img")->sha256, HASH);
	assert_null(manifest_file(&read, "boot.cfg"));
	again = manifest_format(&read);
	assert_string_equal(again, text);
}

static void unknown_fields_are_left_out(void **state)
{
	static const char text[] =
		"{\"schema\":1,\"generation\":1,\"release\":\"6.1\",\"title\":\"\","
		"\"command_line\":\"\",\"trial_line\":\"\",\"created\":0,\"transaction\":"
		"0,"
		"\"files\":[{\"name\":\"vmlinuz\",\"size\":0,\"sha256\":\"" HASH "\","
		"\"more\":[1]}],\"later\":{\"a\":null}}\n ";
	automanifest struct manifest m = {0};

	(void)state;
	assert_int_equal(manifest_parse(text, sizeof(text) - 1, &m, NULL), 0);
	assert_int_equal(m.generation, 1);
}

static void fails_as_damaged(const char *text, size_t len, const char *says)
{
	struct manifest m = {.generation = 99};
	struct error err = {0};

	if (manifest_parse(text, len, &m, &err) != -ERROR_DAMAGED)
		fail_msg("not damaged, expected: %s", says);
	if (!strstr(err.message, says))
		fail_msg("\"%s\" does not say \"%s\"", err.message, says);
	assert_int_equal(m.generation, 99);
	assert_null(m.release);
	assert_int_equal(manifest_parse(text, len, &m, NULL), -ERROR_DAMAGED);
}

/* The sample's text with its first occurrence of one string replaced. */
static void change_is_damage(const char *from, const char *to, const char *says)
{
	automanifest struct manifest m = sample();
	autofree char *text = manifest_format(&m), *changed = NULL;
	char *at = strstr(text, from);

	assert_non_null(at);
	changed = str_format("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
	fails_as_damaged(changed, strlen(changed), says);
}

static void fields_outside_their_bounds_are_damage(void **state)
{
	(void)state;
	change_is_damage("\"schema\": 1", "\"schema\": 2", "\"schema\" is out of bounds");
	change_is_damage("\"schema\"", "\"schemas\"", "\"schema\" is missing");
	change_is_damage("\"generation\": 7", "\"generation\": 0", "\"generation\"");
	change_is_damage("\"generation\": 7", "\"generation\": 1000000",
			 "\"generation\"");
	change_is_damage("\"generation\": 7", "\"generation\": -7", "\"generation\"");
	change_is_damage("\"generation\": 7", "\"generation\": 4294967303",
			 "\"generation\"");
	change_is_damage("\"generation\": 7", "\"generation\": 18446744073709551623",
			 "\"generation\"");
	change_is_damage("\"generation\": 7", "\"generation\": 7.0",
			 "not a whole number");
	change_is_damage("\"generation\": 7", "\"generation\": \"7\"",
			 "not a whole number");
	change_is_damage("\"generation\": 7", "\"generation\": null",
			 "not a whole number");
	change_is_damage("1700000000", "-1", "\"created\"");
	change_is_damage("1700000000", "99999999999999", "\"created\"");
	change_is_damage("6.1.0-56-cloud-amd64\",", "../../etc\",", "\"release\"");
	change_is_damage("\"6.1.0-56-cloud-amd64\",", "[],",
			 "\"release\" is not a string");
	change_is_damage("Debian", "De\\nbian", "\"title\" holds a control character");
	change_is_damage("Debian", "De\\u0000bian", "holds a NUL");
	change_is_damage("root=", "root\\u0007=",
			 "\"command_line\": kernel command line: ");
	change_is_damage("root=", "'", "\"command_line\": kernel command line: ");
	change_is_damage("panic=10", "panic=10\\u0000", "\"trial_line\"");
	change_is_damage("\"trial_line\"", "\"other\"", "\"trial_line\" is missing");
}

static void files_that_are_not_plain_are_damage(void **state)
{
	(void)state;
	change_is_damage("\"vmlinuz\"", "\"../vmlinuz\"", "not a plain file name");
	change_is_damage("\"vmlinuz\"", "\"a/vmlinuz\"", "not a plain file name");
	change_is_damage("\"vmlinuz\"", "\"..\"", "not a plain file name");
	change_is_damage("\"vmlinuz\"", "\"\"", "not a plain file name");
	change_is_damage("\"vmlinuz\"", "\"vmlinuz\\n\"", "not a plain file name");
	change_is_damage("\"vmlinuz\"", "\"-vmlinuz\"", "not a plain file name");
	change_is_damage("\"vmlinuz\"", "\"initrd.img\"",
			 "initrd.img stands there twice");
	change_is_damage("\"vmlinuz\"", "\"kernel\"", "vmlinuz is missing");
	change_is_damage("8000513", "-1", "\"size\"");
	change_is_damage("8000513", "9223372036854775807", "\"size\"");
	change_is_damage(HASH, "0123", "vmlinuz: \"sha256\"");
	change_is_damage("89abcdef", "89ABCDEF", "vmlinuz: \"sha256\"");
	change_is_damage("\"files\": [", "\"files\": [ [], ", "a file is not an object");
	change_is_damage("\"files\": [", "\"files\": [ null, ",
			 "a file is not an object");
	change_is_damage("\"files\"", "\"filed\"", "\"files\" is missing or not a list");
}

static void what_is_not_one_json_object_is_damage(void **state)
{
	automanifest struct manifest m = sample();
	autofree char *text = manifest_format(&m),
		      *nested = str_format("%0*d", 100000, 0);
	autofree char *behind = str_format("%s{}", text);
	size_t len = strlen(text) - 1;

	(void)state;
	for (size_t cut = 0; cut < len; cut++)
		fails_as_damaged(text, cut, "not JSON");
	fails_as_damaged(behind, strlen(behind), "not JSON");
	fails_as_damaged("[]", 2, "not a JSON object");
	fails_as_damaged("{}", 2, "\"schema\" is missing");
	fails_as_damaged("{\"\xff\":1}", 7, "not JSON");
	fails_as_damaged(nested, strlen(nested), "at most 65536");
	memset(nested, '[', 60000);
	fails_as_damaged(nested, 60000, "not JSON");
}

/* Unknown fields are let pass, but not to any depth. */
static void nesting_is_bounded(void **state)
{
	(void)state;
	change_is_damage("\"schema\"", "\"later\": [[[[[[[[[[]]]]]]]]]], \"schema\"",
			 "nesting too deep");
}

/* Each may pass alone, but GRUB would cut the end off a trial's line. */
static void command_lines_too_long_together_are_damage(void **state)
{
	automanifest struct manifest m = sample(), alone = {0};
	autofree char *half = NULL, *whole = NULL;
	struct text line = {0};

	(void)state;
	for (int i = 0; i < 128; i++)
		text_append(&line, "a=12345 ");
	free(m.command_line);
	m.command_line = text_take(&line);
	half = manifest_format(&m);
	assert_int_equal(manifest_parse(half, strlen(half), &alone, NULL), 0);
	free(m.trial_line);
	m.trial_line = str_dup(m.command_line);
	whole = manifest_format(&m);
	fails_as_damaged(whole, strlen(whole), "both command lines together");
}

static void too_many_files_are_damage(void **state)
{
	autofree char *text = NULL;
	struct text files = {0};

	(void)state;
	for (int i = 0; i <= MANIFEST_FILES_MAX; i++)
		text_appendf(&files,
			     "%s{\"name\":\"f%d\",\"size\":1,\"sha256\":\"" HASH "\"}",
			     i ? "," : "", i);
	text = str_format(
		"{\"schema\":1,\"generation\":1,\"release\":\"6.1\",\"title\":\"\","
		"\"command_line\":\"\",\"trial_line\":\"\",\"created\":0,"
		"\"transaction\":0,\"files\":[%s]}",
		text_str(&files));
	fails_as_damaged(text, strlen(text), "9 files; at most 8");
	text_done(&files);
}

static void boot_cfg_is_what_the_contract_says(void **state)
{
	static const char expected[] =
		"# generation 7 of kuro; written once, never changed\n"
		"set kuro_this=7\n"
		"set kuro_title='Debian GNU/Linux, 6.1.0-56-cloud-amd64'\n"
		"set kuro_vmlinuz_sectors=15627\n"
		"set kuro_initrd_sectors=2\n"
		"function kuro_load {\n"
		"\tset kuro_linux=\n"
		"\tif [ \"$kuro_role\" = trial ]; then\n"
		"\t\tif linux \"$kuro_dir/vmlinuz\" 'root=UUID=0a' 'ro' 'dyndbg=file a "
		"+p' "
		"'panic=10' 'oops=panic' 'kuro.generation=7' 'kuro.trial=1'; then "
		"set kuro_linux=7; fi\n"
		"\telse\n"
		"\t\tif linux \"$kuro_dir/vmlinuz\" 'root=UUID=0a' 'ro' 'dyndbg=file a "
		"+p' "
		"'kuro.generation=7'; then set kuro_linux=7; fi\n"
		"\tfi\n"
		"\tif [ \"$kuro_linux\" = 7 ]; then\n"
		"\t\tif initrd \"$kuro_dir/initrd.img\"; then set kuro_loaded=7; fi\n"
		"\tfi\n"
		"}\n";
	automanifest struct manifest m = sample();
	autofree char *text = manifest_boot_cfg(&m);

	(void)state;
	assert_string_equal(text, expected);
}

static void boot_cfg_loads_no_initrd_that_is_not_there(void **state)
{
	automanifest struct manifest m = sample();
	autofree char *text = NULL;

	(void)state;
	free(m.files[1].name);
	m.files[1].name = str_dup("other");
	text = manifest_boot_cfg(&m);
	assert_null(strstr(text, "initrd"));
	assert_non_null(strstr(text, "\t\tset kuro_loaded=7\n"));
}

static void grub_takes(const struct manifest *m)
{
	autofree char *text = manifest_boot_cfg(m);
	char path[] = "/tmp/kuro-boot-cfg-XXXXXX";
	autoclose int fd = mkstemp(path);
	const char *argv[] = {"grub-script-check", path, NULL};
	autoprocess struct process_result result = {0};
	struct error err = {0};
	int r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	r = process_check(&(struct process){.argv = argv}, &result, &err);
	(void)unlink(path); /* the directory is for such */
	if (r == -ENOENT)
		skip();
	if (r < 0)
		fail_msg("%s in:\n%s", err.message, text);
}

/* However a value looks, it stays one word: no line of boot.cfg begins with it. */
static void hostile_values_stay_data(void **state)
{
	static const char *const hostile[] = {
		"'; set default=evil; '",
		"\n}\nset default=evil\n",
		"\"$root\" `id` \\",
		"}",
		"{",
		"'",
		"''",
		"\\'",
		"# no comment",
		"a\r\nset default=evil",
		"$(x)",
		"\xff\xfe",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
		automanifest struct manifest m = sample();
		autofree char *text = NULL;

		free(m.title);
		free(m.command_line);
		m.title = str_dup(hostile[i]);
		m.command_line = str_dup(hostile[i]);
		text = manifest_boot_cfg(&m);
		assert_null(strstr(text, "\nset default"));
		grub_takes(&m);
	}
}

static void sample_is_script_that_grub_takes(void **state)
{
	automanifest struct manifest m = sample();

	(void)state;
	grub_takes(&m);
	m.file_count = 1;
	grub_takes(&m);
	free(m.files[1].name);
	m.files[1].name = NULL;
}

static void sums_list_what_grub_checks(void **state)
{
	automanifest struct manifest m = sample();
	autofree char *text = NULL;

	(void)state;
	add_file(&m, "boot.cfg", 300);
	add_file(&m, "manifest.json", 1);
	add_file(&m, "sums", 1);
	text = manifest_sums(&m);
	assert_string_equal(text,
			    HASH "  vmlinuz\n" HASH "  initrd.img\n" HASH "  boot.cfg\n");
}

static void freed_manifests_are_empty(void **state)
{
	struct manifest m = sample();

	(void)state;
	manifest_done(&m);
	manifest_done(&m);
	manifest_done(NULL);
	assert_null(m.release);
	assert_int_equal(m.file_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(manifests_read_back_as_written),
		cmocka_unit_test(unknown_fields_are_left_out),
		cmocka_unit_test(fields_outside_their_bounds_are_damage),
		cmocka_unit_test(files_that_are_not_plain_are_damage),
		cmocka_unit_test(what_is_not_one_json_object_is_damage),
		cmocka_unit_test(nesting_is_bounded),
		cmocka_unit_test(command_lines_too_long_together_are_damage),
		cmocka_unit_test(too_many_files_are_damage),
		cmocka_unit_test(boot_cfg_is_what_the_contract_says),
		cmocka_unit_test(boot_cfg_loads_no_initrd_that_is_not_there),
		cmocka_unit_test(hostile_values_stay_data),
		cmocka_unit_test(sample_is_script_that_grub_takes),
		cmocka_unit_test(sums_list_what_grub_checks),
		cmocka_unit_test(freed_manifests_are_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
