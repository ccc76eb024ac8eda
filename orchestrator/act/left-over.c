/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Left-overs taken away. Only below the few places where there are any, whatever a plan
 * says.
 */
#include "act/left-over.h"

#include <string.h>

#include "act/durable.h"
#include "base/cleanup.h"
#include "core/release.h"

#define INITRAMFS_NOTES "/var/lib/initramfs-tools"
#define DKMS            "/var/lib/dkms/"

/* Where left-overs of each kind may lie; ended by NULL. */
static const char *const places[][6] = {
	[LEFTOVER_NONE] = {NULL},
	[LEFTOVER_INITRAMFS] = {"/boot/", NULL},
	[LEFTOVER_BACKUP] = {"/boot/", NULL},
	[LEFTOVER_TREE] = {"/usr/lib/modules/", "/lib/modules/", NULL},
	[LEFTOVER_DKMS] = {DKMS, NULL},
	[LEFTOVER_STAGING] = {"/boot/kuro/gen/.", "/boot/grub", "/boot/.",
			      "/var/lib/kuro/staging/", NULL},
	[LEFTOVER_UNKNOWN] = {"/boot/", "/usr/lib/modules/", "/lib/modules/", NULL},
};

/* Staging where everybody may write: just these. */
static const char *const shared_staging[] = {"/var/tmp/kuro-staging",
					     "/tmp/kuro-staging"};

static bool path_fits(enum leftover kind, const char *path)
{
	for (size_t i = 0; kind == LEFTOVER_STAGING && i < ARRAY_LEN(shared_staging); i++)
		if (str_eq(path, shared_staging[i]))
			return true;
	if ((size_t)kind >= ARRAY_LEN(places) || strstr(path, "/../") ||
	    str_ends(path, "/..") || str_ends(path, "/"))
		return false;
	for (size_t i = 0; places[kind][i]; i++)
		if (str_starts(path, places[kind][i]) && path[strlen(places[kind][i])])
			return true;
	return false;
}

/* What stands behind the last slash. */
static const char *last_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/*
 * update-initramfs notes each image that it made (var/lib/initramfs-tools/RELEASE) and
 * makes the noted ones anew whenever it is asked for all.
 */
static int forget_initramfs(const struct root *root, const char *path, struct error *err)
{
	static const char prefix[] = "initrd.img-";
	const char *name = last_name(path);
	autofree char *note = NULL;

	if (!str_starts(name, prefix) || !release_valid(name + strlen(prefix)))
		return 0;
	note = str_format(INITRAMFS_NOTES "/%s", name + strlen(prefix));
	return root_unlink(root, note, err);
}

/* /var/lib/dkms/NAME/VERSION/RELEASE: links NAME/kernel-RELEASE-ARCH that lead into it.
 */
static int forget_dkms(const struct root *root, const char *path, struct error *err)
{
	autofree char *home =
		str_ndup(path, strlen(DKMS) + strcspn(path + strlen(DKMS), "/"));
	autofree char *start = str_format("kernel-%s-", last_name(path));
	autofree char *below = str_format("%s/", path + strlen(home) + 1);
	autostrv struct strv names = {0};
	int r = root_list(root, home, &names, err);

	for (size_t i = 0; r == 0 && i < names.count; i++) {
		autofree char *link = str_format("%s/%s", home, names.items[i]);
		autofree char *target = NULL;

		if (str_starts(names.items[i], start) &&
		    root_readlink(root, link, &target) == 0 && str_starts(target, below))
			r = root_unlink(root, link, err);
	}
	return r;
}

int left_over_remove(const struct root *root, enum leftover kind, const char *path,
		     struct error *err)
{
	int r = 0;

	if (!path_fits(kind, path))
		return error_set(err, -EINVAL, "%.200s is no place of left-overs", path);
	if (kind == LEFTOVER_INITRAMFS)
		r = forget_initramfs(root, path, err);
	else if (kind == LEFTOVER_DKMS)
		r = forget_dkms(root, path, err);
	return r < 0 ? r : root_remove_tree(root, path, err);
}

int kernel_files_remove(const struct root *root, const struct kernel *kernel,
			struct error *err)
{
	autofree char *symbols = str_format("/boot/System.map-%s", kernel->release);
	const char *files[] = {symbols, kernel->config.path, kernel->initramfs.path,
			       kernel->image.path};
	int r = kernel->loader_entry ? root_unlink(root, kernel->loader_entry, err) : 0;

	if (r == 0 && kernel->modules)
		r = left_over_remove(root, LEFTOVER_TREE, kernel->modules, err);
	if (r == 0 && kernel->initramfs.path)
		r = forget_initramfs(root, kernel->initramfs.path, err);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(files); i++)
		if (files[i])
			r = root_unlink(root, files[i], err);
	return r;
}

void left_over_settle(const struct root *root)
{
	/* nothing that GRUB needs is among what was removed: it may as well see it later
	 */
	(void)root_sync_dir(root, "/boot", NULL);
	(void)durable_push(root, "/boot", NULL);
}
