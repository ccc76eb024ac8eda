/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Modules of a release by name and by alias, and what they need in turn: dependencies by
 * depmod's indexes (libkmod), softdeps and firmware by the files themselves. Of several
 * modules that do the same (aes, crc32c) any will do, but one for another processor.
 */
#include "root-target.h"

#include <string.h>

#include "alias-match.h"
#include "kmod-index.h"
#include "kmod-library.h"
#include "probe/module-file.h"
#include "probe/third-party.h"

#define NEEDS_MAX   2048
#define MODINFO_MAX ((size_t)16 << 20)
#define INDEX_MAX   ((size_t)64 << 20)

static void found_built_in(void *data, size_t index, const char *module, size_t length)
{
	struct strv *found = data;
	autofree char *name = str_ndup(module, length);

	(void)index; /* there is one */
	if (!strv_has(found, name))
		strv_add(found, name);
}

/* libkmod looks no further than the modules where one of them has the alias: what the
 * kernel has built in for it would be missed. */
static void find_one(const struct root_target *target, const char *alias,
		     struct strv *ret)
{
	struct strv wanted = {0};
	const struct alias_match match = {&wanted, found_built_in, ret};
	char *name = str_dup(alias);

	alias_normalize(name);
	strv_add_take(&wanted, name);
	driver_tree_match(&target->tree, &wanted, ret);
	if (target->modinfo)
		alias_match_modinfo(&match, target->modinfo, target->modinfo_size);
	if (ret->count == 0 && root_target_has(target, wanted.items[0]))
		strv_add(ret, wanted.items[0]);
	strv_done(&wanted);
}

/* Modules for this machine's processor, by its modalias ("cpu:type:x86,ven…"). */
static void find_fit(struct root_target *target)
{
	autofree char *alias = NULL;

	if (root_read_line(target->root, "/sys/devices/system/cpu/modalias", &alias,
			   NULL) < 0)
		return;
	target->fit_known = true;
	find_one(target, alias, &target->fit);
}

/* Words between NUL bytes. */
static void read_built_in(struct root_target *target)
{
	autofree char *path = str_format("%s/modules.builtin.modinfo", target->folder);
	const char *word, *end;

	/* a kernel before 5.2 has none */
	if (root_read(target->root, path, MODINFO_MAX, &target->modinfo,
		      &target->modinfo_size, NULL) < 0)
		return;
	end = target->modinfo + target->modinfo_size;
	for (word = target->modinfo; word < end; word += strlen(word) + 1)
		if (strstr(word, ".softdep=") || strstr(word, ".firmware="))
			strv_add(&target->built_in, word);
}

/* depmod's indexes of a kernel that has everything in its image are empty. */
static bool has_modules(const struct driver_tree *tree)
{
	for (size_t i = 0; i < tree->count; i++)
		if (!tree->names[i].built_in)
			return true;
	return false;
}

/*
 * libkmod for dependencies alone, which takes one whole index. What driver_tree has needs
 * all of them, and depmod leaves that of built-in aliases empty before kernel 5.2.
 */
static struct kmod_ctx *open_dependencies(const struct root_target *target)
{
	static const char *const no_config[] = {NULL};
	autofree char *index = str_format("%s/modules.dep.bin", target->folder);
	autofree char *path = str_format("/proc/self/fd/%d", target->tree.fd);
	autofree char *data = NULL;
	struct kmod_ctx *kmod = NULL;
	size_t len = 0;

	if (root_read(target->root, index, INDEX_MAX, &data, &len, NULL) == 0 &&
	    kmod_index_whole((unsigned char *)data, len))
		kmod = sym_kmod_new(path, no_config);
	if (!kmod)
		return NULL;
	sym_kmod_set_log_priority(kmod, 0);
	/* mapped once, not opened for each module; it fails where one index is not fit */
	(void)sym_kmod_load_resources(kmod);
	return kmod;
}

int root_target_open(const struct root *root, const char *release,
		     struct root_needs *needs, struct root_target *ret, struct error *err)
{
	struct root_target target = {.root = root, .release = release, .needs = needs};
	int r = driver_tree_open(root, release, &target.tree, err);

	if (r < 0) {
		driver_tree_done(&target.tree);
		return r;
	}
	target.folder = str_format("/lib/modules/%s", release);
	if (!root_exists(root, target.folder)) {
		free(target.folder);
		target.folder = str_format("/usr/lib/modules/%s", release);
	}
	target.kmod = open_dependencies(&target);
	if (target.tree.torn || (!target.kmod && has_modules(&target.tree))) {
		root_target_done(&target);
		return error_set(err, -ERROR_DAMAGED,
				 "the index of what %s's modules depend on is damaged or "
				 "missing; run: depmod %s",
				 release, release);
	}
	read_built_in(&target);
	find_fit(&target);
	*ret = target;
	return 0;
}

void root_target_done(struct root_target *target)
{
	free(target->folder);
	if (target->kmod)
		sym_kmod_unref(target->kmod);
	driver_tree_done(&target->tree);
	strv_done(&target->fit);
	free(target->modinfo);
	strv_done(&target->built_in);
	strv_done(&target->expanded);
}

bool root_target_has(const struct root_target *target, const char *name)
{
	return driver_tree_find(&target->tree, name) != NULL;
}

static bool is_built_in(const struct root_target *target, const char *name)
{
	const struct driver_name *known = driver_tree_find(&target->tree, name);

	return known && known->built_in;
}

static struct root_need *need_add(struct root_target *target, const char *name,
				  const char *why, bool optional)
{
	struct root_need_list *list = &target->needs->modules;

	return list->count < NEEDS_MAX ? root_need_add(list, name, why, optional) : NULL;
}

void root_target_need(struct root_target *target, const char *name, const char *why)
{
	struct root_need *need = need_add(target, name, why, false);

	if (need)
		need->built_in = is_built_in(target, name);
}

static struct kmod_module *module_of(const struct root_target *target, const char *name)
{
	struct kmod_module *module = NULL;

	if (!target->kmod ||
	    sym_kmod_module_new_from_name(target->kmod, name, &module) < 0)
		return NULL;
	return module;
}

char *root_target_path(const struct root_target *target, const char *name)
{
	autofree char *folder = str_format("/proc/self/fd/%d/", target->tree.fd);
	struct kmod_module *module = module_of(target, name);
	const char *path = module ? sym_kmod_module_get_path(module) : NULL;
	char *found = NULL;

	if (path && str_starts(path, folder))
		found = str_format("%s/%s", target->folder, path + strlen(folder));
	else if (path && *path == '/')
		found = str_dup(path); /* as an old depmod wrote it */
	if (module)
		sym_kmod_module_unref(module);
	return found;
}

/* A processor's own module (kernel/arch/x86/crypto/…) is of use where it fits. */
static bool of_use_here(const struct root_target *target, const char *name)
{
	autofree char *path = NULL;

	if (!target->fit_known || strv_has(&target->fit, name))
		return true;
	path = root_target_path(target, name);
	return !path || !strstr(path, "/kernel/arch/");
}

/* "a|b" of modules, those of no use here left out unless there are no others. */
static char *any_of(const struct root_target *target, const struct strv *found)
{
	autostrv struct strv fit = {0};

	for (size_t i = 0; i < found->count; i++)
		if (of_use_here(target, found->items[i]))
			strv_add(&fit, found->items[i]);
	if (fit.count == 0)
		return strv_join(found, "|");
	strv_sort(&fit);
	return strv_join(&fit, "|");
}

static bool need_found(struct root_target *target, const struct strv *found,
		       const char *why, bool optional)
{
	autofree char *name = NULL;
	struct root_need *need;
	bool built_in = false;

	if (found->count == 0)
		return false;
	for (size_t i = 0; i < found->count; i++)
		built_in |= is_built_in(target, found->items[i]);
	name = any_of(target, found);
	need = need_add(target, name, why, optional);
	if (need)
		need->built_in = built_in;
	return true;
}

bool root_target_need_alias(struct root_target *target, const char *alias,
			    const char *also, const char *why)
{
	autostrv struct strv found = {0};

	find_one(target, alias, &found);
	if (also && found.count > 0 && !strv_has(&found, also) &&
	    root_target_has(target, also))
		strv_add(&found, also);
	return need_found(target, &found, why, false);
}

/*
 * Softdeps are hints, and a boot without most of them goes well (uhci_hcd wants ehci_pci
 * before it, where there is one). These the module can't do without.
 */
static const struct hard_softdep {
	const char *module, *word; /* word NULL: all */
} hard_softdeps[] = {
	{"ext4", "crc32c"}, {"f2fs", "crc32"}, {"libcrc32c", "crc32c"},
	{"xts", NULL},      {"lrw", NULL},     {"r8169", NULL},
};

static bool softdep_is_hard(const struct root_target *target, const char *module,
			    const char *word)
{
	if (str_eq(module, "btrfs"))
		return target->checksum && str_starts(word, target->checksum);
	for (size_t i = 0; i < ARRAY_LEN(hard_softdeps); i++)
		if (str_eq(module, hard_softdeps[i].module) &&
		    (!hard_softdeps[i].word || str_eq(word, hard_softdeps[i].word)))
			return true;
	return false;
}

struct expansion {
	struct root_target *target;
	const char *module;
	bool optional;
};

static void expand_softdep(const struct expansion *at, const char *alias)
{
	autofree char *why = str_format("%s", at->module);
	autofree char *word = str_dup(alias);
	autostrv struct strv found = {0};
	const char *plain = word;

	alias_normalize(word);
	if (str_starts(plain, "crypto_"))
		plain += strlen("crypto_");
	find_one(at->target, alias, &found);
	if (found.count == 0 && plain != word) /* "-" may stand for itself in an alias */
		find_one(at->target, plain, &found);
	(void)need_found(at->target, &found, why, /* none known: built into others */
			 at->optional || !softdep_is_hard(at->target, at->module, plain));
}

static void expand_firmware(const struct expansion *at, const char *name)
{
	struct root_needs *needs = at->target->needs;

	if (needs->firmware.count < NEEDS_MAX &&
	    firmware_present(at->target->root, at->target->release, name))
		(void)root_need_add(&needs->firmware, name, at->module, true);
}

static void expand_built_in(const struct expansion *at)
{
	autofree char *softdep = str_format("%s.softdep=", at->module);
	autofree char *firmware = str_format("%s.firmware=", at->module);

	for (size_t i = 0; i < at->target->built_in.count; i++) {
		const char *word = at->target->built_in.items[i];
		autostrv struct strv words = {0};

		if (str_starts(word, firmware))
			expand_firmware(at, word + strlen(firmware));
		if (!str_starts(word, softdep))
			continue;
		strv_split(&words, word + strlen(softdep), " \t");
		for (size_t n = 0; n < words.count && !str_eq(words.items[n], "post:");
		     n++)
			if (!str_eq(words.items[n], "pre:"))
				expand_softdep(at, words.items[n]);
	}
}

static void expand_dependencies(const struct expansion *at)
{
	autofree char *why = str_format("%s", at->module);
	struct kmod_module *module = module_of(at->target, at->module);
	struct kmod_list *list = module ? sym_kmod_module_get_dependencies(module) : NULL;
	struct kmod_list *item;

	kmod_list_each(item, list)
	{
		struct kmod_module *one = sym_kmod_module_get_module(item);
		const char *name = sym_kmod_module_get_name(one);
		struct root_need *need = need_add(at->target, name, why, at->optional);

		if (need)
			need->built_in = is_built_in(at->target, name);
		sym_kmod_module_unref(one);
	}
	sym_kmod_module_unref_list(list);
	if (module)
		sym_kmod_module_unref(module);
}

/* A file that can't be read asks for nothing; whether it loads is not judged here. */
static void expand_file(const struct expansion *at)
{
	autofree char *path = root_target_path(at->target, at->module);
	automodule struct module_file file = {0};

	if (!path || module_file_read(at->target->root, path, &file, NULL) < 0)
		return;
	for (size_t i = 0; i < file.softdeps_pre.count; i++)
		expand_softdep(at, file.softdeps_pre.items[i]);
	for (size_t i = 0; i < file.firmware.count; i++)
		expand_firmware(at, file.firmware.items[i]);
}

static void expand_one(struct root_target *target, const char *module, bool optional)
{
	const struct expansion at = {target, module, optional};
	bool single = !strchr(module, '|');

	strv_add(&target->expanded, module);
	if (single && is_built_in(target, module)) {
		expand_built_in(&at);
	} else if (single && root_target_has(target, module)) {
		expand_dependencies(&at);
		expand_file(&at);
	}
}

/* The next that is not expanded; what is needed comes before what is optional. */
static const struct root_need *expand_next(const struct root_target *target)
{
	const struct root_need_list *list = &target->needs->modules;
	const struct root_need *later = NULL;

	for (size_t i = 0; i < list->count; i++) {
		const struct root_need *need = &list->items[i];

		if (strv_has(&target->expanded, need->name))
			continue;
		if (!need->optional)
			return need;
		later = later ? later : need;
	}
	return later;
}

int root_target_expand(struct root_target *target, struct error *err)
{
	const struct root_need *need;

	while ((need = expand_next(target))) {
		autofree char *name = str_dup(need->name);

		expand_one(target, name, need->optional);
	}
	if (target->needs->modules.count >= NEEDS_MAX)
		return error_set(err, -ERROR_DAMAGED,
				 "the modules of %s need more than %d others, which kuro "
				 "does not believe",
				 target->release, NEEDS_MAX);
	return 0;
}
