/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Opens journals; what is read out of them is its readers' business.
 */
#include "journal.h"

#include "base/cleanup.h"

/* The journal writes boot ids without dashes. */
static char *boot_match(const char *boot_id)
{
	struct text match = {0};

	text_append(&match, "_BOOT_ID=");
	for (; *boot_id; boot_id++)
		if (*boot_id != '-')
			text_append_n(&match, boot_id, 1);
	return text_take(&match);
}

int journal_open_boot(const struct root *root, const char *boot_id, sd_journal **ret)
{
	autofree char *match = boot_match(boot_id);
	sd_journal *journal = NULL;
	int r = systemd_library_load(NULL);

	if (r < 0)
		return r;
	if (root_is_live(root))
		r = sym_sd_journal_open(&journal,
					SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);
	else
		r = sym_sd_journal_open_directory_fd(&journal, root->fd,
						     SD_JOURNAL_OS_ROOT);
	if (r < 0)
		return r;
	r = sym_sd_journal_add_match(journal, match, 0);
	if (r < 0) {
		sym_sd_journal_close(journal);
		return r;
	}
	*ret = journal;
	return 0;
}
