/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What retention decides on, gathered from the machine: kernels with their packages,
 * generations, left-overs. Changes nothing.
 */
#include <time.h>

#include "act/lock.h"
#include "base/cleanup.h"
#include "probe/boot-names.h"
#include "probe/kernels.h"
#include "prune-parts.h"

#define MIB ((uint64_t)1024 * 1024)

void prune_done(struct prune *prune)
{
	inventory_done(&prune->inv);
	kernel_package_list_done(&prune->packages);
	left_over_list_done(&prune->left_overs);
	retention_set_done(&prune->set);
	*prune = (struct prune){0};
}

void prune_take_set(struct prune *prune, struct retention_set *ret)
{
	retention_set_done(ret);
	*ret = prune->set;
	prune->set = (struct retention_set){0};
}

static struct retention_item *set_add(struct retention_set *set, enum retention_kind kind)
{
	struct retention_item *item;

	set->items = mem_regrow(set->items, set->count + 1, sizeof(*set->items));
	item = &set->items[set->count++];
	*item = (struct retention_item){.kind = kind};
	return item;
}

/* A tree that lies on the file system of /boot goes with its kernel there. */
static uint64_t tree_share(const struct root *root, const struct kernel *kernel)
{
	struct stat boot, tree;

	if (!kernel->modules || root_stat(root, "/boot", &boot) < 0 ||
	    root_stat(root, kernel->modules, &tree) < 0 || boot.st_dev != tree.st_dev)
		return 0;
	return kernel_tree_room(root, kernel->modules);
}

/* What it frees where module trees lie, if that is another file system than /boot's and
 * if it is asked for. path: a directory, or NULL. */
static uint64_t room_elsewhere(const struct prune *p, const char *path)
{
	const struct root *root = p->machine->root;
	struct stat boot, trees, there;

	if (p->need.trees == 0 || !path || root_stat(root, "/boot", &boot) < 0 ||
	    root_stat(root, "/usr/lib/modules", &trees) < 0 ||
	    root_stat(root, path, &there) < 0 || there.st_dev != trees.st_dev ||
	    there.st_dev == boot.st_dev)
		return 0;
	return kernel_tree_room(root, path);
}

static int64_t changed_at(const struct root *root, const char *path)
{
	struct stat st;

	return path && root_stat(root, path, &st) == 0 ? (int64_t)st.st_mtim.tv_sec : 0;
}

static void add_kernel(struct prune *p, const struct kernel *kernel)
{
	const struct root *root = p->machine->root;
	struct retention_item *item;
	bool packaged = kernel->package, held = false;

	for (size_t i = 0; i < p->packages.count; i++) {
		if (!kernel_package_is_of(&p->packages.items[i], kernel->release))
			continue;
		packaged = true;
		held |= p->packages.items[i].held;
	}
	if (!kernel->image.path && !packaged && !kernel->running)
		return; /* a module tree alone is a left-over, or nobody knows what */
	item = set_add(&p->set, RETENTION_KERNEL);
	item->name = str_dup(kernel->release);
	item->release = str_dup(kernel->release);
	item->running = kernel->running || str_eq(kernel->release, p->inv.boot.release);
	item->packaged = packaged;
	item->held = held;
	item->bare = !kernel->image.path;
	item->needed = str_eq(kernel->release, p->need.release);
	item->room = boot_names_room(root, kernel->release) + tree_share(root, kernel);
	item->tree = room_elsewhere(p, kernel->modules);
	item->created = changed_at(root, kernel->image.path ? kernel->image.path
							    : kernel->modules);
}

static void add_generation(struct prune *p, const struct inventory_generation *g)
{
	const struct boot_block *block = &p->inv.block;
	struct retention_item *item = set_add(&p->set, RETENTION_GENERATION);
	const char *release = g->readable ? g->manifest.release : g->record.release;

	item->name = str_format("%u", g->number);
	item->generation = g->number;
	item->release = str_dup(release);
	item->room = g->room;
	item->created = g->readable ? g->manifest.created : g->record.created;
	item->running = p->inv.boot.generation == g->number;
	item->good = block->good == g->number;
	item->previous = block->previous == g->number;
	item->trial = block->trial == g->number;
	item->pinned = g->record.pinned;
	item->proven = g->record.proven || item->good || item->previous;
}

static void add_left_over(struct prune *p, const struct left_over *left)
{
	struct retention_item *item = set_add(&p->set, RETENTION_LEFTOVER);

	item->leftover = left->kind;
	item->name = str_dup(left->path);
	item->release = str_dup(left->release);
	item->room = left->room;
	item->tree = room_elsewhere(p, left->path);
	item->created = left->created;
}

static bool generation_is_of(const struct inventory_generation *g, const char *release)
{
	return str_eq(g->readable ? g->manifest.release : g->record.release, release);
}

/* Newest release first, each kernel with its generations behind it; left-overs last. */
static void add_all(struct prune *p)
{
	autofree bool *added = mem_zalloc(p->inv.generation_count + 1);

	for (size_t k = 0; k < p->inv.kernels.count; k++) {
		const struct kernel *kernel = &p->inv.kernels.items[k];

		add_kernel(p, kernel);
		for (size_t g = 0; g < p->inv.generation_count; g++) {
			if (added[g] ||
			    !generation_is_of(&p->inv.generations[g], kernel->release))
				continue;
			added[g] = true;
			add_generation(p, &p->inv.generations[g]);
		}
	}
	for (size_t g = 0; g < p->inv.generation_count; g++)
		if (!added[g])
			add_generation(p, &p->inv.generations[g]);
	for (size_t i = 0; i < p->left_overs.count; i++)
		add_left_over(p, &p->left_overs.items[i]);
}

/* going: NULL, or releases whose packages count as gone. */
static void find_left_overs(const struct prune *p, const struct strv *going,
			    struct left_over_list *ret)
{
	autostrv struct strv needed = {0};
	const struct left_over_question question = {
		.root = p->machine->root,
		.kernels = &p->inv.kernels,
		.packages = &p->packages,
		.needed = &needed,
		.going = going,
		.alone = p->view != PRUNE_LOOKING || !lock_held(p->machine->root, NULL),
		.urgent = p->view == PRUNE_URGENT,
		.now = (int64_t)time(NULL),
	};

	if (p->inv.boot.release)
		strv_add(&needed, p->inv.boot.release);
	for (size_t i = 0; i < p->inv.generation_count; i++)
		if (p->inv.generations[i].readable)
			strv_add(&needed, p->inv.generations[i].manifest.release);
	left_overs_probe(&question, ret);
}

static const struct left_over *left_over_known(const struct left_over_list *list,
					       const char *path)
{
	for (size_t i = 0; i < list->count; i++)
		if (str_eq(list->items[i].path, path))
			return &list->items[i];
	return NULL;
}

void prune_foretell(struct prune *p)
{
	autostrv struct strv going = {0};
	autoleftovers struct left_over_list after = {0};

	for (size_t i = 0; i < p->set.count; i++)
		if (p->set.items[i].kind == RETENTION_KERNEL && p->set.items[i].removed &&
		    p->set.items[i].packaged)
			strv_add(&going, p->set.items[i].name);
	if (going.count == 0)
		return;
	find_left_overs(p, &going, &after);
	for (size_t i = 0; i < after.count; i++) {
		const struct left_over *left = &after.items[i];

		if (!left->release || left->kind == LEFTOVER_UNKNOWN ||
		    left_over_known(&p->left_overs, left->path))
			continue;
		for (size_t k = 0; k < p->set.count; k++)
			if (p->set.items[k].kind == RETENTION_KERNEL &&
			    p->set.items[k].removed &&
			    str_eq(p->set.items[k].name, left->release))
				strv_add(&p->set.items[k].leaves, left->path);
	}
}

bool prune_in_charge(const struct prune *p)
{
	return p->inv.block_present && p->inv.block.good > 0;
}

static int check_block(const struct prune *p, struct error *err)
{
	if (p->inv.block_damaged)
		return error_set(err, -ERROR_DAMAGED, "%s; run: kuro recover",
				 p->inv.block_problem);
	if (!prune_in_charge(p) && p->view != PRUNE_URGENT)
		return error_set(err, -ERROR_REFUSED,
				 "no boot of this machine is known to be good, so that "
				 "nothing may go; run: kuro setup");
	return 0;
}

int prune_gather(struct prune *p, struct error *err)
{
	int r = inventory_gather(p->machine,
				 INVENTORY_KERNELS | INVENTORY_PACKAGES |
					 INVENTORY_MANIFESTS,
				 &p->inv, err);

	if (r == 0)
		r = check_block(p, err);
	if (r == 0)
		r = kernel_packages_probe(p->machine->root, &p->packages, err);
	if (r < 0)
		return r;
	find_left_overs(p, NULL, &p->left_overs);
	add_all(p);
	return 0;
}

void prune_decide(struct prune *p)
{
	const struct policy *policy = p->machine->policy;
	const struct retention_rules rules = {
		.keep = policy_strings(policy, POLICY_RETENTION_KEEP),
		.remove = policy_strings(policy, POLICY_RETENTION_REMOVE),
		.max_releases =
			(unsigned int)policy_number(policy,
						    POLICY_RETENTION_MAX_RELEASES),
		.max_room =
			(uint64_t)policy_number(policy, POLICY_RETENTION_MAX_ROOM) * MIB,
		.max_days =
			(unsigned int)policy_number(policy, POLICY_RETENTION_MAX_DAYS),
		.wanted = p->need.boot,
		.wanted_trees = p->need.trees,
		.now = (int64_t)time(NULL),
	};

	retention_decide(&rules, &p->set);
}

void prune_decide_strictly(struct prune *p)
{
	static const struct strv nothing = {0};
	const struct retention_rules rules = {
		.keep = &nothing,
		.remove = policy_strings(p->machine->policy, POLICY_RETENTION_REMOVE),
		.max_releases = 1,
		.wanted = UINT64_MAX,
		.now = (int64_t)time(NULL),
	};

	retention_decide(&rules, &p->set);
}

int prune_plan(const struct machine *machine, const struct prune_need *need,
	       struct retention_set *ret, struct error *err)
{
	autoprune struct prune p = {.machine = machine, .view = PRUNE_LOOKING};
	int r;

	if (need)
		p.need = *need;
	if (p.need.locked)
		p.view = PRUNE_LOCKED;
	r = prune_gather(&p, err);
	if (r < 0)
		return r;
	prune_decide(&p);
	prune_take_set(&p, ret);
	return 0;
}

int prune_preview(const struct machine *machine, struct retention_set *ret,
		  struct error *err)
{
	autoprune struct prune p = {.machine = machine, .view = PRUNE_LOOKING};
	int r = prune_gather(&p, err);

	if (r < 0)
		return r;
	prune_decide(&p);
	prune_kernels_check(&p);
	prune_foretell(&p);
	prune_take_set(&p, ret);
	return 0;
}
