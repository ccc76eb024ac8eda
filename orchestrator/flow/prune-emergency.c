/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Room where the package manager can do nothing for want of it. What goes first is what
 * can be made again: left-overs, then initramfs images that no proven boot needs, then
 * generations, then images of kernels. Nothing that a proven boot needs, never the newest
 * kernel's image, never one whose package is half-configured.
 */
#include <string.h>

#include "act/initramfs.h"
#include "act/left-over.h"
#include "base/cleanup.h"
#include "base/process.h"
#include "flow/protect.h"
#include "prune-parts.h"

#define MIB ((uint64_t)1024 * 1024)

struct emergency {
	const struct machine *machine;
	struct prune p;
	bool *easy;        /* of each item: the policy would remove it anyhow */
	uint64_t need;     /* bytes that the package manager is thought to need */
	struct strv lost;  /* releases whose initramfs went */
	struct strv files; /* paths that went */
};

static void emergency_done(struct emergency *e)
{
	prune_done(&e->p);
	free(e->easy);
	strv_done(&e->lost);
	strv_done(&e->files);
}

/* An initramfs as large as the largest here, beside what it takes the place of. */
static uint64_t foreseen_need(const struct emergency *e)
{
	uint64_t largest = 0;

	for (size_t i = 0; i < e->p.inv.kernels.count; i++)
		if (e->p.inv.kernels.items[i].initramfs.room > largest)
			largest = e->p.inv.kernels.items[i].initramfs.room;
	return largest + largest / 4 + MIB;
}

static bool release_is_unfinished(const struct emergency *e, const char *release)
{
	for (size_t i = 0; i < e->p.packages.count; i++)
		if (e->p.packages.items[i].unfinished &&
		    kernel_package_is_of(&e->p.packages.items[i], release))
			return true;
	return false;
}

static bool release_is_newest(const struct emergency *e, const char *release)
{
	for (size_t i = 0; i < e->p.inv.kernels.count; i++)
		if (e->p.inv.kernels.items[i].image.path)
			return str_eq(e->p.inv.kernels.items[i].release, release);
	return false;
}

/* Would removing this name free anything? A generation may hold the same file. */
static bool file_frees(const struct emergency *e, const char *path)
{
	struct stat st;

	return path && root_lstat(e->machine->root, path, &st) == 0 &&
	       S_ISREG(st.st_mode) && st.st_nlink == 1 && st.st_blocks > 0;
}

static int free_file(struct emergency *e, const struct retention_item *item,
		     const char *path, struct error *err)
{
	int r;

	machine_note(e->machine, NOTE_STEP, "removing %s: no proven boot needs it", path);
	r = root_unlink(e->machine->root, path, err);
	if (r < 0)
		return r;
	strv_add(&e->files, path);
	if (!strv_has(&e->lost, item->name))
		strv_add(&e->lost, item->name);
	return 1;
}

/* Each frees what an item has of one kind: 1, or 0: it has none. */
static int free_initramfs(struct emergency *e, struct retention_item *item,
			  struct error *err)
{
	const struct kernel *kernel = kernel_find(&e->p.inv.kernels, item->name);
	const char *path = kernel ? kernel->initramfs.path : NULL;

	if (item->kind != RETENTION_KERNEL || !file_frees(e, path))
		return 0;
	return free_file(e, item, path, err);
}

static int free_generation(struct emergency *e, struct retention_item *item,
			   struct error *err)
{
	int r;

	if (item->kind != RETENTION_GENERATION)
		return 0;
	machine_note(e->machine, NOTE_STEP,
		     "removing generation %s: no proven boot "
		     "needs it",
		     item->name);
	r = prune_generation(e->machine, item->generation, err);
	if (r >= 0)
		item->removed = false; /* not a second time */
	if (r > 0)
		strv_add_take(&e->files, str_format("generation %s", item->name));
	return r;
}

static int free_image(struct emergency *e, struct retention_item *item, struct error *err)
{
	const struct kernel *kernel = kernel_find(&e->p.inv.kernels, item->name);
	const char *path = kernel ? kernel->image.path : NULL;

	if (item->kind != RETENTION_KERNEL || !file_frees(e, path) ||
	    !str_starts(path, "/boot/") || release_is_newest(e, item->name) ||
	    release_is_unfinished(e, item->name))
		return 0;
	return free_file(e, item, path, err);
}

/*
 * The next thing in its order: what the policy removes anyhow before what it would keep,
 * older before newer. 1, or 0: there is nothing left.
 */
static int free_next(struct emergency *e, struct error *err)
{
	static int (*const ways[])(struct emergency *, struct retention_item *,
				   struct error *) = {free_initramfs, free_generation,
						      free_image};
	int r = 0;

	for (size_t way = 0; way < ARRAY_LEN(ways); way++)
		for (size_t n = 2 * e->p.set.count; n-- > 0 && r == 0;) {
			size_t i = n % e->p.set.count;
			struct retention_item *item = &e->p.set.items[i];

			if (item->removed && e->easy[i] == (n >= e->p.set.count))
				r = ways[way](e, item, err);
		}
	return r;
}

/* Until so much is free. 0, or 1: there is nothing left that may go. */
static int free_until(struct emergency *e, struct error *err)
{
	uint64_t now = 0;
	int r = prune_free(e->machine, &now, err);

	while (r == 0 && now < e->need) {
		r = process_interrupted()
			    ? error_set(err, -ERROR_INTERRUPTED, "interrupted")
			    : free_next(e, err);
		if (r == 0)
			return 1;
		if (r > 0)
			r = prune_free(e->machine, &now, err);
	}
	return r;
}

static int repair_refused(const struct emergency *e, const struct error *why,
			  struct error *err)
{
	uint64_t now = 0;

	(void)prune_free(e->machine, &now, NULL); /* a figure for the sentence only */
	return error_set(err, why->code == -ENOSPC ? -ENOSPC : why->code,
			 "all that no proven boot needs is gone from /boot (%llu MiB are "
			 "free), and packages can't be finished: %.400s",
			 (unsigned long long)(now / MIB), why->message);
}

/* Try, and where it is for room, try again with more of it. */
static int repair(struct emergency *e, struct error *err)
{
	struct package_run run = prune_package_run(e->machine);
	struct error local = {0};
	int more = 0, r;

	for (;;) {
		more = free_until(e, err);
		if (more < 0)
			return more;
		machine_note(e->machine, NOTE_STEP, "finishing half-configured packages");
		local = (struct error){0};
		r = packages_repair(&run, &local);
		if (r == 0 || r == -ERROR_UNSUPPORTED)
			return 0;
		if (more > 0)
			return repair_refused(e, &local, err);
		e->need += e->need / 2;
	}
}

/* Kernels that are still installed get back what was taken from them. */
static void rebuild(struct emergency *e)
{
	struct package_run run = prune_package_run(e->machine);

	for (size_t i = 0; i < e->lost.count; i++) {
		const char *release = e->lost.items[i];
		autofree char *image = str_format("/boot/vmlinuz-%s", release);
		autofree char *initramfs = initramfs_path(e->machine->root, release);
		struct error local = {0};

		if (!root_exists(e->machine->root, image) ||
		    root_exists(e->machine->root, initramfs))
			continue;
		machine_note(e->machine, NOTE_STEP, "building the initramfs of %s anew",
			     release);
		if (initramfs_build(&run, release, &local) < 0)
			machine_note(e->machine, NOTE_WARNING,
				     "%s has no initramfs now and can't boot: %s",
				     release, local.message);
	}
}

/* Releases whose packages stayed although their image went. */
static void tell_imageless(const struct emergency *e)
{
	autokernelpackages struct kernel_package_list packages = {0};

	if (kernel_packages_probe(e->machine->root, &packages, NULL) < 0)
		return;
	for (size_t i = 0; i < e->lost.count; i++) {
		const char *release = e->lost.items[i];
		autofree char *image = str_format("/boot/vmlinuz-%s", release);
		autofree char *package = str_format("linux-image-%s", release);

		if (root_exists(e->machine->root, image))
			continue;
		for (size_t n = 0; n < packages.count; n++)
			if (str_eq(packages.items[n].name, package))
				machine_note(e->machine, NOTE_WARNING,
					     "the image of %s is gone, its package is "
					     "not: apt-get install --reinstall %s",
					     release, package);
	}
}

static void note_left_overs(struct emergency *e)
{
	for (size_t i = 0; i < e->p.set.count; i++) {
		const struct retention_item *item = &e->p.set.items[i];

		if (item->kind == RETENTION_LEFTOVER && item->removed &&
		    !root_exists(e->machine->root, item->name))
			strv_add(&e->files, item->name);
	}
}

/* What went by hand, put to what the policy removed. */
static void add_files(const struct emergency *e, struct retention_set *ret)
{
	for (size_t i = 0; i < e->files.count; i++) {
		ret->items = mem_regrow(ret->items, ret->count + 1, sizeof(*ret->items));
		ret->items[ret->count++] = (struct retention_item){
			.kind = RETENTION_LEFTOVER,
			.leftover = LEFTOVER_UNKNOWN,
			.name = str_dup(e->files.items[i]),
			.removed = true,
			.reason = str_dup("its room was needed at once, and no proven "
					  "boot needs it"),
		};
	}
}

static int emergency_begin(struct emergency *e, struct error *err)
{
	const unsigned int kinds =
		1U << LEFTOVER_STAGING | 1U << LEFTOVER_BACKUP | 1U << LEFTOVER_INITRAMFS;
	int r = prune_gather(e->machine, PRUNE_URGENT, &e->p, err);

	if (r < 0)
		return r;
	e->easy = mem_zalloc((e->p.set.count + 1) * sizeof(*e->easy));
	prune_decide(&e->p, 0);
	for (size_t i = 0; i < e->p.set.count; i++)
		e->easy[i] = e->p.set.items[i].removed;
	prune_decide_strictly(&e->p);
	e->need = foreseen_need(e);
	return prune_left_overs(&e->p, kinds, err);
}

int prune_emergency(const struct machine *machine, struct retention_set *ret,
		    struct error *err)
{
	cleanup(emergency_done) struct emergency e = {.machine = machine};
	int r;

	if (packages_busy(machine->root))
		return error_set(err, -ERROR_BUSY,
				 "a package manager is at work; try again when it has "
				 "ended");
	r = emergency_begin(&e, err);
	note_left_overs(&e);
	if (r == 0)
		r = repair(&e, err);
	left_over_settle(machine->root);
	if (r == 0)
		r = prune_run(machine, 0, ret, err);
	rebuild(&e);
	tell_imageless(&e);
	add_files(&e, ret);
	return r;
}
