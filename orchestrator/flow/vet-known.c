/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which third-party modules this machine has: those of the running and of the good
 * generation's release, those that are loaded, and those of the target's own tree, which
 * the others may need. One entry for each name, with the worst use of it.
 */
#include "vet-parts.h"

#include <string.h>

#include "base/cleanup.h"
#include "core/manifest.h"
#include "probe/boot-files.h"
#include "probe/kernels.h"
#include "probe/this-boot.h"

/* Entries as they were found; the earlier lists know better. */
struct known_item {
	struct third_party module;
	size_t rank;
};

struct known {
	struct known_item *items;
	size_t count;
};

static int by_name(const void *a, const void *b)
{
	const struct third_party *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int by_name_and_rank(const void *a, const void *b)
{
	const struct known_item *x = a, *y = b;
	int order = strcmp(x->module.name, y->module.name);

	return order ? order : (x->rank > y->rank) - (x->rank < y->rank);
}

const struct third_party *vet_third_party(const struct third_party_list *list,
					  const char *name)
{
	const struct third_party key = {.name = (char *)(uintptr_t)name};

	if (list->count == 0)
		return NULL;
	return bsearch(&key, list->items, list->count, sizeof(key), by_name);
}

static void third_party_one_done(struct third_party *module)
{
	struct third_party_list one = {.items = mem_zalloc(sizeof(*module)), .count = 1};

	*one.items = *module;
	third_party_list_done(&one);
	*module = (struct third_party){0};
}

/* What its signature says stays with the original. */
static struct third_party third_party_copy(const struct third_party *from)
{
	return (struct third_party){
		.name = str_dup(from->name),
		.path = str_dup(from->path),
		.release = str_dup(from->release),
		.built_for = str_dup(from->built_for),
		.version = str_dup(from->version),
		.package = str_dup(from->package),
		.provider = from->provider,
		.use = from->use,
		.user = str_dup(from->user),
	};
}

/* Take every module of the list; the list is empty afterwards. */
static void known_take(struct known *known, struct third_party_list *list)
{
	known->items = mem_regrow(known->items, known->count + list->count + 1,
				  sizeof(*known->items));
	for (size_t i = 0; i < list->count; i++) {
		known->items[known->count] = (struct known_item){
			.module = list->items[i],
			.rank = known->count,
		};
		known->count++;
	}
	free(list->items);
	*list = (struct third_party_list){0};
}

static void known_copy(const struct third_party_list *from, struct third_party_list *ret)
{
	ret->items = mem_zalloc((from->count + 1) * sizeof(*ret->items));
	for (size_t i = 0; i < from->count; i++)
		ret->items[i] = third_party_copy(&from->items[i]);
	ret->count = from->count;
}

/* Two entries of one module: a file is better than none, the worst use counts. */
static void known_fold(struct third_party *kept, struct third_party *other)
{
	bool worse = other->use < kept->use, better = !kept->path && other->path;
	struct third_party dropped = better ? *kept : *other;

	if (better)
		*kept = *other;
	/* the worst use, with who it is, goes to the one that stays */
	if (worse != better) {
		enum module_use use = kept->use;
		char *user = kept->user;

		kept->use = dropped.use;
		kept->user = dropped.user;
		dropped.use = use;
		dropped.user = user;
	}
	third_party_one_done(&dropped);
}

/* list is sorted, and so is what comes. */
static void list_take(struct third_party_list *list, const struct third_party *module)
{
	struct third_party other = *module;

	if (list->count > 0 && str_eq(list->items[list->count - 1].name, module->name))
		known_fold(&list->items[list->count - 1], &other);
	else
		list->items[list->count++] = other;
}

/* Those that the policy ignores are kept apart: others may need them. */
static void known_finish(struct vet *vet, struct known *known)
{
	const struct strv *ignored =
		policy_strings(vet->machine->policy, POLICY_MODULES_IGNORED);
	struct vet_report *report = vet->report;

	report->known.items =
		mem_zalloc((known->count + 1) * sizeof(*report->known.items));
	report->ignored.items =
		mem_zalloc((known->count + 1) * sizeof(*report->ignored.items));
	if (known->count > 1)
		qsort(known->items, known->count, sizeof(*known->items),
		      by_name_and_rank);
	for (size_t i = 0; i < known->count; i++) {
		const struct third_party *module = &known->items[i].module;

		list_take(policy_module_fits(ignored, module->name) ? &report->ignored
								    : &report->known,
			  module);
	}
	free(known->items);
}

/* A release that has no tree has no modules. */
static int known_probe(struct vet *vet, const char *release, struct third_party_list *ret,
		       struct error *err)
{
	struct error local = {0};
	int r;

	if (vet->installed && str_eq(release, vet->report->release)) {
		known_copy(&vet->report->there, ret);
		return 0;
	}
	r = third_party_probe(vet->machine->root, release, ret, &local);
	if (r < 0 && r != -ENOENT)
		return error_set(err, r, "%s", local.message);
	return 0;
}

/* Those of the target itself are copies, which have no file: its names are in there. */
static int known_add_loaded(struct vet *vet, const char *release,
			    struct third_party_list *list, struct error *err)
{
	bool copies = vet->installed && str_eq(release, vet->report->release);
	int r;

	for (size_t i = 0; copies && i < list->count; i++)
		list->items[i].file = vet->report->there.items[i].file;
	r = third_party_probe_loaded(vet->machine->root, list, err);
	for (size_t i = 0; copies && i < list->count; i++)
		list->items[i].file = NULL;
	return r;
}

static int known_add(struct vet *vet, const char *release, struct known *known,
		     struct error *err)
{
	autothirdparty struct third_party_list list = {0};
	int r = known_probe(vet, release, &list, err);

	if (r == 0 && str_eq(release, vet->running))
		r = known_add_loaded(vet, release, &list, err);
	if (r == 0)
		known_take(known, &list);
	return r;
}

/* A machine that does not run, and was never set up: whatever its kernels have. */
static int known_add_installed(struct vet *vet, struct known *known, struct error *err)
{
	autokernels struct kernel_list kernels = {0};
	int r = kernels_probe(vet->machine->root, false, &kernels, err);

	for (size_t i = 0; r == 0 && i < kernels.count; i++)
		if (kernels.items[i].modules)
			r = known_add(vet, kernels.items[i].release, known, err);
	return r;
}

static int known_gather(struct vet *vet, struct known *known, struct error *err)
{
	int r = 0;

	if (vet->depth == VET_DRIFT)
		return 0;
	if (vet->running)
		r = known_add(vet, vet->running, known, err);
	if (r == 0 && vet->good && !str_eq(vet->good, vet->running))
		r = known_add(vet, vet->good, known, err);
	if (r == 0 && !vet->running && !vet->good)
		r = known_add_installed(vet, known, err);
	return r;
}

/* What packages bring may be new here. By their paths, as depmod names modules. */
static void known_add_brought(const struct vet_report *report, struct known *known)
{
	struct third_party_list list = {.count = report->brought_count};

	list.items = mem_zalloc((list.count + 1) * sizeof(*list.items));
	for (size_t i = 0; i < list.count; i++) {
		const struct module_file *file = &report->brought[i];
		struct third_party *module = &list.items[i];

		*module = (struct third_party){
			.name = module_name_of(file->path),
			.release = str_dup(report->release),
			.provider = PROVIDER_PACKAGE,
			.use = MODULE_USE_NONE,
		};
		if (file->version)
			module->version = str_printable(file->version);
		if (file->vermagic)
			module->built_for =
				str_ndup(file->vermagic, strcspn(file->vermagic, " "));
	}
	known_take(known, &list);
}

int vet_know(struct vet *vet, struct error *err)
{
	autothirdparty struct third_party_list copy = {0};
	struct known known = {0};
	struct error local = {0};
	int r = 0;

	if (vet->installed)
		r = third_party_probe(vet->machine->root, vet->report->release,
				      &vet->report->there, &local);
	if (r < 0 && r != -ENOENT)
		return error_set(err, r, "%s", local.message);
	if (vet->report->there.count > 1)
		qsort(vet->report->there.items, vet->report->there.count,
		      sizeof(*vet->report->there.items), by_name);
	r = known_gather(vet, &known, err);
	known_copy(&vet->report->there, &copy);
	known_take(&known, &copy);
	known_add_brought(vet->report, &known);
	known_finish(vet, &known);
	return r;
}

static char *good_release(const struct machine *machine)
{
	automanifest struct manifest m = {0};
	struct boot_block block;

	if (boot_files_read_block(machine->root, &block, NULL) < 0 || block.good == 0 ||
	    boot_files_manifest(machine->root, block.good, &m, NULL) < 0)
		return NULL;
	return str_dup(m.release);
}

int vet_begin(struct vet *vet, const struct machine *machine, struct error *err)
{
	autothisboot struct this_boot boot = {0};
	int r = this_boot_probe(machine->root, &boot, err);

	if (r < 0)
		return r;
	vet->machine = machine;
	vet->running = boot.release && *boot.release ? str_dup(boot.release) : NULL;
	vet->good = good_release(machine);
	return 0;
}

void vet_end(struct vet *vet)
{
	kernel_providers_free(vet->providers);
	modprobe_config_done(&vet->config);
	strv_done(&vet->linked);
	free(vet->running);
	free(vet->good);
}
