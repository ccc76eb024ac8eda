/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Room where the package manager can do nothing for want of it. What goes first is what
 * can be made again: left-overs, then initramfs images that no proven boot needs, then
 * generations, then images of kernels. Nothing that a proven boot needs, never the newest
 * kernel's image, never one whose package is half-configured.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>

#include "act/initramfs.h"
#include "act/left-over.h"
#include "base/cleanup.h"
#include "base/process.h"
#include "probe/kernels.h"
#include "prune-parts.h"

#define MIB ((uint64_t)1024 * 1024)
/* New files beside the old ones: of a package in /boot, and an initramfs. */
#define INODES_NEEDED 4

struct vacancy {
	uint64_t bytes, inodes;
};

struct emergency {
	const struct machine *machine;
	struct prune p;
	bool *easy;       /* of each item: the policy would remove it anyhow */
	uint64_t need;    /* bytes that the package manager is thought to need */
	bool doubted;     /* a failure that says nothing was once taken for one of room */
	struct strv lost; /* releases of which something went */
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

/* The newest that can boot: the one that the distribution's own entries begin with. */
static bool release_is_default(const struct emergency *e, const char *release)
{
	for (size_t i = 0; i < e->p.inv.kernels.count; i++) {
		const struct kernel *kernel = &e->p.inv.kernels.items[i];

		if (kernel->image.path && kernel->initramfs.path &&
		    !release_is_unfinished(e, kernel->release))
			return str_eq(kernel->release, release);
	}
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

	if (item->kind != RETENTION_KERNEL || !file_frees(e, path) ||
	    release_is_default(e, item->name))
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
	    release_is_default(e, item->name) || release_is_unfinished(e, item->name))
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

/* Bytes and inodes that are free for root on the file system of /boot. */
static int boot_free(const struct machine *machine, struct vacancy *ret,
		     struct error *err)
{
	autoclose int fd = root_openat(machine->root, "/boot", O_RDONLY | O_DIRECTORY, 0);
	struct statvfs st;

	if (fd < 0 || fstatvfs(fd, &st) < 0)
		return error_errno(err, fd < 0 ? fd : -errno, "/boot");
	*ret = (struct vacancy){
		.bytes = (uint64_t)st.f_bfree * st.f_frsize,
		.inodes = st.f_files > 0 ? st.f_ffree : UINT64_MAX,
	};
	return 0;
}

/* 1: what is needed is free, 0: it is not. */
static int room_suffices(const struct emergency *e, struct error *err)
{
	struct vacancy now = {0};
	int r = boot_free(e->machine, &now, err);

	return r < 0 ? r : now.bytes >= e->need && now.inodes >= INODES_NEEDED;
}

/*
 * Until so much is free, and at least of one thing: it was not enough as it was. 0, or 1:
 * there is nothing left that may go.
 */
static int make_room(struct emergency *e, struct error *err)
{
	int r = 0;

	while (r == 0) {
		if (process_interrupted())
			return error_set(err, -ERROR_INTERRUPTED, "interrupted");
		r = free_next(e, err);
		if (r <= 0)
			return r < 0 ? r : 1;
		r = room_suffices(e, err);
	}
	return r < 0 ? r : 0;
}

/*
 * Did it fail for want of room? By its own words; where those tell nothing, and less is
 * free than it is thought to need, that is tried once.
 */
static bool failed_for_room(struct emergency *e, int r)
{
	if (r == -ENOSPC || r == -ERROR_INTERRUPTED || e->doubted ||
	    room_suffices(e, NULL) != 0)
		return r == -ENOSPC;
	e->doubted = true;
	return true;
}

static int repair_refused(const struct emergency *e, const struct error *why, bool room,
			  struct error *err)
{
	struct vacancy now = {0};

	(void)boot_free(e->machine, &now, NULL); /* a figure for the sentence only */
	return error_set(err, why->code, "%s (%llu MiB are free)%s: %.400s",
			 room ? "all that no proven boot needs is gone from /boot"
			      : "it is not for room on /boot",
			 (unsigned long long)(now.bytes / MIB),
			 room ? ", and packages can't be finished"
			      : " that packages can't be finished",
			 why->message);
}

/* What is thought to be needed, as far as it can be had. */
static int give_room(struct emergency *e, struct error *err)
{
	int r = room_suffices(e, err);

	if (r == 0)
		r = make_room(e, err);
	return r < 0 ? r : 0;
}

/* Try, and where it is for room, try again with more of it. */
static int repair(struct emergency *e, struct error *err)
{
	struct error local = {0};
	int more = 0, r;

	for (;;) {
		machine_note(e->machine, NOTE_STEP, "finishing half-configured packages");
		local = (struct error){0};
		r = prune_repair(&e->p, &local);
		if (r == 0)
			return 0;
		if (r == -ERROR_UNSUPPORTED)
			return give_room(e, err);
		if (!failed_for_room(e, r))
			return repair_refused(e, &local, false, err);
		if (more > 0)
			return repair_refused(e, &local, true, err);
		more = make_room(e, err);
		if (more < 0)
			return more;
		e->need += e->need / 2;
	}
}

/* Has it lost its initramfs? Of one whose package is half-configured dpkg makes it. */
static bool lacks_initramfs(const struct emergency *e, const struct kernel *kernel,
			    const struct kernel_package_list *packages)
{
	autofree char *path = initramfs_path(e->machine->root, kernel->release);
	bool packaged = false;

	if (!kernel->image.path || kernel->initramfs.path ||
	    root_exists(e->machine->root, path))
		return false;
	for (size_t i = 0; i < packages->count; i++) {
		if (!kernel_package_is_of(&packages->items[i], kernel->release))
			continue;
		if (packages->items[i].unfinished)
			return false;
		packaged = true;
	}
	return packaged;
}

static void rebuild_one(const struct emergency *e, const char *release)
{
	struct package_run run = prune_package_run(e->machine);
	struct error local = {0};

	machine_note(e->machine, NOTE_STEP, "building the initramfs of %s anew", release);
	if (initramfs_build(&run, release, &local) < 0)
		machine_note(e->machine, NOTE_WARNING,
			     "%s has no initramfs now and can't boot: %s", release,
			     local.message);
}

/*
 * Releases that are installed and lost their initramfs, by this run or by one that was
 * cut off: which those are is told by the machine alone. Where none has one, none needs
 * one.
 */
static void without_initramfs(const struct emergency *e, struct strv *ret)
{
	autokernelpackages struct kernel_package_list packages = {0};
	autokernels struct kernel_list kernels = {0};
	bool any = e->lost.count > 0;

	if (!initramfs_generator(e->machine->root) ||
	    kernels_probe(e->machine->root, false, &kernels, NULL) < 0 ||
	    kernel_packages_probe(e->machine->root, &packages, NULL) < 0)
		return;
	for (size_t i = 0; i < kernels.count; i++)
		any |= kernels.items[i].initramfs.path != NULL;
	for (size_t i = 0; any && i < kernels.count; i++)
		if (lacks_initramfs(e, &kernels.items[i], &packages))
			strv_add(ret, kernels.items[i].release);
}

static void rebuild(const struct emergency *e)
{
	autostrv struct strv releases = {0};

	without_initramfs(e, &releases);
	for (size_t i = 0; i < releases.count; i++)
		rebuild_one(e, releases.items[i]);
}

/* To rpm nothing is half-configured: its scripts failed, and an initramfs is missing. */
static int give_room_to_build(struct emergency *e, struct error *err)
{
	autostrv struct strv releases = {0};

	without_initramfs(e, &releases);
	return releases.count > 0 ? give_room(e, err) : 0;
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
	int r;

	e->p = (struct prune){.machine = e->machine, .view = PRUNE_URGENT};
	r = prune_gather(&e->p, err);
	if (r < 0)
		return r;
	e->easy = mem_zalloc((e->p.set.count + 1) * sizeof(*e->easy));
	prune_decide(&e->p);
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
	if (!e.easy)
		return r;
	note_left_overs(&e);
	if (r == 0)
		r = repair(&e, err);
	if (r == 0)
		r = give_room_to_build(&e, err);
	left_over_settle(machine->root);
	if (r == 0 && prune_in_charge(&e.p))
		r = prune_run(machine, NULL, ret, err);
	rebuild(&e);
	tell_imageless(&e);
	add_files(&e, ret);
	return r;
}
