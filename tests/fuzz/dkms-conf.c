/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any text as a dkms.conf, asked for one kernel: an answer in little time, and a reason
 * where it is yes.
 */
#include "dkms-conf.h"

#include <assert.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct dkms_target target = {"6.12.117+deb12-amd64", "x86_64",
						  "CONFIG_A=y\n# CONFIG_B is not set\n"};
	autofree char *text = str_ndup((const char *)data, size);
	autofree char *why = NULL;
	bool excluded = dkms_text_excludes(text, &target, &why);

	assert(excluded == (why != NULL));
	assert(!excluded || str_starts(why, "BUILD_EXCLUSIVE_"));
	return 0;
}
