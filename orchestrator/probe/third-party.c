/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Third-party modules, found and not listed by hand: a walk through the tree leaves what
 * the kernel's packages do not own (module-owners.c), the providers' own records say who
 * made it (module-providers.c), /proc and /sys what it is used for (module-use.c). Of
 * files that give one module the one that depmod prefers counts. Runs no program but rpm.
 */
#include "probe/third-party.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parallel.h"
#include "core/release.h"
#include "module-owners.h"
#include "module-providers.h"
#include "module-tree.h"
#include "module-use.h"
#include "probe/module-file.h"

#define READ_FEW 16 /* files a thread is begun for */

/* Where a release's modules lie; NULL: nowhere. */
static char *tree_path(const struct root *root, const char *release)
{
	static const char *const dirs[] = {"/lib/modules", "/usr/lib/modules"};

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		autofree char *path = str_format("%s/%s", dirs[i], release);

		if (root_exists(root, path))
			return take_ptr(path);
	}
	return NULL;
}

/* What all files of one probe share. */
struct third_party_search {
	const struct root *root;
	const char *release, *tree;
	struct module_providers providers;
	struct module_providers linked; /* of linked_release, where links led last */
	char *linked_release;
	struct module_uses uses;
	bool running; /* it is this release that runs */
};

static bool release_runs(const struct root *root, const char *release)
{
	autofree char *running = NULL;

	return root_read_line(root, "/proc/sys/kernel/osrelease", &running, NULL) == 0 &&
	       str_eq(running, release);
}

static void search_begin(struct third_party_search *search)
{
	search->running = release_runs(search->root, search->release);
	module_providers_read(search->root, search->release, &search->providers);
	if (search->running)
		/* not told: nothing is known to be in use */
		(void)module_uses_read(search->root, &search->uses);
}

static void search_done(struct third_party_search *search)
{
	module_providers_done(&search->providers);
	module_providers_done(&search->linked);
	free(search->linked_release);
	module_uses_done(&search->uses);
}

/* Does the link lead into another release's tree? */
static bool link_is_weak(const struct third_party_search *search,
			 const struct tree_file *file)
{
	autofree char *own = str_format("/lib/modules/%s/", search->release);

	if (!file->target)
		return false;
	return str_starts(file->path, "weak-updates/") ||
	       (strstr(file->target, "/lib/modules/") && !strstr(file->target, own));
}

/* What the file of a module says; NULL where a link leads nowhere. */
static struct module_file *file_of(const struct root *root,
				   const struct third_party *known)
{
	struct module_file *file = mem_zalloc(sizeof(*file));
	struct error why = {0};
	int r = module_file_read(root, known->path, file, &why);

	if (r == -ENOENT) {
		free(file);
		return NULL;
	}
	if (r < 0)
		*file = (struct module_file){.path = str_dup(known->path),
					     .name = known->name,
					     .fault = str_dup(why.message)};
	module_file_examine(file);
	module_file_keep(file);
	return file;
}

/* What its file says of a module: version, release. */
static void read_file(struct third_party *known, const struct root *root)
{
	const struct module_file *file = known->file = file_of(root, known);

	if (file && file->vermagic)
		known->built_for = str_ndup(file->vermagic, strcspn(file->vermagic, " "));
	if (file && file->version) {
		free(known->version);
		known->version = str_printable(file->version);
	}
}

/* Who made a linked module for the release whose tree it lies in: DKMS, or not known. */
static void take_linked(struct third_party_search *search, const struct tree_file *file,
			struct third_party *known)
{
	static const char modules[] = "/lib/modules/";
	const char *at = file->target ? strstr(file->target, modules) : NULL;
	const struct module_record *record;
	autofree char *release = NULL;

	if (!at)
		return;
	at += strlen(modules);
	release = str_ndup(at, strcspn(at, "/"));
	if (!release_valid(release))
		return;
	if (!str_eq(release, search->linked_release)) {
		module_providers_done(&search->linked);
		module_providers_read(search->root, release, &search->linked);
		free(search->linked_release);
		search->linked_release = take_ptr(release);
	}
	record = module_providers_find(&search->linked, known->name, NULL);
	if (record && record->provider == PROVIDER_DKMS) {
		known->package = str_dup(record->package);
		known->version = str_dup(record->version);
	}
}

/* Who provides it by the providers' own records; the package may tell more. */
static void take_provider(struct third_party_search *search, const struct tree_file *file,
			  struct third_party *known)
{
	const struct module_record *record =
		module_providers_find(&search->providers, known->name, file->path);

	if (link_is_weak(search, file)) {
		known->provider = PROVIDER_WEAK;
		take_linked(search, file, known);
	} else if (record) {
		known->provider = record->provider;
		known->package = str_dup(record->package);
		known->version = str_dup(record->version);
	} else {
		known->provider = str_starts(file->path, "updates/dkms/")
					  ? PROVIDER_DKMS
					  : PROVIDER_UNOWNED;
	}
}

/*
 * Names of packages for those that no provider has a record of. What an rpm of the
 * kernel put outside of kernel/ is the kernel's own: its name is taken away.
 */
static void take_packages(const struct third_party_search *search,
			  const struct module_owners *owners,
			  const struct tree_files *files, struct third_party *items)
{
	autofree struct module_owner *asked =
		mem_zalloc((files->count + 1) * sizeof(*asked));
	size_t count = 0;

	for (size_t i = 0; i < files->count; i++)
		if (items[i].name && !items[i].package &&
		    items[i].provider != PROVIDER_WEAK)
			asked[count++] =
				(struct module_owner){.path = files->items[i].path,
						      .index = i};
	module_owners_name(search->root, search->tree, owners, asked, count);
	for (size_t i = 0; i < count; i++) {
		struct third_party *known = &items[asked[i].index];

		if (asked[i].kernels_own) {
			free(known->name);
			known->name = NULL;
			free(asked[i].package);
		} else if (asked[i].package) {
			known->package = asked[i].package;
			known->provider = PROVIDER_PACKAGE;
		}
	}
}

/* Files to read; each module is touched by its own reading alone. */
struct reading {
	const struct root *root;
	struct third_party *items;
};

static void read_one(void *data, size_t i)
{
	const struct reading *reading = data;

	read_file(&reading->items[i], reading->root);
}

/* Drop those without a name; the rest learns what its file and the machine say. */
static void fill_list(struct third_party_search *search, struct third_party_list *list)
{
	struct third_party_list kept = {.items = list->items};

	for (size_t i = 0; i < list->count; i++) {
		struct third_party known = list->items[i];

		if (!known.name) {
			free(known.path);
			free(known.release);
			free(known.package);
			free(known.version);
			continue;
		}
		known.use = search->running
				    ? module_uses_of(&search->uses, search->release,
						     known.name, &known.user)
				    : MODULE_USE_NONE;
		kept.items[kept.count++] = known;
	}
	*list = kept;
	parallel_each(kept.count, READ_FEW, read_one,
		      &(struct reading){search->root, kept.items});
}

/*
 * A file that nobody's record explains may be a package's of the kernel after all, one of
 * an unusual name: all of them are asked before it is called third-party.
 */
static int drop_owned(const struct third_party_search *search,
		      struct module_owners *owners, const struct tree_files *files,
		      struct third_party *items, struct error *err)
{
	bool unexplained = false;
	int r;

	for (size_t i = 0; i < files->count; i++)
		unexplained |= !items[i].package && items[i].provider != PROVIDER_WEAK;
	r = unexplained ? module_owners_read_all(search->root, owners, err) : 0;
	for (size_t i = 0; r > 0 && i < files->count; i++) {
		const char *path = files->items[i].path;

		if (module_owners_has(owners, path, module_stem(path, strlen(path)))) {
			free(items[i].name);
			items[i].name = NULL;
		}
	}
	return r;
}

static int search_files(struct third_party_search *search, struct module_owners *owners,
			const struct tree_files *files, struct third_party_list *ret,
			struct error *err)
{
	int r;

	ret->items = mem_zalloc((files->count + 1) * sizeof(*ret->items));
	ret->count = files->count;
	for (size_t i = 0; i < files->count; i++) {
		struct third_party *known = &ret->items[i];

		known->name = str_dup(files->items[i].name);
		known->path = str_format("%s/%s", search->tree, files->items[i].path);
		known->release = str_dup(search->release);
		take_provider(search, &files->items[i], known);
	}
	r = drop_owned(search, owners, files, ret->items, err);
	if (r < 0) {
		third_party_list_done(ret);
		return r;
	}
	take_packages(search, owners, files, ret->items);
	fill_list(search, ret);
	return 0;
}

static int probe_tree(struct third_party_search *search, struct third_party_list *ret,
		      struct error *err)
{
	autoowners struct module_owners owners = {0};
	autotreefiles struct tree_files files = {0};
	int r = module_owners_read(search->root, search->tree, search->release, &owners,
				   err);

	if (r == 0)
		r = module_tree_files(search->root, search->tree, &owners, &files, err);
	if (r < 0 || files.count == 0)
		return r;
	search_begin(search);
	r = search_files(search, &owners, &files, ret, err);
	search_done(search);
	return r;
}

int third_party_probe(const struct root *root, const char *release,
		      struct third_party_list *ret, struct error *err)
{
	autofree char *tree = release_valid(release) ? tree_path(root, release) : NULL;
	struct third_party_search search = {.root = root,
					    .release = release,
					    .tree = tree};
	struct third_party_list list = {0};
	int r = 0;

	if (!release_valid(release))
		return error_set(err, -EINVAL, "%.64s can't be a kernel release",
				 release);
	if (tree)
		r = probe_tree(&search, &list, err);
	if (r == 0)
		*ret = list;
	return r;
}

bool third_party_is(const struct third_party *module, const char *name)
{
	return str_eq(module->name, name) ||
	       (module->file && str_eq(module->file->name, name));
}

static bool list_has(const struct third_party_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (str_eq(list->items[i].name, name))
			return true;
	return false;
}

/* Its file may be called otherwise: that of Debian's nvidia is nvidia-current.ko. */
static struct third_party *list_named_inside(struct third_party_list *list,
					     const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (third_party_is(&list->items[i], name))
			return &list->items[i];
	return NULL;
}

/* What uses the module uses the file. */
static void take_use(struct third_party_search *search, const char *name,
		     struct third_party *known)
{
	free(known->user);
	known->user = NULL;
	known->use = module_uses_of(&search->uses, search->release, name, &known->user);
}

/* A module that is loaded and has no file. */
static void add_loaded(struct third_party_search *search, const char *name,
		       struct third_party_list *list)
{
	const struct module_record *record =
		module_providers_find(&search->providers, name, NULL);
	autofree char *version = str_format("/sys/module/%s/version", name);
	struct third_party known = {
		.name = str_dup(name),
		.release = str_dup(search->release),
		.built_for = str_dup(search->release),
		.provider = record ? record->provider : PROVIDER_UNOWNED,
		.package = record ? str_dup(record->package) : NULL,
	};

	(void)root_read_line(search->root, version, &known.version, NULL); /* none */
	known.use = module_uses_of(&search->uses, search->release, name, &known.user);
	list->items = mem_regrow(list->items, list->count + 1, sizeof(*list->items));
	list->items[list->count++] = known;
}

static int by_module_name(const void *a, const void *b)
{
	return strcmp(((const struct third_party *)a)->name,
		      ((const struct third_party *)b)->name);
}

int third_party_probe_loaded(const struct root *root, struct third_party_list *ret,
			     struct error *err)
{
	autofree char *running = NULL;
	struct third_party_search search = {.root = root};
	size_t before = ret->count;
	int r;

	if (root_read_line(root, "/proc/sys/kernel/osrelease", &running, NULL) < 0)
		return 0; /* nothing runs from this root */
	search.release = running;
	r = module_uses_read(root, &search.uses);
	if (r < 0)
		return error_errno(err, r, "reading /proc/modules");
	module_providers_read(root, running, &search.providers);
	for (size_t i = 0; i < search.uses.loaded_count; i++) {
		const char *name = search.uses.loaded[i].name;
		struct third_party *renamed = NULL;

		if (!search.uses.loaded[i].out_of_tree || list_has(ret, name))
			continue;
		renamed = list_named_inside(ret, name);
		if (renamed)
			take_use(&search, name, renamed);
		else
			add_loaded(&search, name, ret);
	}
	search_done(&search);
	if (ret->count > before)
		qsort(ret->items, ret->count, sizeof(*ret->items), by_module_name);
	return 0;
}
