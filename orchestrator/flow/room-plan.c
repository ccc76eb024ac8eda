/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Everything that a transaction writes, as demands: packages, what their scripts make,
 * the initramfs and its generator at work, the generation, kuro's own records.
 */
#include <string.h>

#include "act/initramfs.h"
#include "base/cleanup.h"
#include "probe/boot-files.h"
#include "probe/kernels.h"
#include "room-parts.h"

#define MEBIBYTE ((uint64_t)1 << 20)
#define RECORDS  "/var/lib/kuro"
#define GRUB_CFG "/boot/grub/grub.cfg"

/* The database, its journal, what programs print. */
#define RECORDS_ROOM (4 * MEBIBYTE)
/* An entry more in grub.cfg: submenu and recovery. */
#define GRUB_ENTRY ((uint64_t)8 << 10)
/* A newer kernel has more modules, and longer lists of them. */
#define DEPMOD_PART  120
#define DEPMOD_WHOLE 100
/* boot.cfg, sums, manifest.json and the directory. */
#define GENERATION_FILES 4

void room_done(struct room *room)
{
	kernel_list_done(&room->kernels);
	space_plan_done(&room->plan);
}

int room_put(struct room *room, const struct room_demand *demand, struct error *err)
{
	struct space_demand added = {
		.what = (char *)(uintptr_t)demand->what, /* copied */
		.bytes = demand->bytes,
		.inodes = demand->inodes,
		.temporary = demand->temporary,
		.measured = demand->measured,
		.phase = demand->phase,
	};
	int r = space_place(room->machine->root, demand->path, &room->plan, &added.space,
			    err);

	if (r == 0)
		space_plan_add(&room->plan, &added);
	return r;
}

void room_put_tally(struct room *room, const char *what, const struct space_tally *tally,
		    bool measured, int phase)
{
	for (size_t i = 0; i < tally->count; i++) {
		const struct space_demand demand = {
			.what = (char *)(uintptr_t)what, /* copied */
			.space = i,
			.bytes = tally->items[i].bytes,
			.inodes = tally->items[i].inodes,
			.temporary = phase >= 0,
			.measured = measured,
			.phase = phase,
		};

		space_plan_add(&room->plan, &demand);
	}
}

static bool same_flavour(const char *a, const char *b)
{
	autofree char *first = str_format("linux-%s", a);
	autofree char *second = str_format("linux-%s", b);

	return package_is_sibling(first, second);
}

/* The newest with an initramfs, of the release's own flavour where there is one. */
static const struct kernel *kernel_like(const struct kernel_list *kernels,
					const char *release)
{
	const struct kernel *any = NULL;

	for (size_t i = 0; i < kernels->count; i++) {
		const struct kernel *kernel = &kernels->items[i];

		if (!kernel->image.path || str_eq(kernel->release, release))
			continue;
		if (kernel->initramfs.path && release &&
		    same_flavour(kernel->release, release))
			return kernel;
		if (!any || (!any->initramfs.path && kernel->initramfs.path))
			any = kernel;
	}
	return any;
}

int room_look(struct room *room, struct error *err)
{
	int r = kernels_probe(room->machine->root, false, &room->kernels, err);

	if (r == 0)
		r = kernels_probe_packages(room->machine->root, &room->kernels, err);
	if (r == 0)
		room->like = kernel_like(&room->kernels, room->release);
	return r;
}

/* The file systems that are shown even where nothing is written. */
static int room_places(struct room *room, struct error *err)
{
	autofree char *block = boot_files_env_path(room->machine->root);
	const char *const boot[] = {"/boot", BOOT_GENERATIONS, block};
	size_t space;
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(boot); i++) {
		r = space_place(room->machine->root, boot[i], &room->plan, &space, err);
		if (r == 0)
			room->plan.spaces[space].boot = true;
	}
	return r;
}

/* What depmod makes beside the package's modules, as in the tree of the one that is like
 * it. */
static int room_depmod(struct room *room, struct error *err)
{
	autofree char *tree =
		room->like ? str_format("/usr/lib/modules/%s", room->like->release)
			   : NULL;
	static const char *const owned[] = {"modules.order", "modules.builtin",
					    "modules.builtin.modinfo"};
	struct room_demand made = {.what = "module indexes", .path = "/usr/lib/modules"};
	autostrv struct strv names = {0};

	if (tree && root_list(room->machine->root, tree, &names, NULL) < 0)
		return 0;
	for (size_t i = 0; i < names.count; i++) {
		autofree char *path = str_format("%s/%s", tree, names.items[i]);
		bool package = false;
		struct stat st;

		for (size_t k = 0; k < ARRAY_LEN(owned); k++)
			package |= str_eq(names.items[i], owned[k]);
		if (package || !str_starts(names.items[i], "modules.") ||
		    root_lstat(room->machine->root, path, &st) < 0)
			continue;
		made.bytes = space_sum(made.bytes, (uint64_t)st.st_size);
		made.inodes++;
	}
	made.bytes = space_scale(made.bytes, DEPMOD_PART, DEPMOD_WHOLE);
	return room_put(room, &made, err);
}

/* Bytes that a generation takes of its own for a file of that size at path. */
static int generation_copy(struct room *room, const char *path, uint64_t size,
			   bool renamed, uint64_t *ret, struct error *err)
{
	const struct root *root = room->machine->root;
	const struct space *s;
	size_t here, there;
	int r = space_place(root, BOOT_GENERATIONS, &room->plan, &here, err);

	if (r == 0)
		r = space_place(root, path, &room->plan, &there, err);
	if (r != 0)
		return r;
	s = &room->plan.spaces[here];
	*ret = here == there && (s->shares || (s->links && renamed)) ? 0 : size;
	return 0;
}

static int room_generation(struct room *room, const struct kernel *there,
			   uint64_t initramfs, struct error *err)
{
	const struct root *root = room->machine->root;
	const struct kernel *model = there && there->image.size ? there : room->like;
	const char *image = there && there->image.path ? there->image.path : "/boot";
	struct room_demand files = {.what = "generation", .path = BOOT_GENERATIONS};
	uint64_t copies[2] = {0};
	size_t space;
	int r = space_place(root, BOOT_GENERATIONS, &room->plan, &space, err);

	if (r == 0)
		r = generation_copy(room, image, model ? model->image.size : 0, true,
				    &copies[0], err);
	if (r == 0)
		r = generation_copy(room, "/boot", initramfs,
				    distribution_generator(root) ==
					    GENERATOR_INITRAMFS_TOOLS,
				    &copies[1], err);
	if (r < 0)
		return r;
	files.bytes = GENERATION_FILES * room->plan.spaces[space].block;
	files.inodes = GENERATION_FILES;
	for (size_t i = 0; i < ARRAY_LEN(copies); i++) {
		files.bytes = space_sum(files.bytes, copies[i]);
		files.inodes += copies[i] > 0;
	}
	files.measured = there != NULL;
	return room_put(room, &files, err);
}

/* grub.cfg is written beside itself; kuro's database and logs grow. */
static int room_records(struct room *room, struct error *err)
{
	struct room_demand menu = {.what = "grub.cfg beside the one it replaces",
				   .path = GRUB_CFG,
				   .inodes = 1,
				   .temporary = true,
				   .phase = ROOM_GENERATION};
	const struct room_demand records = {.what = "kuro's records",
					    .path = RECORDS,
					    .bytes = RECORDS_ROOM};
	struct stat st;
	int r = 0;

	if (root_stat(room->machine->root, GRUB_CFG, &st) == 0) {
		menu.bytes = space_sum((uint64_t)st.st_size, GRUB_ENTRY);
		r = room_put(room, &menu, err);
	}
	return r < 0 ? r : room_put(room, &records, err);
}

static int room_fill(struct room *room, const struct package_plan *plan,
		     struct error *err)
{
	const struct kernel *there = kernel_find(&room->kernels, room->release);
	uint64_t initramfs = 0;
	int r = 0;

	if (plan) {
		r = room_packages(room, plan, err);
		if (r == 0)
			r = room_depmod(room, err);
	}
	if (r == 0)
		r = room_initramfs(room, there, &initramfs, err);
	if (r == 0)
		r = room_generation(room, there, initramfs, err);
	return r < 0 ? r : room_records(room, err);
}

static int room_begin(struct room *room, struct error *err)
{
	int r = room_look(room, err);

	room->plan.reserve = space_product((uint64_t)policy_number(room->machine->policy,
								   POLICY_ROOM_RESERVE),
					   MEBIBYTE);
	return r < 0 ? r : room_places(room, err);
}

static void room_give(struct room *room, struct space_plan *ret)
{
	*ret = room->plan;
	room->plan = (struct space_plan){0};
}

int room_plan(const struct machine *machine, const struct room_task *task,
	      struct space_plan *ret, struct error *err)
{
	cleanup(room_done) struct room room = {.machine = machine,
					       .release = task->release,
					       .lists = task->lists,
					       .foreign = task->foreign,
					       .triggers = task->triggers};
	int r = room_begin(&room, err);

	if (r == 0)
		r = room_fill(&room, task->plan, err);
	if (r < 0)
		return error_prefix(err, r, "reckoning the room for %s", task->release);
	room_give(&room, ret);
	return 0;
}

/* No release that is installed: what it brings is all new. */
int room_plan_next(const struct machine *machine, struct space_plan *ret,
		   struct error *err)
{
	cleanup(room_done) struct room room = {.machine = machine};
	uint64_t initramfs = 0;
	int r = room_begin(&room, err);

	if (r < 0)
		return r;
	if (!room.like)
		return error_set(err, -ENOENT, "no kernel is installed to measure by");
	room.release = "next";
	r = room_packages_again(&room, err);
	if (r == 0)
		r = room_depmod(&room, err);
	if (r == 0)
		r = room_initramfs(&room, NULL, &initramfs, err);
	if (r == 0)
		r = room_generation(&room, NULL, initramfs, err);
	if (r == 0)
		r = room_records(&room, err);
	if (r < 0)
		return r;
	room_give(&room, ret);
	return 0;
}
