/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /etc/default/grub, read as grub-mkconfig reads it but without running anything, and
 * root= by the rules of its 10_linux.
 */
#include "grub-settings.h"

#include <fcntl.h>
#include <libmount.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/command-line.h"
#include "shell-variables.h"

#define SETTINGS_FILE      "/etc/default/grub"
#define SETTINGS_DIR       "/etc/default/grub.d"
#define SETTINGS_MAX_BYTES 65536

static int read_file(const struct root *root, const char *path,
		     struct shell_variables *variables, struct error *err)
{
	autofree char *text = NULL;
	int r = root_read(root, path, SETTINGS_MAX_BYTES, &text, NULL, err);

	if (r < 0)
		return r;
	r = shell_variables_read(variables, text, err);
	if (r < 0)
		(void)error_prefix(err, r, "%s", path); /* r is the code */
	return r;
}

static int read_settings(const struct root *root, struct shell_variables *variables,
			 struct error *err)
{
	autostrv struct strv names = {0};
	int r;

	if (!root_exists(root, SETTINGS_FILE))
		return -ENOENT;
	r = read_file(root, SETTINGS_FILE, variables, err);
	if (r == 0)
		r = root_list(root, SETTINGS_DIR, &names, err);
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		autofree char *path = str_format(SETTINGS_DIR "/%s", names.items[i]);

		if (str_ends(names.items[i], ".cfg") && names.items[i][0] != '.')
			r = read_file(root, path, variables, err);
	}
	return r;
}

/* A setting's words; GRUB would read the value once more, as script. */
static int add_words(const struct shell_variables *variables, const char *name,
		     struct strv *ret, struct error *err)
{
	const char *value;
	int r = shell_variables_get(variables, name, &value, err);

	if (r < 0) {
		(void)error_prefix(err, r, SETTINGS_FILE); /* r is the code */
		return r;
	}
	if (strpbrk(value, "$`\\';&|<>\n"))
		return error_set(err, -ERROR_UNSUPPORTED,
				 SETTINGS_FILE ": %s holds what GRUB reads as script",
				 name);
	command_line_split(value, ret);
	return 0;
}

/* Is the setting "true"? What can't be read is not. */
static bool is_true(const struct shell_variables *variables, const char *name)
{
	const char *value = "";

	(void)shell_variables_get(variables, name, &value, NULL); /* "" then */
	return str_eq(value, "true");
}

static bool is_set(const struct shell_variables *variables, const char *name)
{
	const char *value = "";

	return shell_variables_get(variables, name, &value, NULL) < 0 || *value;
}

/* What root= is made from. */
struct root_question {
	const struct root *root;
	const struct kernel *kernel;
	const struct storage *storage;
	const struct shell_variables *variables;
};

static bool uuid_link_exists(const struct root *root, const char *uuid)
{
	autofree char *path = str_format("/dev/disk/by-uuid/%s", uuid);

	return !strchr(uuid, '/') && root_exists(root, path);
}

static bool uuid_is_off(const struct shell_variables *variables)
{
	return is_true(variables, "GRUB_DISABLE_LINUX_UUID") ||
	       (is_true(variables, "GRUB_DISABLE_UUID") &&
		!is_set(variables, "GRUB_DISABLE_LINUX_UUID"));
}

/* 10_linux's conditions for root=UUID=; else it names the device. */
static bool uses_uuid(const struct root_question *q)
{
	const struct storage *s = q->storage;

	if (!s->uuid || !*s->uuid || !q->kernel->initramfs.path)
		return false;
	if (s->stack.count > 0 && str_starts(s->stack.items[0], "lvm "))
		return false;
	if (uuid_is_off(q->variables))
		return false;
	return !root_is_live(q->root) || uuid_link_exists(q->root, s->uuid);
}

/* GRUB_DISABLE_LINUX_PARTUUID=false where UUIDs are off: which partition, isn't known. */
static bool wants_partuuid(const struct root_question *q)
{
	return uuid_is_off(q->variables) &&
	       is_set(q->variables, "GRUB_DISABLE_LINUX_PARTUUID") &&
	       !is_true(q->variables, "GRUB_DISABLE_LINUX_PARTUUID");
}

static int add_root_of_storage(const struct root_question *q, struct strv *ret,
			       struct error *err)
{
	const struct storage *s = q->storage;

	if (wants_partuuid(q))
		return error_set(err, -ERROR_UNSUPPORTED,
				 SETTINGS_FILE " asks for root=PARTUUID=");
	if (uses_uuid(q))
		strv_add_take(ret, str_format("root=UUID=%s", s->uuid));
	else if (s->device && str_starts(s->device, "/dev/"))
		strv_add_take(ret, str_format("root=%s", s->device));
	else
		return error_set(err, -ERROR_UNSUPPORTED,
				 "root= for %s on %s is not known",
				 s->type ? s->type : "the file system",
				 s->device ? s->device : "no device");
	strv_add(ret, "ro");
	return 0;
}

/*
 * rootflags=subvol= out of a btrfs' mount options. Where snapshots are booted (SUSE) the
 * default subvolume decides, and GRUB names none.
 */
static void add_subvolume(const struct root_question *q, const char *options,
			  struct strv *ret)
{
	char *value = NULL;
	size_t n = 0;

	if (is_true(q->variables, "SUSE_BTRFS_SNAPSHOT_BOOTING") || !options ||
	    mnt_optstr_get_option(options, "subvol", &value, &n) != 0 || !value)
		return;
	for (; n > 0 && *value == '/'; n--)
		value++;
	if (n > 0)
		strv_add_take(ret, str_format("rootflags=subvol=%.*s", (int)n, value));
}

/* The line of ROOT/etc/fstab for "/", in a table that the caller unrefs; or NULL. */
static struct libmnt_fs *fstab_root(const struct root *root, struct libmnt_table *table)
{
	int fd = root_openat(root, "/etc/fstab", O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	FILE *stream = fd >= 0 ? fdopen(fd, "re") : NULL;
	int r;

	if (!stream) {
		if (fd >= 0)
			(void)close(fd); /* nothing was read through it */
		return NULL;
	}
	r = mnt_table_parse_stream(table, stream, "fstab");
	(void)fclose(stream); /* reading only */
	return r == 0 ? mnt_table_find_target(table, "/", MNT_ITER_FORWARD) : NULL;
}

/*
 * A machine looked into from outside may lie in a directory of any file system: its own
 * fstab says what its root is.
 */
static bool add_root_of_fstab(const struct root_question *q, struct strv *ret)
{
	struct libmnt_table *table = mnt_new_table();
	struct libmnt_fs *fs = table ? fstab_root(q->root, table) : NULL;
	const char *source = fs ? mnt_fs_get_source(fs) : NULL;
	bool known = source &&
		     (str_starts(source, "UUID=") || str_starts(source, "PARTUUID=") ||
		      str_starts(source, "LABEL=") || str_starts(source, "/dev/"));

	if (known) {
		strv_add_take(ret, str_format("root=%s", source));
		strv_add(ret, "ro");
		if (str_eq(mnt_fs_get_fstype(fs), "btrfs"))
			add_subvolume(q, mnt_fs_get_options(fs), ret);
	}
	mnt_unref_table(table);
	return known;
}

static int add_root(const struct root_question *q, struct strv *ret, struct error *err)
{
	int r;

	if (!root_is_live(q->root) && add_root_of_fstab(q, ret))
		return 0;
	r = add_root_of_storage(q, ret, err);
	if (r == 0 && str_eq(q->storage->type, "btrfs"))
		add_subvolume(q, q->storage->options, ret);
	return r;
}

int grub_settings_command_line(const struct root *root, const struct kernel *kernel,
			       const struct storage *root_storage, struct strv *ret,
			       struct error *err)
{
	cleanup(shell_variables_done) struct shell_variables variables = {0};
	struct root_question q = {root, kernel, root_storage, &variables};
	autostrv struct strv args = {0};
	int r = read_settings(root, &variables, err);

	if (r == 0)
		r = add_root(&q, &args, err);
	if (r == 0)
		r = add_words(&variables, "GRUB_CMDLINE_LINUX", &args, err);
	if (r == 0)
		r = add_words(&variables, "GRUB_CMDLINE_LINUX_DEFAULT", &args, err);
	for (size_t i = 0; r == 0 && i < args.count; i++)
		strv_add(ret, args.items[i]);
	return r;
}
