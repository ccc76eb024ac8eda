/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The reboot that is asked of init, and the sentence that the next person who logs in
 * reads.
 */
#include "act/integrate.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/process.h"

#define REBOOT_TIMEOUT 90 /* seconds for init to take the order */
#define MOTD_DIR       "/run/motd.d"
#define MOTD_FILE      MOTD_DIR "/kuro"

int integrate_reboot(const struct root *root, bool force, struct error *err)
{
	static const char *const orderly[] = {
		"systemctl",  "--no-ask-password",
		"--no-block", "--message=kuro: reboot into the chosen kernel",
		"reboot",     NULL};
	static const char *const forced[] = {
		"systemctl", "--no-ask-password",
		"--force",   "--message=kuro: this kernel failed; back to the good one",
		"reboot",    NULL};
	struct process process = {.argv = force ? forced : orderly,
				  .timeout = REBOOT_TIMEOUT};
	autoprocess struct process_result result = {0};
	int r;

	if (!root_is_live(root))
		return error_set(err, -ERROR_UNSUPPORTED,
				 "%s is not the machine that runs: it can't be rebooted",
				 root->path);
	r = process_check(&process, &result, err);
	return r < 0 ? error_prefix(err, r, "asking for a reboot") : 0;
}

int integrate_motd(const struct root *root, const char *sentence, struct error *err)
{
	autofree char *clean = NULL, *line = NULL;
	int r;

	if (!sentence)
		return root_unlink(root, MOTD_FILE, err);
	clean = str_printable(sentence);
	line = str_format("%s\n", clean);
	r = root_mkdirs(root, MOTD_DIR, 0755, err);
	return r < 0 ? r : root_write(root, MOTD_FILE, 0644, line, strlen(line), err);
}
