/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices that are bound to a driver now, and whether another release has one for them.
 */
#pragma once

#include "base/root-file.h"
#include "core/module.h"

struct device {
	char *path;     /* below /sys/devices */
	char *modalias; /* "" where it has none */
	char *driver;   /* as sysfs spells it: "virtio-pci" */
	char *module;   /* the driver's module here, or NULL where it is built in */
	enum module_use use; /* ROOT, LINK, MOUNT or DEVICE */
	char *user;          /* "/", "eth0"; NULL */
	bool covered;        /* filled by devices_cover */
	char *by;            /* what covers it in the target: module's name, "built in"; NULL */
};
struct device_list {
	struct device *items;
	size_t count;
};
void device_list_done(struct device_list *list);
#define autodevices cleanup(device_list_done)

/* Sorted by use, then path. Devices without a driver are left out. */
int devices_probe(const struct root *root, struct device_list *ret, struct error *err);
/*
 * Fill covered and by for a release's module tree (modules.alias, modules.builtin, depmod's
 * binary indexes through libkmod). old_release's modules.alias names further candidates: a
 * built-in driver has no PCI alias before recent kernels. extra (may be NULL): names of
 * third-party modules that will load there.
 */
int devices_cover(const struct root *root, const char *old_release, const char *release,
		  const struct strv *extra, struct device_list *list, struct error *err);
/*
 * The same for a tree that is not installed: aliases and names as a package's modules
 * have them ("alias module" words in aliases, names in modules and built_in, - as _).
 */
struct driver_names {
	struct strv aliases; /* "pci:v*…* module" */
	struct strv modules, built_in;
};
void driver_names_done(struct driver_names *names);
int devices_cover_names(const struct root *root, const char *old_release,
			const struct driver_names *names, struct device_list *list,
			struct error *err);
/* Modules of the file system of / and of what it stands on, as the running kernel has
 * them; built-in ones are left out. */
int root_chain_modules(const struct root *root, struct strv *ret, struct error *err);
