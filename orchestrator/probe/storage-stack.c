/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The layers below a file system, as sysfs shows them (Documentation/ABI/testing/
 * sysfs-block, sysfs-block-dm, Documentation/admin-guide/md.rst). Nothing is opened but
 * sysfs, so it works unprivileged.
 */
#include "storage-stack.h"

#include <string.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"

#define STACK_DEPTH_MAX 12
#define STACK_COUNT_MAX 64

static char *sysfs_path(dev_t device, const char *below)
{
	return str_format("/sys/dev/block/%u:%u%s", major(device), minor(device), below);
}

/* One line of a device's sysfs, or NULL. */
static char *sysfs_line(const struct root *host, dev_t device, const char *below)
{
	autofree char *path = sysfs_path(device, below);
	char *line = NULL;

	(void)root_read_line(host, path, &line, NULL); /* absent is an answer too */
	return line;
}

static bool sysfs_has(const struct root *host, dev_t device, const char *below)
{
	autofree char *path = sysfs_path(device, below);

	return root_exists(host, path);
}

char *block_device_name(const struct root *host, dev_t device)
{
	autofree char *path = sysfs_path(device, "/uevent");
	autofree char *text = NULL;
	autostrv struct strv lines = {0};

	if (root_read(host, path, 65536, &text, NULL, NULL) < 0)
		return NULL;
	strv_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.count; i++)
		if (str_starts(lines.items[i], "DEVNAME="))
			return str_dup(lines.items[i] + strlen("DEVNAME="));
	return NULL;
}

char *block_device_node(const struct root *host, dev_t device)
{
	autofree char *mapped = sysfs_line(host, device, "/dm/name");
	autofree char *name = NULL;

	if (mapped)
		return str_format("/dev/mapper/%s", mapped);
	name = block_device_name(host, device);
	return name ? str_format("/dev/%s", name) : NULL;
}

/* "254:3" as sysfs writes device numbers; 0 where it is none. */
static dev_t device_parse(const char *line)
{
	autofree char *left = line ? str_dup(line) : NULL;
	unsigned long long high, low;
	char *colon = left ? strchr(left, ':') : NULL;

	if (!colon)
		return 0;
	*colon = '\0';
	if (str_to_u64(left, 0, 0xfff, &high) < 0 ||
	    str_to_u64(colon + 1, 0, 0xfffff, &low) < 0)
		return 0;
	return makedev((unsigned int)high, (unsigned int)low);
}

static dev_t device_read(const struct root *host, const char *path)
{
	autofree char *line = NULL;

	(void)root_read_line(host, path, &line, NULL); /* absent: no device */
	return device_parse(line);
}

dev_t block_device_number(const struct root *host, const char *name)
{
	autofree char *path = str_format("/sys/class/block/%s/dev", name);

	return strchr(name, '/') ? 0 : device_read(host, path);
}

/* What a device mapper device is, by the prefix that its maker puts before its UUID. */
static const char *mapper_kind(const char *uuid)
{
	static const struct {
		const char *prefix, *kind;
	} rows[] = {
		{"CRYPT-", "crypt"},     {"LVM-", "lvm"},     {"mpath-", "multipath"},
		{"part", "partition"},   {"DMRAID-", "raid"}, {"VDO-", "vdo"},
		{"stratis-", "stratis"},
	};

	for (size_t i = 0; uuid && i < ARRAY_LEN(rows); i++)
		if (str_starts(uuid, rows[i].prefix))
			return rows[i].kind;
	return "dm";
}

/* "lvm vg-root", "raid md0", "disk vda"; NULL for what sysfs does not know. */
static char *layer_of(const struct root *host, dev_t device)
{
	autofree char *name = block_device_name(host, device);
	autofree char *mapped = sysfs_line(host, device, "/dm/name");
	autofree char *uuid = sysfs_line(host, device, "/dm/uuid");

	if (!name)
		return NULL;
	if (mapped)
		return str_format("%s %s", mapper_kind(uuid), mapped);
	if (sysfs_has(host, device, "/partition"))
		return str_format("partition %s", name);
	if (sysfs_has(host, device, "/md/level"))
		return str_format("raid %s", name);
	if (sysfs_has(host, device, "/bcache"))
		return str_format("bcache %s", name);
	if (sysfs_has(host, device, "/loop") || str_starts(name, "loop"))
		return str_format("loop %s", name);
	return str_format("%s %s",
			  sysfs_has(host, device, "/device") ? "disk" : "virtual", name);
}

static void stack_walk(const struct root *host, dev_t device, unsigned int depth,
		       struct strv *ret);

/* Recursion is bounded by STACK_DEPTH_MAX, its width by STACK_COUNT_MAX. */
static void stack_walk_slaves(const struct root *host, dev_t device, unsigned int depth,
			      struct strv *ret)
{
	autofree char *dir = sysfs_path(device, "/slaves");
	autostrv struct strv names = {0};

	(void)root_list(host, dir, &names, NULL); /* none: the bottom */
	for (size_t i = 0; i < names.count; i++) {
		autofree char *path = str_format("%s/%s/dev", dir, names.items[i]);

		stack_walk(host, device_read(host, path), depth + 1, ret);
	}
}

static void stack_walk(const struct root *host, dev_t device, unsigned int depth,
		       struct strv *ret)
{
	autofree char *layer = major(device) ? layer_of(host, device) : NULL;
	autofree char *whole = sysfs_path(device, "/../dev");

	if (!layer || strv_has(ret, layer) || ret->count >= STACK_COUNT_MAX ||
	    depth > STACK_DEPTH_MAX)
		return;
	strv_add(ret, layer);
	if (sysfs_has(host, device, "/partition"))
		stack_walk(host, device_read(host, whole), depth + 1, ret);
	else
		stack_walk_slaves(host, device, depth, ret);
}

void storage_stack_add(const struct root *host, dev_t device, struct strv *ret)
{
	stack_walk(host, device, 0, ret);
}

void storage_stack_add_btrfs(const struct root *host, const char *uuid, dev_t device,
			     struct strv *ret)
{
	autofree char *dir = str_format("/sys/fs/btrfs/%s/devices", uuid ? uuid : "-");
	autostrv struct strv names = {0};
	autofree char *joined = NULL;

	(void)root_list(host, dir, &names, NULL); /* none: the one device it is */
	if (names.count < 2) {
		storage_stack_add(host, device, ret);
		return;
	}
	joined = strv_join(&names, " ");
	strv_add_take(ret, str_format("btrfs %s", joined));
	for (size_t i = 0; i < names.count; i++)
		storage_stack_add(host, block_device_number(host, names.items[i]), ret);
}

bool storage_stack_plain(const struct strv *stack, bool loop_is_disk)
{
	for (size_t i = 0; i < stack->count; i++) {
		const char *layer = stack->items[i];

		if (loop_is_disk && str_starts(layer, "loop "))
			continue;
		if (!str_starts(layer, "partition ") && !str_starts(layer, "disk "))
			return false;
	}
	return stack->count > 0;
}
