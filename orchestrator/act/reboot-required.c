/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The two files by which the machine asks for a reboot, kept true to what it would boot.
 */
#include "act/reboot-required.h"

#include <string.h>

#include "base/cleanup.h"

#define SENTENCE     "*** System restart required ***\n"
#define PACKAGES_MAX ((size_t)1024 * 1024)
/* what distributions' own kernel hooks name beside the kernel's package */
#define BESIDE "linux-base"

static int packages_read(const struct root *root, struct strv *ret, struct error *err)
{
	autofree char *text = NULL;
	struct error local = {0};
	int r = root_read(root, REBOOT_REQUIRED_PACKAGES, PACKAGES_MAX, &text, NULL,
			  &local);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return error_set(err, r, "%s", local.message);
	strv_split(ret, text, "\n");
	return 0;
}

static int packages_write(const struct root *root, const struct strv *packages,
			  struct error *err)
{
	autotext struct text lines = {0};

	for (size_t i = 0; i < packages->count; i++)
		text_appendf(&lines, "%s\n", packages->items[i]);
	return root_write(root, REBOOT_REQUIRED_PACKAGES, 0644, text_str(&lines),
			  lines.len, err);
}

/* The packages that a release's image may come in, the usual one first. */
static void package_names(const char *release, struct strv *ret)
{
	static const char *const formats[][2] = {
		{"linux-image-", ""},
		{"linux-image-unsigned-", ""},
		{"linux-image-", "-unsigned"},
	};

	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		strv_add_take(ret, str_format("%s%s%s", formats[i][0], release,
					      formats[i][1]));
}

/* Those of a list that are none of the names. */
static void packages_without(const struct strv *packages, const struct strv *names,
			     struct strv *ret)
{
	for (size_t i = 0; i < packages->count; i++)
		if (!strv_has(names, packages->items[i]))
			strv_add(ret, packages->items[i]);
}

int reboot_required_add(const struct root *root, const char *release, struct error *err)
{
	autostrv struct strv packages = {0}, names = {0}, others = {0};
	int r = packages_read(root, &packages, err);

	if (r < 0)
		return r;
	package_names(release, &names);
	packages_without(&packages, &names, &others);
	if (others.count == packages.count) {
		strv_add(&packages, names.items[0]);
		r = packages_write(root, &packages, err);
	}
	if (r == 0 && !root_exists(root, REBOOT_REQUIRED))
		r = root_write(root, REBOOT_REQUIRED, 0644, SENTENCE, strlen(SENTENCE),
			       err);
	return r;
}

int reboot_required_drop(const struct root *root, const char *release, struct error *err)
{
	autostrv struct strv packages = {0}, names = {0}, others = {0};
	int r = packages_read(root, &packages, err);

	if (r < 0)
		return r;
	package_names(release, &names);
	packages_without(&packages, &names, &others);
	if (others.count == packages.count)
		return 0;
	strv_done(&packages);
	strv_done(&names);
	strv_add(&names, BESIDE);
	packages_without(&others, &names, &packages);
	if (packages.count > 0)
		return packages_write(root, &packages, err);
	r = root_unlink(root, REBOOT_REQUIRED_PACKAGES, err);
	return r < 0 ? r : root_unlink(root, REBOOT_REQUIRED, err);
}
