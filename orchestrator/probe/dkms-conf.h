/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a DKMS package says of the kernels it is not for (dkms(8), BUILD_EXCLUSIVE_*).
 * dkms.conf is bash, and nothing of it is run here: assignments that a person would read
 * off are read, all else is taken as if it said nothing.
 */
#pragma once

#include <stdbool.h>

#include "base/root-file.h"

/* The kernel that it would be built for. */
struct dkms_target {
	const char *release, *arch; /* as `uname -m` prints it */
	const char *config;         /* text of its .config, or NULL */
};

/*
 * Does the package say that it must not be built for that kernel? Of several files a
 * later one has the last word. ret_why names the directive; the caller frees. A file that
 * can't be read excludes nothing.
 */
bool dkms_conf_excludes(const struct root *root, const struct strv *paths,
			const struct dkms_target *target, char **ret_why);
/* The same of the file's text. */
bool dkms_text_excludes(const char *text, const struct dkms_target *target,
			char **ret_why);
