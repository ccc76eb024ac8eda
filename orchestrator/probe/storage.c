/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The file systems that booting stands on: mountinfo tells what is mounted where, the
 * superblock (or, unprivileged, what udev read from it) the UUID, sysfs what lies below.
 * Changes nothing and mounts nothing but an automounted /boot, which whoever looks for
 * kernels mounts anyway; an ESP that waits to be automounted is left waiting.
 */
#include "probe/storage.h"

#include <blkid.h>
#include <fcntl.h>
#include <libmount.h>
#include <limits.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "storage-source.h"
#include "storage-stack.h"

static void cleanup_table(struct libmnt_table **table)
{
	mnt_unref_table(*table);
}

static void cleanup_probe(blkid_probe *probe)
{
	blkid_free_probe(*probe);
}

/* /proc/self/mountinfo of the host. */
static int table_read(const struct root *host, struct libmnt_table **ret,
		      struct error *err)
{
	static const char path[] = "/proc/self/mountinfo";
	cleanup(cleanup_table) struct libmnt_table *table = mnt_new_table();
	int fd = root_openat(host, path, O_RDONLY, 0);
	FILE *stream = fd >= 0 ? fdopen(fd, "re") : NULL;
	int r;

	if (!stream || !table) {
		if (fd >= 0 && !stream)
			(void)close(fd); /* nothing was read through it */
		if (stream)
			(void)fclose(stream);
		return error_errno(err, fd < 0 ? fd : -ENOMEM, "%s", path);
	}
	r = mnt_table_parse_stream(table, stream, path);
	(void)fclose(stream); /* reading only */
	if (r < 0)
		return error_errno(err, r, "%s", path);
	*ret = take_ptr(table);
	return 0;
}

/* The mount on top at path, as the machine under source sees it. */
static struct libmnt_fs *mount_at(const struct storage_source *source,
				  struct libmnt_table *table, const char *path)
{
	autofree char *target = str_format("%s%s", source->prefix, path);

	return mnt_table_find_target(table, target, MNT_ITER_BACKWARD);
}

/* Does target hold path, as /mnt holds /mnt/root? */
static bool target_holds(const char *target, const char *path)
{
	size_t n = strlen(target);

	while (n > 0 && target[n - 1] == '/')
		n--;
	return strncmp(target, path, n) == 0 && (!path[n] || path[n] == '/');
}

/* The mount with the identity that statx(2) gives for the root, or NULL. */
static struct libmnt_fs *mount_of_descriptor(const struct storage_source *source,
					     struct libmnt_table *table)
{
	struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs, *found = NULL;
	struct statx st = {0};

	if (statx(source->root->fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0 ||
	    !(st.stx_mask & STATX_MNT_ID)) {
		mnt_free_iter(iter);
		return NULL;
	}
	while (iter && !found && mnt_table_next_fs(table, iter, &fs) == 0)
		if ((uint64_t)mnt_fs_get_id(fs) == st.stx_mnt_id &&
		    target_holds(mnt_fs_get_target(fs), source->prefix))
			found = fs;
	mnt_free_iter(iter);
	return found;
}

/* The mount that the root lies on: by identity, else the last one that holds its path. */
static struct libmnt_fs *mount_of_root(const struct storage_source *source,
				       struct libmnt_table *table)
{
	struct libmnt_fs *found = mount_of_descriptor(source, table);
	autofree char *path = str_dup(source->prefix);

	while (!found) {
		char *slash = strrchr(path, '/');

		found = mnt_table_find_target(table, *path ? path : "/",
					      MNT_ITER_BACKWARD);
		if (!slash)
			break;
		*slash = '\0';
	}
	return found;
}

static bool is_type(struct libmnt_fs *fs, const char *type)
{
	return fs && str_eq(mnt_fs_get_fstype(fs), type);
}

/*
 * The device below a mount. Where the mount has an anonymous number (btrfs), that of
 * its source; 0 where there is none.
 */
static dev_t mount_device(const struct storage_source *source, struct libmnt_fs *fs)
{
	const char *node = mnt_fs_get_source(fs);
	dev_t device = mnt_fs_get_devno(fs);
	const char *name;
	struct stat st;

	if (major(device))
		return device;
	if (!node || !str_starts(node, "/dev/"))
		return 0;
	if (root_stat(source->host, node, &st) == 0 && S_ISBLK(st.st_mode))
		return st.st_rdev;
	name = strrchr(node, '/') + 1;
	return block_device_number(source->host, name);
}

/* UUID out of the superblock; NULL where the device can't be opened or says none. */
static char *uuid_of_superblock(const struct storage_source *source, const char *node,
				dev_t device, const char *type)
{
	autoclose int fd = root_openat(source->host, node, O_RDONLY | O_NONBLOCK, 0);
	cleanup(cleanup_probe) blkid_probe probe = NULL;
	char name[64];
	char *types[] = {name, NULL};
	const char *uuid = NULL;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISBLK(st.st_mode) || st.st_rdev != device)
		return NULL;
	probe = blkid_new_probe();
	if (!probe || blkid_probe_set_device(probe, fd, 0, 0) < 0)
		return NULL;
	if (type && strlen(type) < sizeof(name)) {
		memcpy(name, type, strlen(type) + 1);
		(void)blkid_probe_filter_superblocks_type(probe, BLKID_FLTR_ONLYIN,
							  types); /* else slower */
	}
	(void)blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_UUID);
	if (blkid_do_safeprobe(probe) != 0 ||
	    blkid_probe_lookup_value(probe, "UUID", &uuid, NULL) < 0)
		return NULL;
	return str_dup(uuid);
}

/* What udev noted when it last probed the device. */
static char *uuid_of_udev(const struct storage_source *source, dev_t device)
{
	autofree char *path =
		str_format("/run/udev/data/b%u:%u", major(device), minor(device));
	autofree char *text = NULL;
	autostrv struct strv lines = {0};

	if (root_read(source->host, path, 65536, &text, NULL, NULL) < 0)
		return NULL;
	strv_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.count; i++)
		if (str_starts(lines.items[i], "E:ID_FS_UUID="))
			return str_dup(lines.items[i] + strlen("E:ID_FS_UUID="));
	return NULL;
}

/* The link in /dev/disk/by-uuid that leads to the device's node. */
static char *uuid_of_link(const struct storage_source *source, dev_t device)
{
	static const char dir[] = "/dev/disk/by-uuid";
	autofree char *name = block_device_name(source->host, device);
	autostrv struct strv names = {0};

	(void)root_list(source->host, dir, &names, NULL); /* none: no answer */
	for (size_t i = 0; name && i < names.count; i++) {
		autofree char *path = str_format("%s/%s", dir, names.items[i]);
		autofree char *target = NULL;
		const char *slash;

		if (root_readlink(source->host, path, &target) < 0)
			continue;
		slash = strrchr(target, '/');
		if (str_eq(slash ? slash + 1 : target, name))
			return str_dup(names.items[i]);
	}
	return NULL;
}

static char *uuid_of(const struct storage_source *source, const char *node, dev_t device,
		     const char *type)
{
	char *uuid;

	if (!major(device))
		return NULL;
	uuid = node ? uuid_of_superblock(source, node, device, type) : NULL;
	if (!uuid)
		uuid = uuid_of_udev(source, device);
	return uuid ? uuid : uuid_of_link(source, device);
}

static void fill_stack(const struct storage_source *source, struct storage *s,
		       dev_t device)
{
	if (str_eq(s->type, "zfs") && s->device)
		strv_add_take(&s->stack,
			      str_format("zfs %.*s", (int)strcspn(s->device, "/"),
					 s->device));
	else if (str_eq(s->type, "btrfs"))
		storage_stack_add_btrfs(source->host, s->uuid, device, &s->stack);
	else
		storage_stack_add(source->host, device, &s->stack);
	s->plain = storage_stack_plain(&s->stack, *source->prefix != '\0');
}

static void fill_device(const struct storage_source *source, struct storage *s,
			const char *node, dev_t device)
{
	if (node && str_starts(node, "/dev/") && !str_eq(node, "/dev/root"))
		s->device = str_dup(node);
	else if (major(device))
		s->device = block_device_node(source->host, device);
	if (!s->device)
		s->device = str_dup(node);
	s->uuid = uuid_of(source, s->device, device, s->type);
	fill_stack(source, s, device);
}

/* Room, as the file system that path lies on has it now. */
static void fill_room(const struct storage_source *source, struct storage *s)
{
	autoclose int fd = root_openat(source->root, s->mount, O_PATH, 0);
	struct statvfs st;

	if (fd < 0 || fstatvfs(fd, &st) < 0)
		return;
	s->total = (uint64_t)st.f_blocks * st.f_frsize;
	s->free = (uint64_t)st.f_bavail * st.f_frsize;
	s->inodes = st.f_files;
	s->inodes_free = st.f_favail;
	s->read_only |= (st.f_flag & ST_RDONLY) != 0;
}

static bool options_read_only(const char *options)
{
	return options && mnt_optstr_get_option(options, "ro", NULL, NULL) == 0;
}

static void fill(const struct storage_source *source, struct libmnt_fs *fs,
		 const char *mount, struct storage *s)
{
	s->present = true;
	s->mount = str_dup(mount);
	s->type = str_dup(mnt_fs_get_fstype(fs));
	s->options = str_dup(mnt_fs_get_options(fs));
	s->read_only = options_read_only(mnt_fs_get_vfs_options(fs)) ||
		       options_read_only(mnt_fs_get_fs_options(fs));
	if (str_eq(s->type, "autofs"))
		return; /* what it will mount is not known, and looking would mount it */
	fill_device(source, s, mnt_fs_get_source(fs), mount_device(source, fs));
	fill_room(source, s);
}

/* A root without a mount in sight (in a chroot): its device tells what it can. */
static void fill_root(const struct storage_source *source, struct libmnt_table *table,
		      struct storage *s)
{
	struct libmnt_fs *fs = mount_of_root(source, table);
	struct stat st;

	if (fs) {
		fill(source, fs, "/", s);
		return;
	}
	s->present = true;
	s->mount = str_dup("/");
	if (fstat(source->root->fd, &st) == 0)
		fill_device(source, s, NULL, st.st_dev);
	fill_room(source, s);
}

static void fill_boot(const struct storage_source *source, struct libmnt_table *table,
		      struct storage *s)
{
	struct libmnt_fs *fs = mount_at(source, table, "/boot");

	if (fs && !is_type(fs, "autofs"))
		fill(source, fs, "/boot", s);
}

/* A mounted ESP, else one that waits to be automounted. */
static void fill_esp(const struct storage_source *source, struct libmnt_table *table,
		     struct storage *s)
{
	static const char *const places[] = {"/boot/efi", "/efi", "/boot"};
	static const char *const types[] = {"vfat", "autofs"};

	for (size_t t = 0; t < ARRAY_LEN(types); t++) {
		for (size_t p = 0; p < ARRAY_LEN(places); p++) {
			struct libmnt_fs *fs = mount_at(source, table, places[p]);

			if (!is_type(fs, types[t]))
				continue;
			fill(source, fs, places[p], s);
			return;
		}
	}
}

/* Kernels are read from /boot next; O_DIRECTORY mounts it where it is automounted. */
static void wake_boot(const struct root *root)
{
	autoclose int fd = root_openat(root, "/boot", O_PATH | O_DIRECTORY, 0);

	(void)fd; /* no /boot, no mount */
}

int storage_probe_from(const struct storage_source *source, struct storage_map *ret,
		       struct error *err)
{
	cleanup(cleanup_table) struct libmnt_table *table = NULL;
	struct storage_map map = {0};
	int r;

	wake_boot(source->root);
	r = table_read(source->host, &table, err);
	if (r < 0) {
		(void)error_prefix(err, r,
				   "looking for file systems"); /* r is the code */
		return r;
	}
	fill_root(source, table, &map.roles[STORAGE_ROOT]);
	fill_boot(source, table, &map.roles[STORAGE_BOOT]);
	fill_esp(source, table, &map.roles[STORAGE_ESP]);
	*ret = map;
	return 0;
}

/* Where the root lies, as mountinfo would call it: "" for the live one; or NULL. */
static char *prefix_of(const struct root *root)
{
	autofree char *link = str_format("/proc/self/fd/%d", root->fd);
	char target[PATH_MAX];
	ssize_t n;

	if (root_is_live(root))
		return str_dup("");
	n = readlink(link, target, sizeof(target) - 1);
	return n > 0 ? str_ndup(target, (size_t)n) : NULL;
}

int storage_probe(const struct root *root, struct storage_map *ret, struct error *err)
{
	autofree char *prefix = prefix_of(root);
	struct root host;
	int r;

	if (!prefix)
		return error_set(err, -ENOENT, "%s: where it lies is not known",
				 root->path);
	r = root_open(&host, "/", err);
	if (r < 0)
		return r;
	r = storage_probe_from(&(struct storage_source){root, &host, prefix}, ret, err);
	root_done(&host);
	return r;
}
