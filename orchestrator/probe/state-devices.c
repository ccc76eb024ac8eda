/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Modules, devices with their drivers, mounts: from /proc and /sys, and libmount.
 */
#include "state-probes.h"

#include <libmount/libmount.h>
#include <string.h>

#include "base/cleanup.h"
#include "proc-table.h"

#define SYS_BUS "/sys/bus"

static void add_printable(struct strv *v, const char *s)
{
	strv_add_take(v, str_printable(s));
}

/* "name size references users state address": proc(5), /proc/modules. */
static bool take_module(void *data, const struct proc_line *line)
{
	if (line->count >= 5 && str_eq(line->fields[4], "Live"))
		add_printable(data, line->fields[0]);
	return true;
}

int state_modules(const struct root *root, struct strv *ret)
{
	return proc_table_each(root, "/proc/modules", take_module, ret);
}

/* Buses whose devices are hardware that a module drives: one left alone is a loss. */
static bool bus_counts_unbound(const char *bus)
{
	static const char *const buses[] = {"pci", "usb", "virtio"};

	for (size_t i = 0; i < ARRAY_LEN(buses); i++)
		if (str_eq(bus, buses[i]))
			return true;
	return false;
}

static void add_device(const struct root *root, const char *device, struct strv *bound,
		       struct strv *unbound)
{
	autofree char *driver_path = str_format("%s/driver", device);
	autofree char *alias_path = str_format("%s/modalias", device);
	autofree char *driver = NULL, *alias = NULL;
	const char *name;

	if (root_readlink(root, driver_path, &driver) < 0 && !unbound)
		return;
	if (root_read_line(root, alias_path, &alias, NULL) < 0 || !*alias)
		return;
	if (!driver) {
		add_printable(unbound, alias);
		return;
	}
	name = strrchr(driver, '/');
	strv_add_take(bound, str_format("%s %s", alias, name ? name + 1 : driver));
}

int state_drivers(const struct root *root, struct strv *ret, struct strv *unbound)
{
	autostrv struct strv buses = {0};
	autostrv struct strv found = {0};
	int r = root_list(root, SYS_BUS, &buses, NULL);

	for (size_t i = 0; r == 0 && i < buses.count; i++) {
		const char *bus = buses.items[i];
		autofree char *directory = str_format(SYS_BUS "/%s/devices", bus);
		autostrv struct strv devices = {0};

		if (root_list(root, directory, &devices, NULL) < 0)
			continue;
		for (size_t j = 0; j < devices.count; j++) {
			autofree char *device =
				str_format("%s/%s", directory, devices.items[j]);

			add_device(root, device, &found,
				   bus_counts_unbound(bus) ? unbound : NULL);
		}
	}
	for (size_t i = 0; i < found.count; i++)
		add_printable(ret, found.items[i]);
	return r;
}

static void cleanup_table(struct libmnt_table **table)
{
	mnt_unref_table(*table); /* takes NULL */
}

static void cleanup_iter(struct libmnt_iter **iter)
{
	mnt_free_iter(*iter); /* takes NULL */
}

static bool mount_stands_on_block(const char *source, const char *type)
{
	return str_starts(source, "/dev/") || str_eq(type, "zfs") ||
	       str_eq(type, "bcachefs");
}

static void add_mount(struct libmnt_fs *fs, struct strv *ret)
{
	const char *source = mnt_fs_get_source(fs), *type = mnt_fs_get_fstype(fs);
	const char *target = mnt_fs_get_target(fs);
	autofree char *line = NULL;
	bool read_only;

	if (!source || !type || !target || !mount_stands_on_block(source, type))
		return;
	read_only = mnt_fs_match_options(fs, "ro") == 1;
	line = str_format("%s %s%s %s", source, type, read_only ? ",ro" : "", target);
	add_printable(ret, line);
}

int state_mounts(const struct root *root, struct strv *ret)
{
	autofree char *path = root_path(root, "/proc/self/mountinfo");
	cleanup(cleanup_table) struct libmnt_table *table = mnt_new_table();
	cleanup(cleanup_iter) struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs;
	int r;

	if (!table || !iter)
		return -ENOMEM;
	r = mnt_table_parse_file(table, path);
	if (r != 0)
		return r < 0 ? r : -EIO;
	while (mnt_table_next_fs(table, iter, &fs) == 0)
		add_mount(fs, ret);
	return 0;
}
