/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Owners of module files. A kernel's list has some 4,000 modules, so paths stay where
 * they were read, in a hash table of pointers; lists are chosen by their names before
 * any is opened.
 */
#include "module-owners.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/process.h"
#include "dpkg-lists.h"

#define LISTS_MAX   64
#define SLOTS_LEAST 8192
#define RPM_TIMEOUT 60 /* seconds */
#define RPM_OUTPUT  ((size_t)16 * 1024 * 1024)
#define RPM_FILES   1000 /* asked about in one run */

void module_owners_done(struct module_owners *owners)
{
	strv_done(&owners->texts);
	strv_done(&owners->lists);
	strv_done(&owners->diverted);
	free(owners->slots);
	free(owners->dirs);
	*owners = (struct module_owners){0};
}

size_t module_stem(const char *path, size_t len)
{
	static const char *const ends[] = {"", ".gz", ".xz", ".zst"};

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		size_t n = strlen(ends[i]);

		if (len > n + 3 && memcmp(path + len - n, ends[i], n) == 0 &&
		    memcmp(path + len - n - 3, ".ko", 3) == 0)
			return len - n;
	}
	return 0;
}

/* FNV-1a. */
static uint32_t path_hash(const char *path, size_t len)
{
	uint32_t hash = 2166136261U;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)path[i]) * 16777619U;
	return hash;
}

/* Where the path stands, or the free slot where it would. The table is never full. */
static struct owned_path *slot_of(const struct module_owners *owners,
				  const struct owned_path *wanted)
{
	size_t i = wanted->hash & (owners->size - 1);

	while (owners->slots[i].path &&
	       (owners->slots[i].hash != wanted->hash ||
		owners->slots[i].len != wanted->len ||
		memcmp(owners->slots[i].path, wanted->path, wanted->len) != 0))
		i = (i + 1) & (owners->size - 1);
	return &owners->slots[i];
}

static void owners_grow(struct module_owners *owners)
{
	struct owned_path *old = owners->slots;
	size_t old_size = owners->size;

	owners->size = old_size ? old_size * 2 : SLOTS_LEAST;
	owners->slots = mem_zalloc(owners->size * sizeof(*owners->slots));
	for (size_t i = 0; i < old_size; i++)
		if (old[i].path)
			*slot_of(owners, &old[i]) = old[i];
	free(old);
}

static void owners_add(struct module_owners *owners, const char *path, size_t len)
{
	struct owned_path added = {path, (uint32_t)len, path_hash(path, len)};
	struct owned_path *slot;

	if (owners->count * 2 >= owners->size)
		owners_grow(owners);
	slot = slot_of(owners, &added);
	owners->count += !slot->path;
	*slot = added;
}

bool module_owners_has(const struct module_owners *owners, const char *path, size_t len)
{
	struct owned_path wanted = {path, (uint32_t)len, path_hash(path, len)};

	if (owners->size == 0 || !slot_of(owners, &wanted)->path)
		return false;
	for (size_t i = 0; i < owners->diverted.count; i++)
		if (strlen(owners->diverted.items[i]) == len &&
		    memcmp(owners->diverted.items[i], path, len) == 0)
			return false;
	return true;
}

/*
 * What stands behind "[/usr]/lib/modules/REL/" in a line, or NULL: /lib is /usr/lib on
 * the machines of today, and packages write either.
 */
static const char *line_below_tree(const char *line, const char *end, const char *release)
{
	static const char usr[] = "/usr", modules[] = "/lib/modules/";
	size_t n = strlen(release);

	if ((size_t)(end - line) > strlen(usr) && str_starts(line, usr))
		line += strlen(usr);
	if ((size_t)(end - line) <= strlen(modules) + n || !str_starts(line, modules))
		return NULL;
	line += strlen(modules);
	if (memcmp(line, release, n) != 0 || line[n] != '/')
		return NULL;
	return line + n + 1;
}

static void add_dir(struct module_owners *owners, const char *path, size_t len)
{
	if (owners->dir_count % 256 == 0)
		owners->dirs = mem_regrow(owners->dirs, owners->dir_count + 256,
					  sizeof(*owners->dirs));
	owners->dirs[owners->dir_count++] =
		(struct owned_path){.path = path, .len = (uint32_t)len};
}

/* The directory of a path and those above it, as far as the last path had them not. */
static void add_dirs(struct module_owners *owners, const char *path, size_t len)
{
	const struct owned_path *last =
		owners->dir_count ? &owners->dirs[owners->dir_count - 1] : NULL;
	size_t common = 0, end = len;

	while (end > 0 && path[end - 1] != '/')
		end--;
	if (end == 0)
		return;
	end--; /* the directory's length, and the last one is the deepest */
	if (last && last->len == end && memcmp(last->path, path, end) == 0)
		return;
	while (last && common < last->len && common < end &&
	       last->path[common] == path[common])
		common++;
	if (last && common == last->len)
		common++; /* below the last one */
	for (size_t i = common; i < end; i++)
		if (path[i] == '/')
			add_dir(owners, path, i);
	add_dir(owners, path, end);
}

static void take_line(struct module_owners *owners, const char *path, const char *end,
		      bool everywhere)
{
	size_t len = module_stem(path, (size_t)(end - path));

	if (len == 0 || (!everywhere && !str_starts(path, "kernel/")))
		return;
	owners_add(owners, path, len);
	add_dirs(owners, path, len);
}

/* Does the list hold what only the package of the kernel itself has? */
static bool list_is_core(const char *text, const char *release)
{
	autofree char *order = str_format("/lib/modules/%s/modules.order\n", release);

	return strstr(text, order);
}

/* Takes text. */
static void take_list(struct module_owners *owners, char *text)
{
	bool core = list_is_core(text, owners->release);
	const char *end;

	strv_add_take(&owners->texts, text);
	for (const char *line = text; *line; line = *end ? end + 1 : end) {
		const char *path;

		end = strchrnul(line, '\n');
		path = line_below_tree(line, end, owners->release);
		if (path)
			take_line(owners, path, end, core);
	}
}

/* "linux-image-REL.list", "linux-modules-extra-REL:amd64.list", ... */
static bool list_is_kernels(const char *name, const char *release)
{
	static const char *const starts[] = {
		"linux-image-",    "linux-modules-", "linux-binary-", "linux-base-",
		"proxmox-kernel-", "pve-kernel-",    "kernel-image-",
	};

	if (!str_ends(name, ".list") || !strstr(name, release) || strstr(name, "-dbg"))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(starts); i++)
		if (str_starts(name, starts[i]))
			return true;
	return false;
}

static int read_list(const struct root *root, struct module_owners *owners,
		     const char *name, struct error *err)
{
	autofree char *path = str_format(DPKG_INFO "/%s", name);
	char *text = NULL;
	int r = root_read(root, path, DPKG_LIST_MAX, &text, NULL, err);

	if (r < 0)
		return r;
	strv_add(&owners->lists, name);
	take_list(owners, text);
	return 0;
}

int module_owners_read_all(const struct root *root, struct module_owners *owners,
			   struct error *err)
{
	autodir DIR *dir = owners->scanned ? NULL : dpkg_lists_open(root);
	size_t before = owners->count;
	const struct dirent *entry;
	int r = 0;

	owners->scanned = true;
	while (r == 0 && dir && (entry = readdir(dir)) && owners->lists.count < LISTS_MAX)
		if (list_is_kernels(entry->d_name, owners->release) &&
		    !strv_has(&owners->lists, entry->d_name))
			r = read_list(root, owners, entry->d_name, err);
	return r < 0 ? r : owners->count > before;
}

/* The lists that most kernels have; all names, where these tell nothing. */
static int read_lists(const struct root *root, struct module_owners *owners,
		      struct error *err)
{
	static const struct {
		const char *before, *after;
	} names[] = {
		{"linux-image-", ".list"},           {"linux-image-unsigned-", ".list"},
		{"linux-binary-", ".list"},          {"linux-modules-", ".list"},
		{"linux-modules-extra-", ".list"},   {"proxmox-kernel-", ".list"},
		{"proxmox-kernel-", "-signed.list"},
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		autofree char *name = str_format("%s%s%s", names[i].before,
						 owners->release, names[i].after);
		int r = read_list(root, owners, name, err);

		if (r < 0 && r != -ENOENT)
			return r;
	}
	return owners->count > 0 ? 0 : module_owners_read_all(root, owners, err);
}

/* Three lines each: what is diverted, to where, and by which package (dpkg-divert(1)). */
static void read_diversions(const struct root *root, struct module_owners *owners)
{
	autofree char *text = NULL;
	autostrv struct strv lines = {0};

	if (root_read(root, "/var/lib/dpkg/diversions", DPKG_LIST_MAX, &text, NULL,
		      NULL) < 0 ||
	    !strstr(text, "/lib/modules/"))
		return;
	strv_split(&lines, text, "\n");
	for (size_t i = 0; i + 2 < lines.count; i += 3) {
		const char *line = lines.items[i];
		const char *path =
			line_below_tree(line, line + strlen(line), owners->release);

		if (path)
			strv_add_take(&owners->diverted,
				      str_ndup(path, module_stem(path, strlen(path))));
	}
}

/* "kernel/fs/ext4/ext4.ko" a line (Documentation/kbuild/kbuild.rst, modules.order). */
static int read_order(const struct root *root, const char *tree,
		      struct module_owners *owners, struct error *err)
{
	autofree char *path = str_format("%s/modules.order", tree);
	char *text = NULL;
	const char *end;
	int r;

	if (!root_exists(root, path))
		return 0;
	r = root_read(root, path, DPKG_LIST_MAX, &text, NULL, err);
	if (r < 0)
		return r;
	strv_add_take(&owners->texts, text);
	for (const char *line = text; *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		take_line(owners, line, end, false);
	}
	return 0;
}

int module_owners_read(const struct root *root, const char *tree, const char *release,
		       struct module_owners *ret, struct error *err)
{
	struct module_owners owners = {.release = release};
	int r = read_lists(root, &owners, err);

	if (r >= 0 && owners.count > 0)
		read_diversions(root, &owners);
	else if (r >= 0)
		r = read_order(root, tree, &owners, err);
	if (r < 0) {
		module_owners_done(&owners);
		return error_prefix(err, r, "looking for the owners of %s", tree);
	}
	*ret = owners;
	return 0;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct module_owner *)a)->path,
		      ((const struct module_owner *)b)->path);
}

/* The file of that path among those asked about, which are sorted; or NULL. */
static struct module_owner *file_of(struct module_owner *files, size_t count,
				    const char *path, size_t len)
{
	autofree char *name = str_ndup(path, len);
	struct module_owner wanted = {.path = name};
	struct module_owner *file =
		bsearch(&wanted, files, count, sizeof(*files), by_path);

	return file && !file->package ? file : NULL;
}

/* One package's list: each line of the tree is looked for among the files. */
static void name_from_list(const struct module_owners *owners, const char *text,
			   const char *package, struct module_owner *files, size_t count)
{
	autofree char *below = str_format("/lib/modules/%s/", owners->release);

	for (const char *at = strstr(text, below); at; at = strstr(at, below)) {
		const char *path = at + strlen(below);
		size_t len = strcspn(path, "\n");
		struct module_owner *file = file_of(files, count, path, len);

		if (file)
			file->package = str_ndup(package, strcspn(package, ":"));
		at = path;
	}
}

static void name_by_dpkg(const struct root *root, const struct module_owners *owners,
			 struct module_owner *files, size_t count)
{
	autodir DIR *dir = dpkg_lists_open(root);
	autotext struct text text = {0};
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		autofree char *package = NULL;

		if (!str_ends(entry->d_name, ".list") ||
		    strv_has(&owners->lists, entry->d_name) ||
		    !dpkg_list_read(dirfd(dir), entry->d_name, &text))
			continue;
		package =
			str_ndup(entry->d_name, strlen(entry->d_name) - strlen(".list"));
		name_from_list(owners, text.data, package, files, count);
	}
}

/* "NAME\tNAME-VERSION-RELEASE.ARCH\t/lib/modules/REL/extra/x.ko" */
static void take_rpm_line(const struct module_owners *owners, char *line,
			  struct module_owner *files, size_t count)
{
	const char *name = strsep(&line, "\t"), *full = line ? strsep(&line, "\t") : NULL;
	const char *path =
		line ? line_below_tree(line, line + strlen(line), owners->release) : NULL;
	struct module_owner *file =
		path ? file_of(files, count, path, strlen(path)) : NULL;

	if (!file)
		return;
	file->package = str_dup(full);
	file->kernels_own = str_eq(name, "kernel") ||
			    (str_starts(name, "kernel-") && !strstr(name, "-kmp-"));
}

/*
 * One run for all, of the machine's own rpm: -qf wants to see the file, and --root does
 * not change where it looks. Each answer is the whole list of the package's files, so
 * that it tells which question it answers, whatever rpm says of files without an owner.
 */
static void name_by_rpm(const struct root *root, const char *tree,
			const struct module_owners *owners, struct module_owner *files,
			size_t count)
{
	static const char answer[] = "[%{=NAME}\\t%{=NAME}-%{=VERSION}-%{=RELEASE}"
				     ".%{=ARCH}\\t%{FILENAMES}\\n]";
	static const char *const words[] = {"rpm", "-qf", "--qf", answer};
	size_t asked = count < RPM_FILES ? count : RPM_FILES;
	autofree const char **argv =
		mem_zalloc((ARRAY_LEN(words) + asked + 1) * sizeof(*argv));
	struct process process = {.argv = argv,
				  .root = root,
				  .timeout = RPM_TIMEOUT,
				  .output_max = RPM_OUTPUT};
	autoprocess struct process_result result = {0};
	autostrv struct strv paths = {0}, lines = {0};

	memcpy(argv, words, sizeof(words));
	for (size_t i = 0; i < asked; i++) {
		strv_add_take(&paths, str_format("%s/%s", tree, files[i].path));
		argv[ARRAY_LEN(words) + i] = paths.items[i];
	}
	/* no rpm, or none that answers: no names; status 1: some file has no owner */
	if (process_run(&process, &result, NULL) < 0)
		return;
	strv_split(&lines, text_str(&result.out), "\n");
	for (size_t i = 0; i < lines.count; i++)
		take_rpm_line(owners, lines.items[i], files, count);
}

void module_owners_name(const struct root *root, const char *tree,
			const struct module_owners *owners, struct module_owner *files,
			size_t count)
{
	if (count == 0)
		return;
	qsort(files, count, sizeof(*files), by_path);
	if (root_exists(root, "/var/lib/dpkg/status"))
		name_by_dpkg(root, owners, files, count);
	else if (root_exists(root, "/usr/lib/sysimage/rpm") ||
		 root_exists(root, "/var/lib/rpm"))
		name_by_rpm(root, tree, owners, files, count);
}
