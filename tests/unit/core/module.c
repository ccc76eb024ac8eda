/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Words for modules are contracts and lead back; what was allocated is freed once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "core/module.h"

static void providers_have_words(void **state)
{
	static const char *const words[PROVIDERS] = {"dkms",      "akmods",  "weak",
						     "container", "package", "unowned"};

	(void)state;
	for (int i = 0; i < PROVIDERS; i++) {
		assert_string_equal(module_provider_name((enum module_provider)i),
				    words[i]);
		assert_int_equal(module_provider_parse(words[i]), i);
	}
	assert_int_equal(module_provider_parse("DKMS"), -EINVAL);
	assert_int_equal(module_provider_parse(""), -EINVAL);
	assert_int_equal(module_provider_parse(NULL), -EINVAL);
}

static void uses_and_remedies_have_words(void **state)
{
	(void)state;
	assert_string_equal(module_use_name(MODULE_USE_ROOT), "root");
	assert_string_equal(module_use_name(MODULE_USE_LINK), "link");
	assert_string_equal(module_use_name(MODULE_USE_MOUNT), "mount");
	assert_string_equal(module_use_name(MODULE_USE_DEVICE), "device");
	assert_string_equal(module_use_name(MODULE_USE_LOADED), "loaded");
	assert_string_equal(module_use_name(MODULE_USE_NONE), "none");
	assert_string_equal(module_remedy_name(REMEDY_NONE), "none");
	assert_string_equal(module_remedy_name(REMEDY_REBUILD), "rebuild");
	assert_string_equal(module_remedy_name(REMEDY_LINK), "link");
}

/* What is freed is seen by the sanitizer; what is left is seen here. */
static void file_is_done_and_may_be_again(void **state)
{
	struct module_file file = {
		.path = str_dup("/x.ko"),
		.fault = str_dup("a fault"),
		.imports = mem_zalloc(sizeof(struct module_import)),
		.versions = mem_zalloc(sizeof(struct module_version)),
		.versions_ext = mem_zalloc(sizeof(struct module_version)),
		.exports = mem_zalloc(sizeof(struct symbol)),
		.bytes = mem_zalloc(16),
		.size = 16,
	};

	(void)state;
	strv_add(&file.depends, "a");
	strv_add(&file.softdeps_pre, "b");
	strv_add(&file.softdeps_post, "c");
	strv_add(&file.namespaces, "D");
	strv_add(&file.firmware, "e");
	strv_add(&file.parameters, "f");
	text_append(&file.arena, "name");
	module_file_done(&file);
	assert_null(file.path);
	assert_null(file.bytes);
	assert_int_equal(file.size, 0);
	assert_int_equal(file.parameters.count, 0);
	module_file_done(&file);
}

static void mapping_is_given_back(void **state)
{
	size_t size = (size_t)getpagesize();
	void *at = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct module_file file = {.mapping = at, .bytes = at, .size = size};
	unsigned char resident;

	(void)state;
	assert_ptr_not_equal(at, MAP_FAILED);
	assert_int_equal(mincore(at, size, &resident), 0);
	module_file_done(&file);
	assert_int_equal(mincore(at, size, &resident), -1);
	assert_int_equal(errno, ENOMEM);
}

static void list_is_done_and_may_be_again(void **state)
{
	struct third_party_list list = {.items = mem_zalloc(2 * sizeof(*list.items)),
					.count = 2};

	(void)state;
	list.items[0] = (struct third_party){
		.name = str_dup("zfs"),
		.path = str_dup("/x.ko"),
		.release = str_dup("6.1.0"),
		.built_for = str_dup("6.1.0"),
		.version = str_dup("2.1"),
		.package = str_dup("zfs/2.1"),
		.user = str_dup("/srv"),
	};
	list.items[1].name = str_dup("wireguard");
	third_party_list_done(&list);
	assert_null(list.items);
	assert_int_equal(list.count, 0);
	third_party_list_done(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(providers_have_words),
		cmocka_unit_test(uses_and_remedies_have_words),
		cmocka_unit_test(file_is_done_and_may_be_again),
		cmocka_unit_test(mapping_is_given_back),
		cmocka_unit_test(list_is_done_and_may_be_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
