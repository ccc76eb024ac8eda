/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Traces of an earlier boot.
 */
#include "probe/boot-log.h"

#include <string.h>

#include "base/cleanup.h"
#include "journal.h"

#define BOOT_LOG_MAX   65536
#define BOOT_LOG_DEPTH 3 /* systemd-pstore sorts into directories */

/* Linux include/uapi/linux/watchdog.h: the card previously reset the CPU */
#define WATCHDOG_CARDRESET 0x0020

static void pstore_collect(const struct root *root, const char *directory, int64_t since,
			   unsigned int depth, struct text *found)
{
	autostrv struct strv names = {0};

	if (depth == 0 || root_list(root, directory, &names, NULL) < 0)
		return;
	for (size_t i = 0; i < names.count && found->len < BOOT_LOG_MAX; i++) {
		autofree char *path = str_format("%s/%s", directory, names.items[i]);
		autofree char *content = NULL;
		struct stat st;

		if (root_lstat(root, path, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode))
			pstore_collect(root, path, since, depth - 1, found);
		else if (S_ISREG(st.st_mode) && st.st_mtime >= since &&
			 strstr(names.items[i], "dmesg") &&
			 root_read(root, path, BOOT_LOG_MAX, &content, NULL, NULL) == 0)
			text_appendf(found, "%s\n", content);
	}
}

int boot_log_pstore(const struct root *root, int64_t since, char **ret)
{
	autotext struct text found = {0};

	pstore_collect(root, "/sys/fs/pstore", since, 1, &found);
	pstore_collect(root, "/var/lib/systemd/pstore", since, BOOT_LOG_DEPTH, &found);
	if (found.len == 0)
		return -ENOENT;
	*ret = str_dup(text_str(&found) +
		       (found.len > BOOT_LOG_MAX ? found.len - BOOT_LOG_MAX : 0));
	return 0;
}

static void journal_field(sd_journal *journal, const char *name, struct text *line)
{
	const void *data;
	size_t len, skip = strlen(name) + 1;

	if (sym_sd_journal_get_data(journal, name, &data, &len) < 0 || len <= skip)
		return;
	text_append_n(line, (const char *)data + skip, len - skip);
}

/* Step back lines entries from the end, then read forward. */
static void journal_read(sd_journal *journal, unsigned int lines, struct text *ret)
{
	if (sym_sd_journal_seek_tail(journal) < 0 ||
	    sym_sd_journal_previous_skip(journal, lines) <= 0)
		return;
	do {
		uint64_t clock = 0;
		sd_id128_t boot;

		if (sym_sd_journal_get_monotonic_usec(journal, &clock, &boot) < 0)
			clock = 0;
		text_appendf(ret, "[%llu.%06llu] ", (unsigned long long)(clock / 1000000),
			     (unsigned long long)(clock % 1000000));
		journal_field(journal, "SYSLOG_IDENTIFIER", ret);
		text_append(ret, ": ");
		journal_field(journal, "MESSAGE", ret);
		text_append(ret, "\n");
	} while (sym_sd_journal_next(journal) > 0);
}

int boot_log_journal(const struct root *root, const char *boot_id, unsigned int lines,
		     char **ret)
{
	autotext struct text found = {0};
	sd_journal *journal = NULL;
	int r = journal_open_boot(root, boot_id, &journal);

	if (r < 0)
		return r;
	journal_read(journal, lines, &found);
	sym_sd_journal_close(journal);
	if (found.len == 0)
		return -ENOENT;
	*ret = text_take(&found);
	return 0;
}

bool boot_log_watchdog_reset(const struct root *root)
{
	autostrv struct strv names = {0};
	bool reset = false;

	if (root_list(root, "/sys/class/watchdog", &names, NULL) < 0)
		return false;
	for (size_t i = 0; i < names.count && !reset; i++) {
		autofree char *path =
			str_format("/sys/class/watchdog/%s/bootstatus", names.items[i]);
		autofree char *word = NULL;

		if (root_read_line(root, path, &word, NULL) == 0)
			reset = strtoul(word, NULL, 0) & WATCHDOG_CARDRESET;
	}
	return reset;
}

char *boot_log_cause(const char *log)
{
	static const char *const marks[] = {"Kernel panic - ",
					    "BUG: ", "Oops: ", "kernel BUG at "};

	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		const char *at = strstr(log, marks[i]);

		if (at) {
			autofree char *line = str_ndup(at, strcspn(at, "\n"));

			return str_printable(line);
		}
	}
	return NULL;
}
