/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Protection files: made whole from what is to be protected, never added to.
 */
#include "act/protection.h"

#include <ctype.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/release.h"
#include "manager-file.h"

#define APT_DIRECTORY "/etc/apt/apt.conf.d"
#define DNF_DIRECTORY "/etc/dnf/protected.d"

/* A release as an extended regular expression: what is no letter stands for itself. */
static void append_literal(struct text *t, const char *release)
{
	for (; *release; release++) {
		if (!isalnum((unsigned char)*release) && !strchr("-_~", *release))
			text_append(t, "\\");
		text_append_n(t, release, 1);
	}
}

static void append_patterns(struct text *t, const char *release)
{
	/* apt's own APT::VersionedKernelPackages, and signed images beside them */
	static const char *const names[][2] = {{"linux-.*-", ""},
					       {".*-modules-", ""},
					       {".*-kernel-", ""},
					       {".*-kernel-", "-signed"}};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		text_appendf(t, "  \"^%s", names[i][0]);
		append_literal(t, release);
		text_appendf(t, "%s$\";\n", names[i][1]);
	}
}

static int write_apt(const struct root *root, const struct strv *releases,
		     struct error *err)
{
	autotext struct text t = {0};

	text_append(&t,
		    "// Written by kuro: kernels that a proven boot needs. Removed by "
		    "`kuro disable`.\nAPT::NeverAutoRemove {\n");
	for (size_t i = 0; i < releases->count; i++)
		if (release_valid(releases->items[i]))
			append_patterns(&t, releases->items[i]);
	text_append(&t, "};\n");
	return manager_file_write(root, APT_DIRECTORY, PROTECTION_APT, text_str(&t), err);
}

static int write_dnf(const struct root *root, bool from_limit, struct error *err)
{
	static const char content[] =
		"# Written by kuro: dnf would remove a kernel that a proven boot needs.\n"
		"kernel\nkernel-core\nkernel-modules\nkernel-modules-core\n";

	if (!from_limit)
		return root_unlink(root, PROTECTION_DNF, err);
	return manager_file_write(root, DNF_DIRECTORY, PROTECTION_DNF, content, err);
}

int protection_write(const struct root *root, const struct strv *releases,
		     bool from_limit, struct error *err)
{
	int r = releases->count ? write_apt(root, releases, err)
				: root_unlink(root, PROTECTION_APT, err);

	return r < 0 ? r : write_dnf(root, from_limit && releases->count, err);
}

int protection_clear(const struct root *root, struct error *err)
{
	static const struct strv none = {0};

	return protection_write(root, &none, false, err);
}
