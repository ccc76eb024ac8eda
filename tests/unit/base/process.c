/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Programs are run without a shell, with a fixed environment, within their time, and
 * what they said reaches the error.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/process.h"

static void outputs_are_kept_apart(void **state)
{
	const char *const argv[] = {"sh", "-c", "echo out; echo err >&2; exit 3", NULL};
	autoprocess struct process_result result = {0};

	(void)state;
	assert_int_equal(process_run(&(struct process){.argv = argv}, &result, NULL), 0);
	assert_int_equal(result.status, 3);
	assert_false(result.timed_out);
	assert_string_equal(text_str(&result.out), "out\n");
	assert_string_equal(text_str(&result.err), "err\n");
}

static void merged_output_keeps_its_order(void **state)
{
	const char *const argv[] = {"sh", "-c", "echo 1; echo 2 >&2; echo 3", NULL};
	autoprocess struct process_result result = {0};

	(void)state;
	assert_int_equal(process_run(&(struct process){.argv = argv,
						       .merge_stderr = true},
				     &result, NULL),
			 0);
	assert_string_equal(text_str(&result.out), "1\n2\n3\n");
	assert_string_equal(text_str(&result.err), "");
}

static void arguments_reach_the_program_as_they_are(void **state)
{
	const char *const argv[] = {"printf", "%s|", "a b", "$HOME;*", "", "'\"", NULL};
	autoprocess struct process_result result = {0};

	(void)state;
	assert_int_equal(process_check(&(struct process){.argv = argv}, &result, NULL),
			 0);
	assert_string_equal(text_str(&result.out), "a b|$HOME;*||'\"|");
}

static void environment_is_fixed(void **state)
{
	const char *const argv[] = {"env", NULL};
	const char *const more[] = {"KURO_TEST_MORE=yes", NULL};
	autoprocess struct process_result result = {0};

	(void)state;
	assert_int_equal(setenv("KURO_TEST_LEAK", "leaked", 1), 0);
	assert_int_equal(process_check(&(struct process){.argv = argv, .env = more},
				       &result, NULL),
			 0);
	assert_non_null(strstr(text_str(&result.out), "KURO_TEST_MORE=yes\n"));
	assert_null(strstr(text_str(&result.out), "KURO_TEST_LEAK"));
	assert_non_null(strstr(text_str(&result.out), "PATH="));
}

/* A caller's PATH may lack /usr/sbin, or hold what no one should run as root. */
static void programs_are_found_on_the_fixed_path(void **state)
{
	const char *const argv[] = {"sh", "-c", "echo ran", NULL};
	autoprocess struct process_result result = {0};
	autofree char *path = str_dup(getenv("PATH"));

	(void)state;
	assert_int_equal(setenv("PATH", "/nonexistent", 1), 0);
	assert_int_equal(process_run(&(struct process){.argv = argv}, &result, NULL), 0);
	assert_int_equal(setenv("PATH", path, 1), 0);
	assert_string_equal(text_str(&result.out), "ran\n");
}

static void failure_carries_name_end_and_last_words(void **state)
{
	const char *const argv[] = {"sh", "-c", "echo no room >&2; exit 9", NULL};
	autoprocess struct process_result result = {0};
	struct error err = {0};

	(void)state;
	assert_int_equal(process_check(&(struct process){.argv = argv}, &result, &err),
			 -ERROR_PROGRAM);
	assert_non_null(strstr(err.message, "sh"));
	assert_non_null(strstr(err.message, "9"));
	assert_non_null(strstr(err.message, "no room"));
}

static void a_signal_is_128_and_its_number(void **state)
{
	const char *const argv[] = {"sh", "-c", "kill -KILL $$", NULL};
	autoprocess struct process_result result = {0};

	(void)state;
	assert_int_equal(process_run(&(struct process){.argv = argv}, &result, NULL), 0);
	assert_int_equal(result.status, 128 + SIGKILL);
}

static void a_missing_program_is_named(void **state)
{
	const char *const argv[] = {"kuro-no-such-program", NULL};
	autoprocess struct process_result result = {0};
	struct error err = {0};

	(void)state;
	assert_int_equal(process_run(&(struct process){.argv = argv}, &result, &err),
			 -ENOENT);
	assert_non_null(strstr(err.message, "kuro-no-such-program"));
}

static void programs_are_found_below_a_root(void **state)
{
	struct root live = {0};
	struct root empty = {0};
	char dir[] = "/tmp/kuro-process.XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(root_open(&live, "/", NULL), 0);
	assert_int_equal(root_open(&empty, dir, NULL), 0);
	assert_true(process_exists(&live, "sh"));
	assert_false(process_exists(&live, "kuro-no-such-program"));
	assert_false(process_exists(&empty, "sh"));
	root_done(&empty);
	assert_int_equal(root_remove_tree(&live, dir, NULL), 0);
	root_done(&live);
}

static void time_runs_out_with_children_and_all(void **state)
{
	const char *const argv[] = {"sh", "-c", "echo begun; sleep 60; echo never", NULL};
	autoprocess struct process_result result = {0};
	struct timespec begin, end;

	(void)state;
	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &begin), 0);
	assert_int_equal(process_run(&(struct process){.argv = argv, .timeout = 1},
				     &result, NULL),
			 0);
	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &end), 0);
	assert_true(result.timed_out);
	assert_string_equal(text_str(&result.out), "begun\n");
	assert_in_range(end.tv_sec - begin.tv_sec, 0, 10);
}

static void output_is_bounded_and_drained(void **state)
{
	const char *const argv[] = {"sh", "-c", "yes | head -c 300000; echo done >&2",
				    NULL};
	autoprocess struct process_result result = {0};

	(void)state;
	assert_int_equal(process_check(&(struct process){.argv = argv,
							 .output_max = 1000},
				       &result, NULL),
			 0);
	assert_int_equal(result.out.len, 1000);
	assert_string_equal(text_str(&result.err), "done\n");
}

static void what_a_program_leaves_behind_is_not_waited_for(void **state)
{
	const char *const argv[] = {"sh", "-c", "yes & exit 4", NULL};
	autoprocess struct process_result result = {0};

	(void)state;
	assert_int_equal(process_run(&(struct process){.argv = argv}, &result, NULL), 0);
	assert_int_equal(result.status, 4);
	assert_false(result.timed_out);
}

static void collect(void *data, const char *line)
{
	strv_add(data, line);
}

static void lines_come_whole(void **state)
{
	const char *const argv[] = {"printf", "one\\ntwo\\nlast", NULL};
	autoprocess struct process_result result = {0};
	autostrv struct strv lines = {0};
	autofree char *joined = NULL;

	(void)state;
	assert_int_equal(process_check(&(struct process){.argv = argv,
							 .line = collect,
							 .line_data = &lines},
				       &result, NULL),
			 0);
	joined = strv_join(&lines, "|");
	assert_string_equal(joined, "one|two|last");
}

static void the_log_gets_both_outputs(void **state)
{
	const char *const argv[] = {"sh", "-c", "echo out; echo err >&2", NULL};
	autoprocess struct process_result result = {0};
	FILE *log = tmpfile();
	char kept[64] = {0};

	(void)state;
	assert_non_null(log);
	assert_int_equal(process_check(&(struct process){.argv = argv,
							 .log_fd = fileno(log)},
				       &result, NULL),
			 0);
	rewind(log);
	assert_true(fread(kept, 1, sizeof(kept) - 1, log) > 0);
	assert_int_equal(fclose(log), 0);
	assert_non_null(strstr(kept, "out\n"));
	assert_non_null(strstr(kept, "err\n"));
}

static void signals_are_noted_not_obeyed(void **state)
{
	(void)state; /* runs last: what is noted stays noted */
	process_catch_signals();
	assert_false(process_interrupted());
	assert_int_equal(raise(SIGTERM), 0);
	assert_true(process_interrupted());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outputs_are_kept_apart),
		cmocka_unit_test(merged_output_keeps_its_order),
		cmocka_unit_test(arguments_reach_the_program_as_they_are),
		cmocka_unit_test(environment_is_fixed),
		cmocka_unit_test(programs_are_found_on_the_fixed_path),
		cmocka_unit_test(failure_carries_name_end_and_last_words),
		cmocka_unit_test(a_signal_is_128_and_its_number),
		cmocka_unit_test(a_missing_program_is_named),
		cmocka_unit_test(programs_are_found_below_a_root),
		cmocka_unit_test(time_runs_out_with_children_and_all),
		cmocka_unit_test(output_is_bounded_and_drained),
		cmocka_unit_test(what_a_program_leaves_behind_is_not_waited_for),
		cmocka_unit_test(lines_come_whole),
		cmocka_unit_test(the_log_gets_both_outputs),
		cmocka_unit_test(signals_are_noted_not_obeyed),
	};

	return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
