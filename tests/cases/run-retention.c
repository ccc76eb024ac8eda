/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * retention/NAME.case is a policy and an inventory, and of each item what becomes of it:
 *	keep SELECTOR…			the policy's own words where there is no line
 *	remove PATTERN…			of this kind; so the next three
 *	releases N
 *	room MIB
 *	days N
 *	wanted MIB
 *	wanted-trees MIB		where module trees lie
 *	kernel RELEASE MIB [MARK…] -> stays: REASON
 *	generation N RELEASE MIB [MARK…] -> goes: REASON
 *	left-over KIND PATH MIB [MARK…] -> …
 *	freed MIB			all of what goes
 * RELEASE is - where it is not known. KIND: initramfs, backup, tree, dkms, staging,
 * unknown. MARK: running, good, previous, trial, pinned, proven, held, packaged,
 * bare, needed, unpackaged (kernels are packaged without a word), age=DAYS, tree=MIB,
 * of=RELEASE.
 *
 * The answer must be the same whatever the order of the items, and when asked again.
 */
#include "run-retention.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "core/policy.h"
#include "core/retention.h"

#define MIB       1048576
#define DAY       86400
#define NOW       2000000000
#define ITEMS_MAX 500

struct retention_test {
	struct policy policy;
	struct strv keep, remove;
	struct retention_rules rules;
	struct retention_set set;
	struct strv expected; /* of each item: "goes: REASON" */
	unsigned long long freed;
	bool freed_told;
};

static void test_done(struct retention_test *t)
{
	policy_done(&t->policy);
	strv_done(&t->keep);
	strv_done(&t->remove);
	retention_set_done(&t->set);
	strv_done(&t->expected);
}

static int read_number(const char *word, unsigned long long *ret, struct error *err)
{
	if (str_to_u64(word, 0, 1000000, ret) < 0)
		return error_set(err, -1, "\"%s\" is no number", word);
	return 0;
}

/* The policy's own settings, for what a case does not set. */
static void test_init(struct retention_test *t)
{
	*t = (struct retention_test){0};
	policy_init(&t->policy);
	t->rules = (struct retention_rules){
		.keep = policy_strings(&t->policy, POLICY_RETENTION_KEEP),
		.remove = policy_strings(&t->policy, POLICY_RETENTION_REMOVE),
		.max_releases =
			(unsigned int)policy_number(&t->policy,
						    POLICY_RETENTION_MAX_RELEASES),
		.max_room =
			(uint64_t)policy_number(&t->policy, POLICY_RETENTION_MAX_ROOM) *
			MIB,
		.max_days = (unsigned int)policy_number(&t->policy,
							POLICY_RETENTION_MAX_DAYS),
		.now = NOW,
	};
}

static bool read_flag(const char *word, struct retention_item *item)
{
	static const char *const names[] = {"running", "good",   "previous", "trial",
					    "pinned",  "proven", "held",     "packaged",
					    "bare",    "needed"};
	bool *const fields[] = {&item->running, &item->good,     &item->previous,
				&item->trial,   &item->pinned,   &item->proven,
				&item->held,    &item->packaged, &item->bare,
				&item->needed};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq(word, names[i]))
			return *fields[i] = true;
	return false;
}

static int read_mark(const char *word, struct retention_item *item, struct error *err)
{
	unsigned long long number;

	if (read_flag(word, item))
		return 0;
	if (str_eq(word, "unpackaged")) {
		item->packaged = false;
	} else if (str_starts(word, "of=")) {
		free(item->release);
		item->release = str_dup(word + strlen("of="));
	} else if (str_starts(word, "age=")) {
		if (read_number(word + strlen("age="), &number, err) < 0)
			return -1;
		item->created = NOW - (int64_t)number * DAY;
	} else if (str_starts(word, "tree=")) {
		if (read_number(word + strlen("tree="), &number, err) < 0)
			return -1;
		item->tree = number * MIB;
	} else {
		return error_set(err, -1, "\"%s\" is no mark", word);
	}
	return 0;
}

static int read_kernel(const struct strv *words, struct retention_item *item,
		       struct error *err)
{
	(void)err; /* any release will do */
	item->kind = RETENTION_KERNEL;
	item->name = str_dup(words->items[1]);
	item->packaged = true;
	return 0;
}

static int read_generation(const struct strv *words, struct retention_item *item,
			   struct error *err)
{
	unsigned long long number;

	if (read_number(words->items[1], &number, err) < 0)
		return -1;
	item->kind = RETENTION_GENERATION;
	item->name = str_dup(words->items[1]);
	item->generation = (unsigned int)number;
	if (!str_eq(words->items[2], "-"))
		item->release = str_dup(words->items[2]);
	return 0;
}

static int read_leftover(const struct strv *words, struct retention_item *item,
			 struct error *err)
{
	static const char *const kinds[] = {
		[LEFTOVER_NONE] = "none",       [LEFTOVER_INITRAMFS] = "initramfs",
		[LEFTOVER_BACKUP] = "backup",   [LEFTOVER_TREE] = "tree",
		[LEFTOVER_DKMS] = "dkms",       [LEFTOVER_STAGING] = "staging",
		[LEFTOVER_UNKNOWN] = "unknown",
	};

	item->kind = RETENTION_LEFTOVER;
	item->name = str_dup(words->items[2]);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (str_eq(words->items[1], kinds[i])) {
			item->leftover = (enum leftover)i;
			return 0;
		}
	return error_set(err, -1, "\"%s\" is no kind of left-over", words->items[1]);
}

struct item_kind {
	const char *name;
	size_t room; /* which word it is */
	int (*read)(const struct strv *words, struct retention_item *item,
		    struct error *err);
};
static const struct item_kind item_kinds[] = {
	{"kernel", 2, read_kernel},
	{"generation", 3, read_generation},
	{"left-over", 3, read_leftover},
};

/* Room and marks, behind what the kind has read. */
static int read_rest(const struct strv *words, size_t room, struct retention_item *item,
		     struct error *err)
{
	unsigned long long number;
	int r = read_number(words->items[room], &number, err);

	for (size_t i = room + 1; i < words->count && r == 0; i++)
		r = read_mark(words->items[i], item, err);
	item->room = r == 0 ? number * MIB : 0;
	return r;
}

static int read_item(struct retention_test *t, const struct item_kind *kind,
		     const char *line, struct error *err)
{
	static const char arrow[] = " -> ";
	const char *behind = strstr(line, arrow);
	autofree char *before = str_ndup(line, behind ? (size_t)(behind - line) : 0);
	autostrv struct strv words = {0};
	struct retention_item *item = &t->set.items[t->set.count];

	strv_split(&words, before, " \t");
	if (words.count <= kind->room || t->set.count >= ITEMS_MAX)
		return error_set(err, -1, "it is no item with its answer");
	t->set.count++;
	strv_add(&t->expected, behind + strlen(arrow));
	if (kind->read(&words, item, err) < 0)
		return -1;
	return read_rest(&words, kind->room, item, err);
}

static int read_limit(struct retention_test *t, const char *name, const char *word,
		      struct error *err)
{
	unsigned long long number;

	if (read_number(word, &number, err) < 0)
		return -1;
	if (str_eq(name, "releases"))
		t->rules.max_releases = (unsigned int)number;
	else if (str_eq(name, "room"))
		t->rules.max_room = number * MIB;
	else if (str_eq(name, "days"))
		t->rules.max_days = (unsigned int)number;
	else if (str_eq(name, "wanted"))
		t->rules.wanted = number * MIB;
	else if (str_eq(name, "wanted-trees"))
		t->rules.wanted_trees = number * MIB;
	else if (str_eq(name, "freed"))
		t->freed = number;
	else
		return error_set(err, -1, "\"%s\" is neither item nor rule", name);
	t->freed_told |= str_eq(name, "freed");
	return 0;
}

static void read_list(const struct strv *words, struct strv *list,
		      const struct strv **rule)
{
	for (size_t i = 1; i < words->count; i++)
		strv_add(list, words->items[i]);
	*rule = list;
}

static int read_line(struct retention_test *t, const char *line, struct error *err)
{
	autostrv struct strv words = {0};

	strv_split(&words, line, " \t");
	if (words.count == 0 || words.items[0][0] == '#')
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(item_kinds); i++)
		if (str_eq(words.items[0], item_kinds[i].name))
			return read_item(t, &item_kinds[i], line, err);
	if (str_eq(words.items[0], "keep"))
		read_list(&words, &t->keep, &t->rules.keep);
	else if (str_eq(words.items[0], "remove"))
		read_list(&words, &t->remove, &t->rules.remove);
	else if (words.count == 2)
		return read_limit(t, words.items[0], words.items[1], err);
	else
		return error_set(err, -1, "it is neither item nor rule");
	return 0;
}

static int compare(const struct retention_test *t, bool reversed, struct error *err)
{
	unsigned long long freed = retention_freed(&t->set) / MIB;

	for (size_t i = 0; i < t->set.count; i++) {
		const struct retention_item *item = &t->set.items[i];
		size_t line = reversed ? t->set.count - 1 - i : i;
		autofree char *is = str_format("%s: %s", item->removed ? "goes" : "stays",
					       item->reason);

		if (!str_eq(is, t->expected.items[line]))
			return error_set(err, -1, "%s %s%s", item->name, is,
					 reversed ? " (asked in reverse)" : "");
	}
	if (t->freed_told && freed != t->freed)
		return error_set(err, -1, "%llu MiB are freed", freed);
	return 0;
}

static void reverse(struct retention_set *set)
{
	for (size_t i = 0; i < set->count / 2; i++) {
		struct retention_item item = set->items[i];

		set->items[i] = set->items[set->count - 1 - i];
		set->items[set->count - 1 - i] = item;
	}
}

int retention_case(const char *name, const char *text, struct error *err)
{
	struct retention_test t cleanup(test_done);
	autostrv struct strv lines = {0};
	int r = 0;

	(void)name; /* answers do not show it */
	test_init(&t);
	t.set.items = mem_zalloc(ITEMS_MAX * sizeof(*t.set.items));
	strv_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.count; i++)
		if (read_line(&t, lines.items[i], err) < 0)
			return error_prefix(err, -1, "\"%s\"", lines.items[i]);
	if (t.set.count == 0)
		return error_set(err, -1, "it has no item");
	retention_decide(&t.rules, &t.set);
	r = compare(&t, false, err);
	if (r == 0) {
		reverse(&t.set);
		retention_decide(&t.rules, &t.set);
		r = compare(&t, true, err);
	}
	return r;
}
