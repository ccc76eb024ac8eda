/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Holds as dnf 4 shows them (`dnf versionlock list`): an entry of that plug-in's list for
 * each release, that excludes all packages of the kernel at that version. The list is the
 * machine's: other lines stay as they are. The plug-in drops comments when it writes the
 * list, so kuro knows its own entries by their form, which no command of dnf's writes.
 *
 * Many machines have dnf without that plug-in: kuro's own (hooks/dnf/kuro.py) reads a
 * list too, and excludes what it names.
 *
 * dnf5 gets excludes, in a file of kuro's own. Not versionlock.toml: there the entries
 * that fit a package are alternatives (libdnf5, load_versionlock_excludes), so that one
 * that bars a single version would undo what a person locks.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "core/release.h"
#include "hold-mark-backend.h"
#include "manager-file.h"

#define DIRECTORY "/etc/dnf/plugins"
#define COMMENT   "# kuro: "
#define ENTRY     "!kernel*-"
#define DNF5      "/etc/dnf/libdnf5.conf.d"

static bool is_own(const char *line)
{
	return str_starts(line, COMMENT) || str_starts(line, ENTRY);
}

/* What else is in the list, line by line. */
static void append_others(struct text *t, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");
		const char *next = text[len] ? text + len + 1 : text + len;

		if (!is_own(text)) {
			text_append_n(t, text, len);
			text_append(t, "\n");
		}
		text = next;
	}
}

/* A flavour ("…+debug") is in the packages' names, not in their version. */
static void append_version(struct text *t, const struct hold *hold)
{
	text_append_n(t, hold->release, strcspn(hold->release, "+"));
}

static void append_why(struct text *t, const struct hold *hold)
{
	autofree char *reason =
		str_printable(hold->reason ? hold->reason : "no reason is recorded");

	text_appendf(t, "%s is kept away: %s; to lift that: kuro unhold %s\n",
		     hold->release, reason, hold->release);
}

static void append_lock(struct text *t, const struct hold *hold)
{
	text_append(t, COMMENT);
	append_why(t, hold);
	text_append(t, ENTRY);
	append_version(t, hold);
	text_append(t, "\n");
}

/* What is locked, among what a person locks. */
static int lock_write(const struct root *root, const struct hold_list *holds,
		      struct error *err)
{
	autofree char *now = NULL;
	autotext struct text t = {0};
	struct error local = {0};
	int r;

	/* without the list there is no such plug-in */
	r = root_read(root, HOLD_MARK_DNF, MANAGER_FILE_MAX, &now, NULL, &local);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return error_set(err, r, "%s", local.message);
	append_others(&t, now);
	for (size_t i = 0; i < holds->count; i++)
		append_lock(&t, &holds->items[i]);
	return manager_file_write(root, DIRECTORY, HOLD_MARK_DNF, text_str(&t), err);
}

/* "VERSION-RELEASE.ARCH WHY" a line. */
static int plugin_write(const struct root *root, const struct hold_list *holds,
			struct error *err)
{
	autotext struct text t = {0};

	if (holds->count == 0)
		return root_unlink(root, HOLD_MARK_PLUGIN, err);
	text_append(&t,
		    "# What kuro's plug-in for dnf keeps away. kuro makes this file.\n");
	for (size_t i = 0; i < holds->count; i++) {
		append_version(&t, &holds->items[i]);
		text_append(&t, " ");
		append_why(&t, &holds->items[i]);
	}
	return manager_file_write(root, DIRECTORY, HOLD_MARK_PLUGIN, text_str(&t), err);
}

/* dnf5.conf(5): what files of that directory exclude is added up. */
static int dnf5_write(const struct root *root, const struct hold_list *holds,
		      struct error *err)
{
	autotext struct text t = {0};

	if (holds->count == 0)
		return root_unlink(root, HOLD_MARK_DNF5, err);
	text_append(&t, "# kuro makes this file from what is on hold (kuro status).\n");
	for (size_t i = 0; i < holds->count; i++) {
		text_append(&t, COMMENT);
		append_why(&t, &holds->items[i]);
	}
	text_append(&t, "[main]\nexcludepkgs=");
	for (size_t i = 0; i < holds->count; i++) {
		text_append(&t, i ? ",kernel*-" : "kernel*-");
		append_version(&t, &holds->items[i]);
	}
	text_append(&t, "\n");
	return manager_file_write(root, DNF5, HOLD_MARK_DNF5, text_str(&t), err);
}

static int dnf_hold_write(const struct root *root, const struct hold_list *all,
			  struct error *err)
{
	autofree struct hold *valid = mem_zalloc((all->count + 1) * sizeof(*valid));
	struct hold_list holds = {valid, 0};
	int r;

	for (size_t i = 0; i < all->count; i++)
		if (release_valid(all->items[i].release))
			valid[holds.count++] = all->items[i];
	r = lock_write(root, &holds, err);
	if (r == 0)
		r = plugin_write(root, &holds, err);
	return r < 0 ? r : dnf5_write(root, &holds, err);
}

const struct hold_marker dnf_hold_marker = {
	.write = dnf_hold_write,
};
