/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Holds as dnf 4 shows them (`dnf versionlock list`): an entry of that plug-in's list for
 * each release, that excludes all packages of the kernel at that version. The list is the
 * machine's: other lines stay as they are. The plug-in drops comments when it writes the
 * list, so kuro knows its own entries by their form, which no command of dnf's writes.
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
static void append_entry(struct text *t, const struct hold *hold)
{
	autofree char *reason =
		str_printable(hold->reason ? hold->reason : "no reason is recorded");

	text_appendf(t,
		     COMMENT "%s is kept away: %s; to lift that: kuro unhold %s\n" ENTRY
			     "%.*s\n",
		     hold->release, reason, hold->release,
		     (int)strcspn(hold->release, "+"), hold->release);
}

static int dnf_hold_write(const struct root *root, const struct hold_list *holds,
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
		if (release_valid(holds->items[i].release))
			append_entry(&t, &holds->items[i]);
	return manager_file_write(root, DIRECTORY, HOLD_MARK_DNF, text_str(&t), err);
}

const struct hold_marker dnf_hold_marker = {
	.write = dnf_hold_write,
};
