/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From mounts and routes down to places in /sys/devices: partitions, device mapper, RAID
 * and bcache through slaves (Documentation/ABI/testing/sysfs-block), btrfs and bcachefs
 * through their own sysfs, ZFS through what udev read, NVMe multipath through its
 * subsystem, bonds, bridges and VLANs through lower_ links. Works unprivileged; opens no
 * device.
 */
#include "device-use.h"

#include <libmount/libmount.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "state-probes.h"
#include "storage-stack.h"

#define LAYER_MAX 16
#define CLAIM_MAX 4096
#define NAMES_MAX 4096

struct gather {
	const struct root *root;
	struct device_claims *claims;
	enum module_use use; /* of what is claimed now, and by whom */
	const char *user;
	bool network_root;
};

void device_claims_done(struct device_claims *claims)
{
	for (size_t i = 0; i < claims->count; i++) {
		free(claims->items[i].path);
		free(claims->items[i].user);
	}
	free(claims->items);
	free(claims->root_type);
	*claims = (struct device_claims){0};
}

/* False where the same use of it stands there already, or no more are taken. */
static bool claim_add(struct gather *g, const char *path, bool by_driver)
{
	struct device_claims *claims = g->claims;

	for (size_t i = 0; i < claims->count; i++)
		if (claims->items[i].use <= g->use && str_eq(claims->items[i].path, path))
			return false;
	if (claims->count >= CLAIM_MAX)
		return false;
	claims->items =
		mem_regrow(claims->items, claims->count + 1, sizeof(*claims->items));
	claims->items[claims->count++] = (struct device_claim){
		.path = str_dup(path),
		.by_driver = by_driver,
		.use = g->use,
		.user = str_dup(g->user),
	};
	return true;
}

/* Where a link of /sys/class or /sys/dev leads, below /sys/devices; or NULL. */
static char *place_of_link(const struct root *root, const char *link)
{
	static const char devices[] = "devices/";
	autofree char *target = NULL;
	const char *place;

	if (root_readlink(root, link, &target) < 0)
		return NULL;
	place = target;
	while (str_starts(place, "../"))
		place += strlen("../");
	if (!str_starts(place, devices))
		return NULL;
	return str_dup(place + strlen(devices));
}

static char *place_of_name(const struct root *root, const char *class, const char *name)
{
	autofree char *link = str_format("/sys/class/%s/%s", class, name);

	return strchr(name, '/') ? NULL : place_of_link(root, link);
}

/* Disks that are reached through the network have no device of their own. */
static bool place_is_remote(const char *place)
{
	static const char *const parts[] = {"nvme-fabrics/", "virtual/block/nbd", "rbd/"};
	const char *session = strstr(place, "/session");

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (strstr(place, parts[i]))
			return true;
	return session && str_starts(place, "platform/host"); /* iSCSI in software */
}

/*
 * NVMe multipath: the disk is a virtual device of a subsystem, and the subsystem has a
 * link for each controller that leads to it (drivers/nvme/host/multipath.c).
 */
static void claim_nvme_paths(struct gather *g, const char *place)
{
	const char *disk = strrchr(place, '/');
	autofree char *dir = NULL;
	autostrv struct strv names = {0};

	if (!disk || !strstr(place, "/nvme-subsystem/"))
		return;
	dir = str_format("/sys/devices/%.*s", (int)(disk - place), place);
	(void)root_list(g->root, dir, &names, NULL); /* none: nothing below it is known */
	for (size_t i = 0; i < names.count; i++) {
		autofree char *path = place_of_name(g->root, "nvme", names.items[i]);

		if (!path)
			continue;
		(void)claim_add(g, path, false); /* there already is as good */
		g->network_root |= g->use == MODULE_USE_ROOT && place_is_remote(path);
	}
}

static void claim_block(struct gather *g, const char *place, unsigned int depth);

/* Recursion is bounded by LAYER_MAX; no place is gone into twice. */
static void claim_slaves(struct gather *g, const char *place, unsigned int depth)
{
	autofree char *dir = str_format("/sys/devices/%s/slaves", place);
	autostrv struct strv names = {0};

	(void)root_list(g->root, dir, &names, NULL); /* none: the bottom */
	for (size_t i = 0; i < names.count; i++) {
		autofree char *below = place_of_name(g->root, "block", names.items[i]);

		if (below)
			claim_block(g, below, depth + 1);
	}
}

static void claim_block(struct gather *g, const char *place, unsigned int depth)
{
	autofree char *partition = str_format("/sys/devices/%s/partition", place);
	const char *parent = strrchr(place, '/');

	if (depth > LAYER_MAX || !claim_add(g, place, false))
		return;
	g->network_root |= g->use == MODULE_USE_ROOT && place_is_remote(place);
	if (parent && root_exists(g->root, partition)) {
		autofree char *disk = str_ndup(place, (size_t)(parent - place));

		claim_block(g, disk, depth + 1);
		return;
	}
	claim_slaves(g, place, depth);
	claim_nvme_paths(g, place);
}

static void claim_number(struct gather *g, dev_t device)
{
	autofree char *link =
		str_format("/sys/dev/block/%u:%u", major(device), minor(device));
	autofree char *place = place_of_link(g->root, link);

	if (place)
		claim_block(g, place, 0);
}

/* The kernel's name of a mapped device, "dm-0"; or NULL. */
static char *mapped_name(const struct root *root, const char *wanted)
{
	autostrv struct strv names = {0};

	(void)root_list(root, "/sys/class/block", &names, NULL); /* none: not found */
	for (size_t i = 0; i < names.count; i++) {
		autofree char *path =
			str_format("/sys/class/block/%s/dm/name", names.items[i]);
		autofree char *name = NULL;

		if (str_starts(names.items[i], "dm-") &&
		    root_read_line(root, path, &name, NULL) == 0 && str_eq(name, wanted))
			return str_dup(names.items[i]);
	}
	return NULL;
}

/* The device of a node, by its number, else by its name. */
static dev_t node_device(const struct root *root, const char *node)
{
	static const char mapper[] = "/dev/mapper/";
	autofree char *name = NULL;
	struct stat st;

	if (root_stat(root, node, &st) == 0 && S_ISBLK(st.st_mode))
		return st.st_rdev;
	if (str_starts(node, mapper))
		name = mapped_name(root, node + strlen(mapper));
	else
		name = str_dup(strrchr(node, '/') + 1);
	return name ? block_device_number(root, name) : 0;
}

/* Every device of the btrfs that name is one of. */
static void claim_btrfs(struct gather *g, const char *name)
{
	autostrv struct strv systems = {0};

	(void)root_list(g->root, "/sys/fs/btrfs", &systems, NULL); /* none: one device */
	for (size_t i = 0; name && i < systems.count; i++) {
		autofree char *dir =
			str_format("/sys/fs/btrfs/%s/devices", systems.items[i]);
		autostrv struct strv names = {0};

		(void)root_list(g->root, dir, &names, NULL); /* not a file system's */
		if (!strv_has(&names, name))
			continue;
		for (size_t j = 0; j < names.count; j++) {
			dev_t device = block_device_number(g->root, names.items[j]);

			if (device)
				claim_number(g, device);
		}
	}
}

/* "/dev/sda2", and of bcachefs "/dev/sda2:/dev/sdb2". */
static void claim_nodes(struct gather *g, const char *source, bool btrfs)
{
	autostrv struct strv nodes = {0};

	strv_split(&nodes, source, ":");
	for (size_t i = 0; i < nodes.count; i++) {
		dev_t device = str_starts(nodes.items[i], "/dev/")
				       ? node_device(g->root, nodes.items[i])
				       : 0;
		autofree char *name = NULL;

		if (!device)
			continue;
		claim_number(g, device);
		name = block_device_name(g->root, device);
		if (btrfs)
			claim_btrfs(g, name);
	}
}

static bool udev_is_member(const struct root *root, const char *file, const char *pool)
{
	autofree char *path = str_format("/run/udev/data/%s", file);
	autofree char *label = str_format("E:ID_FS_LABEL=%s", pool);
	autofree char *text = NULL;
	autostrv struct strv lines = {0};

	if (root_read(root, path, 65536, &text, NULL, NULL) < 0 ||
	    !strstr(text, "zfs_member"))
		return false;
	strv_split(&lines, text, "\n");
	return strv_has(&lines, "E:ID_FS_TYPE=zfs_member") && strv_has(&lines, label);
}

/* Members of the pool that a dataset ("rpool/ROOT/debian") lies in. */
static void claim_zfs(struct gather *g, const char *dataset)
{
	autofree char *pool = str_ndup(dataset, strcspn(dataset, "/"));
	autostrv struct strv files = {0};

	(void)root_list(g->root, "/run/udev/data", &files, NULL); /* no udev, no answer */
	for (size_t i = 0; i < files.count && i < NAMES_MAX; i++) {
		const char *file = files.items[i];
		autofree char *link = NULL, *place = NULL;

		if (file[0] != 'b' || !udev_is_member(g->root, file, pool))
			continue;
		link = str_format("/sys/dev/block/%s", file + 1);
		place = place_of_link(g->root, link);
		if (place)
			claim_block(g, place, 0);
	}
}

/* File systems without a block device below them, and what they stand on instead. */
static const struct special_type {
	const char *type;
	const char *driver; /* NULL: the network */
} special_types[] = {
	{"nfs", NULL},       {"nfs4", NULL},         {"cifs", NULL},
	{"smb3", NULL},      {"ceph", NULL},         {"afs", NULL},
	{"glusterfs", NULL}, {"fuse.sshfs", NULL},   {"fuse.glusterfs", NULL},
	{"ocfs2", NULL},     {"9p", "9pnet_virtio"}, {"virtiofs", "virtiofs"},
};

static const struct special_type *special_type(const char *type)
{
	for (size_t i = 0; i < ARRAY_LEN(special_types); i++)
		if (str_eq(type, special_types[i].type))
			return &special_types[i];
	return NULL;
}

static void claim_mount(struct gather *g, struct libmnt_fs *fs)
{
	const char *type = mnt_fs_get_fstype(fs), *source = mnt_fs_get_source(fs);
	const struct special_type *special = type ? special_type(type) : NULL;
	dev_t device = mnt_fs_get_devno(fs);

	if (special && special->driver)
		(void)claim_add(g, special->driver, true); /* there already is as good */
	else if (special && g->use == MODULE_USE_ROOT)
		g->network_root = true;
	if (major(device))
		claim_number(g, device);
	else if (source && str_eq(type, "zfs"))
		claim_zfs(g, source);
	else if (source && str_starts(source, "/dev/"))
		claim_nodes(g, source, str_eq(type, "btrfs"));
}

static void cleanup_table(struct libmnt_table **table)
{
	mnt_unref_table(*table); /* takes NULL */
}

static void cleanup_iter(struct libmnt_iter **iter)
{
	mnt_free_iter(*iter); /* takes NULL */
}

static struct libmnt_table *mounts_read(const struct root *root)
{
	autofree char *text = NULL;
	size_t size = 0;
	struct libmnt_table *table;
	FILE *stream;

	if (root_read(root, "/proc/self/mountinfo", (size_t)16 << 20, &text, &size,
		      NULL) < 0 ||
	    size == 0)
		return NULL;
	stream = fmemopen(text, size, "re");
	table = mnt_new_table();
	if (stream && table && mnt_table_parse_stream(table, stream, "mountinfo") != 0) {
		mnt_unref_table(table);
		table = NULL;
	}
	if (stream)
		(void)fclose(stream); /* reading only */
	return table;
}

static void claim_root(struct gather *g, struct libmnt_table *table)
{
	struct libmnt_fs *fs = mnt_table_find_target(table, "/", MNT_ITER_BACKWARD);

	if (!fs)
		return;
	g->use = MODULE_USE_ROOT;
	g->user = "/";
	g->claims->root_type = str_dup(mnt_fs_get_fstype(fs));
	claim_mount(g, fs);
}

static void claim_mounts(struct gather *g, struct libmnt_table *table)
{
	cleanup(cleanup_iter) struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs;

	g->use = MODULE_USE_MOUNT;
	while (iter && mnt_table_next_fs(table, iter, &fs) == 0) {
		g->user = mnt_fs_get_target(fs);
		if (g->user && !str_eq(g->user, "/"))
			claim_mount(g, fs);
	}
}

/* An interface and what carries it; recursion is bounded by LAYER_MAX. */
static void claim_interface(struct gather *g, const char *name, unsigned int depth)
{
	static const char lower[] = "lower_";
	autofree char *place = place_of_name(g->root, "net", name);
	autofree char *dir = NULL;
	autostrv struct strv names = {0};

	if (!place || depth > LAYER_MAX || !claim_add(g, place, false))
		return;
	dir = str_format("/sys/devices/%s", place);
	(void)root_list(g->root, dir, &names, NULL); /* gone by now: nothing below */
	for (size_t i = 0; i < names.count; i++)
		if (str_starts(names.items[i], lower))
			claim_interface(g, names.items[i] + strlen(lower), depth + 1);
}

/* Interfaces of the default routes. A root that comes over them stands on them. */
static void claim_links(struct gather *g)
{
	autostrv struct strv links = {0};

	(void)state_links(g->root, &links); /* no routes: no link in use */
	for (size_t i = 0; i < links.count; i++) {
		autofree char *name =
			str_ndup(links.items[i], strcspn(links.items[i], " "));

		g->use = g->network_root ? MODULE_USE_ROOT : MODULE_USE_LINK;
		g->user = g->network_root ? "/" : name;
		claim_interface(g, name, 0);
	}
	g->user = NULL;
}

void device_claims_gather(const struct root *root, struct device_claims *ret)
{
	cleanup(cleanup_table) struct libmnt_table *table = mounts_read(root);
	struct gather gather = {.root = root, .claims = ret};

	if (table)
		claim_root(&gather, table);
	claim_links(&gather);
	if (table)
		claim_mounts(&gather, table);
}
