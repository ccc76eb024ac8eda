/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Left-overs: first whatever could be one, by its name; then what a package owns is
 * taken out. In doubt it is LEFTOVER_UNKNOWN, which stays unless a person names it.
 */
#include "probe/left-overs.h"

#include <ctype.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/release.h"
#include "probe/boot-files.h"
#include "probe/boot-names.h"
#include "probe/file-owners.h"
#include "probe/kernels.h"

#define DKMS           "/var/lib/dkms"
#define STAGING        "/var/lib/kuro/staging"
#define BLOCK          512   /* stat(2): st_blocks counts these */
#define CANDIDATES_MAX 10000 /* paths: more are not believed */

struct search {
	const struct left_over_question *q;
	struct left_over_list list;
	dev_t boot;
};

void left_over_list_done(struct left_over_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].path);
		free(list->items[i].release);
	}
	free(list->items);
	*list = (struct left_over_list){0};
}

static bool release_is_going(const struct left_over_question *q, const char *release)
{
	return q->going && release && strv_has(q->going, release);
}

/* Is there a kernel, or a package, or a need of that release? */
static bool release_is_alive(const struct left_over_question *q, const char *release)
{
	const struct kernel *kernel = kernel_find(q->kernels, release);

	if (release_is_going(q, release))
		return false;
	if ((kernel && (kernel->image.path || kernel->running)) ||
	    strv_has(q->needed, release))
		return true;
	for (size_t i = 0; i < q->packages->count; i++)
		if (kernel_package_is_of(&q->packages->items[i], release))
			return true;
	return false;
}

/* VERSION.PATCHLEVEL.SUBLEVEL, which every build since Linux 3.0 begins with. */
static bool release_has_numbers(const char *release)
{
	for (int n = 0; n < 3; n++) {
		size_t digits = strspn(release, "0123456789");

		if (digits == 0 || (n < 2 && release[digits] != '.'))
			return false;
		release += digits + 1;
	}
	return true;
}

/*
 * Is it a name that a kernel's build would give itself? "6.1.0-50-amd64.mine" beside
 * "6.1.0-50-amd64" is somebody's copy, and "test" could be anything.
 */
static bool release_is_built(const struct left_over_question *q, const char *release)
{
	static const char *const copies[] = {".old", ".orig", ".save", ".backup",
					     ".tmp", "~",     ".copy", ".img",
					     ".gz",  ".xz",   ".zst",  ".cpio"};

	if (!release_has_numbers(release))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(copies); i++)
		if (str_ends(release, copies[i]))
			return false;
	for (size_t i = 0; i < q->kernels->count; i++) {
		const char *known = q->kernels->items[i].release;

		if (str_starts(release, known) && release[strlen(known)] &&
		    strchr(".-_~+", release[strlen(known)]))
			return false;
	}
	return true;
}

/* Files and directories that the search looks at; what goes with it on /boot's disk. */
static struct left_over *search_add(struct search *s, enum leftover kind,
				    const char *path, const struct stat *st)
{
	struct left_over_list *list = &s->list;
	struct left_over *added;

	if (list->count >= CANDIDATES_MAX)
		return NULL;
	list->items = mem_regrow(list->items, list->count + 1, sizeof(*list->items));
	added = &list->items[list->count++];
	*added = (struct left_over){.kind = kind,
				    .path = str_dup(path),
				    .created = (int64_t)st->st_mtim.tv_sec};
	if (st->st_dev != s->boot)
		return added;
	if (S_ISDIR(st->st_mode))
		added->room = kernel_tree_room(s->q->root, path);
	else if (st->st_nlink == 1)
		added->room = (uint64_t)st->st_blocks * BLOCK;
	return added;
}

/* Are there modules of a kernel's own, or what only its build writes? */
static bool tree_is_whole(const struct root *root, const char *tree)
{
	static const char *const signs[] = {"modules.order", "modules.builtin",
					    "vmlinuz"};
	autofree char *kernel = str_format("%s/kernel", tree);
	autostrv struct strv names = {0};

	for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
		autofree char *path = str_format("%s/%s", tree, signs[i]);

		if (root_exists(root, path))
			return true;
	}
	/* dpkg leaves no empty directory behind, but for those others put files into */
	return root_list(root, kernel, &names, NULL) < 0 || names.count > 0;
}

/* Made by update-initramfs, dkms or dpkg beside an image, to go back to. */
static bool name_is_backup(const char *name)
{
	static const char *const ends[] = {".old-dkms", ".bak", ".new", ".dpkg-bak"};
	bool initramfs = str_starts(name, "initrd.img-") ||
			 str_starts(name, "initramfs-") || str_starts(name, "initrd-");

	if (str_starts(name, "initrd.img.old-"))
		return true;
	if (str_ends(name, ".dpkg-new") || str_ends(name, ".dpkg-tmp") ||
	    str_ends(name, ".dpkg-bak"))
		return true;
	for (size_t i = 0; initramfs && i < ARRAY_LEN(ends); i++)
		if (str_ends(name, ends[i]))
			return true;
	return false;
}

/* Is it a file of a kernel that is there? */
static bool name_belongs(const struct search *s, const char *name)
{
	autofree char *release = boot_name_release(name);

	return release && release_is_alive(s->q, release);
}

/* Would this distribution's generator call an image so? */
static bool name_fits_layout(const struct search *s, const char *name)
{
	const struct boot_layout *layout = boot_layout(s->q->root);

	return str_starts(name, layout->start + strlen("/boot/")) &&
	       str_ends(name, layout->end);
}

/* What carries a release's name and goes with a kernel, but boots nothing. */
static bool name_is_beside(const char *name)
{
	static const char *const starts[] = {"config-", "System.map-", "symvers-",
					     "sysctl.conf-", "."};

	for (size_t i = 0; i < ARRAY_LEN(starts); i++)
		if (str_starts(name, starts[i]))
			return true;
	return name_is_backup(name);
}

/* One under another name ("bzImage-6.5.0") boots with its initramfs all the same. */
static bool boot_has_kernel(const struct search *s, const char *release)
{
	autostrv struct strv names = {0};

	(void)root_list(s->q->root, "/boot", &names, NULL); /* it was read before */
	for (size_t i = 0; i < names.count; i++) {
		autofree char *image = boot_name_initramfs_release(names.items[i]);

		if (!image && strstr(names.items[i], release) &&
		    !name_is_beside(names.items[i]))
			return true;
	}
	return false;
}

/* A whole tree is a kernel's, wherever that lies. */
static bool release_has_tree(const struct search *s, const char *release)
{
	static const char *const places[] = {"/usr/lib/modules", "/lib/modules"};

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		autofree char *tree = str_format("%s/%s", places[i], release);

		if (root_exists(s->q->root, tree) && tree_is_whole(s->q->root, tree))
			return true;
	}
	return false;
}

/* Made by the distribution's generator for a kernel that is gone, files and modules. */
static bool initramfs_is_left(const struct search *s, const char *name,
			      const char *release)
{
	if (!name_fits_layout(s, name) || !release_is_built(s->q, release))
		return false;
	return release_is_going(s->q, release) ||
	       (!release_has_tree(s, release) && !boot_has_kernel(s, release));
}

/* What it is by its name; release: that of an initramfs, or NULL. LEFTOVER_NONE: none. */
static enum leftover boot_kind(const struct search *s, const char *name,
			       const char *release, int64_t changed)
{
	if (name_is_backup(name))
		return !s->q->urgent && changed > s->q->now - LEFT_OVER_AGE
			       ? LEFTOVER_NONE
			       : LEFTOVER_BACKUP;
	if (name_belongs(s, name))
		return LEFTOVER_NONE;
	return release && initramfs_is_left(s, name, release) ? LEFTOVER_INITRAMFS
							      : LEFTOVER_UNKNOWN;
}

static void search_boot_name(struct search *s, const char *name)
{
	autofree char *path = str_format("/boot/%s", name);
	autofree char *release = boot_name_initramfs_release(name);
	struct left_over *added = NULL;
	enum leftover kind;
	struct stat st;

	if (root_lstat(s->q->root, path, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	if (*name == '.') {
		if (strstr(name, ".kuro-") && s->q->alone)
			(void)search_add(s, LEFTOVER_STAGING, path, &st);
		return;
	}
	kind = boot_kind(s, name, release, (int64_t)st.st_mtim.tv_sec);
	if (kind != LEFTOVER_NONE)
		added = search_add(s, kind, path, &st);
	if (added && kind == LEFTOVER_INITRAMFS)
		added->release = take_ptr(release);
}

static void search_boot(struct search *s)
{
	autostrv struct strv names = {0};

	if (root_list(s->q->root, "/boot", &names, NULL) < 0)
		return;
	for (size_t i = 0; i < names.count; i++)
		search_boot_name(s, names.items[i]);
}

/* Everything in a directory of kuro's own that fits. */
static void search_own(struct search *s, const char *directory,
		       bool (*fits)(const char *name))
{
	autostrv struct strv names = {0};

	if (root_list(s->q->root, directory, &names, NULL) < 0)
		return;
	for (size_t i = 0; i < names.count; i++) {
		autofree char *path = str_format("%s/%s", directory, names.items[i]);
		struct stat st;

		if (fits(names.items[i]) && root_lstat(s->q->root, path, &st) == 0)
			(void)search_add(s, LEFTOVER_STAGING, path, &st);
	}
}

static bool fits_all(const char *name)
{
	(void)name; /* nothing else lies there */
	return true;
}

static bool fits_hidden(const char *name)
{
	return *name == '.';
}

static bool fits_grub(const char *name)
{
	return str_eq(name, "grub.cfg.kuro-new");
}

/* Places that everybody may write to: only what is root's own, as act/initramfs has it.
 */
static void search_shared(struct search *s, const char *directory)
{
	struct stat st;

	if (root_lstat(s->q->root, directory, &st) == 0 && S_ISDIR(st.st_mode) &&
	    st.st_uid == geteuid() && !(st.st_mode & 022))
		(void)search_add(s, LEFTOVER_STAGING, directory, &st);
}

static void search_staging(struct search *s)
{
	search_shared(s, "/var/tmp/kuro-staging");
	search_shared(s, "/tmp/kuro-staging");
	search_own(s, STAGING, fits_all);
	search_own(s, BOOT_GENERATIONS, fits_hidden);
	search_own(s, "/boot/grub", fits_grub);
	search_own(s, "/boot/grub2", fits_grub);
}

/*
 * Will its package leave anything of it? Modules that others put there: packages take
 * the indexes along in their scripts.
 */
static bool tree_outlasts(const struct root *root, const char *tree)
{
	static const char *const parts[] = {"updates", "extra", "weak-updates", "misc"};

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		autofree char *path = str_format("%s/%s", tree, parts[i]);

		if (root_exists(root, path))
			return true;
	}
	return false;
}

static enum leftover tree_kind(const struct search *s, const char *release,
			       const char *tree)
{
	if (release_is_going(s->q, release))
		return tree_outlasts(s->q->root, tree) ? LEFTOVER_TREE : LEFTOVER_NONE;
	return tree_is_whole(s->q->root, tree) ? LEFTOVER_UNKNOWN : LEFTOVER_TREE;
}

static void search_trees(struct search *s, const char *where)
{
	autostrv struct strv names = {0};

	if (root_list(s->q->root, where, &names, NULL) < 0)
		return;
	for (size_t i = 0; i < names.count; i++) {
		autofree char *tree = str_format("%s/%s", where, names.items[i]);
		struct left_over *added = NULL;
		enum leftover kind;
		struct stat st;

		if (!release_valid(names.items[i]) ||
		    root_lstat(s->q->root, tree, &st) < 0 || !S_ISDIR(st.st_mode) ||
		    release_is_alive(s->q, names.items[i]))
			continue;
		kind = tree_kind(s, names.items[i], tree);
		if (kind != LEFTOVER_NONE)
			added = search_add(s, kind, tree, &st);
		if (added)
			added->release = str_dup(names.items[i]);
	}
}

static void search_dkms_version(struct search *s, const char *directory)
{
	autostrv struct strv names = {0};

	if (root_list(s->q->root, directory, &names, NULL) < 0)
		return;
	for (size_t i = 0; i < names.count; i++) {
		autofree char *path = str_format("%s/%s", directory, names.items[i]);
		struct left_over *added;
		struct stat st;

		/* "source" and "build" are no releases */
		if (!isdigit((unsigned char)*names.items[i]) ||
		    !release_valid(names.items[i]) ||
		    root_lstat(s->q->root, path, &st) < 0 || !S_ISDIR(st.st_mode) ||
		    release_is_alive(s->q, names.items[i]))
			continue;
		added = search_add(s, LEFTOVER_DKMS, path, &st);
		if (added)
			added->release = str_dup(names.items[i]);
	}
}

/* Directories in a directory; links ("kernel-REL-ARCH") are none. */
static void each_directory(struct search *s, const char *directory,
			   void (*each)(struct search *s, const char *directory))
{
	autostrv struct strv names = {0};

	if (root_list(s->q->root, directory, &names, NULL) < 0)
		return;
	for (size_t i = 0; i < names.count; i++) {
		autofree char *path = str_format("%s/%s", directory, names.items[i]);
		struct stat st;

		if (root_lstat(s->q->root, path, &st) == 0 && S_ISDIR(st.st_mode))
			each(s, path);
	}
}

static void search_dkms_module(struct search *s, const char *directory)
{
	each_directory(s, directory, search_dkms_version);
}

/* Where no kernel's files are known to come from a package, nothing says who made them.
 */
static bool item_asks_owner(const struct search *s, const struct left_over *item)
{
	if (item->kind == LEFTOVER_TREE)
		return !release_is_going(s->q, item->release);
	return item->kind == LEFTOVER_UNKNOWN || item->kind == LEFTOVER_INITRAMFS ||
	       item->kind == LEFTOVER_BACKUP;
}

static void search_drop_owned(struct search *s)
{
	autostrv struct strv paths = {0};
	autofree bool *owned = mem_zalloc(s->list.count + 1);
	size_t kept = 0;

	for (size_t i = 0; i < s->list.count; i++)
		strv_add(&paths, s->list.items[i].path);
	file_owners_find(s->q->root, &paths, owned);
	for (size_t i = 0; i < s->list.count; i++) {
		struct left_over *item = &s->list.items[i];

		if (!owned[i] || !item_asks_owner(s, item)) {
			s->list.items[kept++] = *item;
			continue;
		}
		free(item->path);
		free(item->release);
	}
	s->list.count = kept;
}

void left_overs_probe(const struct left_over_question *question,
		      struct left_over_list *ret)
{
	struct search s = {.q = question};
	struct stat boot, usr, lib;
	bool merged;

	if (root_stat(question->root, "/boot", &boot) == 0)
		s.boot = boot.st_dev;
	merged = root_stat(question->root, "/usr/lib/modules", &usr) == 0 &&
		 root_stat(question->root, "/lib/modules", &lib) == 0 &&
		 usr.st_dev == lib.st_dev && usr.st_ino == lib.st_ino;
	if (question->alone)
		search_staging(&s);
	search_boot(&s);
	search_trees(&s, "/usr/lib/modules");
	if (!merged)
		search_trees(&s, "/lib/modules");
	each_directory(&s, DKMS, search_dkms_module);
	search_drop_owned(&s);
	*ret = s.list;
}
