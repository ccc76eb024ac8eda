/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether another release has a driver for the devices that are bound now. Names alone
 * tell it, so the rule is made to raise no alarm on a machine that is fine: a driver's
 * name is not its module's, built-in drivers have no aliases before recent kernels, and a
 * module of today is built in tomorrow.
 */
#include "probe/devices.h"

#include <string.h>

#include "alias-match.h"
#include "driver-tree.h"

#define BUILT_IN "built in"

struct cover {
	struct driver_tree *target;
	struct driver_tree old;
	const struct cover_terms *terms;
	struct strv wanted; /* the devices' modaliases, sorted, each once */
	/* for each of them, modules that have it; modprobe.d's own aliases come first */
	struct strv *in_target, *in_old, *in_config;
};

void driver_names_done(struct driver_names *names)
{
	strv_done(&names->aliases);
	strv_done(&names->modules);
	strv_done(&names->built_in);
}

static void cover_done(struct cover *cover)
{
	for (size_t i = 0; i < cover->wanted.count; i++) {
		strv_done(&cover->in_target[i]);
		strv_done(&cover->in_old[i]);
		strv_done(&cover->in_config[i]);
	}
	free(cover->in_target);
	free(cover->in_old);
	free(cover->in_config);
	strv_done(&cover->wanted);
	driver_tree_done(&cover->old);
}

/* The devices' modaliases as modprobe compares them. */
static void wanted_gather(const struct device_list *list, struct strv *ret)
{
	struct strv all = {0};
	const char *last = NULL;

	for (size_t i = 0; i < list->count; i++) {
		char *alias = str_dup(list->items[i].modalias);

		alias_normalize(alias);
		strv_add_take(&all, alias);
	}
	strv_sort(&all);
	for (size_t i = 0; i < all.count; i++) {
		if (*all.items[i] && !str_eq(all.items[i], last))
			strv_add(ret, all.items[i]);
		last = all.items[i];
	}
	strv_done(&all);
}

/* Modules with the device's modalias among those that were found; NULL for none. */
static const struct strv *found_for(const struct cover *cover, const struct strv *found,
				    const char *modalias)
{
	autofree char *alias = str_dup(modalias);
	size_t low = 0, high = cover->wanted.count;

	alias_normalize(alias);
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int r = strcmp(cover->wanted.items[middle], alias);

		if (r == 0)
			return &found[middle];
		if (r < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* Today, be it for this device or not. */
static bool is_loaded(const struct cover *cover, const char *name,
		      const struct device *device)
{
	const struct strv *loaded = cover->terms->loaded;

	return (!device->built_in && str_eq(device->module, name)) ||
	       (loaded && strv_has(loaded, name));
}

/* Would the target's boot load that module for the device? */
static bool is_let_load(const struct cover *cover, const char *name,
			const struct device *device)
{
	const struct cover_terms *terms = cover->terms;

	if (terms->barred && strv_has(terms->barred, name))
		return false;
	return !terms->config ||
	       modprobe_autoloads(terms->config, name, is_loaded(cover, name, device));
}

/* What to say covers a device where the target has that module and would load it. */
static const char *cover_by_name(const struct cover *cover, const char *name,
				 const struct device *device)
{
	const struct strv *extra = cover->terms->extra;
	const struct driver_name *there =
		name ? driver_tree_find(cover->target, name) : NULL;
	bool added = name && extra && strv_has(extra, name);

	if (there && there->built_in && !added)
		return BUILT_IN;
	if ((!there && !added) || !is_let_load(cover, name, device))
		return NULL;
	if (added)
		return name;
	return there->third_party && extra ? NULL : there->name;
}

/*
 * The module is there under its name, but no longer for this device: it had the modalias
 * and does not have it; another may. Only where modaliases are ids of hardware,
 * which come from the tables that drivers are bound by. A built-in driver may have no
 * aliases, and a module that is to be built has none yet.
 */
static bool has_dropped(const struct cover *cover, const char *name,
			const struct device *device)
{
	const char *alias = device->modalias;
	const struct strv *old = found_for(cover, cover->in_old, alias);
	const struct strv *now = found_for(cover, cover->in_target, alias);
	const struct driver_name *there = driver_tree_find(cover->target, name);
	const struct strv *extra = cover->terms->extra;

	if (!str_starts(alias, "pci:") && !str_starts(alias, "usb:"))
		return false;
	return there && !there->built_in && !(extra && strv_has(extra, name)) && old &&
	       strv_has(old, name) && now && !strv_has(now, name);
}

static const char *cover_by_staying(const struct cover *cover, const char *name,
				    const struct device *device)
{
	const char *by = cover_by_name(cover, name, device);

	return by && !has_dropped(cover, name, device) ? by : NULL;
}

/* An alias is of a module that is there, also where a package's lists forgot its name. */
static const char *cover_by_found(const struct cover *cover, const struct strv *found,
				  const struct device *device)
{
	for (size_t i = 0; found && i < found->count; i++) {
		const char *name = found->items[i];
		const char *by = cover_by_name(cover, name, device);

		if (by)
			return by;
		if (!driver_tree_find(cover->target, name) &&
		    is_let_load(cover, name, device))
			return name;
	}
	return NULL;
}

/* An alias of modprobe.d hides those of the tree, also where it leads to no module. */
static const char *cover_by_alias(const struct cover *cover, const struct device *device)
{
	const char *alias = device->modalias;
	const struct strv *found = found_for(cover, cover->in_config, alias);

	if (!found || found->count == 0)
		return cover_by_found(cover, found_for(cover, cover->in_target, alias),
				      device);
	for (size_t i = 0; i < found->count; i++) {
		const char *by = cover_by_name(cover, found->items[i], device);

		if (by)
			return by;
	}
	return NULL;
}

/* By what the present release has for it. */
static const char *cover_by_old(const struct cover *cover, const struct device *device)
{
	const struct strv *found = found_for(cover, cover->in_old, device->modalias);
	const char *by = NULL;

	for (size_t i = 0; found && !by && i < found->count; i++)
		by = cover_by_staying(cover, found->items[i], device);
	return by;
}

static bool was_built_in(const struct cover *cover, const char *name)
{
	const struct driver_name *there =
		name ? driver_tree_find(&cover->old, name) : NULL;

	return there && there->built_in;
}

/*
 * A driver in today's image that no module of today's kernel is named for is core code:
 * it has no name that could be looked for, and the next kernel has it too.
 */
static bool is_core(const struct cover *cover, const struct device *device,
		    const char *driver)
{
	const struct strv *old = found_for(cover, cover->in_old, device->modalias);

	if (!device->built_in || was_built_in(cover, driver) ||
	    was_built_in(cover, device->module))
		return false;
	for (size_t i = 0; old && i < old->count; i++)
		if (was_built_in(cover, old->items[i]))
			return false;
	return true;
}

static void cover_one(const struct cover *cover, struct device *device)
{
	autofree char *driver = str_dup(device->driver);
	const char *by;

	alias_normalize(driver);
	by = cover_by_staying(cover, device->module, device);
	if (!by)
		by = cover_by_staying(cover, driver, device);
	if (!by)
		by = cover_by_alias(cover, device);
	if (!by)
		by = cover_by_old(cover, device);
	if (!by && is_core(cover, device, driver))
		by = BUILT_IN;
	free(device->by);
	device->by = str_dup(by);
	device->covered = by != NULL;
}

static void cover_all(const struct root *root, const char *old_release,
		      struct driver_tree *target, const struct cover_terms *terms,
		      struct device_list *list)
{
	static const struct cover_terms none;
	cleanup(cover_done) struct cover cover = {.target = target,
						  .terms = terms ? terms : &none};
	const struct modprobe_config *config = cover.terms->config;

	/* A running kernel whose tree is gone only leaves fewer names to look for. */
	(void)driver_tree_open(root, old_release, &cover.old, NULL);
	wanted_gather(list, &cover.wanted);
	cover.in_target = mem_zalloc(cover.wanted.count * sizeof(*cover.in_target));
	cover.in_old = mem_zalloc(cover.wanted.count * sizeof(*cover.in_old));
	cover.in_config = mem_zalloc(cover.wanted.count * sizeof(*cover.in_config));
	driver_tree_match(target, &cover.wanted, cover.in_target);
	driver_tree_match(&cover.old, &cover.wanted, cover.in_old);
	if (config)
		driver_aliases_match(&config->aliases, &cover.wanted, cover.in_config);
	for (size_t i = 0; i < list->count; i++)
		cover_one(&cover, &list->items[i]);
}

int devices_cover(const struct root *root, const char *old_release, const char *release,
		  const struct cover_terms *terms, struct device_list *list,
		  struct error *err)
{
	autodrivertree struct driver_tree target;
	int r = driver_tree_open(root, release, &target, err);

	if (r < 0)
		return error_prefix(err, r, "drivers of %s", release);
	cover_all(root, old_release, &target, terms, list);
	return 0;
}

int devices_cover_names(const struct root *root, const char *old_release,
			const struct driver_names *names, const struct cover_terms *terms,
			struct device_list *list, struct error *err)
{
	autodrivertree struct driver_tree target;

	(void)err; /* lists can't be wrong, and today's tree may be absent */
	driver_tree_of(names, &target);
	cover_all(root, old_release, &target, terms, list);
	return 0;
}
