/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A prediction was wrong where the opposite happened, and nowhere else; words read back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/compat-record.h"

static void words_read_back(void **state)
{
	(void)state;
	for (int i = 0; i < PREDICTIONS; i++)
		assert_int_equal(prediction_parse(prediction_name((enum prediction)i)),
				 i);
	for (int i = 0; i < OBSERVATIONS; i++)
		assert_int_equal(observation_parse(observation_name((enum observation)i)),
				 i);
	assert_int_equal(prediction_parse("unknown"), -1);
	assert_int_equal(observation_parse(""), -1);
	assert_string_equal(prediction_name(PREDICTIONS), "unknown");
}

static void only_the_opposite_is_wrong(void **state)
{
	static const bool wrong[PREDICTIONS][OBSERVATIONS] = {
		[PREDICTION_LOADS] = {[OBSERVATION_FAILED] = true},
		[PREDICTION_LOADS_TAINTED] = {[OBSERVATION_FAILED] = true},
		[PREDICTION_FAILS] = {[OBSERVATION_LOADED] = true},
		[PREDICTION_ABSENT] = {[OBSERVATION_LOADED] = true},
	};

	(void)state;
	for (int p = 0; p < PREDICTIONS; p++)
		for (int o = 0; o < OBSERVATIONS; o++) {
			const struct compat_record r = {
				/* the newest prediction is not what is judged */
				.predicted = PREDICTION_LOADS,
				.foretold = (enum prediction)p,
				.observed = (enum observation)o,
			};

			assert_int_equal(compat_record_wrong(&r), wrong[p][o]);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_read_back),
		cmocka_unit_test(only_the_opposite_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
