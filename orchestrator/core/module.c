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

/* Texts on their way: counted while there is no place for them, else copied. */
struct moving {
	char *to;
	size_t len;
};

static void move_bytes(struct moving *moving, const void **at, size_t len)
{
	if (!*at)
		return;
	if (moving->to)
		*at = memcpy(moving->to + moving->len, *at, len);
	moving->len += len;
}

static void move_text(struct moving *moving, const char **text)
{
	const void *at = *text;

	move_bytes(moving, &at, at ? strlen(*text) + 1 : 0);
	*text = at;
}

static void move_versions(struct moving *moving, struct module_version *versions,
			  size_t count)
{
	for (size_t i = 0; i < count; i++)
		move_text(moving, &versions[i].symbol);
}

static size_t move_all(struct module_file *file, char *to)
{
	struct module_signature *signature = &file->signature;
	const char **const texts[] = {&file->name,        &file->vermagic,
				      &file->license,     &file->version,
				      &file->srcversion,  &file->provenance,
				      &signature->signer, &signature->key,
				      &signature->hash};
	struct moving moving = {.to = to};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		move_text(&moving, texts[i]);
	for (size_t i = 0; i < file->import_count; i++)
		move_text(&moving, &file->imports[i].symbol);
	move_versions(&moving, file->versions, file->version_count);
	move_versions(&moving, file->versions_ext, file->version_ext_count);
	for (size_t i = 0; i < file->export_count; i++) {
		move_text(&moving, &file->exports[i].name);
		move_text(&moving, &file->exports[i].name_space);
		file->exports[i].owner = file->name;
	}
	move_bytes(&moving, &signature->message, signature->length);
	return moving.len;
}

void module_file_keep(struct module_file *file)
{
	size_t len = move_all(file, NULL);
	struct text before = file->arena;

	file->arena =
		(struct text){.data = mem_zalloc(len + 1), .len = len, .size = len + 1};
	(void)move_all(file, file->arena.data); /* as much as was counted */
	text_done(&before);
	release_bytes(file);
	file->bytes = file->mapping = NULL;
	file->btf = file->btf_base = NULL;
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
	if (known->file)
		module_file_done(known->file);
	free(known->file);
}

void third_party_list_done(struct third_party_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		third_party_done(&list->items[i]);
	free(list->items);
	*list = (struct third_party_list){0};
}
