/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run-cases KIND FOLDER: text in, decision out. Runs every case in the folder and prints
 * TAP; a folder without a case fails. Adding a case is adding a file.
 *
 * policy/NAME.conf is a policy file laid over the defaults. Its comments say what
 *follows: # expect: boot.tries = 2 from NAME.conf:3	(one or more of these) # expect
 *error: NAME.conf:3: …			(or the whole message)
 *
 * boot-protocol/NAME.case is a journey, one word after another:
 *	block good=7 trial=8 tries=1	the block: the first sets it, further ones compare
 *it; what is not named is none or 0
 *	choose LIMIT -> CHOICE		GRUB decides (good, trial, previous, distribution)
 *	state RUNNING -> STATE		what the block means to the generation that runs
 *	arm N TRIES -> ok | refused	and so bless N, roll-back N, roll-back-keeping N
 *	disarm -> ok			and give-back RUNNING -> ok
 *
 * compat/NAME.case is a kernel and modules that it would load or not: run-compat.c.
 * initramfs/NAME.case is an image and what is said of it: run-initramfs.c.
 * retention/NAME.case is a policy, an inventory and what stays of it: run-retention.c.
 *
 * A line "include: PATH" of a case is the text of that file, which lies below the folder.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/root-file.h"
#include "core/boot-protocol.h"
#include "core/policy.h"
#include "run-compat.h"
#include "run-initramfs.h"
#include "run-retention.h"

#define CASE_MAX     65536
#define INCLUDED_MAX (4 * 1024 * 1024)

struct kind {
	const char *name, *suffix;
	/* 0, or negative with what differs in err. */
	int (*run)(const char *name, const char *text, struct error *err);
};

/* What stands behind "# expect" + prefix in this line, or NULL. */
static const char *expectation(const char *line, const char *prefix)
{
	return str_starts(line, prefix) ? line + strlen(prefix) : NULL;
}

static int policy_expect_value(const struct policy *policy, const char *expected,
			       struct error *err)
{
	for (unsigned int key = 0; key < POLICY_KEYS; key++) {
		autofree char *value = policy_value_text(policy, key);
		autofree char *is =
			str_format("%s = %s from %s", policy_setting(key)->path, value,
				   policy->values[key].source);

		if (!str_starts(expected, policy_setting(key)->path) ||
		    expected[strlen(policy_setting(key)->path)] != ' ')
			continue;
		return str_eq(is, expected) ? 0 : error_set(err, -1, "it is: %s", is);
	}
	return error_set(err, -1, "no such setting: %s", expected);
}

static int policy_case(const char *name, const char *text, struct error *err)
{
	autostrv struct strv lines = {0};
	autopolicy struct policy policy;
	struct error said = {0};
	size_t expected = 0;
	int r = 0;

	policy_init(&policy);
	(void)policy_apply(&policy, name, text, &said); /* judged by its message */
	strv_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.count && r == 0; i++) {
		const char *value = expectation(lines.items[i], "# expect: ");
		const char *message = expectation(lines.items[i], "# expect error: ");

		expected += value || message;
		if (value && said.code)
			r = error_set(err, -1, "it is an error: %s", said.message);
		else if (value)
			r = policy_expect_value(&policy, value, err);
		else if (message && !str_eq(message, said.message))
			r = error_set(err, -1, "it says: \"%s\"", said.message);
	}
	return r == 0 && !expected ? error_set(err, -1, "it expects nothing") : r;
}

struct journey {
	struct boot_block block;
	bool begun;
};

struct event {
	const char *name;
	/* What came of it; a and b are the numbers behind the name. */
	const char *(*run)(struct boot_block *block, unsigned int a, unsigned int b);
};

static const char *outcome(int r)
{
	return r == 0 ? "ok" : "refused";
}

static const char *event_choose(struct boot_block *block, unsigned int a, unsigned int b)
{
	(void)b; /* one number */
	return boot_choice_name(boot_block_choose(block, a));
}

static const char *event_state(struct boot_block *block, unsigned int a, unsigned int b)
{
	(void)b; /* one number */
	return boot_state_name(boot_state_of(block, a));
}

static const char *event_arm(struct boot_block *block, unsigned int a, unsigned int b)
{
	return outcome(boot_block_arm(block, a, b, NULL));
}

static const char *event_disarm(struct boot_block *block, unsigned int a, unsigned int b)
{
	(void)a; /* no numbers */
	(void)b;
	boot_block_disarm(block);
	return outcome(0);
}

static const char *event_bless(struct boot_block *block, unsigned int a, unsigned int b)
{
	(void)b; /* one number */
	return outcome(boot_block_bless(block, a, NULL));
}

static const char *event_roll_back(struct boot_block *block, unsigned int a,
				   unsigned int b)
{
	(void)b; /* one number */
	return outcome(boot_block_roll_back(block, a, false, NULL));
}

static const char *event_keeping(struct boot_block *block, unsigned int a, unsigned int b)
{
	(void)b; /* one number */
	return outcome(boot_block_roll_back(block, a, true, NULL));
}

static const char *event_give_back(struct boot_block *block, unsigned int a,
				   unsigned int b)
{
	boot_block_give_back(block, a, b != 0);
	return outcome(0);
}

static const struct event events[] = {
	{"choose", event_choose},
	{"state", event_state},
	{"arm", event_arm},
	{"disarm", event_disarm},
	{"bless", event_bless},
	{"roll-back", event_roll_back},
	{"roll-back-keeping", event_keeping},
	{"give-back", event_give_back},
};

static int read_field(struct boot_block *block, const char *word, struct error *err)
{
	static const char *const names[] = {"good=", "previous=", "trial=", "tries=",
					    "miss="};
	unsigned int *const fields[] = {&block->good, &block->previous, &block->trial,
					&block->tries, &block->miss};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		unsigned long long value;

		if (!str_starts(word, names[i]))
			continue;
		if (str_to_u64(word + strlen(names[i]), 0, BOOT_GENERATION_MAX, &value) <
		    0)
			break;
		*fields[i] = (unsigned int)value;
		return 0;
	}
	return error_set(err, -1, "\"%s\" is no field of a block", word);
}

/* The block as the disk would have it afterwards: only what survives that counts. */
static int through_the_disk(struct boot_block *block, struct error *err)
{
	char data[BOOT_BLOCK_SIZE];

	boot_block_format(block, data);
	return boot_block_parse(data, sizeof(data), block, err);
}

static int journey_block(struct journey *j, const struct strv *words, struct error *err)
{
	struct boot_block block = {0};

	for (size_t i = 1; i < words->count; i++)
		if (read_field(&block, words->items[i], err) < 0)
			return -1;
	if (!j->begun) {
		j->block = block;
		j->begun = true;
		return through_the_disk(&j->block, err);
	}
	if (boot_block_equal(&block, &j->block))
		return 0;
	return error_set(err, -1,
			 "the block is good=%u previous=%u trial=%u tries=%u miss=%u",
			 j->block.good, j->block.previous, j->block.trial, j->block.tries,
			 j->block.miss);
}

static int journey_event(struct journey *j, const struct strv *words, struct error *err)
{
	unsigned long long numbers[2] = {0, 0};
	size_t i = 1;

	for (; i < words->count && i <= 2 && strcmp(words->items[i], "->") != 0; i++)
		if (str_to_u64(words->items[i], 0, 99999999, &numbers[i - 1]) < 0)
			return error_set(err, -1, "\"%s\" is no number", words->items[i]);
	if (i + 2 != words->count || strcmp(words->items[i], "->") != 0)
		return error_set(err, -1, "it does not say \"-> OUTCOME\"");
	for (size_t e = 0; e < ARRAY_LEN(events); e++) {
		const char *came;

		if (!str_eq(events[e].name, words->items[0]))
			continue;
		came = events[e].run(&j->block, (unsigned int)numbers[0],
				     (unsigned int)numbers[1]);
		if (!str_eq(came, words->items[i + 1]))
			return error_set(err, -1, "what comes of it is \"%s\"", came);
		return through_the_disk(&j->block, err);
	}
	return error_set(err, -1, "\"%s\" is no event", words->items[0]);
}

static int boot_case(const char *name, const char *text, struct error *err)
{
	autostrv struct strv lines = {0};
	struct journey j = {0};

	(void)name; /* journeys do not show it */
	strv_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.count; i++) {
		autostrv struct strv words = {0};
		int r;

		strv_split(&words, lines.items[i], " \t");
		if (words.count == 0 || words.items[0][0] == '#')
			continue;
		if (str_eq(words.items[0], "block"))
			r = journey_block(&j, &words, err);
		else
			r = journey_event(&j, &words, err);
		if (r < 0) {
			(void)error_prefix(err, -1, "\"%s\"",
					   lines.items[i]); /* -1 again */
			return -1;
		}
	}
	return j.begun ? 0 : error_set(err, -1, "it has no block");
}

static const struct kind kinds[] = {
	{"boot-protocol", ".case", boot_case},  {"compat", ".case", compat_case},
	{"initramfs", ".case", initramfs_case}, {"policy", ".conf", policy_case},
	{"retention", ".case", retention_case},
};

/* The text with each include: line replaced. What is included includes nothing. */
static int with_includes(const struct root *folder, const char *text, char **ret,
			 struct error *err)
{
	static const char include[] = "include: ";
	autostrv struct strv lines = {0};
	autotext struct text whole = {0};

	if (!strstr(text, "\ninclude: ")) {
		*ret = str_dup(text); /* empty lines and all */
		return 0;
	}
	strv_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.count; i++) {
		autofree char *path = NULL, *included = NULL;

		if (!str_starts(lines.items[i], include)) {
			text_appendf(&whole, "%s\n", lines.items[i]);
			continue;
		}
		path = str_format("/%s", lines.items[i] + strlen(include));
		if (root_read(folder, path, INCLUDED_MAX, &included, NULL, err) < 0)
			return -1;
		text_append(&whole, included);
	}
	*ret = text_take(&whole);
	return 0;
}

static int run_file(const struct kind *kind, const struct root *folder, const char *name,
		    struct error *err)
{
	autofree char *path = str_format("/%s", name);
	autofree char *text = NULL, *whole = NULL;

	if (root_read(folder, path, CASE_MAX, &text, NULL, err) < 0 ||
	    with_includes(folder, text, &whole, err) < 0)
		return -1;
	return kind->run(name, whole, err);
}

/* Returns how many failed, or -1 where there is nothing to run. */
static int run_folder(const struct kind *kind, const struct root *folder)
{
	autostrv struct strv names = {0};
	unsigned int count = 0;
	struct error err = {0};
	int failed = 0;

	if (root_list(folder, "/", &names, &err) < 0)
		return -1;
	for (size_t i = 0; i < names.count; i++) {
		int r;

		if (!str_ends(names.items[i], kind->suffix))
			continue;
		r = run_file(kind, folder, names.items[i], &err);
		printf("%sok %u - %s\n", r < 0 ? "not " : "", ++count, names.items[i]);
		if (r < 0)
			printf("# %s\n", err.message);
		failed += r < 0;
	}
	printf("1..%u\n", count);
	return count > 0 ? failed : -1;
}

int main(int argc, char **argv)
{
	struct root folder;
	struct error err = {0};
	int failed = -1;

	if (argc != 3)
		return EXIT_USAGE;
	if (root_open(&folder, argv[2], &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		return EXIT_FAILED;
	}
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (str_eq(kinds[i].name, argv[1]))
			failed = run_folder(&kinds[i], &folder);
	root_done(&folder);
	return failed == 0 ? EXIT_DONE : EXIT_FAILED;
}
