/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Modules that the root file system stands on: its own, its devices' drivers, and what
 * maps one block device onto others, which sysfs shows no driver for.
 */
#include <string.h>

#include "alias-match.h"
#include "device-use.h"
#include "driver-tree.h"
#include "probe/devices.h"
#include "root-layers.h"
#include "state-probes.h"

/* Only what is loaded: what is built in needs no file, and the rest is not used. */
static void add_loaded(const struct root *root, const char *module, struct strv *ret)
{
	autofree char *path = str_format("/sys/module/%s/initstate", module);

	if (!strchr(module, '/') && root_exists(root, path))
		strv_add(ret, module);
}

static void add_layers(const struct root *root, const char *place, struct strv *ret)
{
	const struct root_layer *layers[ROOT_LAYERS_MAX];
	size_t count = root_layers(root, place, layers);

	for (size_t i = 0; i < count; i++)
		if (layers[i]->module)
			add_loaded(root, layers[i]->module, ret);
}

/* The file system's own module: fs-TYPE in the running release, or one named for it. */
static void add_type(const struct root *root, const char *type, struct strv *ret)
{
	autofree char *name = str_dup(type), *alias = str_format("fs-%s", type);
	autofree char *release = NULL;
	autodrivertree struct driver_tree tree = {.fd = -1};
	autostrv struct strv wanted = {0}, found = {0};

	alias_normalize(name);
	alias_normalize(alias);
	add_loaded(root, name, ret);
	if (root_read_line(root, "/proc/sys/kernel/osrelease", &release, NULL) < 0 ||
	    driver_tree_open(root, release, &tree, NULL) < 0)
		return;
	strv_add(&wanted, alias);
	driver_tree_match(&tree, &wanted, &found);
	for (size_t i = 0; i < found.count; i++)
		add_loaded(root, found.items[i], ret);
}

int root_chain_modules(const struct root *root, struct strv *ret, struct error *err)
{
	autodevices struct device_list devices = {0};
	autoclaims struct device_claims claims = {0};
	autostrv struct strv found = {0};
	int r = devices_probe(root, &devices, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < devices.count; i++)
		if (devices.items[i].use == MODULE_USE_ROOT && !devices.items[i].built_in)
			strv_add(&found, devices.items[i].module);
	device_claims_gather(root, &claims);
	for (size_t i = 0; i < claims.count; i++)
		if (claims.items[i].use == MODULE_USE_ROOT && !claims.items[i].by_driver)
			add_layers(root, claims.items[i].path, &found);
	if (claims.root_type)
		add_type(root, claims.root_type, &found);
	state_unique(&found);
	for (size_t i = 0; i < found.count; i++)
		strv_add(ret, found.items[i]);
	return 0;
}
