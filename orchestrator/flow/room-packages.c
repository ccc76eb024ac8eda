/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What packages take: by their own list where the archive is at hand, else by the index
 * and the files of the most similar package that is installed.
 */
#include <string.h>

#include "act/packages.h"
#include "base/cleanup.h"
#include "room-parts.h"

#define ARCHIVES  "/var/cache/apt/archives"
#define DPKG_INFO "/var/lib/dpkg/info"
#define DPKG_ALL  "/var/lib/dpkg/status"
#define MODULES   "/usr/lib/modules"

#define MODULES_DEP_MAX ((size_t)64 << 20)

#define MEBIBYTE ((uint64_t)1 << 20)
/* Of a kernel package that nothing here is like: its files in /boot, and a module's size
 * on average. */
#define BOOT_FILES   (24 * MEBIBYTE)
#define FILE_AVERAGE ((uint64_t)64 << 10)
/* A newer kernel whose modules are compressed in another way: its image and the number of
 * its files, for the older one's. */
#define REFORMED_IMAGE 150
#define REFORMED_FILES 115
#define REFORMED_WHOLE 100
/* A file's line in dpkg's lists, in the list and in the sums. */
#define LIST_LINE  224
#define LIST_FILES 8

/* What is asked once for all packages. */
struct asking {
	struct room *room;
	struct package_sizes offered, installed;
	int phase; /* of the next package */
};

static void asking_done(struct asking *asking)
{
	package_sizes_done(&asking->offered);
	package_sizes_done(&asking->installed);
}

static bool is_kernel_package(const char *name, const char *release)
{
	return release && strstr(name, release) &&
	       (str_starts(name, "linux-image-") || str_starts(name, "linux-modules-"));
}

static uint64_t tally_bytes(const struct space_tally *tally)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < tally->count; i++)
		bytes = space_sum(bytes, tally->items[i].bytes);
	return bytes;
}

static uint64_t tally_inodes(const struct space_tally *tally)
{
	uint64_t inodes = 0;

	for (size_t i = 0; i < tally->count; i++)
		inodes = space_sum(inodes, tally->items[i].inodes);
	return inodes;
}

static void tree_add(struct room_tree *tree, const struct space_tally *tally)
{
	tree->bytes = space_sum(tree->bytes, tally_bytes(tally));
	tree->files = space_sum(tree->files, tally_inodes(tally));
}

/*
 * Are the modules of an installed kernel compressed one by one? As the first of
 * modules.dep is.
 */
static bool tree_is_packed(const struct root *root, const char *release)
{
	autofree char *path = str_format(MODULES "/%s/modules.dep", release);
	autofree char *text = NULL;
	const char *module;

	if (root_read(root, path, MODULES_DEP_MAX, &text, NULL, NULL) < 0)
		return false;
	module = strstr(text, ".ko");
	return module && module[strlen(".ko")] == '.';
}

/* A package that its archive hardly makes smaller is of compressed files. */
static bool package_is_packed(const struct package_size *size)
{
	return size->archive > size->installed / 2;
}

/* The installed package to measure by: an older version, else that of a sibling. */
static const struct package_size *asking_model(const struct asking *asking,
					       const struct package_change *change)
{
	const struct kernel *like = asking->room->like;
	const struct package_size *found =
		change->old_version ? package_sizes_find(&asking->installed, change->name,
							 change->old_version)
				    : NULL;

	for (size_t i = 0; !found && i < asking->installed.count; i++) {
		const struct package_size *size = &asking->installed.items[i];

		if (size->installed > 0 && like && strstr(size->name, like->release) &&
		    package_is_sibling(size->name, change->name))
			found = size;
	}
	for (size_t i = 0; !found && i < asking->installed.count; i++) {
		const struct package_size *size = &asking->installed.items[i];

		if (size->installed > 0 && package_is_sibling(size->name, change->name))
			found = size;
	}
	return found;
}

/* Where kernels lie that is not where their modules lie. */
static bool is_boot_alone(const struct room *room, size_t space)
{
	return room->plan.spaces[space].boot && space != room->modules;
}

/*
 * The model's files, as many times larger as the index says. Where modules come to be
 * compressed one by one, or no more, that tells of the tree alone: of the image nothing,
 * and of the number of files nothing either.
 */
static void tally_scale(const struct room *room, const struct package_size *model,
			uint64_t installed, struct space_tally *tally)
{
	bool reformed = room->brought.packed != room->liked.packed;

	for (size_t i = 0; i < tally->count; i++) {
		struct space_taken *taken = &tally->items[i];

		/* a kernel has as many files there as any other */
		if (is_boot_alone(room, i)) {
			taken->bytes = reformed
					       ? space_scale(taken->bytes, REFORMED_IMAGE,
							     REFORMED_WHOLE)
					       : space_scale(taken->bytes, installed,
							     model->installed);
			continue;
		}
		taken->bytes = space_scale(taken->bytes, installed, model->installed);
		if (reformed) {
			taken->inodes = space_scale(taken->inodes, REFORMED_FILES,
						    REFORMED_WHOLE);
			taken->bytes =
				space_sum(taken->bytes,
					  space_product(taken->inodes,
							room->plan.spaces[i].block / 2));
		} else {
			taken->inodes =
				space_scale(taken->inodes, installed, model->installed);
		}
	}
}

static int tally_scaled(struct asking *asking, const struct package_size *model,
			uint64_t installed, struct space_tally *ret, struct error *err)
{
	struct room *room = asking->room;
	int r = space_package_installed(room->machine->root, model->name, &room->plan,
					ret, err);

	if (r == 0 && installed > 0)
		tally_scale(room, model, installed, ret);
	return r;
}

/* Nothing here is like it: what a kernel has in /boot, and the rest in its tree. */
static int tally_guessed(struct asking *asking, const struct package_change *change,
			 uint64_t installed, struct space_tally *ret, struct error *err)
{
	struct room *room = asking->room;
	const struct root *root = room->machine->root;
	const struct kernel *like = room->like;
	uint64_t boot = 0, inodes = installed / FILE_AVERAGE + 1;
	size_t boot_space, space;
	int r = space_place(root, "/boot", &room->plan, &boot_space, err);

	if (r == 0)
		r = space_place(root, MODULES, &room->plan, &space, err);
	if (r != 0)
		return r;
	if (str_starts(change->name, "linux-image-") && installed > BOOT_FILES)
		boot = like && like->image.size ? 2 * like->image.size : BOOT_FILES;
	if (boot > installed)
		boot = installed;
	if (boot > 0)
		space_tally_add(ret, boot_space, boot, 3);
	space_tally_add(ret, space,
			space_sum(installed - boot,
				  space_product(inodes, room->plan.spaces[space].block)),
			inodes);
	return 0;
}

/* By its own list; false where its archive must be fetched, or fetched anew. */
static bool tally_listed(const struct asking *asking, struct package_change *change,
			 struct space_tally *ret)
{
	struct room *room = asking->room;
	const struct root *root = room->machine->root;
	const struct package_plan one = {.items = change, .count = 1};
	autostrv struct strv paths = {0};

	const struct package_files *files;

	if (packages_at_hand(root, &one, &paths, NULL) != 1)
		return false;
	files = room->lists ? package_lists_find(room->lists, paths.items[0]) : NULL;
	return (files ? space_package_files(root, files, &room->plan, ret, NULL)
		      : space_package_file(root, paths.items[0], &room->plan, ret,
					   NULL)) == 0;
}

/* What it takes before anything of it is here. */
static int tally_predicted(struct asking *asking, const struct package_change *change,
			   struct space_tally *ret, struct error *err)
{
	const struct package_size *size =
		package_sizes_find(&asking->offered, change->name, change->new_version);
	const struct package_size *model = asking_model(asking, change);
	const struct room_demand fetched = {
		.what = change->name,
		.path = ARCHIVES,
		.bytes = size ? size->archive : 0,
		.inodes = 1,
		.measured = size != NULL,
	};
	int r = room_put(asking->room, &fetched, err);

	if (r < 0)
		return r;
	if (model &&
	    tally_scaled(asking, model, size ? size->installed : 0, ret, NULL) == 0)
		return 0;
	return tally_guessed(asking, change, size ? size->installed : 0, ret, err);
}

/*
 * dpkg writes all new files beside the old ones and only then takes the old ones away:
 * what both have is there twice for that time.
 */
static void tally_replace(struct space_tally *fresh, const struct space_tally *old,
			  struct space_tally *ret_twice)
{
	for (size_t i = 0; i < fresh->count && i < old->count; i++) {
		struct space_taken *taken = &fresh->items[i];
		const struct space_taken *was = &old->items[i];
		uint64_t bytes = taken->bytes < was->bytes ? taken->bytes : was->bytes;
		uint64_t inodes =
			taken->inodes < was->inodes ? taken->inodes : was->inodes;

		taken->bytes -= bytes;
		taken->inodes -= inodes;
		space_tally_add(ret_twice, i, bytes, inodes);
	}
}

static int package_bookkeeping(struct room *room, const char *name, uint64_t inodes,
			       struct error *err)
{
	const struct room_demand lists = {
		.what = name,
		.path = DPKG_INFO,
		.bytes = space_product(inodes, LIST_LINE),
		.inodes = LIST_FILES,
	};

	return room_put(room, &lists, err);
}

/*
 * A package whose image is in the tree of its modules has it copied to /boot by its
 * scripts (kernel-install).
 */
static int copied_image_add(struct asking *asking, const struct package_change *change,
			    const struct space_tally *fresh, struct error *err)
{
	struct room *room = asking->room;
	const struct room_demand image = {
		.what = change->name,
		.path = "/boot",
		.bytes = room->like ? room->like->image.size : BOOT_FILES,
		.inodes = 1,
	};
	size_t boot = 0;
	int r = space_place(room->machine->root, "/boot", &room->plan, &boot, err);

	if (r != 0)
		return r < 0 ? r : 0;
	if (!is_boot_alone(room, boot) ||
	    (boot < fresh->count && fresh->items[boot].bytes > 0))
		return 0;
	return room_put(room, &image, err);
}

static int package_add(struct asking *asking, struct package_change *change,
		       struct error *err)
{
	struct room *room = asking->room;
	autotally struct space_tally fresh = {0}, old = {0}, twice = {0};
	bool listed = tally_listed(asking, change, &fresh);
	int r = listed ? 0 : tally_predicted(asking, change, &fresh, err);

	if (r < 0)
		return r;
	if (is_kernel_package(change->name, room->release)) {
		tree_add(&room->brought, &fresh);
		room->listed = listed;
	}
	r = package_bookkeeping(room, change->name, tally_inodes(&fresh), err);
	if (r == 0 && change->image)
		r = copied_image_add(asking, change, &fresh, err);
	/* one that has no list any more has no files to be kept twice */
	if (change->old_version &&
	    space_package_installed(room->machine->root, change->name, &room->plan, &old,
				    NULL) == 0)
		tally_replace(&fresh, &old, &twice);
	room_put_tally(room, change->name, &fresh, listed, -1);
	room_put_tally(room, change->name, &twice, true, asking->phase++);
	return r;
}

/* What the packages of the kernel to measure by take. */
static void liked_add(struct asking *asking)
{
	struct room *room = asking->room;
	const char *release = room->like ? room->like->release : NULL;

	for (size_t i = 0; i < asking->installed.count; i++) {
		const char *name = asking->installed.items[i].name;
		autotally struct space_tally tally = {0};

		if (is_kernel_package(name, release) &&
		    space_package_installed(room->machine->root, name, &room->plan,
					    &tally, NULL) == 0)
			tree_add(&room->liked, &tally);
	}
}

/* The kernel to measure by, and in what they are not alike. */
static void asking_compare(struct asking *asking, const struct package_plan *plan)
{
	struct room *room = asking->room;

	liked_add(asking);
	if (room->like)
		room->liked.packed = room->brought.packed =
			tree_is_packed(room->machine->root, room->like->release);
	for (size_t i = 0; i < plan->count; i++) {
		const struct package_size *size =
			package_sizes_find(&asking->offered, plan->items[i].name,
					   plan->items[i].new_version);

		if (size && size->archive > 0 && size->installed > 0 &&
		    is_kernel_package(size->name, room->release))
			room->brought.packed = package_is_packed(size);
	}
}

/* dpkg writes its status anew beside the old one, for as long as it is at work. */
static int status_add(struct room *room, struct error *err)
{
	struct room_demand status = {.what = "dpkg's status", .path = DPKG_ALL};
	struct stat st;

	if (root_stat(room->machine->root, DPKG_ALL, &st) < 0)
		return 0;
	status.bytes = space_product((uint64_t)st.st_size, 2);
	status.inodes = 2;
	status.measured = true;
	return room_put(room, &status, err);
}

int room_packages(struct room *room, const struct package_plan *plan, struct error *err)
{
	const struct root *root = room->machine->root;
	cleanup(asking_done) struct asking asking = {.room = room,
						     .phase = ROOM_PACKAGES};
	int r = status_add(room, err);

	if (r == 0)
		r = space_place(root, MODULES, &room->plan, &room->modules, err);
	/* without their answers it is reckoned from what is here */
	(void)package_sizes_offered(root, plan, &asking.offered, NULL);
	(void)package_sizes_installed(root, "linux-*", &asking.installed, NULL);
	asking_compare(&asking, plan);
	for (size_t i = 0; r == 0 && i < plan->count; i++)
		if (plan->items[i].new_version)
			r = package_add(&asking, &plan->items[i], err);
	return r;
}

int room_packages_again(struct room *room, struct error *err)
{
	struct package_change change = {0};
	autotally struct space_tally tally = {0};
	int r;

	if (!room->like->package)
		return error_set(err, -ENOENT, "no package owns the kernel %s",
				 room->like->release);
	change.name = room->like->package;
	r = space_package_installed(room->machine->root, change.name, &room->plan, &tally,
				    err);
	if (r == 0)
		r = package_bookkeeping(room, change.name, tally_inodes(&tally), err);
	if (r == 0)
		room_put_tally(room, change.name, &tally, false, -1);
	return r;
}
