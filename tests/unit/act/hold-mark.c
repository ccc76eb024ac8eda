/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Holds stand where the package manager looks, with the version that failed, and go when
 * the hold goes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "act/hold-mark.h"
#include "base/cleanup.h"
#include "machine.h"

#define BAD "6.1.0-5-amd64"

static char release[] = BAD, hung[] = "it hung\nPin: x", word[] = "not before the fair";
static struct hold bad = {.release = release, .reason = hung, .generation = 2};
static const struct hold_list held = {&bad, 1}, none = {0};

static void with_apt(struct fake_machine *m, const char *version)
{
	autofree char *said = str_format("linux-image-" BAD "\t%s\tii \t\n", version);

	fake_file(m, "/etc/apt/preferences.d/50mine", "");
	fake_file(m, "/var/lib/dpkg/status", "");
	fake_program(m, "dpkg-query");
	fake_file(m, "/fake/said", said);
	fake_rules(m, "dpkg-query|0|said\n");
}

static void the_version_that_failed_is_marked_and_stays_so(void **state)
{
	struct fake_machine *m = fake_machine(state);
	autofree char *text = NULL, *again = NULL;

	with_apt(m, "6.1.5-1");
	assert_int_equal(hold_marks_write(&m->root, &held, NULL), 0);
	text = fake_read(m, HOLD_MARK_APT);
	assert_non_null(strstr(text, "\nPackage: linux-image-" BAD " "));
	assert_non_null(strstr(text, " linux-headers-" BAD "\n"));
	assert_non_null(strstr(text, "\nPin: version 6.1.5-1\nPin-Priority: -1\n"));
	assert_non_null(strstr(text, "it hung\\x0aPin: x\n"));
	assert_non_null(strstr(text, "kuro unhold " BAD));
	assert_false(hold_mark_outdated(&m->root, BAD, NULL));
	assert_true(hold_mark_outdated(&m->root, BAD, "6.1.5-2"));
	assert_false(hold_mark_outdated(&m->root, "6.1.0-6-amd64", NULL));
	/* another version of it came since */
	with_apt(m, "6.1.5-2");
	assert_true(hold_mark_outdated(&m->root, BAD, NULL));
	assert_int_equal(hold_marks_write(&m->root, &held, NULL), 0);
	again = fake_read(m, HOLD_MARK_APT);
	assert_string_equal(again, text);
	assert_int_equal(hold_marks_write(&m->root, &none, NULL), 0);
	assert_false(root_exists(&m->root, HOLD_MARK_APT));
	assert_int_equal(hold_marks_write(&m->root, &none, NULL), 0);
}

static void a_persons_hold_is_on_all_versions(void **state)
{
	struct hold said = {.release = release, .reason = word};
	const struct hold_list list = {&said, 1};
	struct fake_machine *m = fake_machine(state);
	autofree char *text = NULL;

	with_apt(m, "6.1.5-1");
	assert_int_equal(hold_marks_write(&m->root, &list, NULL), 0);
	text = fake_read(m, HOLD_MARK_APT);
	assert_non_null(strstr(text, "\nPin: version *\n"));
	assert_false(hold_mark_outdated(&m->root, BAD, "6.1.5-2"));
}

/* dnf drops comments when a person takes an entry out. */
static void dnfs_list_keeps_what_others_wrote(void **state)
{
	static const char own[] = "!kernel*-" BAD "\n";
	static const char mine[] = "# Added lock on Monday\nkernel-core-0:6.1-1.*\n";
	struct fake_machine *m = fake_machine(state);
	autofree char *text = NULL, *without = NULL, *rewritten = NULL;

	fake_file(m, HOLD_MARK_DNF, mine);
	assert_int_equal(hold_marks_write(&m->root, &held, NULL), 0);
	text = fake_read(m, HOLD_MARK_DNF);
	assert_true(str_starts(text, mine));
	assert_true(str_ends(text, own));
	assert_non_null(strstr(text, "it hung\\x0aPin: x"));
	assert_non_null(strstr(text, "kuro unhold " BAD));
	assert_int_equal(hold_marks_write(&m->root, &none, NULL), 0);
	without = fake_read(m, HOLD_MARK_DNF);
	assert_string_equal(without, mine);
	rewritten = str_format("!b-0:1-1.*\n%s", own);
	fake_file(m, HOLD_MARK_DNF, rewritten);
	assert_int_equal(hold_marks_write(&m->root, &none, NULL), 0);
	free(without);
	without = fake_read(m, HOLD_MARK_DNF);
	assert_string_equal(without, "!b-0:1-1.*\n");
}

/* A release's flavour is in its packages' names. */
static void dnf_without_versionlock_has_a_list_too(void **state)
{
	static char flavoured[] = "6.1.0-6.fc39.x86_64+debug";
	struct hold holds[] = {bad, {.release = flavoured, .reason = word}};
	const struct hold_list two = {holds, 2};
	struct fake_machine *m = fake_machine(state);
	autofree char *text = NULL;

	fake_file(m, "/etc/dnf/plugins/other.conf", "");
	assert_int_equal(hold_marks_write(&m->root, &two, NULL), 0);
	assert_false(root_exists(&m->root, HOLD_MARK_DNF));
	assert_false(root_exists(&m->root, HOLD_MARK_DNF5));
	text = fake_read(m, HOLD_MARK_PLUGIN);
	assert_non_null(
		strstr(text, "\n" BAD " " BAD " is kept away: it hung\\x0aPin: x; "));
	assert_non_null(strstr(text, "\n6.1.0-6.fc39.x86_64 6.1.0-6.fc39.x86_64+debug is "
				     "kept away: not before the fair; to lift that: kuro "
				     "unhold 6.1.0-6.fc39.x86_64+debug\n"));
	assert_int_equal(hold_marks_write(&m->root, &none, NULL), 0);
	assert_false(root_exists(&m->root, HOLD_MARK_PLUGIN));
}

/* As dnf5.conf(5) has it: a section, one option, a list with commas. */
static void dnf5_has_excludes_in_a_file_of_its_own(void **state)
{
	struct hold said = {.release = release, .reason = word}, other = {0};
	struct fake_machine *m = fake_machine(state);
	static char newer[] = "6.1.0-6.x86_64";
	autofree char *text = NULL;

	other = (struct hold){.release = newer};
	fake_file(m, "/etc/dnf/libdnf5.conf.d/20-user.conf", "");
	assert_int_equal(
		hold_marks_write(&m->root,
				 &(struct hold_list){(struct hold[]){said, other}, 2},
				 NULL),
		0);
	text = fake_read(m, HOLD_MARK_DNF5);
	assert_string_equal(
		text,
		"# kuro makes this file from what is on hold (kuro status).\n"
		"# kuro: " BAD " is kept away: not before the fair; to lift that: kuro "
		"unhold " BAD "\n"
		"# kuro: 6.1.0-6.x86_64 is kept away: no reason is recorded; to lift "
		"that: kuro unhold 6.1.0-6.x86_64\n"
		"[main]\nexcludepkgs=kernel*-" BAD ",kernel*-6.1.0-6.x86_64\n");
	assert_int_equal(hold_marks_write(&m->root, &none, NULL), 0);
	assert_false(root_exists(&m->root, HOLD_MARK_DNF5));
}

static void where_no_manager_is_nothing_is_written(void **state)
{
	struct fake_machine *m = fake_machine(state);

	assert_int_equal(hold_marks_write(&m->root, &held, NULL), 0);
	assert_false(root_exists(&m->root, "/etc/apt"));
	assert_false(root_exists(&m->root, "/etc/dnf"));
}

#define FAKE(f) \
	cmocka_unit_test_setup_teardown(f, fake_machine_set_up, fake_machine_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAKE(the_version_that_failed_is_marked_and_stays_so),
		FAKE(a_persons_hold_is_on_all_versions),
		FAKE(dnfs_list_keeps_what_others_wrote),
		FAKE(dnf_without_versionlock_has_a_list_too),
		FAKE(dnf5_has_excludes_in_a_file_of_its_own),
		FAKE(where_no_manager_is_nothing_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
