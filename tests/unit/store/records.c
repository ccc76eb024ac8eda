/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every record comes back as it was written, in the promised order; a row that is
 * missing or holds what kuro never writes is told as such.
 */
#include <string.h>
#include <time.h>

#include "machine.h"

static char *text(const char *s)
{
	return str_dup(s);
}

static void a_transaction_comes_back_whole(void **state)
{
	autodatabase struct database *db = machine_open(*state, DATABASE_WRITE);
	cleanup(transaction_done) struct transaction t = {.kind = TRANSACTION_TRY,
							  .state = TRANSACTION_ARMED,
							  .release = text("6.1.0-56"),
							  .generation = 7,
							  .tries = 2,
							  .begun = 5000000000,
							  .ended = 5000000001,
							  .summary = text(
								  "it's \"armed\" ü"),
							  .detail = text("{\"a\":1}")};
	cleanup(transaction_done) struct transaction back = {0};
	int64_t id = 0;

	assert_int_equal(transaction_add(db, &t, &id, NULL), 0);
	assert_int_equal(id, 1);
	assert_int_equal(transaction_get(db, id, &back, NULL), 0);
	assert_int_equal(back.id, 1);
	assert_int_equal(back.kind, t.kind);
	assert_int_equal(back.state, t.state);
	assert_string_equal(back.release, t.release);
	assert_int_equal(back.generation, 7);
	assert_int_equal(back.tries, 2);
	assert_true(back.begun == t.begun && back.ended == t.ended);
	assert_string_equal(back.summary, t.summary);
	assert_string_equal(back.detail, t.detail);
}

static void an_update_leaves_kind_and_begin_alone(void **state)
{
	autodatabase struct database *db = machine_open(*state, DATABASE_WRITE);
	struct transaction t = {.kind = TRANSACTION_TRY, .begun = 10};
	cleanup(transaction_done) struct transaction back = {0};

	assert_int_equal(transaction_add(db, &t, &t.id, NULL), 0);
	t.kind = TRANSACTION_SETUP;
	t.begun = 99;
	t.state = TRANSACTION_DONE;
	t.ended = 20;
	assert_int_equal(transaction_update(db, &t, NULL), 0);
	assert_int_equal(transaction_last(db, &back, NULL), 0);
	assert_int_equal(back.kind, TRANSACTION_TRY);
	assert_int_equal(back.begun, 10);
	assert_int_equal(back.state, TRANSACTION_DONE);
	assert_int_equal(back.ended, 20);
	assert_null(back.release);
	assert_null(back.summary);
}

static void every_word_is_kept_by_its_name(void **state)
{
	autodatabase struct database *db = machine_open(*state, DATABASE_WRITE);
	struct transaction_list list = {0};

	for (int kind = 0; kind < TRANSACTION_KINDS; kind++)
		for (int s = 0; s < TRANSACTION_STATES; s++) {
			struct transaction t = {.kind = (enum transaction_kind)kind,
						.state = (enum transaction_state)s};
			cleanup(transaction_done) struct transaction back = {0};

			assert_int_equal(transaction_add(db, &t, &t.id, NULL), 0);
			assert_int_equal(transaction_get(db, t.id, &back, NULL), 0);
			assert_int_equal(back.kind, kind);
			assert_int_equal(back.state, s);
		}
	assert_int_equal(transaction_list_state(db, TRANSACTION_ARMED, &list, NULL), 0);
	assert_int_equal(list.count, TRANSACTION_KINDS);
	assert_true(list.items[0].id > list.items[1].id);
	transaction_list_done(&list);
}

static void transactions_are_listed_newest_first(void **state)
{
	autodatabase struct database *db = machine_open(*state, DATABASE_WRITE);
	struct transaction_list all = {0}, two = {0};

	for (int i = 0; i < 5; i++)
		add_transaction(db, "6.1.0");
	assert_int_equal(transaction_list(db, 0, &all, NULL), 0);
	assert_int_equal(transaction_list(db, 2, &two, NULL), 0);
	assert_int_equal(all.count, 5);
	assert_int_equal(all.items[0].id, 5);
	assert_int_equal(all.items[4].id, 1);
	assert_int_equal(two.count, 2);
	assert_int_equal(two.items[1].id, 4);
	transaction_list_done(&all);
	transaction_list_done(&two);
}

static void the_newest_armed_one_of_a_generation_is_found(void **state)
{
	autodatabase struct database *db = machine_open(*state, DATABASE_WRITE);
	struct transaction t = {.kind = TRANSACTION_TRY, .generation = 7};
	cleanup(transaction_done) struct transaction back = {0};

	t.state = TRANSACTION_ARMED;
	assert_int_equal(transaction_add(db, &t, &t.id, NULL), 0);
	assert_int_equal(transaction_add(db, &t, &t.id, NULL), 0);
	t.state = TRANSACTION_BLESSED;
	assert_int_equal(transaction_add(db, &t, &t.id, NULL), 0);
	assert_int_equal(transaction_get_armed(db, 7, &back, NULL), 0);
	assert_int_equal(back.id, 2);
	transaction_done(&back);
	assert_int_equal(transaction_get_armed(db, 8, &back, NULL), 0);
	assert_int_equal(back.id, 0);
}

static void what_is_missing_is_named(void **state)
{
	autodatabase struct database *db = machine_open(*state, DATABASE_WRITE);
	struct transaction t = {.id = 17};
	struct boot boot;
	struct hold hold;
	struct generation_record generation;
	struct step step = {.transaction = 17, .name = (char *)(uintptr_t) "room"};
	struct error err = {0};

	assert_int_equal(transaction_get(db, 17, &t, &err), -ENOENT);
	assert_string_equal(err.message, "there is no transaction 17");
	assert_int_equal(transaction_last(db, &t, &err), -ENOENT);
	assert_string_equal(err.message, "there is no transaction");
	assert_int_equal(transaction_update(db, &t, &err), -ENOENT);
	assert_int_equal(boot_get(db, "b-1", &boot, &err), -ENOENT);
	assert_string_equal(err.message, "there is no boot b-1");
	assert_int_equal(generation_get(db, 3, &generation, &err), -ENOENT);
	assert_int_equal(hold_get(db, "6.1\x1b", 0, &hold, &err), -ENOENT);
	assert_string_equal(err.message, "there is no hold on release 6.1\\x1b");
	assert_int_equal(hold_remove(db, "6.1", &err), -ENOENT);
	assert_int_equal(step_set(db, &step, &err), -ENOENT);
	assert_non_null(strstr(err.message, "state.db"));
}

static struct compat_record compat_key(const char *module, const char *release)
{
	return (struct compat_record){.module = text(module),
				      .version = text("1.2"),
				      .release = text(release),
				      .machine = text("QEMU Standard PC"),
				      .platform = text("ec2"),
				      .region = text("eu-north-1")};
}

static void a_compatibility_record_comes_back_whole(void **state)
{
	autodatabase struct database *db = machine_open(*state, DATABASE_WRITE);
	cleanup(compat_record_done) struct compat_record r = compat_key("zfs", "6.12");
	cleanup(compat_record_done) struct compat_record back = {0}, other = {0};

	assert_int_equal(compat_record_get(db, &r, &back, NULL), -ENOENT);
	r.predicted = PREDICTION_FAILS;
	r.codes = text("layout symbol-version");
	r.vetted = 5000000000;
	assert_int_equal(compat_record_put(db, &r, NULL), 0);
	r.observed = OBSERVATION_LOADED;
	r.foretold = PREDICTION_FAILS;
	r.detail = text("x");
	r.seen = 5000000001;
	assert_int_equal(compat_record_put(db, &r, NULL), 0);
	assert_int_equal(compat_record_get(db, &r, &back, NULL), 0);
	assert_string_equal(back.module, "zfs");
	assert_string_equal(back.version, "1.2");
	assert_string_equal(back.release, "6.12");
	assert_string_equal(back.machine, "QEMU Standard PC");
	assert_string_equal(back.platform, "ec2");
	assert_string_equal(back.region, "eu-north-1");
	assert_int_equal(back.predicted, PREDICTION_FAILS);
	assert_string_equal(back.codes, "layout symbol-version");
	assert_true(back.vetted == r.vetted && back.seen == r.seen);
	assert_int_equal(back.observed, OBSERVATION_LOADED);
	assert_int_equal(back.foretold, PREDICTION_FAILS);
	assert_string_equal(back.detail, "x");
	free(r.region);
	r.region = text("");
	assert_int_equal(compat_record_get(db, &r, &other, NULL), -ENOENT);
}

static void compatibility_is_listed_by_module_and_release(void **state)
{
	static const char *const keys[][2] = {{"zfs", "6.12"},
					      {"nvidia", "6.12"},
					      {"zfs", "6.1"}};
	autodatabase struct database *db = machine_open(*state, DATABASE_WRITE);
	struct compat_record_list all = {0}, one = {0};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		cleanup(compat_record_done) struct compat_record r =
			compat_key(keys[i][0], keys[i][1]);

		assert_int_equal(compat_record_put(db, &r, NULL), 0);
	}
	assert_int_equal(compat_record_list(db, NULL, &all, NULL), 0);
	assert_int_equal(all.count, 3);
	assert_string_equal(all.items[0].module, "nvidia");
	assert_string_equal(all.items[1].release, "6.1");
	assert_int_equal(compat_record_list(db, "6.12", &one, NULL), 0);
	assert_int_equal(one.count, 2);
	compat_record_list_done(&all);
	compat_record_list_done(&one);
}

static void a_step_is_overwritten_and_keeps_its_place(void **state)
{
	autodatabase struct database *db = machine_open(*state, DATABASE_WRITE);
	autofree char *name = text("step-3"), *detail = text("gone");
	int64_t id = add_transaction(db, "6.1.0");
	struct step s = {.transaction = id,
			 .name = name,
			 .state = STEP_UNDONE,
			 .begun = 1003,
			 .ended = 2000,
			 .detail = detail};
	struct step_list list = {0};

	add_transaction(db, "6.2.0");
	assert_int_equal(step_set(db, &s, NULL), 0);
	assert_int_equal(step_list(db, id, &list, NULL), 0);
	assert_int_equal(list.count, 12);
	assert_string_equal(list.items[3].name, "step-3");
	assert_int_equal(list.items[3].transaction, id);
	assert_int_equal(list.items[3].state, STEP_UNDONE);
	assert_int_equal(list.items[3].ended, 2000);
	assert_string_equal(list.items[3].detail, "gone");
	assert_null(list.items[2].detail);
	step_list_done(&list);
}

static void steps_of_one_second_keep_their_order(void **state)
{
	autodatabase struct database *db = machine_open(*state, DATABASE_WRITE);
	const char *const names[] = {"room", "baseline", "arm", "install"};
	struct transaction t = {.kind = TRANSACTION_TRY};
	struct step_list list = {0};

	assert_int_equal(transaction_add(db, &t, &t.id, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		autofree char *name = text(names[i]);
		struct step s = {.transaction = t.id, .name = name, .begun = 5};

		assert_int_equal(step_set(db, &s, NULL), 0);
	}
	assert_int_equal(step_list(db, t.id, &list, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_string_equal(list.items[i].name, names[i]);
	step_list_done(&list);
}

static void put_boot(struct database *db, const char *id, unsigned int generation,
		     bool trial, int64_t begun)
{
	cleanup(boot_done) struct boot b = {.boot_id = text(id),
					    .release = text("6.1.0"),
					    .generation = generation,
					    .trial = trial,
					    .begun = begun,
					    .verdict = VERDICT_FAILED,
					    .end = BOOT_END_HANG,
					    .reason = text("no link")};

	assert_int_equal(boot_put(db, &b, NULL), 0);
}

static void put_trial(struct database *db, const char *id, int64_t transaction,
		      bool trial)
{
	cleanup(boot_done) struct boot b = {.boot_id = text(id),
					    .release = text("6.1.0"),
					    .generation = 7,
					    .trial = trial,
					    .transaction = transaction};

	assert_int_equal(boot_put(db, &b, NULL), 0);
}

static void boots_come_back_and_are_overwritten(void **state)
{
	autodatabase struct database *db = machine_open(*state, DATABASE_WRITE);
	struct boot_list list = {0};
	struct boot b = {0};

	put_boot(db, "one", 7, true, 100);
	put_boot(db, "two", 0, false, 200);
	put_boot(db, "three", 7, true, 300);
	put_boot(db, "one", 8, false, 400);
	assert_int_equal(boot_get(db, "one", &b, NULL), 0);
	assert_string_equal(b.boot_id, "one");
	assert_string_equal(b.release, "6.1.0");
	assert_int_equal(b.generation, 8);
	assert_false(b.trial);
	assert_int_equal(b.begun, 400);
	assert_int_equal(b.verdict, VERDICT_FAILED);
	assert_int_equal(b.end, BOOT_END_HANG);
	assert_string_equal(b.reason, "no link");
	boot_done(&b);
	assert_int_equal(boot_list(db, 2, &list, NULL), 0);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.items[0].boot_id, "three");
	assert_string_equal(list.items[1].boot_id, "two");
	boot_list_done(&list);
}

static void trials_are_those_of_a_transaction(void **state)
{
	autodatabase struct database *db = machine_open(*state, DATABASE_WRITE);
	struct boot_list list = {0};

	put_trial(db, "first", 4, true);
	put_trial(db, "second", 4, true);
	put_trial(db, "steady", 4, false);
	put_trial(db, "other", 5, true);
	assert_int_equal(boot_list_trials(db, 4, &list, NULL), 0);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.items[0].boot_id, "second");
	assert_string_equal(list.items[1].boot_id, "first");
	boot_list_done(&list);
}

static void generations_come_back(void **state)
{
	autodatabase struct database *db = machine_open(*state, DATABASE_WRITE);
	struct generation_record_list list = {0};
	struct generation_record back = {0};

	for (unsigned int n = 1; n <= 3; n++) {
		cleanup(generation_record_done) struct generation_record g = {
			.generation = n,
			.release = text("6.1.0"),
			.created = 100 + n,
			.transaction = n,
			.verdict = VERDICT_HEALTHY,
			.proven = n == 1,
			.pinned = n == 2,
			.present = n == 3};

		assert_int_equal(generation_put(db, &g, NULL), 0);
		assert_int_equal(generation_put(db, &g, NULL), 0);
	}
	assert_int_equal(generation_list(db, &list, NULL), 0);
	assert_int_equal(list.count, 3);
	assert_int_equal(list.items[0].generation, 3);
	assert_true(list.items[0].present && list.items[1].pinned &&
		    list.items[2].proven);
	assert_false(list.items[0].proven || list.items[0].pinned);
	generation_record_list_done(&list);
	assert_int_equal(generation_get(db, 2, &back, NULL), 0);
	assert_int_equal(back.created, 102);
	assert_int_equal(back.transaction, 2);
	assert_int_equal(back.verdict, VERDICT_HEALTHY);
	assert_string_equal(back.release, "6.1.0");
	generation_record_done(&back);
}

static void put_hold(struct database *db, const char *release, int64_t created,
		     int64_t expires)
{
	cleanup(hold_done) struct hold h = {.release = text(release),
					    .reason = text("panicked"),
					    .generation = 4,
					    .created = created,
					    .expires = expires};

	assert_int_equal(hold_put(db, &h, NULL), 0);
}

static void holds_expire_and_are_lifted(void **state)
{
	autodatabase struct database *db = machine_open(*state, DATABASE_WRITE);
	struct hold_list list = {0};
	struct hold h = {0};

	put_hold(db, "lasting", 1, 0);
	put_hold(db, "short", 2, 100);
	put_hold(db, "long", 3, 200);
	assert_int_equal(hold_get(db, "short", 99, &h, NULL), 0);
	assert_string_equal(h.release, "short");
	assert_string_equal(h.reason, "panicked");
	assert_int_equal(h.generation, 4);
	assert_int_equal(h.created, 2);
	assert_int_equal(h.expires, 100);
	hold_done(&h);
	assert_int_equal(hold_get(db, "short", 100, &h, NULL), -ENOENT);
	assert_int_equal(hold_list(db, 100, &list, NULL), 0);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.items[0].release, "long");
	assert_string_equal(list.items[1].release, "lasting");
	hold_list_done(&list);
	assert_int_equal(hold_remove(db, "lasting", NULL), 0);
	assert_int_equal(hold_get(db, "lasting", 0, &h, NULL), -ENOENT);
}

static void evidence_comes_back_in_the_order_gathered(void **state)
{
	autodatabase struct database *db = machine_open(*state, DATABASE_WRITE);
	struct evidence_list list = {0};
	autofree char *large = mem_zalloc(300001);

	memset(large, 'x', 300000);
	for (int i = 0; i < 3; i++) {
		cleanup(evidence_done) struct evidence e = {
			.transaction = i == 1 ? 2 : 1,
			.boot_id = i == 0 ? NULL : text("b"),
			.kind = text("journal"),
			.created = 100 - i,
			.content = text(i == 2 ? large : "line\nline\xff")};

		assert_int_equal(evidence_add(db, &e, NULL), 0);
	}
	assert_int_equal(evidence_list(db, 1, &list, NULL), 0);
	assert_int_equal(list.count, 2);
	assert_null(list.items[0].boot_id);
	assert_string_equal(list.items[0].content, "line\nline\xff");
	assert_string_equal(list.items[0].kind, "journal");
	assert_string_equal(list.items[1].boot_id, "b");
	assert_int_equal(list.items[1].created, 98);
	assert_string_equal(list.items[1].content, large);
	assert_true(list.items[0].id < list.items[1].id);
	evidence_list_done(&list);
}

static void empty_lists_are_no_error(void **state)
{
	autodatabase struct database *db = machine_open(*state, DATABASE_WRITE);
	struct evidence_list evidence = {.count = 9};
	struct step_list steps = {.count = 9};

	assert_int_equal(list_everything(db, NULL), 0);
	assert_int_equal(evidence_list(db, 5, &evidence, NULL), 0);
	assert_int_equal(step_list(db, 5, &steps, NULL), 0);
	assert_int_equal(evidence.count + steps.count, 0);
}

static void a_record_with_gaps_is_refused(void **state)
{
	autodatabase struct database *db = machine_open(*state, DATABASE_WRITE);
	struct transaction t = {.state = (enum transaction_state)77};
	struct evidence e = {.transaction = 1};
	struct boot b = {0};
	struct error err = {0};

	assert_int_equal(transaction_add(db, &t, NULL, &err), -EINVAL);
	assert_non_null(strstr(err.message, "transactions.state"));
	assert_int_equal(boot_put(db, &b, &err), -EINVAL);
	assert_int_equal(evidence_add(db, &e, &err), -EINVAL);
	assert_non_null(strstr(err.message, "evidence.db"));
}

static void what_kuro_never_writes_is_damage(void **state)
{
	static const char *const damages[] = {
		"UPDATE transactions SET state = 'sideways'",
		"UPDATE transactions SET kind = x'00'",
		"UPDATE transactions SET release = x'616263'",
		"UPDATE transactions SET summary = 'a' || char(0) || 'b'",
		"UPDATE transactions SET generation = -1",
		"UPDATE transactions SET generation = 4294967296",
		"UPDATE transactions SET begun = 'yesterday'",
		"UPDATE steps SET state = ''",
		"INSERT INTO generations VALUES (1, '6.1', 1, 1, 'healthy', 2, 0, 0)",
		"INSERT INTO generations VALUES (-1, '6.1', 1, 1, 'healthy', 0, 0, 0)",
		("INSERT INTO boots VALUES ('b', '6.1', 1, 1, 1, 1, 1, 'healthy', 'x', "
		 "NULL)"),
		"INSERT INTO holds VALUES ('6.1', x'', 1, 1, 0)",
	};

	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		struct database *db = machine_open(*state, DATABASE_WRITE);
		struct machine *m = *state;
		struct error err = {0};

		add_transaction(db, "6.1.0");
		database_close(db);
		machine_sql(m, DATABASE_PATH, damages[i]);
		db = machine_open(m, DATABASE_READ);
		if (list_everything(db, &err) != -ERROR_DAMAGED)
			fail_msg("%s is not seen", damages[i]);
		assert_non_null(strstr(err.message, "/var/lib/kuro/state.db"));
		database_close(db);
		assert_int_equal(root_unlink(&m->root, DATABASE_PATH, NULL), 0);
	}
}

static void numbers_go_on_behind_those_of_the_manifests(void **state)
{
	autodatabase struct database *db = machine_open(*state, DATABASE_WRITE);
	cleanup(generation_record_done) struct generation_record g = {
		.generation = 3, .release = text("6.1.0"), .transaction = 41};

	assert_int_equal(generation_put(db, &g, NULL), 0);
	assert_int_equal(add_transaction(db, "6.1.0"), 42);
	assert_int_equal(add_transaction(db, "6.1.0"), 43);
}

/* What `kuro status` asks, in milliseconds of processor time. */
static double status_cost(const struct machine *m)
{
	clock_t begin = clock();
	autodatabase struct database *db = machine_open(m, DATABASE_READ);
	cleanup(transaction_done) struct transaction t = {0};
	cleanup(boot_done) struct boot b = {0};
	struct hold_list holds = {0};
	struct generation_record_list generations = {0};

	assert_int_equal(transaction_last(db, &t, NULL), 0);
	assert_int_equal(boot_get(db, "boot-500", &b, NULL), 0);
	assert_int_equal(hold_list(db, 0, &holds, NULL), 0);
	assert_int_equal(generation_list(db, &generations, NULL), 0);
	hold_list_done(&holds);
	generation_record_list_done(&generations);
	return (double)(clock() - begin) * 1000 / CLOCKS_PER_SEC;
}

static void status_is_quick_after_a_thousand_transactions(void **state)
{
	autodatabase struct database *db = machine_open(*state, DATABASE_WRITE);
	double least = 1000;

	assert_int_equal(database_begin(db, NULL), 0);
	for (int i = 0; i < 1000; i++) {
		autofree char *id = str_format("boot-%d", i);

		add_transaction(db, "6.1.0-56-cloud-amd64");
		put_boot(db, id, 7, i % 2, i);
	}
	assert_int_equal(database_commit(db, NULL), 0);
	for (int i = 0; i < 5; i++) {
		double cost = status_cost(*state);

		least = cost < least ? cost : least;
	}
	print_message("# status with 1,000 transactions: %.2f ms\n", least);
	assert_true(least < 10); /* far below 2 ms but for sanitizers */
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, machine_set_up, machine_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_transaction_comes_back_whole),
		TEST(an_update_leaves_kind_and_begin_alone),
		TEST(every_word_is_kept_by_its_name),
		TEST(transactions_are_listed_newest_first),
		TEST(the_newest_armed_one_of_a_generation_is_found),
		TEST(what_is_missing_is_named),
		TEST(a_compatibility_record_comes_back_whole),
		TEST(compatibility_is_listed_by_module_and_release),
		TEST(a_step_is_overwritten_and_keeps_its_place),
		TEST(steps_of_one_second_keep_their_order),
		TEST(boots_come_back_and_are_overwritten),
		TEST(trials_are_those_of_a_transaction),
		TEST(generations_come_back),
		TEST(holds_expire_and_are_lifted),
		TEST(evidence_comes_back_in_the_order_gathered),
		TEST(empty_lists_are_no_error),
		TEST(a_record_with_gaps_is_refused),
		TEST(what_kuro_never_writes_is_damage),
		TEST(numbers_go_on_behind_those_of_the_manifests),
		TEST(status_is_quick_after_a_thousand_transactions),
	};

	return cmocka_run_group_tests_name("records", tests, NULL, NULL);
}
