/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Entries of the UAPI group's Boot Loader Specification, type #1, in /boot and on the
 * ESP. Reads only; an ESP that waits to be automounted is not touched.
 */
#pragma once

#include "base/root-file.h"
#include "base/text.h"

struct loader_entry {
	char *path;  /* of the entry, or NULL */
	char *mount; /* what its paths are relative to: "/boot", "/efi" */
	char *title; /* NULL where a key is missing; this and all below */
	char *version;
	char *machine_id;
	char *image;         /* value of "linux" as written */
	char *options;       /* all "options" joined by a blank; $variables as written */
	struct strv initrds; /* as written, without words that begin with a "$" */
};

struct loader_entries {
	struct loader_entry *items; /* in the order of their names, /boot first */
	size_t count;
};

void loader_entry_done(struct loader_entry *entry);
void loader_entries_done(struct loader_entries *entries);
#define autoentries cleanup(loader_entries_done)

/*
 * Fill ret from an entry's text; keys that are not known are skipped, the last of a key
 * that may stand once wins. Any text is accepted.
 */
void loader_entry_parse(const char *text, struct loader_entry *ret);

/*
 * Add every entry of this machine below root. What can't be read is left out. Never more
 * than LOADER_ENTRIES_MAX.
 */
#define LOADER_ENTRIES_MAX 256
void loader_entries_read(const struct root *root, struct loader_entries *ret);

/*
 * The release that an entry boots: its version where that is one, else what the
 * image's name says. NULL where neither is, and for rescue images. Caller frees.
 */
char *loader_entry_release(const struct loader_entry *entry);

/*
 * An entry's path ("/vmlinuz-6.1", or "/boot/vmlinuz-6.1" where /boot is not a mount of
 * its own) as the machine sees it, if a regular file is there; else NULL. Caller frees.
 */
char *loader_entry_file(const struct root *root, const struct loader_entry *entry,
			const char *path);
