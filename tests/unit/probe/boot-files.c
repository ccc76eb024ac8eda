/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The block and the generations as they lie on disk: what is there is found, and what
 * is not as it was written is named.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "made-machine.h"
#include "probe/boot-files.h"

static const struct root *machine(void **state)
{
	const struct made_machine *m = *state;

	return &m->root;
}

#define MACHINE_TEST(f) \
	cmocka_unit_test_setup_teardown(f, made_machine_set_up, made_machine_tear_down)

#define SHA256_OF_ABC  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define SHA256_OF_NONE "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void env_path_comes_from_grub_conf(void **state)
{
	static const char *const cases[][2] = {
		{"KURO_ENV=/boot/efi/kuro/env\n", "/boot/efi/kuro/env"},
		{"KURO_MISS_LIMIT=3\nKURO_ENV='/efi/kuro/env'\n", "/efi/kuro/env"},
		{"KURO_ENV=/a\nKURO_ENV=/b\n", "/b"},
		{"KURO_ENV=relative\n", "/boot/kuro/env"},
		{"KURO_ENV=/boot/../etc/shadow\n", "/boot/kuro/env"},
		{"KURO_ENV=/boot/..\n", "/boot/kuro/env"},
		{"KURO_ENV=$HOME/env\n", "/boot/kuro/env"},
		{"KURO_ENV=\n", "/boot/kuro/env"},
		{"KURO_ENV=/\n", "/boot/kuro/env"},
		{"#KURO_ENV=/x\n", "/boot/kuro/env"},
		{"KURO_ENV='/a b'\n", "/boot/kuro/env"},
		{"", "/boot/kuro/env"},
	};
	autofree char *without = boot_files_env_path(machine(state));

	assert_string_equal(without, "/boot/kuro/env");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autofree char *path = NULL;

		made_file(machine(state), BOOT_GRUB_CONF, cases[i][0]);
		path = boot_files_env_path(machine(state));
		assert_string_equal(path, cases[i][1]);
	}
}

static void block_is_read_where_it_lies(void **state)
{
	struct boot_block written = {.good = 7, .previous = 6, .miss = 1}, block;
	char data[BOOT_BLOCK_SIZE];

	boot_block_format(&written, data);
	made_file(machine(state), BOOT_GRUB_CONF, "KURO_ENV=/efi/kuro/env\n");
	made_bytes(machine(state), "/efi/kuro/env", data, sizeof(data));
	assert_int_equal(boot_files_read_block(machine(state), &block, NULL), 0);
	assert_true(boot_block_equal(&block, &written));
}

static void missing_and_damaged_blocks_are_told(void **state)
{
	autofree char *huge = mem_zalloc(100000);
	struct boot_block block;
	struct error err = {0};

	assert_int_equal(boot_files_read_block(machine(state), &block, &err), -ENOENT);
	assert_non_null(strstr(err.message, "kuro setup"));
	made_file(machine(state), "/boot/kuro/env", "");
	assert_int_equal(boot_files_read_block(machine(state), &block, &err),
			 -ERROR_DAMAGED);
	assert_non_null(strstr(err.message, "/boot/kuro/env"));
	made_bytes(machine(state), "/boot/kuro/env", huge, 100000);
	assert_int_equal(boot_files_read_block(machine(state), &block, &err),
			 -ERROR_DAMAGED);
}

static void only_numbered_directories_are_generations(void **state)
{
	static const char *const names[] = {"12", "2",  "999999", "1000000",
					    "0",  "03", ".4.new", "5x",
					    "-6", "+7", " 8",     "lost+found"};
	autofree unsigned int *numbers = NULL;
	size_t count = 99;

	assert_int_equal(boot_files_generations(machine(state), &numbers, &count, NULL),
			 0);
	assert_int_equal(count, 0);
	free(take_ptr(numbers));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		autofree char *path = str_format(BOOT_GENERATIONS "/%s", names[i]);

		assert_int_equal(root_mkdirs(machine(state), path, 0755, NULL), 0);
	}
	made_file(machine(state), BOOT_GENERATIONS "/77", "a file");
	made_link(machine(state), "12", BOOT_GENERATIONS "/78");
	assert_int_equal(boot_files_generations(machine(state), &numbers, &count, NULL),
			 0);
	assert_int_equal(count, 3);
	assert_int_equal(numbers[0], 2);
	assert_int_equal(numbers[1], 12);
	assert_int_equal(numbers[2], 999999);
}

static void hash_is_of_the_whole_content(void **state)
{
	char hex[MANIFEST_SHA256_HEX];
	uint64_t size;
	int fd;

	made_file(machine(state), "/abc", "abc");
	made_file(machine(state), "/none", "");
	fd = root_openat(machine(state), "/abc", O_RDONLY, 0);
	assert_true(fd >= 0);
	assert_int_equal(lseek(fd, 2, SEEK_SET), 2);
	assert_int_equal(boot_files_hash(fd, "/abc", hex, &size, NULL), 0);
	assert_string_equal(hex, SHA256_OF_ABC);
	assert_int_equal(size, 3);
	assert_int_equal(close(fd), 0);
	fd = root_openat(machine(state), "/none", O_RDONLY, 0);
	assert_int_equal(boot_files_hash(fd, "/none", hex, &size, NULL), 0);
	assert_string_equal(hex, SHA256_OF_NONE);
	assert_int_equal(size, 0);
	assert_int_equal(close(fd), 0);
}

/* Generation 3: a kernel "abc", an empty initramfs, its manifest and sums. */
static void put_generation(const struct root *root)
{
	automanifest struct manifest m = {
		.generation = 3,
		.release = str_dup("6.1.0-50-amd64"),
		.title = str_dup("Debian GNU/Linux, 6.1.0-50-amd64"),
		.command_line = str_dup("root=UUID=1 ro"),
		.trial_line = str_dup("panic=10"),
		.created = 1763863200,
		.files = {{str_dup("vmlinuz"), 3, SHA256_OF_ABC},
			  {str_dup("initrd.img"), 0, SHA256_OF_NONE}},
		.file_count = 2,
	};
	autofree char *json = manifest_format(&m);
	autofree char *sums = manifest_sums(&m);

	made_file(root, BOOT_GENERATIONS "/3/vmlinuz", "abc");
	made_file(root, BOOT_GENERATIONS "/3/initrd.img", "");
	made_file(root, BOOT_GENERATIONS "/3/sums", sums);
	made_file(root, BOOT_GENERATIONS "/3/manifest.json", json);
}

static void whole_generation_is_whole(void **state)
{
	automanifest struct manifest m = {0};

	put_generation(machine(state));
	assert_int_equal(boot_files_manifest(machine(state), 3, &m, NULL), 0);
	assert_string_equal(m.release, "6.1.0-50-amd64");
	assert_int_equal(boot_files_verify(machine(state), 3, false, NULL), 0);
	assert_int_equal(boot_files_verify(machine(state), 3, true, NULL), 0);
}

static void each_difference_names_its_file(void **state)
{
	static const struct {
		const char *file, *content; /* NULL: removed */
		bool hashes;                /* seen by hashes only */
	} cases[] = {
		{"vmlinuz", "abd", true},     {"vmlinuz", "ab", false},
		{"vmlinuz", NULL, false},     {"initrd.img", "x", false},
		{"initrd.img", NULL, false},  {"sums", "", false},
		{"sums", NULL, false},        {"manifest.json", "{}", false},
		{"manifest.json", "", false},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autofree char *path = str_format(BOOT_GENERATIONS "/3/%s", cases[i].file);
		struct error err = {0};

		put_generation(machine(state));
		assert_int_equal(root_unlink(machine(state), path, NULL), 0);
		if (cases[i].content)
			made_file(machine(state), path, cases[i].content);
		if (cases[i].hashes)
			assert_int_equal(boot_files_verify(machine(state), 3, false,
							   NULL),
					 0);
		assert_int_equal(boot_files_verify(machine(state), 3, true, &err),
				 -ERROR_DAMAGED);
		assert_non_null(strstr(err.message, path));
	}
}

static void links_and_fifos_are_no_kernels(void **state)
{
	const struct root *root = machine(state);
	autofree char *fifo = root_path(root, BOOT_GENERATIONS "/3/vmlinuz");
	struct error err = {0};

	put_generation(root);
	assert_int_equal(root_unlink(root, BOOT_GENERATIONS "/3/vmlinuz", NULL), 0);
	made_file(root, "/elsewhere", "abc");
	made_link(root, "/elsewhere", BOOT_GENERATIONS "/3/vmlinuz");
	assert_int_equal(boot_files_verify(root, 3, true, &err), -ERROR_DAMAGED);
	assert_int_equal(root_unlink(root, BOOT_GENERATIONS "/3/vmlinuz", NULL), 0);
	assert_int_equal(mkfifo(fifo, 0644), 0);
	assert_int_equal(boot_files_verify(root, 3, true, &err), -ERROR_DAMAGED);
}

static void absent_and_renamed_generations_are_told(void **state)
{
	struct manifest m;
	struct error err = {0};

	assert_int_equal(boot_files_manifest(machine(state), 3, &m, &err), -ENOENT);
	assert_int_equal(boot_files_verify(machine(state), 3, true, &err), -ENOENT);
	put_generation(machine(state));
	assert_int_equal(root_rename(machine(state), BOOT_GENERATIONS "/3",
				     BOOT_GENERATIONS "/4"),
			 0);
	assert_int_equal(boot_files_manifest(machine(state), 4, &m, &err),
			 -ERROR_DAMAGED);
	assert_non_null(strstr(err.message, "generation 3"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(env_path_comes_from_grub_conf),
		MACHINE_TEST(block_is_read_where_it_lies),
		MACHINE_TEST(missing_and_damaged_blocks_are_told),
		MACHINE_TEST(only_numbered_directories_are_generations),
		MACHINE_TEST(hash_is_of_the_whole_content),
		MACHINE_TEST(whole_generation_is_whole),
		MACHINE_TEST(each_difference_names_its_file),
		MACHINE_TEST(links_and_fifos_are_no_kernels),
		MACHINE_TEST(absent_and_renamed_generations_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
