/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Uses of loaded modules. Two ways lead to one: the module's drivers are bound to
 * devices that lie on the way to something in use (device-use.c), or its name stands for
 * what is in use: a mounted file system's type, the kind of a link without a device, the
 * owner of a block device's number, a part of what / stands on. What needs the module
 * counts for it.
 */
#include "module-use.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "probe/devices.h"
#include "proc-table.h"
#include "root-layers.h"

#define ALIASES_MAX ((size_t)64 * 1024 * 1024)
#define USES_MAX    4096

void module_uses_done(struct module_uses *uses)
{
	for (size_t i = 0; i < uses->loaded_count; i++) {
		free(uses->loaded[i].name);
		free(uses->loaded[i].users);
	}
	for (size_t i = 0; i < uses->named_count; i++) {
		free(uses->named[i].name);
		free(uses->named[i].user);
	}
	free(uses->loaded);
	free(uses->named);
	device_claims_done(&uses->claims);
	*uses = (struct module_uses){0};
}

static void fold(char *name)
{
	for (; *name; name++)
		if (*name == '-')
			*name = '_';
}

static unsigned long long count_of(const char *users)
{
	unsigned long long count = 0;

	for (; *users; users++)
		count += *users == ',';
	return count;
}

/* "name size references users state address [(flags)]": proc(5), kernel/module/procfs.c
 */
static bool take_loaded(void *data, const struct proc_line *line)
{
	struct module_uses *uses = data;
	unsigned long long references = 0;
	const char *flags;

	if (line->count < 5 || !str_eq(line->fields[4], "Live"))
		return true;
	flags = line->fields[line->count - 1];
	/* "-" where a kernel counts none: no references */
	(void)str_to_u64(line->fields[2], 0, UINT32_MAX, &references);
	uses->loaded =
		mem_regrow(uses->loaded, uses->loaded_count + 1, sizeof(*uses->loaded));
	uses->loaded[uses->loaded_count++] = (struct loaded_module){
		.name = str_dup(line->fields[0]),
		.users = str_dup(line->fields[3]),
		.more_users = references > count_of(line->fields[3]),
		.out_of_tree = flags[0] == '(' && strchr(flags, 'O'),
	};
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct loaded_module *)a)->name,
		      ((const struct loaded_module *)b)->name);
}

int module_uses_read(const struct root *root, struct module_uses *ret)
{
	struct module_uses uses = {.root = root};
	int r = proc_table_each(root, "/proc/modules", take_loaded, &uses);

	if (r < 0) {
		module_uses_done(&uses);
		return r;
	}
	if (uses.loaded_count > 1)
		qsort(uses.loaded, uses.loaded_count, sizeof(*uses.loaded), by_name);
	*ret = uses;
	return 0;
}

const struct loaded_module *module_uses_find(const struct module_uses *uses,
					     const char *name)
{
	autofree char *folded = str_dup(name);
	struct loaded_module wanted = {.name = folded};

	fold(folded);
	if (uses->loaded_count == 0)
		return NULL;
	return bsearch(&wanted, uses->loaded, uses->loaded_count, sizeof(*uses->loaded),
		       by_name);
}

static void use_by_name(struct module_uses *uses, const char *name, enum module_use use,
			const char *user)
{
	char *folded = str_dup(name);

	fold(folded);
	if (uses->named_count >= USES_MAX ||
	    (!uses->unloaded && !module_uses_find(uses, folded))) {
		free(folded);
		return;
	}
	uses->named =
		mem_regrow(uses->named, uses->named_count + 1, sizeof(*uses->named));
	uses->named[uses->named_count++] =
		(struct named_use){folded, use, user ? str_printable(user) : NULL};
}

static void use_root_chain(struct module_uses *uses)
{
	autostrv struct strv names = {0};

	/* what can't be told of / is not claimed here; devices are, all the same */
	(void)root_chain_modules(uses->root, &names, NULL);
	for (size_t i = 0; i < names.count; i++)
		use_by_name(uses, names.items[i], MODULE_USE_ROOT, "/");
}

/* The lines "\nalias fs-TYPE MODULE" of modules.alias, a small part of it. */
static void read_aliases(const struct root *root, const char *release, struct text *ret)
{
	static const char start[] = "\nalias fs-";
	autofree char *path = str_format("/lib/modules/%s/modules.alias", release);
	autofree char *text = NULL;

	if (root_read(root, path, ALIASES_MAX, &text, NULL, NULL) < 0)
		return; /* no depmod, no aliases */
	for (const char *at = strstr(text, start); at; at = strstr(at, start)) {
		size_t len = strcspn(at + 1, "\n") + 1;

		text_append_n(ret, at, len);
		at += len;
	}
	text_append(ret, "\n");
}

struct mounts {
	struct module_uses *uses;
	const char *aliases;
	struct strv types; /* seen already, "TYPE/": not of / */
};

/* Every module that has the type's alias. */
static void use_aliases(struct mounts *mounts, const char *type, enum module_use use,
			const char *target)
{
	autofree char *alias = str_format("\nalias fs-%s ", type);
	const char *at = mounts->aliases;

	while ((at = strstr(at, alias))) {
		autofree char *name = NULL;

		at += strlen(alias);
		name = str_ndup(at, strcspn(at, "\n"));
		use_by_name(mounts->uses, name, use, target);
	}
}

/*
 * "36 35 98:0 /root /mnt rw,noatime master:1 - ext3 /dev/root rw": proc(5). Nothing
 * stands on what the kernel mounts for itself; those types have no modules.
 */
static bool take_mount(void *data, const struct proc_line *line)
{
	struct mounts *mounts = data;
	size_t dash = 6;
	const char *target;
	char *type;
	enum module_use use;

	while (dash < line->count && !str_eq(line->fields[dash], "-"))
		dash++;
	if (dash + 1 >= line->count)
		return true;
	type = line->fields[dash + 1];
	type[strcspn(type, ".")] = '\0'; /* fuse.sshfs is fuse's */
	target = line->fields[4];
	use = str_eq(target, "/") ? MODULE_USE_ROOT : MODULE_USE_MOUNT;
	if (use == MODULE_USE_MOUNT) {
		if (strv_has(&mounts->types, type))
			return true;
		strv_add(&mounts->types, type);
	}
	use_by_name(mounts->uses, type, use, target);
	use_aliases(mounts, type, use, target);
	return true;
}

static void use_mounts(struct module_uses *uses, const char *release)
{
	autotext struct text aliases = {0};
	struct mounts mounts = {.uses = uses};

	read_aliases(uses->root, release, &aliases);
	mounts.aliases = text_str(&aliases);
	/* no mounts known: none claimed */
	(void)proc_table_each(uses->root, "/proc/self/mountinfo", take_mount, &mounts);
	strv_done(&mounts.types);
}

/* "Block devices:" and behind it "147 drbd": what a major number is registered for. */
struct majors {
	bool block;
	struct strv rows; /* "147 drbd" */
};

static bool take_major(void *data, const struct proc_line *line)
{
	struct majors *majors = data;

	if (line->count == 2 && str_eq(line->fields[1], "devices:"))
		majors->block = str_eq(line->fields[0], "Block");
	else if (line->count == 2 && majors->block)
		strv_add_take(&majors->rows,
			      str_format("%s %s", line->fields[0], line->fields[1]));
	return true;
}

/* The module that made a virtual block device, by what its number is registered for. */
static void use_major(struct module_uses *uses, const struct majors *majors,
		      const struct device_claim *claim)
{
	static const struct {
		const char *registered, *module;
	} other_names[] = {{"device-mapper", "dm_mod"},
			   {"md", "md_mod"},
			   {"zvol", "zfs"}};
	autofree char *path = str_format("/sys/devices/%s/dev", claim->path);
	autofree char *number = NULL;
	const char *name = NULL;
	size_t digits;

	if (root_read_line(uses->root, path, &number, NULL) < 0)
		return;
	digits = strspn(number, "0123456789");
	for (size_t i = 0; i < majors->rows.count && !name; i++)
		if (strncmp(majors->rows.items[i], number, digits) == 0 &&
		    majors->rows.items[i][digits] == ' ')
			name = majors->rows.items[i] + digits + 1;
	for (size_t i = 0; name && i < ARRAY_LEN(other_names); i++)
		if (str_eq(name, other_names[i].registered))
			name = other_names[i].module;
	if (name)
		use_by_name(uses, name, claim->use, claim->user);
}

/* What maps one block device onto others is told by what sysfs has of the device. */
static void use_layers(struct module_uses *uses, const struct device_claim *claim)
{
	const struct root_layer *layers[ROOT_LAYERS_MAX];
	size_t count = root_layers(uses->root, claim->path, layers);

	for (size_t i = 0; i < count; i++)
		if (layers[i]->module &&
		    (!layers[i]->optional || module_uses_find(uses, layers[i]->module)))
			use_by_name(uses, layers[i]->module, claim->use, claim->user);
}

static void use_virtual_disks(struct module_uses *uses)
{
	struct majors majors = {0};

	/* not told: not claimed */
	(void)proc_table_each(uses->root, "/proc/devices", take_major, &majors);
	for (size_t i = 0; i < uses->claims.count; i++)
		if (!uses->claims.items[i].by_driver &&
		    str_starts(uses->claims.items[i].path, "virtual/block/")) {
			use_major(uses, &majors, &uses->claims.items[i]);
			use_layers(uses, &uses->claims.items[i]);
		}
	strv_done(&majors.rows);
}

/* The worst claim on a place or on what lies below it; NULL: none. */
static const struct device_claim *claim_below(const struct module_uses *uses,
					      const char *place)
{
	const struct device_claim *worst = NULL;
	size_t n = strlen(place);

	for (size_t i = 0; i < uses->claims.count; i++) {
		const struct device_claim *claim = &uses->claims.items[i];

		if (claim->by_driver || strncmp(claim->path, place, n) != 0 ||
		    (claim->path[n] != '/' && claim->path[n]))
			continue;
		if (!worst || claim->use < worst->use)
			worst = claim;
	}
	return worst;
}

/* The module behind a link that no device carries, by what the link calls itself. */
static char *link_module(const struct root *root, const char *dir)
{
	static const struct {
		const char *type, *module;
	} other_names[] = {{"vlan", "8021q"}, {"bond", "bonding"}};
	static const char key[] = "\nDEVTYPE=";
	autofree char *path = str_format("%s/uevent", dir);
	autofree char *flags = str_format("%s/tun_flags", dir);
	autofree char *text = NULL, *lines = NULL;
	const char *type;

	if (root_exists(root, flags))
		return str_dup("tun");
	if (root_read(root, path, 65536, &text, NULL, NULL) < 0)
		return NULL;
	lines = str_format("\n%s", text);
	type = strstr(lines, key);
	if (!type)
		return NULL;
	type += strlen(key);
	for (size_t i = 0; i < ARRAY_LEN(other_names); i++)
		if (strcspn(type, "\n") == strlen(other_names[i].type) &&
		    str_starts(type, other_names[i].type))
			return str_dup(other_names[i].module);
	return str_ndup(type, strcspn(type, "\n"));
}

static void use_links(struct module_uses *uses)
{
	autostrv struct strv names = {0};

	(void)root_list(uses->root, "/sys/devices/virtual/net", &names, NULL); /* none */
	for (size_t i = 0; i < names.count; i++) {
		autofree char *place = str_format("virtual/net/%s", names.items[i]);
		autofree char *dir = str_format("/sys/devices/%s", place);
		autofree char *module = link_module(uses->root, dir);
		const struct device_claim *claim = claim_below(uses, place);

		if (module)
			use_by_name(uses, module, claim ? claim->use : MODULE_USE_DEVICE,
				    claim ? claim->user : names.items[i]);
	}
}

void module_uses_gather(struct module_uses *uses, const char *release)
{
	if (uses->gathered)
		return;
	uses->gathered = true;
	device_claims_gather(uses->root, &uses->claims);
	use_root_chain(uses);
	use_mounts(uses, release);
	use_virtual_disks(uses);
	use_links(uses);
}

/* The answer that grows: a use is taken where it is worse than what is known. */
struct worst {
	enum module_use use;
	char *user; /* owned */
};

static void worst_take(struct worst *worst, enum module_use use, const char *user)
{
	if (use >= worst->use)
		return;
	free(worst->user);
	worst->use = use;
	worst->user = str_dup(user);
}

/* The name of an interface that is this device's own, or its last path component. */
static char *device_user(const struct root *root, const char *place)
{
	autofree char *net = str_format("/sys/devices/%s/net", place);
	const char *name = strrchr(place, '/');
	autostrv struct strv links = {0};

	(void)root_list(root, net, &links, NULL); /* none: no network card */
	return str_printable(links.count > 0 ? links.items[0] : name ? name + 1 : place);
}

/* A device below /sys/bus/BUS/drivers/NAME: a link out to /sys/devices. */
static void worst_of_device(const struct module_uses *uses, const char *link,
			    struct worst *worst)
{
	autofree char *target = NULL, *user = NULL;
	const struct device_claim *claim;
	const char *place;

	if (root_readlink(uses->root, link, &target) < 0)
		return;
	place = strstr(target, "/devices/");
	if (!place)
		return; /* "module" */
	place += strlen("/devices/");
	claim = claim_below(uses, place);
	user = device_user(uses->root, place);
	worst_take(worst, claim ? claim->use : MODULE_USE_DEVICE,
		   claim ? claim->user : user);
}

static void worst_of_drivers(const struct module_uses *uses, const char *name,
			     struct worst *worst)
{
	autofree char *dir = str_format("/sys/module/%s/drivers", name);
	autostrv struct strv drivers = {0};

	(void)root_list(uses->root, dir, &drivers, NULL); /* none: no drivers */
	for (size_t i = 0; i < drivers.count; i++) {
		autofree char *driver = str_format("%s/%s", dir, drivers.items[i]);
		const char *driver_name = strchr(drivers.items[i], ':');
		autostrv struct strv devices = {0};

		for (size_t j = 0; driver_name && j < uses->claims.count; j++)
			if (uses->claims.items[j].by_driver &&
			    str_eq(uses->claims.items[j].path, driver_name + 1))
				worst_take(worst, uses->claims.items[j].use,
					   uses->claims.items[j].user);
		(void)root_list(uses->root, driver, &devices, NULL); /* gone by now */
		for (size_t j = 0; j < devices.count; j++) {
			autofree char *link =
				str_format("%s/%s", driver, devices.items[j]);

			worst_of_device(uses, link, worst);
		}
	}
}

static void worst_of_module(const struct module_uses *uses,
			    const struct loaded_module *module, struct worst *worst)
{
	worst_take(worst, MODULE_USE_LOADED,
		   module->more_users ? "a process or the kernel" : NULL);
	for (size_t i = 0; i < uses->named_count; i++)
		if (str_eq(uses->named[i].name, module->name))
			worst_take(worst, uses->named[i].use, uses->named[i].user);
	worst_of_drivers(uses, module->name, worst);
}

enum module_use module_uses_of(struct module_uses *uses, const char *release,
			       const char *name, char **user)
{
	const struct loaded_module *first = module_uses_find(uses, name);
	struct worst worst = {.use = MODULE_USE_NONE};
	autostrv struct strv names = {0}; /* the module and those that need it */

	*user = NULL;
	if (!first)
		return MODULE_USE_NONE;
	module_uses_gather(uses, release);
	strv_add(&names, first->name);
	for (size_t i = 0; i < names.count; i++) {
		const struct loaded_module *module =
			module_uses_find(uses, names.items[i]);
		autostrv struct strv users = {0};

		if (!module)
			continue;
		worst_of_module(uses, module, &worst);
		strv_split(&users, module->users, ",-");
		for (size_t j = 0; j < users.count; j++)
			if (!strv_has(&names, users.items[j]))
				strv_add(&names, users.items[j]);
	}
	*user = worst.user;
	return worst.use;
}
