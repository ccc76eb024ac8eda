/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every word reads back as what it names, words that are in databases stay as they were,
 * and records give their memory back, twice if asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "core/transaction.h"

static void words_are_those_in_databases(void **state)
{
	static const char *const kinds[] = {"setup",    "upgrade", "try",
					    "rollback", "disable", "packages"};
	static const char *const states[] = {"running",     "armed", "blessed",
					     "rolled-back", "done",  "undone",
					     "failed"};
	static const char *const steps[] = {"begun", "done", "undone", "failed"};
	static const char *const verdicts[] = {"none", "healthy", "failed"};
	static const char *const ends[] = {"unknown", "running",     "orderly",
					   "panic",   "hang",        "verdict",
					   "damaged", "no-userspace"};

	(void)state;
	assert_int_equal(ARRAY_LEN(kinds), TRANSACTION_KINDS);
	for (unsigned int i = 0; i < TRANSACTION_KINDS; i++)
		assert_string_equal(transaction_kind_name(i), kinds[i]);
	assert_int_equal(ARRAY_LEN(states), TRANSACTION_STATES);
	for (unsigned int i = 0; i < TRANSACTION_STATES; i++)
		assert_string_equal(transaction_state_name(i), states[i]);
	assert_int_equal(ARRAY_LEN(steps), STEP_STATES);
	for (unsigned int i = 0; i < STEP_STATES; i++)
		assert_string_equal(step_state_name(i), steps[i]);
	assert_int_equal(ARRAY_LEN(verdicts), VERDICTS);
	for (unsigned int i = 0; i < VERDICTS; i++)
		assert_string_equal(verdict_name(i), verdicts[i]);
	assert_int_equal(ARRAY_LEN(ends), BOOT_ENDS);
	for (unsigned int i = 0; i < BOOT_ENDS; i++)
		assert_string_equal(boot_end_name(i), ends[i]);
}

static void words_read_back(void **state)
{
	(void)state;
	for (int i = 0; i < TRANSACTION_KINDS; i++)
		assert_int_equal(transaction_kind_parse(
					 transaction_kind_name((unsigned)i)),
				 i);
	for (int i = 0; i < TRANSACTION_STATES; i++)
		assert_int_equal(transaction_state_parse(
					 transaction_state_name((unsigned)i)),
				 i);
	for (int i = 0; i < STEP_STATES; i++)
		assert_int_equal(step_state_parse(step_state_name((unsigned)i)), i);
	for (int i = 0; i < VERDICTS; i++)
		assert_int_equal(verdict_parse(verdict_name((unsigned)i)), i);
	for (int i = 0; i < BOOT_ENDS; i++)
		assert_int_equal(boot_end_parse(boot_end_name((unsigned)i)), i);
}

static void other_words_and_values_are_unknown(void **state)
{
	(void)state;
	assert_int_equal(transaction_kind_parse("Setup"), -1);
	assert_int_equal(transaction_state_parse(""), -1);
	assert_int_equal(step_state_parse(NULL), -1);
	assert_int_equal(verdict_parse("unknown"), -1);
	assert_int_equal(boot_end_parse("panic "), -1);
	assert_string_equal(transaction_kind_name(TRANSACTION_KINDS), "unknown");
	assert_string_equal(boot_end_name((enum boot_end)1000), "unknown");
}

static void records_are_freed_whole(void **state)
{
	struct transaction_list transactions = {mem_zalloc(sizeof(struct transaction)),
						1};
	struct step_list steps = {mem_zalloc(sizeof(struct step)), 1};
	struct boot_list boots = {mem_zalloc(sizeof(struct boot)), 1};
	struct hold_list holds = {mem_zalloc(sizeof(struct hold)), 1};
	struct evidence_list evidence = {mem_zalloc(sizeof(struct evidence)), 1};
	struct generation_record_list generations = {
		mem_zalloc(sizeof(struct generation_record)), 1};

	(void)state;
	transactions.items[0].release = str_dup("r");
	transactions.items[0].summary = str_dup("s");
	transactions.items[0].detail = str_dup("{}");
	steps.items[0].name = str_dup("arm");
	steps.items[0].detail = str_dup("d");
	boots.items[0].boot_id = str_dup("b");
	boots.items[0].release = str_dup("r");
	boots.items[0].reason = str_dup("why");
	holds.items[0].release = str_dup("r");
	holds.items[0].reason = str_dup("why");
	evidence.items[0].boot_id = str_dup("b");
	evidence.items[0].kind = str_dup("journal");
	evidence.items[0].content = str_dup("c");
	generations.items[0].release = str_dup("r");
	for (int twice = 0; twice < 2; twice++) {
		transaction_list_done(&transactions);
		step_list_done(&steps);
		boot_list_done(&boots);
		hold_list_done(&holds);
		evidence_list_done(&evidence);
		generation_record_list_done(&generations);
	}
	assert_null(transactions.items);
	assert_int_equal(generations.count, 0);
	transaction_done(NULL);
	step_list_done(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_those_in_databases),
		cmocka_unit_test(words_read_back),
		cmocka_unit_test(other_words_and_values_are_unknown),
		cmocka_unit_test(records_are_freed_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
