/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a release needs in its initramfs so that this machine finds its root. From what
 * stands there now down to the hardware: devices and their modaliases, not modules that
 * happen to be loaded, so that what is built in today and a module tomorrow is found.
 * What is not known is said, and nothing is asked for on suspicion.
 */
#include "root-needs.h"

#include <stdarg.h>
#include <string.h>

#include "alias-match.h"
#include "core/command-line.h"
#include "device-use.h"
#include "kernel-options.h"
#include "probe/devices.h"
#include "probe/initramfs.h"
#include "root-layers.h"

#define LINE_MAX_LEN 65536

void root_needs_unknown(struct root_target *target, const char *format, ...)
{
	autotext struct text t = {0};
	va_list args;

	va_start(args, format);
	text_vappendf(&t, format, args);
	va_end(args);
	if (!strv_has(&target->needs->unknown, text_str(&t)))
		strv_add(&target->needs->unknown, text_str(&t));
}

static const char *last_name(const char *place)
{
	const char *slash = strrchr(place, '/');

	return slash ? slash + 1 : place;
}

char *root_place_name(const struct root *root, const char *place)
{
	autofree char *path = str_format("/sys/devices/%s/dm/name", place);
	char *name = NULL;

	if (root_read_line(root, path, &name, NULL) < 0)
		return str_dup(last_name(place));
	return name;
}

/* What a file system needs beside its module of its own name. */
static const struct root_type {
	const char *type;
	const char *module; /* further one; or NULL */
	const char *tool;   /* or NULL */
	bool none;          /* it is no file system that a boot mounts first */
} root_types[] = {
	{"nfs", "nfsv3", "nfsmount|mount.nfs", false},
	{"nfs4", "nfsv4", "nfsmount|mount.nfs4|mount.nfs", false},
	{"zfs", NULL, "zpool", false},
	{"cifs", NULL, "mount.cifs", false},
	{"ceph", NULL, "mount.ceph", false},
	{"overlay", NULL, NULL, true},
	{"rootfs", NULL, NULL, true},
	{"tmpfs", NULL, NULL, true},
	{"ramfs", NULL, NULL, true},
	{"fuseblk", NULL, NULL, true},
	{"fuse", NULL, NULL, true},
};

static const struct root_type *type_row(const char *type)
{
	for (size_t i = 0; i < ARRAY_LEN(root_types); i++)
		if (str_eq(root_types[i].type, type))
			return &root_types[i];
	return NULL;
}

/* By its alias, which every file system has that can be mounted by type; else by name. */
static void need_type(struct root_target *target, const char *type)
{
	autofree char *why = str_format("root file system (%s)", type);
	autofree char *alias = str_format("fs-%s", type), *name = str_dup(type);
	const struct root_type *row = type_row(type);

	if (row && row->none) {
		root_needs_unknown(target,
				   "/ is %s here: what it stands on can't be told", type);
		return;
	}
	alias_normalize(name);
	if (root_target_has(target, name) ||
	    !root_target_need_alias(target, alias, NULL, why))
		root_target_need(target, name, why);
	if (row && row->module)
		root_target_need(target, row->module, why);
	if (row && row->tool)
		(void)root_need_add(&target->needs->tools, row->tool, why, false);
}

/* Does the command line tell what is to be opened? Then no table need be in the image. */
static bool line_opens_disks(const struct root *root)
{
	static const char *const words[] = {"rd.luks.uuid", "rd.luks.name", "luks.uuid",
					    "luks.name",    "cryptdevice",  "cryptopts",
					    "rd.auto"};
	autofree char *line = NULL;
	autostrv struct strv args = {0};

	if (root_read(root, "/proc/cmdline", LINE_MAX_LEN, &line, NULL, NULL) < 0)
		return false;
	command_line_split(line, &args);
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (command_line_get(&args, words[i]))
			return true;
	return false;
}

static void need_crypt_table(struct root_target *target, const char *why)
{
	(void)root_need_add(&target->needs->files,
			    "cryptroot/crypttab|etc/crypttab|etc/cmdline.d/*crypt*.conf",
			    why, line_opens_disks(target->root));
}

/* The device mapper's, RAID's, bcache's part at one block device. */
static void need_layers(struct root_target *target, const char *place)
{
	const struct root_layer *layers[ROOT_LAYERS_MAX];
	size_t count = root_layers(target->root, place, layers);
	autofree char *name = root_place_name(target->root, place);

	for (size_t i = 0; i < count; i++) {
		const struct root_layer *layer = layers[i];
		struct root_needs *needs = target->needs;
		autofree char *why = str_format("%s", name);

		if (layer->module && layer->optional)
			(void)root_need_add(&needs->modules, layer->module, why, true);
		else if (layer->module)
			root_target_need(target, layer->module, why);
		if (layer->tool)
			(void)root_need_add(&needs->tools, layer->tool, why,
					    layer->optional);
		if (str_eq(layer->module, "dm_crypt")) {
			root_needs_cipher(target, place);
			need_crypt_table(target, why);
		}
		if (str_eq(layer->module, "md_mod"))
			(void)root_need_add(&needs->files,
					    "etc/mdadm/mdadm.conf|etc/mdadm.conf", why,
					    true);
		if (str_eq(layer->module, "dm_raid"))
			root_needs_unknown(target,
					   "which RAID level %s has can't be told", name);
	}
}

/* Is one of the root's block devices called so? */
static bool claims_have(const struct device_claims *claims, const char *name)
{
	for (size_t i = 0; i < claims->count; i++)
		if (claims->items[i].use == MODULE_USE_ROOT &&
		    str_eq(last_name(claims->items[i].path), name))
			return true;
	return false;
}

/* "crc32c (crc32c-intel)" to "crc32c". */
static char *btrfs_checksum(const struct root *root, const char *system)
{
	autofree char *path = str_format("/sys/fs/btrfs/%s/checksum", system);
	char *line = NULL;

	if (root_read_line(root, path, &line, NULL) == 0)
		line[strcspn(line, " ")] = '\0';
	return line;
}

/*
 * Of a btrfs on several devices all must be known before it can be mounted. udev tells
 * the kernel of each, but where its driver is not loaded yet, only systemd has made the
 * node that it is told through.
 */
static char *need_btrfs(struct root_target *target, const struct device_claims *claims)
{
	autostrv struct strv systems = {0};
	char *checksum = NULL;

	(void)root_list(target->root, "/sys/fs/btrfs", &systems, NULL); /* none: plain */
	for (size_t i = 0; i < systems.count && !checksum; i++) {
		autofree char *dir =
			str_format("/sys/fs/btrfs/%s/devices", systems.items[i]);
		autostrv struct strv names = {0};

		(void)root_list(target->root, dir, &names, NULL); /* not a system's */
		if (names.count == 0 || !claims_have(claims, names.items[0]))
			continue;
		checksum = btrfs_checksum(target->root, systems.items[i]);
		if (names.count > 1)
			(void)root_need_add(&target->needs->tools, "btrfs|systemd",
					    "btrfs on several devices", false);
		break;
	}
	return checksum;
}

static void need_device(struct root_target *target, const struct device *device)
{
	autofree char *name = str_dup(device->module ? device->module : device->driver);
	autofree char *why = str_format("device %s", last_name(device->path));
	bool built_in = device->covered && str_eq(device->by, "built in");
	struct root_need *need;

	alias_normalize(name);
	if (!device->covered) {
		free(why);
		why = str_format("device %s, for which %s has no driver",
				 last_name(device->path), target->release);
	}
	if (device->covered && !built_in) {
		root_target_need(target, device->by, why);
		return;
	}
	need = root_need_add(&target->needs->modules, name, why, false);
	need->built_in = built_in;
}

static bool is_remote(const char *type)
{
	static const char *const types[] = {"nfs", "nfs4", "cifs", "ceph"};

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_eq(types[i], type))
			return true;
	return false;
}

/* Everything between the block devices, or the root's network card, and the board. */
static int need_devices(struct root_target *target, const char *type, struct error *err)
{
	size_t count = 0;
	autodevices struct device_list devices = {0};
	autofree char *running = NULL;
	int r = devices_probe(target->root, &devices, err);

	/* what does not run has no names to compare with */
	(void)root_read_line(target->root, "/proc/sys/kernel/osrelease", &running, NULL);
	if (r == 0)
		r = devices_cover(target->root, running ? running : "-", target->release,
				  NULL, &devices, err);
	for (size_t i = 0; r == 0 && i < devices.count; i++) {
		if (devices.items[i].use != MODULE_USE_ROOT)
			continue;
		need_device(target, &devices.items[i]);
		count++;
	}
	if (r == 0 && count == 0 && is_remote(type))
		root_needs_unknown(target,
				   "which network card the root file system (%s) is "
				   "reached by can't be told",
				   type);
	return r;
}

/* One for which no disk is missed: it comes over a network, or that was told already. */
static bool stands_on_no_disk(const char *type)
{
	const struct root_type *row = type_row(type);

	return is_remote(type) || (row && row->none) || str_eq(type, "9p") ||
	       str_eq(type, "virtiofs");
}

static void need_claims(struct root_target *target, const struct device_claims *claims)
{
	size_t blocks = 0;

	for (size_t i = 0; i < claims->count; i++) {
		const struct device_claim *claim = &claims->items[i];

		if (claim->use != MODULE_USE_ROOT || claim->by_driver)
			continue;
		need_layers(target, claim->path);
		root_needs_remote(target, claim->path);
		blocks++;
	}
	if (!claims->root_type)
		root_needs_unknown(target, "what is mounted at / can't be told");
	else if (blocks == 0 && !stands_on_no_disk(claims->root_type))
		root_needs_unknown(target,
				   "no disk of the root file system (%s) is known to "
				   "sysfs",
				   claims->root_type);
}

/* Whatever must be loaded must be found, by an index, and loaded. */
static void need_loader(struct root_target *target)
{
	struct root_needs *needs = target->needs;
	bool any = false;

	for (size_t i = 0; i < needs->modules.count; i++)
		any |= !needs->modules.items[i].built_in &&
		       !needs->modules.items[i].optional;
	if (any) {
		autofree char *name = str_format("lib/modules/%s/modules.dep.bin|"
						 "lib/modules/%s/modules.dep",
						 target->release, target->release);

		/* udev loads drivers by itself; for file systems, ciphers and checksums
		 * the kernel asks modprobe */
		(void)root_need_add(&needs->tools, "modprobe", "modules", false);
		root_need_add(&needs->tools, "systemd-udevd|udevd", "drivers", false)
			->starter = "scripts/init-top/udev|lib/dracut/hooks/pre-udev/*|"
				    "lib/systemd/system/systemd-udevd.service|hooks/udev";
		(void)root_need_add(&needs->files, name, "modules", false);
	}
}

static void read_unpacks(struct root_target *target)
{
	autosource struct kernel_source source = {0};

	if (kernel_source_installed(target->root, target->release, &source, NULL) < 0 ||
	    !kernel_options_unpacks(&source, &target->needs->unpacks))
		root_needs_unknown(target,
				   "which compressions %s unpacks can't be told: its "
				   "configuration can't be read",
				   target->release);
}

static int needs_gather(struct root_target *target, struct error *err)
{
	autoclaims struct device_claims claims = {0};
	autofree char *checksum = NULL;
	int r;

	device_claims_gather(target->root, &claims);
	if (claims.root_type)
		need_type(target, claims.root_type);
	if (str_eq(claims.root_type, "btrfs"))
		checksum = need_btrfs(target, &claims);
	target->checksum = checksum;
	need_claims(target, &claims);
	r = need_devices(target, claims.root_type, err);
	if (r == 0)
		r = root_target_expand(target, err);
	target->checksum = NULL;
	need_loader(target);
	read_unpacks(target);
	return r;
}

int root_needs_probe(const struct root *root, const char *release, struct root_needs *ret,
		     struct error *err)
{
	autoneeds struct root_needs needs = {.release = str_dup(release)};
	struct root_target target = {.tree.fd = -1};
	int r = root_target_open(root, release, &needs, &target, err);

	if (r < 0)
		return r;
	r = needs_gather(&target, err);
	root_target_done(&target);
	if (r < 0)
		return r;
	*ret = needs;
	needs = (struct root_needs){0};
	return 0;
}
