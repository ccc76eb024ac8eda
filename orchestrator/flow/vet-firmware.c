/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Firmware that drivers of bound devices name newly: most names of a module are
 * alternatives, so that only what the present module does not name, and nobody has put
 * there, is worth a word.
 */
#include "vet-parts.h"

#include <string.h>

#include "base/cleanup.h"

#define LIST_MAX ((size_t)64 * 1024 * 1024)

/* A release's module trees, to find files by name. */
struct tree {
	struct kernel_source *source;
	struct strv paths;
};

static void tree_paths(struct tree *tree)
{
	autofree char *text = NULL;
	const void *bytes;
	size_t len = 0;

	if (tree->source->file(tree->source->data, "modules", &bytes, &len, NULL) < 0 ||
	    len > LIST_MAX)
		return;
	text = str_ndup(bytes, len);
	strv_split(&tree->paths, text, "\n");
}

static const char *tree_path(const struct tree *tree, const char *module)
{
	for (size_t i = 0; i < tree->paths.count; i++) {
		autofree char *name = module_name_of(tree->paths.items[i]);

		if (str_eq(name, module))
			return tree->paths.items[i];
	}
	return NULL;
}

/* What was noted of all modules on the way through packages: "module file" lines. */
static void noted_firmware(const char *at, const char *end, const char *module,
			   struct strv *ret)
{
	const size_t n = strlen(module);

	while (at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		const size_t len = (size_t)((stop ? stop : end) - at);

		if (len > n && at[n] == ' ' && memcmp(at, module, n) == 0)
			strv_add_take(ret, str_ndup(at + n + 1, len - n - 1));
		at += len + 1;
	}
}

/* The firmware that the release's module of that name lists; false: there is none. */
static bool tree_firmware(const struct tree *tree, const char *module, struct strv *ret)
{
	const char *path = tree_path(tree, module);
	const void *noted;
	size_t noted_len = 0;
	automodule struct module_file file = {0};
	autofree void *bytes = NULL;
	size_t len = 0;

	/* a package's module is behind all that is before it: nobody unpacks that again
	 */
	if (path && tree->source->file(tree->source->data, "firmware", &noted, &noted_len,
				       NULL) == 0) {
		noted_firmware(noted, (const char *)noted + noted_len, module, ret);
		return true;
	}
	if (!path ||
	    tree->source->module(tree->source->data, path, &bytes, &len, NULL) < 0 ||
	    module_file_parse(path, bytes, len, &file, NULL) < 0)
		return false;
	for (size_t i = 0; i < file.firmware.count; i++)
		strv_add(ret, file.firmware.items[i]);
	return true;
}

static void firmware_of(struct vet *vet, const struct tree *old, const struct tree *new,
			const char *module)
{
	autostrv struct strv before = {0}, after = {0}, missing = {0};

	if (!tree_firmware(old, module, &before) || !tree_firmware(new, module, &after))
		return;
	for (size_t i = 0; i < after.count; i++)
		if (!strv_has(&before, after.items[i]) &&
		    !firmware_present(vet->machine->root, vet->report->release,
				      after.items[i]))
			strv_add(&missing, after.items[i]);
	if (missing.count > 0)
		vet_find(vet, VET_NOTE,
			 "driver %s of %s names %zu firmware files that the present one "
			 "does not and that are not here (first: %s)",
			 module, vet->report->release, missing.count, missing.items[0]);
}

/* Modules that drive devices now, each once. */
static void firmware_modules(const struct vet *vet, struct strv *ret)
{
	const struct device_list *devices = &vet->report->devices;

	for (size_t i = 0; i < devices->count; i++)
		if (devices->items[i].module && !strv_has(ret, devices->items[i].module))
			strv_add(ret, devices->items[i].module);
}

int vet_weigh_firmware(struct vet *vet, struct error *err)
{
	autosource struct kernel_source running = {0};
	struct tree old = {.source = &running}, new = {.source = &vet->source};
	autostrv struct strv modules = {0};

	(void)err; /* what can't be read has nothing new */
	if (!vet->running || !vet->source.module ||
	    str_eq(vet->running, vet->report->release) ||
	    kernel_source_installed(vet->machine->root, vet->running, &running, NULL) < 0)
		return 0;
	firmware_modules(vet, &modules);
	tree_paths(&old);
	tree_paths(&new);
	for (size_t i = 0; i < modules.count; i++)
		firmware_of(vet, &old, &new, modules.items[i]);
	strv_done(&old.paths);
	strv_done(&new.paths);
	return 0;
}
