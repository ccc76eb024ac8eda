/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * initramfs/NAME.case: an image for the release 6.1.0, what the root needs of it, and
 *what is said of it.
 *
 *	trees: 6.1.0 6.0.0		module trees of the image; the target's
 *	modules: ext4 jbd2		modules of the image, in the target's tree
 *	module: ext4 DIGEST		one with its content
 *	strange: 6.0.0 ext4		one in the tree of another release
 *	files: sbin/lvm			other paths of the image, a blank between
 *	link: sbin/a -> b		one that is a link
 *	segments: none zstd		how its archives are packed
 *	sizes: SIZE PLAIN		bytes
 *	init: absent | closed		closed: it can't be executed
 *	fault: TEXT			why it can't be read to its end
 *	need module: NAME for WHY	and so tool, file, firmware; before NAME may
 *					stand built-in, optional, or started: by
 *					the image's scripts/start or hooks/start
 *	installed: ext4 DIGEST		the tree's own; without digest: there is none
 *	untold: TEXT			why nothing of what the root needs is known
 *	unpacks: zstd gzip		what the target unpacks
 *	proven: SIZE PLAIN a b c	the last proven image and its modules
 *	limit: 30			per cent that it may shrink
 *
 *	expect: boots | would-not-boot | unknown
 *	reason: CODE OBJECT		each reason, in their order; a warning's begins ~
 *	says: TEXT			the detail of the reason above
 */
#include "run-initramfs.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/initramfs.h"

struct initramfs_trial {
	struct initramfs image;
	struct root_needs needs;
	struct initramfs_baseline proven;
	unsigned int limit;
	bool has_proven;
	struct strv expected, said; /* "fatal code object"; "" or what it says */
	char *verdict;
};

static void trial_done(struct initramfs_trial *t)
{
	free(t->image.segments); /* its packings are words of the case */
	t->image.segments = NULL;
	for (size_t i = 0; i < t->image.module_count; i++) {
		free(t->image.modules[i].path);
		free(t->image.modules[i].name);
	}
	free(t->image.modules);
	free(t->image.fault);
	strv_done(&t->image.trees);
	strv_done(&t->image.files);
	root_needs_done(&t->needs);
	strv_done(&t->proven.modules);
	strv_done(&t->expected);
	strv_done(&t->said);
	free(t->verdict);
}

static void add_module(struct initramfs_trial *t, const char *release, const char *name,
		       const char *digest)
{
	struct initramfs *image = &t->image;
	struct initramfs_module *module;

	image->modules = mem_regrow(image->modules, image->module_count + 1,
				    sizeof(*image->modules));
	module = &image->modules[image->module_count++];
	*module = (struct initramfs_module){
		.path = str_format("lib/modules/%s/kernel/%s.ko", release, name),
		.name = str_dup(name),
		.content.packing = "none",
	};
	if (digest)
		strncpy(module->content.digest, digest,
			sizeof(module->content.digest) - 1);
}

static void take_segments(struct initramfs_trial *t, const struct strv *words)
{
	static const char *const known[] = {"none", "gzip", "xz",   "zstd",
					    "lz4",  "lzma", "lzop", "bzip2"};
	struct initramfs *image = &t->image;

	image->segments = mem_zalloc(words->count * sizeof(*image->segments));
	for (size_t i = 0; i < words->count; i++)
		for (size_t k = 0; k < ARRAY_LEN(known); k++)
			if (str_eq(known[k], words->items[i]))
				image->segments[image->segment_count++].packing =
					known[k];
}

static void take_numbers(const struct strv *words, uint64_t *first, uint64_t *second)
{
	unsigned long long numbers[2] = {0, 0};

	for (size_t i = 0; i < 2 && i < words->count; i++)
		(void)str_to_u64(words->items[i], 0, UINT64_MAX,
				 &numbers[i]); /* else 0 */
	*first = numbers[0];
	*second = numbers[1];
}

static void take_proven(struct initramfs_trial *t, const struct strv *words)
{
	t->has_proven = true;
	take_numbers(words, &t->proven.size, &t->proven.plain);
	for (size_t i = 2; i < words->count; i++)
		strv_add(&t->proven.modules, words->items[i]);
}

static void take_installed(struct initramfs_trial *t, const struct strv *words)
{
	const char *name = words->items[0];
	autofree char *path = str_format("/lib/modules/%s/%s.ko", t->needs.release, name);
	struct root_need *item = root_need_add(&t->needs.installed, name,
					       words->count > 1 ? path : NULL, true);

	item->content.packing = "none";
	if (words->count > 1)
		strncpy(item->content.digest, words->items[1],
			sizeof(item->content.digest) - 1);
}

/* "module: optional a|b for WHY"; "tool: started a for WHY": by scripts/start */
static int take_need(struct initramfs_trial *t, const char *value, struct error *err)
{
	struct root_needs *n = &t->needs;
	struct root_need_list *const lists[] = {&n->modules, &n->tools, &n->files,
						&n->firmware};
	static const char *const kinds[] = {"module: ", "tool: ", "file: ", "firmware: "};
	const char *why = strstr(value, " for ");

	for (size_t i = 0; why && i < ARRAY_LEN(kinds); i++) {
		autofree char *names = NULL;
		autostrv struct strv words = {0};
		struct root_need *need;

		if (!str_starts(value, kinds[i]))
			continue;
		names = str_ndup(value, (size_t)(why - value));
		strv_split(&words, names + strlen(kinds[i]), " ");
		need = root_need_add(lists[i], words.items[words.count - 1],
				     why + strlen(" for "), strv_has(&words, "optional"));
		need->built_in = strv_has(&words, "built-in");
		if (strv_has(&words, "started"))
			need->starter = "scripts/start|hooks/start";
		return 0;
	}
	return error_set(err, -1, "\"need %s\" is no need", value);
}

static int take_expectation(struct initramfs_trial *t, const char *key, const char *value,
			    struct error *err)
{
	if (str_eq(key, "expect")) {
		t->verdict = str_dup(value);
	} else if (str_eq(key, "reason")) {
		strv_add_take(&t->expected,
			      str_format("%s%s", *value == '~' ? "" : "fatal ", value));
		strv_add(&t->said, "");
	} else if (str_eq(key, "says") && t->said.count > 0) {
		free(t->said.items[t->said.count - 1]);
		t->said.items[t->said.count - 1] = str_dup(value);
	} else {
		return error_set(err, -1, "\"%s:\" is no line of such a case", key);
	}
	return 0;
}

static void take_image_word(struct initramfs_trial *t, const char *key, const char *value,
			    const struct strv *words)
{
	if (str_eq(key, "modules"))
		for (size_t i = 0; i < words->count; i++)
			add_module(t, t->needs.release, words->items[i], NULL);
	else if (str_eq(key, "module"))
		add_module(t, t->needs.release, words->items[0], words->items[1]);
	else if (str_eq(key, "strange") && words->count == 2)
		add_module(t, words->items[0], words->items[1], NULL);
	else if (str_eq(key, "files"))
		strv_split(&t->image.files, value, " ");
	else if (str_eq(key, "link"))
		strv_add(&t->image.files, value);
	else if (str_eq(key, "segments"))
		take_segments(t, words);
	else if (str_eq(key, "sizes"))
		take_numbers(words, &t->image.size, &t->image.plain);
	else if (str_eq(key, "fault"))
		t->image.fault = str_dup(value);
	t->image.init =
		t->image.init && !(str_eq(key, "init") && str_eq(value, "absent"));
	if (str_eq(key, "init"))
		t->image.init_executable = false;
}

static void take_trees(struct initramfs_trial *t, const struct strv *words)
{
	strv_done(&t->image.trees);
	for (size_t i = 0; i < words->count; i++)
		if (!str_eq(words->items[i], "none"))
			strv_add(&t->image.trees, words->items[i]);
}

static int take_line(struct initramfs_trial *t, const char *line, struct error *err)
{
	static const char *const image_words[] = {"modules", "module", "strange",
						  "files",   "link",   "segments",
						  "sizes",   "fault",  "init"};
	size_t length = strcspn(line, ":");
	autofree char *key = str_ndup(line, length);
	const char *value = line[length] ? line + length + 1 : "";
	autostrv struct strv words = {0};

	value += strspn(value, " ");
	if (str_starts(line, "need "))
		return take_need(t, line + strlen("need "), err);
	strv_split(&words, value, " ");
	for (size_t i = 0; words.count > 0 && i < ARRAY_LEN(image_words); i++)
		if (str_eq(key, image_words[i])) {
			take_image_word(t, key, value, &words);
			return 0;
		}
	if (str_eq(key, "trees"))
		take_trees(t, &words);
	else if (str_eq(key, "unpacks"))
		strv_split(&t->needs.unpacks, value, " ");
	else if (str_eq(key, "untold"))
		t->needs.untold = str_dup(value);
	else if (str_eq(key, "installed"))
		take_installed(t, &words);
	else if (str_eq(key, "proven"))
		take_proven(t, &words);
	else if (str_eq(key, "limit"))
		t->limit = (unsigned int)strtoul(value, NULL, 10);
	else
		return take_expectation(t, key, value, err);
	return 0;
}

static int compare_reason(const struct initramfs_reason *reason, const char *expected,
			  const char *says, struct error *err)
{
	autofree char *is =
		str_format("%s%s%s%s", reason->fatal ? "fatal " : "~",
			   initramfs_code_name(reason->code), reason->object ? " " : "",
			   reason->object ? reason->object : "");

	if (!str_eq(is, expected))
		return error_set(err, -1, "a reason is \"%s\", not \"%s\"", is, expected);
	if (!strstr(reason->detail, says))
		return error_set(err, -1, "%s says \"%s\"", is, reason->detail);
	return 0;
}

static int compare(const struct initramfs_trial *t, const struct initramfs_proof *proof,
		   struct error *err)
{
	const char *verdict = initramfs_verdict(proof);
	int r = 0;

	if (!str_eq(verdict, t->verdict))
		r = error_set(err, -1, "the verdict is %s%s%s", verdict,
			      proof->count > 0 ? ": " : "",
			      proof->count > 0 ? proof->reasons[0].detail : "");
	for (size_t i = 0; r == 0 && i < t->expected.count; i++)
		r = i < proof->count
			    ? compare_reason(&proof->reasons[i], t->expected.items[i],
					     t->said.items[i], err)
			    : error_set(err, -1, "no reason is \"%s\"",
					t->expected.items[i]);
	if (r == 0 && proof->count > t->expected.count)
		r = error_set(err, -1, "a further reason: %s",
			      proof->reasons[t->expected.count].detail);
	return r;
}

/* As a reader leaves them. */
static int by_name(const void *a, const void *b)
{
	const struct initramfs_module *x = a, *y = b;

	return strcmp(x->name, y->name);
}

int initramfs_case(const char *name, const char *text, struct error *err)
{
	cleanup(trial_done) struct initramfs_trial t = {.limit = 30};
	autoproof struct initramfs_proof proof = {0};
	autostrv struct strv lines = {0};
	int r = 0;

	(void)name; /* verdicts do not show it */
	t.needs.release = str_dup("6.1.0");
	t.image.init = t.image.init_executable = true;
	strv_add(&t.image.trees, "6.1.0");
	strv_split(&lines, text, "\n");
	for (size_t i = 0; r == 0 && i < lines.count; i++)
		if (lines.items[i][0] != '#')
			r = take_line(&t, lines.items[i], err);
	if (r < 0)
		return r;
	if (t.image.module_count > 0)
		qsort(t.image.modules, t.image.module_count, sizeof(*t.image.modules),
		      by_name);
	initramfs_judge(&t.image, &t.needs, t.has_proven ? &t.proven : NULL, t.limit,
			&proof);
	return compare(&t, &proof, err);
}
