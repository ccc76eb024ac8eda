/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices that are bound to a driver now, and whether another release has one for them.
 */
#pragma once

#include "base/root-file.h"
#include "core/module.h"
#include "probe/modprobe-config.h"

struct device {
	char *path;     /* below /sys/devices */
	char *modalias; /* "" where it has none */
	char *driver;   /* as sysfs spells it: "virtio-pci" */
	char *module;   /* the driver's module as sysfs names it; NULL: it names none */
	bool built_in;  /* the driver is in the running kernel's image, not loaded */
	enum module_use use; /* ROOT, LINK, MOUNT or DEVICE */
	char *user;          /* "/", "eth0", "/srv"; NULL */
	bool covered;        /* filled by devices_cover */
	char *by; /* what covers it in the target: module's name, "built in"; NULL */
};
struct device_list {
	struct device *items;
	size_t count;
};
void device_list_done(struct device_list *list);
#define autodevices cleanup(device_list_done)

/*
 * Devices with a driver, from /sys/devices below the root (none there: an empty list);
 * those without one are left out. Sorted by use, then path. What hangs below a device
 * that is in use counts as its use: a disk's controller, a network card's bridge. Runs
 * no program. -ERROR_DAMAGED: a tree without end.
 */
int devices_probe(const struct root *root, struct device_list *ret, struct error *err);
/* What decides beside the names and aliases of two kernels; each may be NULL. */
struct cover_terms {
	/* Third-party modules that will load there; where it is given, a module below
	 * updates, extra or weak-updates counts only if it is named. */
	const struct strv *extra;
	const struct modprobe_config
		*config;           /* aliases of its own, and what it forbids */
	const struct strv *loaded; /* today, - as _ */
	const struct strv *barred; /* module_blacklist= of the target's command line */
};
/*
 * Fill covered and by for a release's module tree (modules.alias, modules.builtin,
 * depmod's binary indexes through libkmod). A device is covered where its modalias finds
 * a module there; or where the driver or module that is bound today is there by name, or
 * any module that old_release's tree gives for its modalias (a built-in driver has no PCI
 * alias before recent kernels); or where the driver is core code, in the image and of no
 * module's name in old_release. A name does not count where its module had a PCI or USB
 * device's modalias in old_release and no module has it in the target: that id was
 * dropped. A module that modprobe.d keeps from loading by an alias counts only
 * where it is loaded now, in spite of that. old_release's tree
 * may be absent. May be repeated. -ENOENT: the target has no module tree, or depmod never
 * ran over it.
 */
int devices_cover(const struct root *root, const char *old_release, const char *release,
		  const struct cover_terms *terms, struct device_list *list,
		  struct error *err);
/*
 * The same for a tree that is not installed: aliases and names as a package's modules
 * have them ("alias module" words in aliases, those of modules.builtin.modinfo too; names
 * in modules and built_in, - as _). terms->extra: names of third-party modules that will
 * be there besides.
 */
struct driver_names {
	struct strv aliases; /* "pci:v*…* module" */
	struct strv modules, built_in;
};
void driver_names_done(struct driver_names *names);
int devices_cover_names(const struct root *root, const char *old_release,
			const struct driver_names *names, const struct cover_terms *terms,
			struct device_list *list, struct error *err);
/*
 * Modules of the file system of / and of what it stands on (drivers, device mapper, RAID,
 * the link of a network root), as the running kernel has them loaded, sorted; built-in
 * ones are left out. A root without /sys has none.
 */
int root_chain_modules(const struct root *root, struct strv *ret, struct error *err);

/*
 * Modules that this machine uses by their names, with no device bound to them: of mounted
 * file systems, of what maps block devices, of links without a card (bond, bridge, VLAN,
 * tunnel). Each once, with its worst use; user as in struct device.
 */
struct used_module {
	char *name;          /* - as _; of a file system that is no module, its type */
	enum module_use use; /* ROOT, LINK or MOUNT */
	char *user;
	bool loaded; /* else built in, or no module at all */
};
struct used_module_list {
	struct used_module *items;
	size_t count;
};
void used_module_list_done(struct used_module_list *list);
#define autousedmodules cleanup(used_module_list_done)

/* Sorted by name. release: the running one. What can't be read uses nothing. */
void used_modules_probe(const struct root *root, const char *release,
			struct used_module_list *ret);
