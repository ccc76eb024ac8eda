/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Words and ends of what is known of a module.
 */
#include "core/module.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static const char *const provider_names[PROVIDERS] = {
	[PROVIDER_DKMS] = "dkms",       [PROVIDER_AKMODS] = "akmods",
	[PROVIDER_WEAK] = "weak",       [PROVIDER_CONTAINER] = "container",
	[PROVIDER_PACKAGE] = "package", [PROVIDER_UNOWNED] = "unowned",
};

static const char *const use_names[] = {
	[MODULE_USE_ROOT] = "root",     [MODULE_USE_LINK] = "link",
	[MODULE_USE_MOUNT] = "mount",   [MODULE_USE_DEVICE] = "device",
	[MODULE_USE_LOADED] = "loaded", [MODULE_USE_NONE] = "none",
};

static const char *const remedy_names[] = {
	[REMEDY_NONE] = "none",
	[REMEDY_REBUILD] = "rebuild",
	[REMEDY_LINK] = "link",
};

const char *module_provider_name(enum module_provider provider)
{
	return provider_names[provider];
}

int module_provider_parse(const char *name)
{
	for (int i = 0; i < PROVIDERS; i++)
		if (str_eq(name, provider_names[i]))
			return i;
	return -EINVAL;
}

const char *module_use_name(enum module_use use)
{
	return use_names[use];
}

const char *module_remedy_name(enum module_remedy remedy)
{
	return remedy_names[remedy];
}

static void release_bytes(struct module_file *file)
{
	if (file->mapping)
		(void)munmap(file->mapping, file->size); /* read only, nothing is lost */
	else
		free(file->bytes);
}

void module_file_done(struct module_file *file)
{
	struct strv *const lists[] = {&file->depends,       &file->softdeps_pre,
				      &file->softdeps_post, &file->namespaces,
				      &file->firmware,      &file->parameters};

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		strv_done(lists[i]);
	free(file->path);
	free(file->fault);
	free(file->imports);
	free(file->versions);
	free(file->versions_ext);
	free(file->exports);
	release_bytes(file);
	text_done(&file->arena);
	*file = (struct module_file){0};
}

static void third_party_done(struct third_party *known)
{
	free(known->name);
	free(known->path);
	free(known->release);
	free(known->built_for);
	free(known->version);
	free(known->package);
	free(known->user);
	free(known->signature_texts);
}

void third_party_list_done(struct third_party_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		third_party_done(&list->items[i]);
	free(list->items);
	*list = (struct third_party_list){0};
}
