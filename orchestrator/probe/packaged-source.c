/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One kernel out of packages. Its modules are seen once, on the way through the package;
 * they are not kept: 400 MB of them become 2 MB of exports and aliases.
 */
#include "packaged-source.h"

#include <ctype.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/release.h"
#include "module-elf.h"
#include "probe/decompress.h"

#define MODULES    "/lib/modules/"
#define ALIAS_MAX  4096
#define SAMPLE_MAX ((size_t)1 << 20)

/* The members of a kernel's modules, one after the other. */
struct walk {
	const struct packaged_source *source;
	const char *package;
	int (*each)(void *data, const char *path, const void *bytes, size_t len,
		    struct error *err);
	void *data;
	const char *only; /* path, or NULL for every one */
	void *bytes;      /* of that one */
	size_t len;
};

static const char *const file_names[PACKAGED_FILES] = {
	[PACKAGED_IMAGE] = "image",
	[PACKAGED_CONFIG] = "config",
	[PACKAGED_SYMVERS] = "symvers",
	[PACKAGED_MODULES] = "modules",
	[PACKAGED_BUILTIN] = "modules.builtin",
	[PACKAGED_BUILTIN_MODINFO] = "modules.builtin.modinfo",
	[PACKAGED_FIRMWARE] = "firmware",
};

struct packaged_source *packaged_source_new(const struct root *root, const char *release)
{
	struct packaged_source *source = mem_zalloc(sizeof(*source));

	source->root = root;
	source->release = str_dup(release);
	source->exports = symbol_table_new();
	return source;
}

void packaged_source_free(struct packaged_source *source)
{
	if (!source)
		return;
	for (size_t i = 0; i < PACKAGED_FILES; i++)
		free(source->files[i].data);
	symbol_table_free(source->exports);
	driver_names_done(&source->drivers);
	strv_done(&source->packages);
	text_done(&source->modules);
	text_done(&source->firmware);
	free(source->sample);
	free(source->sample_bytes);
	free(source->release);
	free(source);
}

char *packaged_module_release(const char *path, bool *ret_in_kernel)
{
	const char *release;
	autofree char *name = NULL, *found = NULL;
	size_t len;

	if (!str_starts(path, MODULES))
		return NULL;
	release = path + strlen(MODULES);
	len = strcspn(release, "/");
	name = module_name_of(path);
	found = str_ndup(release, len);
	if (!name || release[len] != '/' || !release_valid(found))
		return NULL;
	*ret_in_kernel = str_starts(release + len, "/kernel/");
	return take_ptr(found);
}

int packaged_member_read(const char *package, struct package_member *member, size_t max,
			 void **ret, size_t *ret_len, struct error *err)
{
	if (member->size > max)
		return error_set(err, -ERROR_DAMAGED,
				 "%s is damaged: %s has %llu bytes, as none does",
				 package, member->path, (unsigned long long)member->size);
	return package_member_read(member, max, ret, ret_len, err);
}

int packaged_module_read(const char *package, struct package_member *member, void **ret,
			 size_t *ret_len, struct error *err)
{
	autofree void *data = NULL, *plain = NULL;
	size_t len, plain_len;
	struct error why = {0};
	int r = packaged_member_read(package, member, MODULE_FILE_MAX, &data, &len, err);

	if (r < 0)
		return r;
	if (compression_of(data, len) == COMPRESSION_NONE) {
		*ret = take_ptr(data);
		*ret_len = len;
		return 0;
	}
	if (decompress(data, len, module_plain_max(len), &plain, &plain_len, &why) < 0)
		return error_set(err, -ERROR_DAMAGED, "%s is damaged: %s: %s", package,
				 member->path, why.message);
	*ret = take_ptr(plain);
	*ret_len = plain_len;
	return 0;
}

/* --- what a module gives --------------------------------------------------------- */

static bool alias_is_word(const char *alias, size_t len)
{
	if (len == 0 || len > ALIAS_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isgraph((unsigned char)alias[i]))
			return false;
	return true;
}

static size_t alias_add(struct driver_names *names, const char *alias, size_t len,
			const char *module)
{
	if (!alias_is_word(alias, len))
		return 0;
	strv_add_take(&names->aliases, str_format("%.*s %s", (int)len, alias, module));
	return len + strlen(module) + 2 + sizeof(char *);
}

static size_t firmware_add(struct packaged_source *source, const char *file, size_t len,
			   const char *module)
{
	const size_t before = source->firmware.len;

	if (len > ALIAS_MAX)
		return 0;
	for (size_t i = 0; i < len; i++)
		if (!isprint((unsigned char)file[i]))
			return 0;
	text_appendf(&source->firmware, "%s %.*s\n", module, (int)len, file);
	return source->firmware.len - before;
}

/* Each NUL-terminated text of a .modinfo; the last one may lack its NUL. */
static size_t modinfo_gather(struct packaged_source *source, const char *info, size_t len,
			     const char *module)
{
	static const char alias[] = "alias=", firmware[] = "firmware=";
	const size_t alias_len = sizeof(alias) - 1, firmware_len = sizeof(firmware) - 1;
	size_t cost = 0;

	while (len > 0) {
		size_t n = strnlen(info, len);

		if (n > alias_len && memcmp(info, alias, alias_len) == 0)
			cost += alias_add(&source->drivers, info + alias_len,
					  n - alias_len, module);
		else if (n > firmware_len && memcmp(info, firmware, firmware_len) == 0)
			cost += firmware_add(source, info + firmware_len,
					     n - firmware_len, module);
		n += n < len;
		info += n;
		len -= n;
	}
	return cost;
}

static size_t exports_add(struct symbol_table *table, const struct module_file *file)
{
	size_t cost = 0;

	for (size_t i = 0; i < file->export_count; i++) {
		const struct symbol *symbol = &file->exports[i];

		/* A second one of that name: the kernel would take the first as well. */
		(void)symbol_table_add(table, symbol);
		cost += sizeof(*symbol) + strlen(symbol->name) +
			strlen(symbol->name_space) + 2;
	}
	return cost;
}

/* kuro's reader of modules asks for no aliases, so that this is done here. */
static size_t info_add(struct packaged_source *source, const void *bytes, size_t len,
		       const char *module)
{
	autotext struct text fault = {0};
	struct module_elf elf = {0};
	const struct module_section *info = &elf.parts[PART_INFO];

	if (module_elf_open(bytes, len, &elf, &fault) < 0 || !info->data)
		return 0;
	return modinfo_gather(source, (const char *)info->data, info->size, module);
}

static size_t sample_keep(struct packaged_source *source, const char *path,
			  const void *bytes, size_t len)
{
	if (source->sample || len == 0 || len > SAMPLE_MAX)
		return 0;
	source->sample = str_dup(path);
	source->sample_bytes = mem_regrow(NULL, len, 1);
	memcpy(source->sample_bytes, bytes, len);
	source->sample_len = len;
	return len;
}

size_t packaged_source_gather(struct packaged_source *source, const char *path,
			      const void *bytes, size_t len)
{
	autofree char *name = module_name_of(path);
	size_t cost = 2 * strlen(path);
	struct module_file file = {0};

	text_append(&source->modules, path);
	text_append(&source->modules, "\n");
	strv_add(&source->drivers.modules, name);
	if (module_file_exports(path, bytes, len, &file, NULL) == 0) {
		cost += exports_add(source->exports, &file);
		module_file_done(&file);
	}
	return cost + info_add(source, bytes, len, name) +
	       sample_keep(source, path, bytes, len);
}

/* --- what is built in ------------------------------------------------------------ */

static void builtin_names(struct packaged_source *source)
{
	autostrv struct strv lines = {0};

	if (source->files[PACKAGED_BUILTIN].data)
		strv_split(&lines, source->files[PACKAGED_BUILTIN].data, "\n");
	for (size_t i = 0; i < lines.count; i++) {
		char *name = module_name_of(lines.items[i]);

		if (name)
			strv_add_take(&source->drivers.built_in, name);
	}
}

/* "e1000e.alias=pci:v00008086…" (scripts/mod/modpost.c, modules.builtin.modinfo) */
static void builtin_alias(struct driver_names *names, const char *text, size_t len)
{
	static const char key[] = ".alias=";
	const char *at = memmem(text, len, key, sizeof(key) - 1);
	autofree char *module = at ? str_ndup(text, (size_t)(at - text)) : NULL;

	if (!at || !alias_is_word(module, strlen(module)) || strchr(module, '='))
		return;
	at += sizeof(key) - 1;
	for (char *c = module; *c; c++)
		*c = (char)(*c == '-' ? '_' : *c);
	(void)alias_add(names, at, len - (size_t)(at - text),
			module); /* file is bounded */
}

static void builtin_aliases(struct packaged_source *source)
{
	const char *at = source->files[PACKAGED_BUILTIN_MODINFO].data;
	size_t left = source->files[PACKAGED_BUILTIN_MODINFO].len;

	while (left > 0) {
		size_t n = strnlen(at, left);

		builtin_alias(&source->drivers, at, n);
		n += n < left;
		at += n;
		left -= n;
	}
}

/* --- the source's functions ------------------------------------------------------ */

static int source_file(void *data, const char *what, const void **ret, size_t *ret_len,
		       struct error *err)
{
	const struct packaged_source *source = data;

	for (size_t i = 0; i < PACKAGED_FILES; i++)
		if (str_eq(what, file_names[i]) && source->files[i].data) {
			*ret = source->files[i].data;
			*ret_len = source->files[i].len;
			return 0;
		}
	return error_set(err, -ENOENT, "the packages of %s hold no %s", source->release,
			 what);
}

static int walk_member(void *data, struct package_member *member, struct error *err)
{
	struct walk *walk = data;
	bool in_kernel;
	autofree char *release = packaged_module_release(member->path, &in_kernel);
	autofree void *bytes = NULL;
	size_t len;
	int r;

	if (!str_eq(release, walk->source->release))
		return 0;
	if (walk->only && !str_eq(walk->only, member->path))
		return 0;
	r = packaged_module_read(walk->package, member, &bytes, &len, err);
	if (r < 0)
		return r;
	if (!walk->only)
		return walk->each(walk->data, member->path, bytes, len, err);
	walk->bytes = take_ptr(bytes);
	walk->len = len;
	return 1;
}

static int source_walk(struct walk *walk, struct error *err)
{
	const struct strv *packages = &walk->source->packages;
	int r = 0;

	for (size_t i = 0; i < packages->count && r == 0; i++) {
		walk->package = packages->items[i];
		r = package_file_read(walk->source->root, packages->items[i], walk_member,
				      walk, NULL, err);
	}
	return r;
}

static int source_modules(void *data,
			  int (*each)(void *data, const char *path, const void *bytes,
				      size_t len, struct error *err),
			  void *each_data, struct error *err)
{
	struct walk walk = {.source = data, .each = each, .data = each_data};

	return source_walk(&walk, err);
}

static int source_provider(void *data, const char *symbol, char **ret_path,
			   struct error *err)
{
	const struct packaged_source *source = data;

	(void)ret_path;
	return error_set(err, -ENOTSUP, "the packages of %s hold no index that knows %s",
			 source->release, symbol);
}

static int source_module(void *data, const char *path, void **ret, size_t *ret_len,
			 struct error *err)
{
	const struct packaged_source *source = data;
	struct walk walk = {.source = source, .only = path};
	int r;

	if (str_starts(path, "/usr" MODULES))
		walk.only += strlen("/usr");
	if (str_eq(walk.only, source->sample)) {
		*ret = mem_regrow(NULL, source->sample_len, 1);
		*ret_len = source->sample_len;
		memcpy(*ret, source->sample_bytes, source->sample_len);
		return 0;
	}
	r = source_walk(&walk, err);
	if (r < 0)
		return r;
	if (r == 0)
		return error_set(err, -ENOENT, "the packages of %s hold no %s",
				 walk.source->release, path);
	*ret = walk.bytes;
	*ret_len = walk.len;
	return 0;
}

static const struct symbol_table *source_exports(void *data)
{
	return ((const struct packaged_source *)data)->exports;
}

static void source_done(void *data)
{
	packaged_source_free(data);
}

void packaged_source_finish(struct packaged_source *source, struct kernel_source *ret)
{
	builtin_names(source);
	builtin_aliases(source);
	source->files[PACKAGED_MODULES].len = source->modules.len;
	source->files[PACKAGED_MODULES].data = text_take(&source->modules);
	source->files[PACKAGED_FIRMWARE].len = source->firmware.len;
	source->files[PACKAGED_FIRMWARE].data = text_take(&source->firmware);
	*ret = (struct kernel_source){
		.data = source,
		.release = source->release,
		.file = source_file,
		.modules = source_modules,
		.provider = source_provider,
		.module = source_module,
		.exports = source_exports,
		.done = source_done,
	};
}

static void strv_copy(struct strv *to, const struct strv *from)
{
	for (size_t i = 0; i < from->count; i++)
		strv_add(to, from->items[i]);
}

int packaged_kernel_drivers(const struct packaged_kernel *kernel,
			    struct driver_names *ret, struct error *err)
{
	const struct packaged_source *source = kernel->source.data;

	(void)err; /* everything is at hand already */
	*ret = (struct driver_names){0};
	strv_copy(&ret->aliases, &source->drivers.aliases);
	strv_copy(&ret->modules, &source->drivers.modules);
	strv_copy(&ret->built_in, &source->drivers.built_in);
	return 0;
}
