/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What third-party modules ask modprobe to load before them. It goes on without, and the
 * module may fail when it starts: libcrc32c does where nothing gives it crc32c. The names
 * are modules' or aliases, so they are looked for as a device's driver is.
 */
#include "vet-parts.h"

#include "base/cleanup.h"

struct softdeps {
	struct device_list target, now;      /* each name, in either kernel */
	const struct compat_module **askers; /* of target.items */
};

static void softdeps_done(struct softdeps *deps)
{
	device_list_done(&deps->target);
	device_list_done(&deps->now);
	free(deps->askers);
}

static void name_add(struct device_list *list, const char *name)
{
	list->items[list->count++] = (struct device){.path = str_dup(name),
						     .modalias = str_dup(name),
						     .driver = str_dup(name),
						     .module = str_dup(name)};
}

static size_t softdeps_count(const struct vet *vet)
{
	const struct compat_set *set = &vet->report->modules;
	size_t count = 0;

	for (size_t i = 0; i < set->count; i++)
		if (set->items[i].file)
			count += set->items[i].file->softdeps_pre.count +
				 vet->config.softdeps.count;
	return count;
}

/* The judge has spoken of those that a third-party module stands for. */
static void softdeps_of(const struct vet *vet, const struct compat_module *item,
			struct softdeps *ret)
{
	const struct strv *own = &item->file->softdeps_pre;
	autostrv struct strv names = {0};

	for (size_t i = 0; i < own->count; i++)
		strv_add(&names, own->items[i]);
	modprobe_softdeps(&vet->config, item->known->name, &names);
	for (size_t i = 0; i < names.count; i++) {
		autofree char *name = module_name_of(names.items[i]);

		if (vet_judged(vet, name))
			continue;
		ret->askers[ret->target.count] = item;
		name_add(&ret->target, names.items[i]);
		name_add(&ret->now, names.items[i]);
	}
}

static void softdeps_collect(const struct vet *vet, struct softdeps *ret)
{
	const struct compat_set *set = &vet->report->modules;
	size_t count = softdeps_count(vet) + 1;

	ret->target.items = mem_zalloc(count * sizeof(*ret->target.items));
	ret->now.items = mem_zalloc(count * sizeof(*ret->now.items));
	ret->askers = mem_zalloc(count * sizeof(const struct compat_module *));
	for (size_t i = 0; i < set->count; i++)
		if (set->items[i].file && set->items[i].verdict != COMPAT_FAILS)
			softdeps_of(vet, &set->items[i], ret);
}

/* What the running kernel lacks too is nothing that the target takes away. */
void vet_weigh_softdeps(struct vet *vet)
{
	cleanup(softdeps_done) struct softdeps deps = {0};
	const char *running = vet->running;
	const struct cover_terms today = {.config = &vet->config,
					  .loaded = &vet->report->abi.loaded};

	softdeps_collect(vet, &deps);
	if (!running || deps.target.count == 0 ||
	    vet_cover(vet, &deps.target, NULL) < 0 ||
	    devices_cover(vet->machine->root, running, running, &today, &deps.now, NULL) <
		    0)
		return;
	for (size_t i = 0; i < deps.target.count; i++)
		if (deps.now.items[i].covered && !deps.target.items[i].covered)
			vet_find(vet, VET_WARNING,
				 "module %s asks for %s to be loaded before it, which "
				 "%s has no module for: it may fail when it starts",
				 deps.askers[i]->known->name, deps.target.items[i].path,
				 vet->report->release);
}
