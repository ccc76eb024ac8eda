/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a package's files take where they go: every file in whole blocks on the file
 * system of its directory, every directory that is not there yet, and the names in them.
 */
#include <string.h>

#include "base/cleanup.h"
#include "probe/package-file.h"
#include "probe/space.h"

#define DPKG_INFO     "/var/lib/dpkg/info"
#define DPKG_LIST_MAX ((size_t)64 << 20)
/* A directory entry beside its name (ext4: 8 bytes, names in fours). */
#define ENTRY_BYTES 12
/* Directories that are remembered; beyond, a return to one counts as one more. */
#define WALK_DIRECTORIES 8192

void space_tally_done(struct space_tally *tally)
{
	free(tally->items);
	*tally = (struct space_tally){0};
}

void space_tally_add(struct space_tally *tally, size_t space, uint64_t bytes,
		     uint64_t inodes)
{
	while (tally->count <= space) {
		tally->items =
			mem_regrow(tally->items, tally->count + 1, sizeof(*tally->items));
		tally->items[tally->count++] = (struct space_taken){0};
	}
	tally->items[space].bytes = space_sum(tally->items[space].bytes, bytes);
	tally->items[space].inodes = space_sum(tally->items[space].inodes, inodes);
}

/* The way through a package's files. */
struct walk {
	const struct root *root;
	struct space_plan *plan;
	struct space_tally *tally;
	char *directory;   /* of the last file */
	size_t space;      /* where that lies */
	uint64_t entries;  /* bytes of the names in directories there */
	struct strv known; /* directories that were met */
};

/* The names of one file system's directories are in blocks of it. */
static void walk_flush(struct walk *walk)
{
	if (walk->entries > 0)
		space_tally_add(walk->tally, walk->space,
				space_blocks(&walk->plan->spaces[walk->space],
					     walk->entries),
				0);
	walk->entries = 0;
}

static void walk_done(struct walk *walk)
{
	walk_flush(walk);
	strv_done(&walk->known);
	free(walk->directory);
}

static uint64_t walk_block(const struct walk *walk)
{
	return walk->plan->spaces[walk->space].block;
}

/* It and those above it, as far as they will be made. */
static void walk_add_directories(struct walk *walk, const char *directory)
{
	autofree char *path = str_dup(directory);

	while (*path && !strv_has(&walk->known, path) && !root_exists(walk->root, path)) {
		char *slash = strrchr(path, '/');

		space_tally_add(walk->tally, walk->space, walk_block(walk), 1);
		if (walk->known.count < WALK_DIRECTORIES)
			strv_add(&walk->known, path);
		if (!slash)
			break;
		*slash = '\0';
	}
}

/* The next file lies in that directory, which takes its name. */
static int walk_enter(struct walk *walk, const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/');
	autofree char *directory = str_ndup(path, slash ? (size_t)(slash - path) : 0);
	size_t space;
	int r;

	if (!walk->directory || !str_eq(directory, walk->directory)) {
		r = space_place(walk->root, *directory ? directory : "/", walk->plan,
				&space, err);
		if (r < 0)
			return r;
		if (space != walk->space)
			walk_flush(walk);
		walk->space = space;
		walk_add_directories(walk, directory);
		free(walk->directory);
		walk->directory = take_ptr(directory);
	}
	walk->entries += strlen(path) + ENTRY_BYTES;
	if (slash)
		walk->entries -= (uint64_t)(slash - path);
	return 0;
}

static void walk_take(struct walk *walk, uint64_t size)
{
	space_tally_add(walk->tally, walk->space,
			space_blocks(&walk->plan->spaces[walk->space], size), 1);
}

static int walk_file(struct walk *walk, const char *path, uint64_t size,
		     struct error *err)
{
	int r = walk_enter(walk, path, err);

	if (r == 0)
		walk_take(walk, size);
	return r;
}

static int member_take(void *data, struct package_member *member, struct error *err)
{
	return walk_file(data, member->path, member->size, err);
}

/* All has been met: what it takes is ret's, if nothing failed. */
static int walk_end(struct walk *walk, int r, struct space_tally *ret)
{
	walk_done(walk);
	if (r < 0)
		return r;
	*ret = *walk->tally;
	*walk->tally = (struct space_tally){0};
	return 0;
}

int space_package_file(const struct root *root, const char *path, struct space_plan *plan,
		       struct space_tally *ret, struct error *err)
{
	autotally struct space_tally tally = {0};
	struct walk walk = {.root = root, .plan = plan, .tally = &tally};
	int r = package_file_read(root, path, member_take, &walk, NULL, err);

	return walk_end(&walk, r, ret);
}

int space_package_files(const struct root *root, const struct package_files *files,
			struct space_plan *plan, struct space_tally *ret,
			struct error *err)
{
	autotally struct space_tally tally = {0};
	struct walk walk = {.root = root, .plan = plan, .tally = &tally};
	int r = 0;

	for (size_t i = 0; r == 0 && i < files->count; i++)
		r = walk_file(&walk, files->items[i].path, files->items[i].size, err);
	return walk_end(&walk, r, ret);
}

/* dpkg's list of a package; those of Multi-Arch: same carry the architecture. */
static int dpkg_list_read(const struct root *root, const char *name, char **ret,
			  struct error *err)
{
	autofree char *plain = str_ndup(name, strcspn(name, ":"));
	autofree char *path = str_format(DPKG_INFO "/%s.list", plain);
	autofree char *start = str_format("%s:", plain);
	autostrv struct strv names = {0};

	if (root_exists(root, path))
		return root_read(root, path, DPKG_LIST_MAX, ret, NULL, err);
	if (root_list(root, DPKG_INFO, &names, NULL) < 0)
		names.count = 0;
	for (size_t i = 0; i < names.count; i++) {
		autofree char *other = str_format(DPKG_INFO "/%s", names.items[i]);

		if (str_starts(names.items[i], start) && str_ends(other, ".list"))
			return root_read(root, other, DPKG_LIST_MAX, ret, NULL, err);
	}
	return error_set(err, -ENOENT, "dpkg has no list of the files of %s", name);
}

/* One that is shared with other packages is there already for the next of this kind. */
static bool directory_is_shared(const char *path)
{
	static const char *const shared[] = {"/.",
					     "/boot",
					     "/lib",
					     "/lib/modules",
					     "/usr",
					     "/usr/lib",
					     "/usr/lib/modules",
					     "/usr/src",
					     "/usr/share",
					     "/usr/share/doc"};

	for (size_t i = 0; i < ARRAY_LEN(shared); i++)
		if (str_eq(path, shared[i]))
			return true;
	return false;
}

static int installed_take(struct walk *walk, const char *path, struct error *err)
{
	struct stat st;
	int r;

	if (path[0] != '/' || directory_is_shared(path) ||
	    root_lstat(walk->root, path, &st) < 0)
		return 0;
	r = walk_enter(walk, path, err);
	if (r < 0)
		return r;
	if (S_ISREG(st.st_mode))
		walk_take(walk, (uint64_t)st.st_size);
	else
		space_tally_add(walk->tally, walk->space,
				S_ISDIR(st.st_mode) ? walk_block(walk) : 0, 1);
	return 0;
}

int space_package_installed(const struct root *root, const char *name,
			    struct space_plan *plan, struct space_tally *ret,
			    struct error *err)
{
	autofree char *text = NULL;
	autostrv struct strv paths = {0};
	autotally struct space_tally tally = {0};
	struct walk walk = {.root = root, .plan = plan, .tally = &tally};
	int r = dpkg_list_read(root, name, &text, err);

	if (r < 0)
		return r;
	strv_split(&paths, text, "\n");
	for (size_t i = 0; r == 0 && i < paths.count; i++)
		r = installed_take(&walk, paths.items[i], err);
	return walk_end(&walk, r, ret);
}
