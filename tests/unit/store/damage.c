/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bytes changed or cut off anywhere in a database file: what is read is told as damage
 * or has the shape that kuro wrote, never a crash; a writer leaves such a file as it is.
 */
#include <string.h>

#include "machine.h"

struct bytes {
	char *data;
	size_t len;
};

/* A database of some pages, as bytes. */
static struct bytes make_database(const struct machine *m)
{
	struct database *db = machine_open(m, DATABASE_WRITE);
	struct bytes bytes = {0};

	assert_int_equal(database_begin(db, NULL), 0);
	for (int i = 0; i < 12; i++)
		add_transaction(db, "6.1.0-56-cloud-amd64");
	assert_int_equal(database_commit(db, NULL), 0);
	database_close(db);
	assert_int_equal(root_read(&m->root, DATABASE_PATH, 1 << 20, &bytes.data,
				   &bytes.len, NULL),
			 0);
	return bytes;
}

/* Opens, lists and adds; only these answers are allowed. */
static bool answers_well(const struct machine *m, enum database_mode mode)
{
	autodatabase struct database *db = NULL;
	struct transaction t = {.kind = TRANSACTION_TRY};
	struct error err = {0};
	int r = database_open(&m->root, mode, &db, &err);

	if (r == 0)
		r = list_everything(db, &err);
	if (r == 0 && mode == DATABASE_WRITE)
		r = transaction_add(db, &t, NULL, &err);
	if (r == 0)
		return true;
	assert_non_null(strstr(err.message, "state.db"));
	/* A flipped version is a newer one. A number at its end leaves no next one. */
	if (r != -ERROR_DAMAGED && r != -ERROR_UNSUPPORTED)
		fail_msg("%s", err.message);
	return r == -ERROR_DAMAGED || r == -ERROR_UNSUPPORTED;
}

static void write_and_ask(const struct machine *m, const struct bytes *bytes, size_t len)
{
	for (int mode = DATABASE_READ; mode <= DATABASE_WRITE; mode++) {
		assert_int_equal(root_write(&m->root, DATABASE_PATH, 0644, bytes->data,
					    len, NULL),
				 0);
		assert_true(answers_well(m, (enum database_mode)mode));
	}
}

static void flipped_bytes_are_damage_or_read_in_shape(void **state)
{
	const struct machine *m = *state;
	struct bytes bytes = make_database(m);

	/* All of the header, then a step that meets every part of a page in some page. */
	for (size_t i = 0; i < bytes.len; i += i < 100 ? 1 : 419) {
		char kept = bytes.data[i];

		bytes.data[i] = (char)~kept;
		write_and_ask(m, &bytes, bytes.len);
		bytes.data[i] = kept;
	}
	free(bytes.data);
}

static void pages_of_noise_are_damage(void **state)
{
	const struct machine *m = *state;
	struct bytes bytes = make_database(m);

	for (size_t page = 0; page < bytes.len; page += 4096) {
		autofree char *kept = mem_zalloc(4096);
		struct error err = {0};

		memcpy(kept, bytes.data + page, 4096);
		for (size_t i = 0; i < 4096; i++)
			bytes.data[page + i] = (char)(i * 167 + page / 4096);
		assert_int_equal(root_write(&m->root, DATABASE_PATH, 0644, bytes.data,
					    bytes.len, NULL),
				 0);
		assert_int_equal(machine_try(m, DATABASE_WRITE, &err), -ERROR_DAMAGED);
		assert_true(answers_well(m, DATABASE_READ));
		memcpy(bytes.data + page, kept, 4096);
	}
	free(bytes.data);
}

static void a_cut_off_file_is_damage(void **state)
{
	const struct machine *m = *state;
	struct bytes bytes = make_database(m);

	for (size_t len = 1; len < bytes.len; len = len < 1024 ? len * 2 : len + 3000) {
		struct error err = {0};

		assert_int_equal(root_write(&m->root, DATABASE_PATH, 0644, bytes.data,
					    len, NULL),
				 0);
		if (machine_try(m, DATABASE_WRITE, &err) != -ERROR_DAMAGED)
			fail_msg("%zu bytes: %s", len, err.message);
		assert_non_null(strstr(err.message, DATABASE_PATH));
		assert_true(answers_well(m, DATABASE_READ));
	}
	free(bytes.data);
}

static void a_damaged_journal_is_no_crash(void **state)
{
	const struct machine *m = *state;
	struct bytes bytes = make_database(m);
	autofree char *journal = NULL;
	size_t len = 0;

	machine_crash(m, DATABASE_PATH);
	assert_int_equal(root_read(&m->root, DATABASE_PATH "-journal", 1 << 20, &journal,
				   &len, NULL),
			 0);
	for (size_t i = 0; i < len; i += i < 28 ? 1 : 509) {
		journal[i] = (char)~journal[i];
		assert_int_equal(root_write(&m->root, DATABASE_PATH "-journal", 0644,
					    journal, len, NULL),
				 0);
		write_and_ask(m, &bytes, bytes.len);
		journal[i] = (char)~journal[i];
	}
	free(bytes.data);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, machine_set_up, machine_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(flipped_bytes_are_damage_or_read_in_shape),
		TEST(pages_of_noise_are_damage),
		TEST(a_cut_off_file_is_damage),
		TEST(a_damaged_journal_is_no_crash),
	};

	return cmocka_run_group_tests_name("damage", tests, NULL, NULL);
}
