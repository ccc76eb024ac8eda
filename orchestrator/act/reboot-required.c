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

int reboot_required_add(const struct root *root, const char *package, struct error *err)
{
	autostrv struct strv packages = {0};
	int r = packages_read(root, &packages, err);

	if (r == 0 && !strv_has(&packages, package)) {
		strv_add(&packages, package);
		r = packages_write(root, &packages, err);
	}
	if (r == 0 && !root_exists(root, REBOOT_REQUIRED))
		r = root_write(root, REBOOT_REQUIRED, 0644, SENTENCE, strlen(SENTENCE),
			       err);
	return r;
}

int reboot_required_drop(const struct root *root, const char *package, struct error *err)
{
	autostrv struct strv packages = {0}, others = {0};
	int r = packages_read(root, &packages, err);

	if (r < 0 || !strv_has(&packages, package))
		return r;
	for (size_t i = 0; i < packages.count; i++)
		if (!str_eq(packages.items[i], package) &&
		    !str_eq(packages.items[i], BESIDE))
			strv_add(&others, packages.items[i]);
	if (others.count > 0)
		return packages_write(root, &others, err);
	r = root_unlink(root, REBOOT_REQUIRED_PACKAGES, err);
	return r < 0 ? r : root_unlink(root, REBOOT_REQUIRED, err);
}
