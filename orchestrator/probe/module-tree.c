/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The walk through a release's module tree. Links are told, and not followed.
 */
#include "module-tree.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parallel.h"
#include "probe/module-file.h"

#define TREE_DEPTH_MAX   24
#define TREE_ENTRIES_MAX 400000
#define MODULES_MAX      20000
#define INDEX_MAX        ((size_t)64 * 1024 * 1024)
#define DIRS_A_THREAD    256 /* fewer are asked in less time than it begins */

struct tree_walk {
	const struct module_owners *owners;
	struct text path; /* of the directory that is read, with its slash */
	size_t entries_left;
	bool skip_kernel; /* what is new below kernel/ is known already */
	struct tree_files found;
};

void tree_files_done(struct tree_files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		free(files->items[i].path);
		free(files->items[i].name);
		free(files->items[i].target);
	}
	free(files->items);
	*files = (struct tree_files){0};
}

/* A file by its path below the tree, whose descriptor dir is of name's directory. */
static void files_add(struct tree_files *files, const char *path, int dir,
		      const char *name, bool link)
{
	char target[4096];
	ssize_t n = link ? readlinkat(dir, name, target, sizeof(target)) : -1;

	files->items = mem_regrow(files->items, files->count + 1, sizeof(*files->items));
	files->items[files->count++] = (struct tree_file){
		.path = str_dup(path),
		.name = module_name_of(path),
		.target = n >= 0 ? str_ndup(target, (size_t)n) : NULL,
	};
}

static void walk_take(struct tree_walk *walk, int dir, const char *name, bool link)
{
	size_t base = walk->path.len, len;

	if (module_stem(name, strlen(name)) == 0 || walk->found.count >= MODULES_MAX)
		return;
	text_append(&walk->path, name);
	len = module_stem(walk->path.data, walk->path.len);
	if (!module_owners_has(walk->owners, walk->path.data, len))
		files_add(&walk->found, walk->path.data, dir, name, link);
	walk->path.data[base] = '\0';
	walk->path.len = base;
}

/* Takes fd. Recursion is bounded by TREE_DEPTH_MAX. */
static void walk_dir(struct tree_walk *walk, int fd, unsigned int depth);

static void walk_below(struct tree_walk *walk, int dir, const char *name,
		       unsigned int depth)
{
	size_t base = walk->path.len;

	text_append(&walk->path, name);
	text_append(&walk->path, "/");
	walk_dir(walk, openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
		 depth + 1);
	walk->path.data[base] = '\0';
	walk->path.len = base;
}

static void walk_entry(struct tree_walk *walk, int dir, const struct dirent *entry,
		       unsigned int depth)
{
	unsigned char type = entry->d_type;
	struct stat st;

	if (type == DT_UNKNOWN &&
	    fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		type = IFTODT(st.st_mode);
	if (type == DT_DIR && depth == 0 && walk->skip_kernel &&
	    str_eq(entry->d_name, "kernel"))
		return;
	if (type == DT_DIR && depth < TREE_DEPTH_MAX)
		walk_below(walk, dir, entry->d_name, depth);
	else if (type == DT_REG || type == DT_LNK)
		walk_take(walk, dir, entry->d_name, type == DT_LNK);
}

static void walk_dir(struct tree_walk *walk, int fd, unsigned int depth)
{
	autodir DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	if (!dir) {
		if (fd >= 0)
			(void)close(fd); /* nothing was read through it */
		return;
	}
	while ((entry = readdir(dir)) && walk->entries_left > 0) {
		walk->entries_left--;
		if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
			walk_entry(walk, dirfd(dir), entry, depth);
	}
}

/*
 * Which of two files of one module modprobe takes: "search updates extra built-in
 * weak-updates" (depmod.d(5), as Fedora has it; Debian's is the same without extra).
 */
static int file_rank(const char *path)
{
	static const char *const order[] = {"updates/", "extra/", "kernel/"};

	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		if (str_starts(path, order[i]))
			return (int)i;
	return str_starts(path, "weak-updates/") ? 4 : 3;
}

static int by_name_and_rank(const void *a, const void *b)
{
	const struct tree_file *left = a, *right = b;
	int order = strcmp(left->name, right->name);

	if (order == 0)
		order = file_rank(left->path) - file_rank(right->path);
	return order ? order : strcmp(left->path, right->path);
}

/* Sort, and drop all but the first of a name. */
static void files_unique(struct tree_files *files)
{
	size_t kept = 0;

	if (files->count > 1)
		qsort(files->items, files->count, sizeof(*files->items),
		      by_name_and_rank);
	for (size_t i = 0; i < files->count; i++) {
		if (kept > 0 &&
		    str_eq(files->items[kept - 1].name, files->items[i].name)) {
			free(files->items[i].path);
			free(files->items[i].name);
			free(files->items[i].target);
		} else {
			files->items[kept++] = files->items[i];
		}
	}
	files->count = kept;
}

static bool is_later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec > b->tv_sec ||
	       (a->tv_sec == b->tv_sec && a->tv_nsec > b->tv_nsec);
}

/*
 * Has nothing been added below kernel/ since depmod looked? Each directory that the
 * kernel's packages made is asked for its change; one that they did not make has changed
 * the one above it. Change times can't be set by those who copy files.
 */
struct index_age {
	const struct module_owners *owners;
	int tree;
	struct timespec made; /* when depmod wrote its list */
	atomic_bool old;      /* a directory has changed since */
};

static void index_is_later(void *data, size_t i)
{
	struct index_age *age = data;
	const struct owned_path *known = &age->owners->dirs[i];
	struct stat dir;
	char path[4096];

	if (age->old)
		return;
	if (known->len >= sizeof(path)) {
		age->old = true;
		return;
	}
	memcpy(path, known->path, known->len);
	path[known->len] = '\0';
	if (fstatat(age->tree, path, &dir, AT_SYMLINK_NOFOLLOW) == 0 &&
	    (!S_ISDIR(dir.st_mode) || !is_later(&age->made, &dir.st_ctim)))
		age->old = true;
}

static bool kernel_is_indexed(const struct module_owners *owners, int tree)
{
	struct index_age age = {.owners = owners, .tree = tree};
	struct stat index;

	if (owners->dir_count == 0 || fstatat(tree, "modules.dep", &index, 0) < 0)
		return false;
	age.made = index.st_mtim;
	parallel_each(owners->dir_count, DIRS_A_THREAD, index_is_later, &age);
	return !age.old;
}

/* A line's path, where it is a module that the kernel's packages do not own. */
static void index_take(struct tree_walk *walk, int tree, const char *line)
{
	size_t len = strcspn(line, ":\n");
	size_t stem = module_stem(line, len);
	autofree char *path = NULL;
	struct stat st;

	if (!str_starts(line, "kernel/") || stem == 0 ||
	    module_owners_has(walk->owners, line, stem) ||
	    walk->found.count >= MODULES_MAX)
		return;
	path = str_ndup(line, len);
	if (fstatat(tree, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
		files_add(&walk->found, path, tree, path, S_ISLNK(st.st_mode));
}

/*
 * 4,000 modules lie in 900 directories, and depmod has listed them: where its list is
 * newer than the directories, it is read in their place ("path: dependencies", a line
 * each). False: they have to be gone through.
 */
static bool walk_index(struct tree_walk *walk, int tree)
{
	autoclose int fd = openat(tree, "modules.dep", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	autofree char *text = NULL;
	const char *end;

	if (fd < 0 || !kernel_is_indexed(walk->owners, tree) ||
	    fd_read_all(fd, "modules.dep", INDEX_MAX, &text, NULL, NULL) < 0 ||
	    *text == '/') /* absolute paths, of a depmod long ago */
		return false;
	for (const char *line = text; *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		index_take(walk, tree, line);
	}
	return true;
}

int module_tree_files(const struct root *root, const char *tree,
		      const struct module_owners *owners, struct tree_files *ret,
		      struct error *err)
{
	struct tree_walk walk = {.owners = owners, .entries_left = TREE_ENTRIES_MAX};
	int fd = root_openat(root, tree, O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0)
		return error_errno(err, fd, "modules in %s", tree);
	walk.skip_kernel = walk_index(&walk, fd);
	walk_dir(&walk, fd, 0);
	text_done(&walk.path);
	files_unique(&walk.found);
	*ret = walk.found;
	return 0;
}
