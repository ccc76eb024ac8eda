/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Built-in checks of what other machines and services stand on: mounts and the link
 * that the default route uses. Device and interface names may change from one kernel to
 * the next; what counts is that the place is mounted and that a way out is up.
 */
#include "health-parts.h"

#include <libmount/libmount.h>
#include <string.h>

#include "base/cleanup.h"
#include "state-probes.h"

/* Parts of a state's mount, "source type[,ro] target", within line. */
struct mount_line {
	const char *target; /* NULL where the line is no such line */
	bool read_only;
};

static struct mount_line mount_line_read(const char *line)
{
	const char *type = strchr(line, ' ');
	const char *target = type ? strchr(type + 1, ' ') : NULL;
	struct mount_line mount = {0};

	if (!target || target[1] != '/')
		return mount;
	mount.target = target + 1;
	mount.read_only = target - type > 3 && strncmp(target - 3, ",ro", 3) == 0;
	return mount;
}

/* The mount at target, the last one where several lie on each other. */
static struct mount_line mount_at(const struct strv *mounts, const char *target)
{
	struct mount_line found = {0};

	for (size_t i = 0; i < mounts->count; i++) {
		struct mount_line mount = mount_line_read(mounts->items[i]);

		if (mount.target && str_eq(mount.target, target))
			found = mount;
	}
	return found;
}

static void cleanup_table(struct libmnt_table **table)
{
	mnt_unref_table(*table); /* takes NULL */
}

/* /etc/fstab, or NULL where it can't be read. */
static struct libmnt_table *fstab_read(const struct root *root)
{
	autofree char *path = root_path(root, "/etc/fstab");
	struct libmnt_table *table = mnt_new_table();

	if (table && mnt_table_parse_fstab(table, path) != 0) {
		mnt_unref_table(table);
		return NULL;
	}
	return table;
}

/* Booting stands on it: an automount is woken so that it shows what it can. */
static bool mount_is_base(const char *target)
{
	static const char *const targets[] = {"/", "/boot", "/boot/efi", "/efi"};

	for (size_t i = 0; i < ARRAY_LEN(targets); i++)
		if (str_eq(targets[i], target))
			return true;
	return false;
}

/* Mounted at every boot by fstab, not by hand, by a desktop or when it is asked for. */
static bool mount_is_lasting(struct libmnt_table *fstab, const char *target)
{
	struct libmnt_fs *fs =
		fstab ? mnt_table_find_target(fstab, target, MNT_ITER_FORWARD) : NULL;
	const char *options = fs ? mnt_fs_get_options(fs) : NULL;

	if (!fs)
		return false;
	return !options ||
	       (mnt_optstr_get_option(options, "noauto", NULL, NULL) != 0 &&
		mnt_optstr_get_option(options, "x-systemd.automount", NULL, NULL) != 0);
}

static void wake_automounts(const struct root *root, const struct strv *mounts)
{
	for (size_t i = 0; i < mounts->count; i++) {
		struct mount_line mount = mount_line_read(mounts->items[i]);

		if (mount.target && mount_is_base(mount.target)) {
			autofree char *inside = str_format("%s/.", mount.target);

			(void)root_exists(root, inside); /* asking is enough */
		}
	}
}

/* What is wrong at one place of the baseline, added to wrong. */
static void compare_mount(const struct mount_line *before, const struct strv *now,
			  struct strv *wrong)
{
	struct mount_line mount = mount_at(now, before->target);

	if (!mount.target)
		strv_add_take(wrong, str_format("%s is not mounted", before->target));
	else if (mount.read_only && !before->read_only)
		strv_add_take(wrong,
			      str_format("%s is mounted read-only now", before->target));
}

void check_mounts(const struct health_context *context, struct check *check)
{
	cleanup(cleanup_table) struct libmnt_table *fstab = fstab_read(context->root);
	autostrv struct strv now = {0}, wrong = {0};
	autofree char *sentence = NULL;
	const struct strv *before;

	if (!context->baseline || context->baseline->mounts.count == 0) {
		check_end(check, CHECK_SKIPPED, "no baseline to compare with");
		return;
	}
	before = &context->baseline->mounts;
	wake_automounts(context->root, before);
	if (state_mounts(context->root, &now) < 0) {
		check_end(check, CHECK_FAILED, "the mounts can't be listed");
		return;
	}
	for (size_t i = 0; i < before->count; i++) {
		struct mount_line mount = mount_line_read(before->items[i]);

		if (mount.target && (mount_is_base(mount.target) ||
				     mount_is_lasting(fstab, mount.target)))
			compare_mount(&mount, &now, &wrong);
	}
	state_unique(&wrong);
	if (wrong.count == 0)
		return;
	sentence = strv_join(&wrong, ", ");
	check_end(check, CHECK_FAILED, "%s", sentence);
}

/* Names of the links that are up, out of "eth0 up". */
static void links_up(const struct strv *links, struct strv *ret)
{
	for (size_t i = 0; i < links->count; i++)
		if (str_ends(links->items[i], " up"))
			strv_add_take(ret, str_ndup(links->items[i],
						    strlen(links->items[i]) - 3));
}

/* The way out is there; tell a name that changed, for whoever wrote it down somewhere. */
static void tell_renames(const struct strv *before, const struct strv *now,
			 struct check *check)
{
	autofree char *was = NULL, *is = NULL;

	for (size_t i = 0; i < before->count; i++)
		if (strv_has(now, before->items[i]))
			return;
	was = strv_join(before, ", ");
	is = strv_join(now, ", ");
	check_end(check, CHECK_PASSED, "the default route was on %s and is on %s now",
		  was, is);
}

void check_link(const struct health_context *context, struct check *check)
{
	autostrv struct strv before = {0}, links = {0}, now = {0};
	autofree char *was = NULL, *is = NULL;
	int r;

	if (context->baseline)
		links_up(&context->baseline->links, &before);
	if (before.count == 0) {
		check_end(check, CHECK_SKIPPED, "%s",
			  context->baseline ? "there was no default route before either"
					    : "no baseline to compare with");
		return;
	}
	r = state_links(context->root, &links);
	links_up(&links, &now);
	if (now.count > 0) {
		tell_renames(&before, &now, check);
		return;
	}
	was = strv_join(&before, ", ");
	is = strv_join(&links, ", ");
	if (r < 0)
		check_end(check, CHECK_FAILED, "the routes can't be read: %s",
			  strerrordesc_np(-r));
	else if (links.count > 0)
		check_end(check, CHECK_FAILED,
			  "no link with a default route is up (%s; it was %s)", is, was);
	else
		check_end(check, CHECK_FAILED, "there is no default route (it was on %s)",
			  was);
}
