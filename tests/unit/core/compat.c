/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The judge's structure: what it owns, that it can be asked again, that its order agrees
 * with loading one module after another, that long chains and rings end, and that the
 * work grows with the set and no faster. The checks themselves are text:
 * tests/cases/compat.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/compat.h"

#define CRC 7

/* Comparisons and hashes of names, counted while the judge is at work (--wrap). */
static unsigned long long work;
int __real_strcmp(const char *a, const char *b); // NOLINT(bugprone-reserved-identifier)
int __wrap_strcmp(const char *a, const char *b); // NOLINT(bugprone-reserved-identifier)
uint32_t __real_symbol_hash(uint64_t seed, const char *name, size_t len); // NOLINT
uint32_t __wrap_symbol_hash(uint64_t seed, const char *name, size_t len); // NOLINT

int __wrap_strcmp(const char *a, const char *b)
{
	work++;
	return __real_strcmp(a, b);
}

uint32_t __wrap_symbol_hash(uint64_t seed, const char *name, size_t len)
{
	work++;
	return __real_symbol_hash(seed, name, len);
}

/* Modules "m0", "m1", ..., and what they only borrow. */
struct bench {
	struct kernel_abi abi;
	struct module_file *files;
	struct compat_set set;
	struct strv texts;
};

static const char *keep(struct bench *b, char *text)
{
	strv_add_take(&b->texts, text);
	return text;
}

static void bench_init(struct bench *b, size_t count)
{
	*b = (struct bench){.abi = {.machine = 62,
				    .layout = 896,
				    .modversions = true,
				    .release = str_dup("6.1.0-56-amd64"),
				    .vermagic = str_dup("6.1.0-56-amd64 SMP"),
				    .symbols = symbol_table_new()}};
	b->files = mem_zalloc(count * sizeof(*b->files));
	b->set.items = mem_zalloc(count * sizeof(*b->set.items));
	b->set.count = count;
	for (size_t i = 0; i < count; i++) {
		b->files[i] = (struct module_file){
			.name = keep(b, str_format("m%zu", i)),
			.machine = 62,
			.layout = 896,
			.vermagic = "6.1.0-50-amd64 SMP",
			.license = "GPL",
			.has_versions = true,
		};
		b->set.items[i].file = &b->files[i];
		b->set.items[i].trust = SIGNATURE_TRUSTED;
	}
}

static void bench_done(struct bench *b)
{
	for (size_t i = 0; i < b->set.count; i++)
		module_file_done(&b->files[i]);
	free(b->files);
	kernel_abi_done(&b->abi);
	compat_set_done(&b->set);
	strv_done(&b->texts);
}

static void kernel_has(struct bench *b, const char *name)
{
	const struct symbol symbol = {name, "", "", CRC, true, false};

	assert_int_equal(symbol_table_add(b->abi.symbols, &symbol), 0);
}

static void needs(struct bench *b, size_t module, const char *name, bool weak)
{
	struct module_file *file = &b->files[module];

	file->imports =
		mem_regrow(file->imports, file->import_count + 1, sizeof(*file->imports));
	file->imports[file->import_count++] = (struct module_import){name, weak};
	file->versions = mem_regrow(file->versions, file->version_count + 1,
				    sizeof(*file->versions));
	file->versions[file->version_count++] = (struct module_version){name, CRC};
}

static void exports(struct bench *b, size_t module, const char *name)
{
	struct module_file *file = &b->files[module];

	file->exports =
		mem_regrow(file->exports, file->export_count + 1, sizeof(*file->exports));
	file->exports[file->export_count++] =
		(struct symbol){name, "", file->name, CRC, true, false};
}

static void verdict_is(const struct bench *b, size_t module, enum compat_verdict verdict)
{
	const struct compat_module *item = &b->set.items[module];

	if (item->verdict != verdict)
		fail_msg("m%zu: %s, not %s (%s)", module,
			 compat_verdict_name(item->verdict), compat_verdict_name(verdict),
			 item->reason_count ? item->reasons[0].detail : "no reason");
}

/* DESIGN.md's list, word for word. */
static void codes_have_the_names_of_the_document(void **state)
{
	static const char *const names[] = {
		"absent",
		"malformed",
		"machine",
		"layout",
		"vermagic",
		"symbol-missing",
		"symbol-version",
		"symbol-unversioned",
		"gpl-only",
		"namespace",
		"duplicate-export",
		"name-taken",
		"signature",
		"btf",
		"livepatch",
		"blacklisted",
		"dependency-missing",
		"dependency-fails",
		"firmware-missing",
		"not-built",
		"headers-missing",
		"disabled",
	};

	(void)state;
	assert_int_equal(ARRAY_LEN(names), COMPAT_CODES);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_string_equal(compat_code_name((enum compat_code)i), names[i]);
	assert_string_equal(compat_verdict_name(COMPAT_LOADS), "loads");
	assert_string_equal(compat_verdict_name(COMPAT_LOADS_TAINTED), "loads-tainted");
	assert_string_equal(compat_verdict_name(COMPAT_FAILS), "fails");
	assert_string_equal(compat_verdict_name(COMPAT_NO_FILE), "absent");
}

static void judged_again_the_former_verdict_is_gone(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 2);
	needs(&b, 0, "late", false);
	exports(&b, 0, "m0_open");
	needs(&b, 1, "m0_open", false);
	compat_judge(&b.abi, &b.set);
	verdict_is(&b, 0, COMPAT_FAILS);
	verdict_is(&b, 1, COMPAT_FAILS);
	assert_int_equal(b.set.items[0].reason_count, 1);
	assert_string_equal(b.set.items[0].reasons[0].symbol, "late");
	assert_true(b.set.items[0].reasons[0].fatal);

	kernel_has(&b, "late");
	compat_judge(&b.abi, &b.set);
	verdict_is(&b, 0, COMPAT_LOADS);
	verdict_is(&b, 1, COMPAT_LOADS);
	assert_int_equal(b.set.items[0].reason_count, 0);
	assert_null(b.set.items[0].reasons);
	bench_done(&b);
}

static void ends_may_be_repeated(void **state)
{
	struct compat_set empty = {0};
	struct bench b;

	(void)state;
	bench_init(&b, 1);
	compat_judge(&b.abi, &empty);
	b.set.items[0].file = NULL;
	strv_add(&b.set.items[0].no_firmware, "a.bin");
	compat_judge(&b.abi, &b.set);
	verdict_is(&b, 0, COMPAT_NO_FILE);
	module_file_done(&b.files[0]);
	compat_set_done(&b.set);
	compat_set_done(&b.set);
	assert_null(b.set.items);
	assert_int_equal(b.set.count, 0);
	kernel_abi_done(&b.abi);
	kernel_abi_done(&b.abi);
	assert_null(b.abi.symbols);
	bench_done(&b);
}

/* Reasons hold their texts: what they speak of may go. */
static void reasons_outlive_what_they_name(void **state)
{
	char symbol[] = "vanishes";
	struct bench b;

	(void)state;
	bench_init(&b, 1);
	needs(&b, 0, symbol, false);
	compat_judge(&b.abi, &b.set);
	memset(symbol, 'x', sizeof(symbol) - 1);
	assert_string_equal(b.set.items[0].reasons[0].symbol, "vanishes");
	assert_non_null(strstr(b.set.items[0].reasons[0].detail, "symbol vanishes is"));
	bench_done(&b);
}

static void a_kernel_without_symbols_offers_none(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 1);
	symbol_table_free(b.abi.symbols);
	b.abi.symbols = NULL;
	needs(&b, 0, "printk", false);
	compat_judge(&b.abi, &b.set);
	verdict_is(&b, 0, COMPAT_FAILS);
	bench_done(&b);
}

static void a_vermagic_is_compared_as_far_as_it_is_known(void **state)
{
	struct module_file file = {.vermagic = "6.1.0-50-amd64 SMP",
				   .has_versions = true};
	struct kernel_abi abi = {.vermagic = (char[]){"6.1.0-56-amd64 SMP"},
				 .release = (char[]){"6.1.0-56-amd64"},
				 .modversions = true};

	(void)state;
	assert_true(compat_vermagic_fits(&abi, &file));
	abi.modversions = false;
	assert_false(compat_vermagic_fits(&abi, &file));
	abi.vermagic = NULL;
	assert_false(compat_vermagic_fits(&abi, &file));
	abi.modversions = true;
	assert_true(compat_vermagic_fits(&abi, &file));
	abi.modversions = false;
	abi.release = NULL;
	assert_true(compat_vermagic_fits(&abi, &file));
	file.vermagic = NULL;
	assert_false(compat_vermagic_fits(&abi, &file));
}

/* A name longer than any sentence is cut, and still named whole beside it. */
static void a_long_name_is_cut_in_the_sentence(void **state)
{
	static char name[100000];
	struct bench b;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	bench_init(&b, 1);
	needs(&b, 0, name, false);
	compat_judge(&b.abi, &b.set);
	assert_int_equal(strlen(b.set.items[0].reasons[0].symbol), sizeof(name) - 1);
	assert_in_range(strlen(b.set.items[0].reasons[0].detail), 100, 2000);
	bench_done(&b);
}

/* m0 needs m1 needs m2 ...: the last is the first to be loaded. */
static void chain(struct bench *b, size_t count)
{
	bench_init(b, count);
	for (size_t i = 0; i < count; i++) {
		const char *open = keep(b, str_format("open%zu", i));

		exports(b, i, open);
		if (i > 0)
			needs(b, i - 1, open, false);
	}
}

static void a_long_chain_loads_or_falls_whole(void **state)
{
	enum { LENGTH = 20000 };
	struct bench b;

	(void)state;
	chain(&b, LENGTH);
	compat_judge(&b.abi, &b.set);
	for (size_t i = 0; i < LENGTH; i++)
		verdict_is(&b, i, COMPAT_LOADS);
	needs(&b, LENGTH - 1, "gone", false);
	compat_judge(&b.abi, &b.set);
	for (size_t i = 0; i < LENGTH; i++)
		verdict_is(&b, i, COMPAT_FAILS);
	assert_int_equal(b.set.items[0].reasons[0].code, COMPAT_DEPENDENCY_FAILS);
	assert_string_equal(b.set.items[0].reasons[0].symbol, "m1");
	bench_done(&b);
}

static void a_long_ring_ends(void **state)
{
	enum { LENGTH = 5000 };
	struct bench b;

	(void)state;
	chain(&b, LENGTH);
	needs(&b, LENGTH - 1, "open0", false);
	compat_judge(&b.abi, &b.set);
	for (size_t i = 0; i < LENGTH; i++) {
		verdict_is(&b, i, COMPAT_FAILS);
		assert_int_equal(b.set.items[i].reason_count, 1);
		assert_int_equal(b.set.items[i].reasons[0].code, COMPAT_DEPENDENCY_FAILS);
	}
	bench_done(&b);
}

static unsigned int dice(unsigned int *seed, unsigned int sides)
{
	*seed = *seed * 1103515245 + 12345;
	return (*seed >> 16) % sides;
}

struct links {
	bool strong[8][8], broken[8];
};

/* Some modules, each with an export of its own, who need each other in any way. */
static void tangle(struct bench *b, struct links *links, unsigned int seed)
{
	static const char *const open[] = {"a", "b", "c", "d", "e", "f", "g", "h"};

	*links = (struct links){0};
	bench_init(b, ARRAY_LEN(open));
	for (size_t i = 0; i < ARRAY_LEN(open); i++) {
		exports(b, i, open[i]);
		for (unsigned int n = dice(&seed, 3); n > 0; n--) {
			unsigned int other = dice(&seed, ARRAY_LEN(open));
			bool weak = dice(&seed, 4) == 0;

			needs(b, i, open[other], weak);
			links->strong[i][other] |= !weak;
		}
		links->broken[i] = dice(&seed, 8) == 0;
		if (links->broken[i])
			needs(b, i, "gone", false);
	}
}

static bool can_load(const struct links *links, const bool *loaded, size_t i)
{
	if (links->broken[i])
		return false;
	for (size_t other = 0; other < 8; other++)
		if (links->strong[i][other] && !loaded[other])
			return false;
	return true;
}

/* What insmod, tried on every module again and again, ends with. */
static void load_by_trying(const struct links *links, bool *loaded)
{
	for (int again = 0; again < 8; again++)
		for (size_t i = 0; i < 8; i++)
			loaded[i] = loaded[i] || can_load(links, loaded, i);
}

static void verdicts_are_those_of_trying_each(void **state)
{
	unsigned int loads = 0, fails = 0;

	(void)state;
	for (unsigned int seed = 1; seed <= 3000; seed++) {
		bool loaded[8] = {0};
		struct links links;
		struct bench b;

		tangle(&b, &links, seed);
		compat_judge(&b.abi, &b.set);
		load_by_trying(&links, loaded);
		for (size_t i = 0; i < 8; i++) {
			verdict_is(&b, i, loaded[i] ? COMPAT_LOADS : COMPAT_FAILS);
			loads += loaded[i];
			fails += !loaded[i];
		}
		bench_done(&b);
	}
	assert_true(loads > 1000 && fails > 1000);
}

/* Every module with 250 of the kernel's symbols and 50 of the module before it. */
static unsigned long long work_of(size_t count)
{
	enum { KERNEL = 250, OTHERS = 50 };
	struct bench b;

	bench_init(&b, count);
	for (size_t s = 0; s < KERNEL; s++)
		kernel_has(&b, keep(&b, str_format("kernel_symbol_%zu", s)));
	for (size_t i = 0; i < count; i++) {
		for (size_t s = 0; s < KERNEL; s++)
			needs(&b, i, symbol_table_at(b.abi.symbols, s)->name, false);
		for (size_t s = 0; s < OTHERS; s++) {
			const char *open = keep(&b, str_format("open_%zu_%zu", i, s));

			exports(&b, i, open);
			if (i + 1 < count)
				needs(&b, i + 1, open, false);
		}
	}
	work = 0;
	compat_judge(&b.abi, &b.set);
	for (size_t i = 0; i < count; i++)
		verdict_is(&b, i, COMPAT_LOADS);
	bench_done(&b);
	return work;
}

static void the_work_grows_with_the_set(void **state)
{
	unsigned long long few = work_of(100), many = work_of(1000);

	(void)state;
	if (many > few * 12)
		fail_msg("%llu steps for 100 modules, %llu for 1000", few, many);
	if (many > 1000ULL * 300 * 15)
		fail_msg("%llu steps for 300000 imports", many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_have_the_names_of_the_document),
		cmocka_unit_test(judged_again_the_former_verdict_is_gone),
		cmocka_unit_test(ends_may_be_repeated),
		cmocka_unit_test(reasons_outlive_what_they_name),
		cmocka_unit_test(a_vermagic_is_compared_as_far_as_it_is_known),
		cmocka_unit_test(a_kernel_without_symbols_offers_none),
		cmocka_unit_test(a_long_name_is_cut_in_the_sentence),
		cmocka_unit_test(a_long_chain_loads_or_falls_whole),
		cmocka_unit_test(a_long_ring_ends),
		cmocka_unit_test(verdicts_are_those_of_trying_each),
		cmocka_unit_test(the_work_grows_with_the_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
