/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Records of DKMS, akmods and kmods-via-containers.
 */
#include "module-providers.h"

#include <stdlib.h>
#include <string.h>

#include "probe/module-file.h"
#include "shell-variables.h"

#define RECORDS_MAX 20000
#define KVC_CONF    "/etc/kvc"
#define CONF_MAX    ((size_t)64 * 1024)

static void record_done(struct module_record *record)
{
	free(record->module);
	free(record->package);
	free(record->version);
}

void module_providers_done(struct module_providers *providers)
{
	for (size_t i = 0; i < providers->count; i++)
		record_done(&providers->items[i]);
	record_done(&providers->akmod);
	free(providers->items);
	strv_done(&providers->akmods);
	*providers = (struct module_providers){0};
}

bool provider_word_valid(const char *word)
{
	static const char others[] = "._+~:-";

	if (!*word || *word == '-' || *word == '.' || strlen(word) > 128)
		return false;
	for (; *word; word++)
		if (!(*word >= '0' && *word <= '9') && !(*word >= 'A' && *word <= 'Z') &&
		    !(*word >= 'a' && *word <= 'z') && !strchr(others, *word))
			return false;
	return true;
}

/* Takes module. */
static void record_add(struct module_providers *providers, char *module,
		       enum module_provider provider, const char *package,
		       const char *version)
{
	if (!module || providers->count >= RECORDS_MAX) {
		free(module);
		return;
	}
	for (char *c = module; *c; c++)
		if (*c == '-')
			*c = '_';
	providers->items = mem_regrow(providers->items, providers->count + 1,
				      sizeof(*providers->items));
	providers->items[providers->count++] =
		(struct module_record){.module = module,
				       .provider = provider,
				       .package = str_dup(package),
				       .version = str_dup(version)};
}

/* Modules that a DKMS package made: NAME/VERSION/RELEASE/ARCH/module. */
static void dkms_take(const struct root *root, const char *name, const char *place,
		      struct module_providers *providers)
{
	autofree char *dir = str_format(DKMS_TREE "/%s/%s/module", name, place);
	autofree char *version = str_ndup(place, strcspn(place, "/"));
	autofree char *package = str_format("%s/%s", name, version);
	autostrv struct strv files = {0};

	if (!provider_word_valid(version))
		return;
	(void)root_list(root, dir, &files, NULL); /* none: it made none */
	for (size_t i = 0; i < files.count; i++)
		record_add(providers, module_name_of(files.items[i]), PROVIDER_DKMS,
			   package, version);
}

/* What NAME/VERSION made for the release and has not installed. */
static void dkms_take_built(const struct root *root, const char *name,
			    const char *version, const char *release,
			    struct module_providers *providers)
{
	autofree char *dir = str_format(DKMS_TREE "/%s/%s/%s", name, version, release);
	autostrv struct strv arches = {0};

	(void)root_list(root, dir, &arches, NULL); /* none: made nothing for it */
	for (size_t i = 0; i < arches.count; i++) {
		autofree char *place =
			str_format("%s/%s/%s", version, release, arches.items[i]);

		dkms_take(root, name, place, providers);
	}
}

/* NAME/kernel-RELEASE-ARCH → VERSION/RELEASE/ARCH is what is installed. */
static void dkms_read_package(const struct root *root, const char *name,
			      const char *release, struct module_providers *providers)
{
	autofree char *dir = str_format(DKMS_TREE "/%s", name);
	autofree char *prefix = str_format("kernel-%s-", release);
	autostrv struct strv entries = {0};
	size_t before = providers->count;

	(void)root_list(root, dir, &entries, NULL); /* a file: no package */
	for (size_t i = 0; i < entries.count; i++) {
		autofree char *link = NULL, *place = NULL;

		if (!str_starts(entries.items[i], prefix))
			continue;
		link = str_format("%s/%s", dir, entries.items[i]);
		if (root_readlink(root, link, &place) == 0 && !strstr(place, ".."))
			dkms_take(root, name, place, providers);
	}
	for (size_t i = 0; i < entries.count && providers->count == before; i++)
		if (provider_word_valid(entries.items[i]) &&
		    !str_starts(entries.items[i], "kernel-"))
			dkms_take_built(root, name, entries.items[i], release, providers);
}

static void dkms_read(const struct root *root, const char *release,
		      struct module_providers *providers)
{
	autostrv struct strv names = {0};

	(void)root_list(root, DKMS_TREE, &names, NULL); /* no DKMS */
	for (size_t i = 0; i < names.count; i++)
		if (provider_word_valid(names.items[i]))
			dkms_read_package(root, names.items[i], release, providers);
}

/* KMOD_NAMES="simple-kmod simple-procfs-kmod", KMOD_SOFTWARE_VERSION=…: the framework's
 * own conf files. */
static void kvc_take(const struct root *root, const char *name,
		     struct module_providers *providers)
{
	autofree char *path = str_format(KVC_CONF "/%s.conf", name);
	autofree char *text = NULL;
	autovariables struct shell_variables variables = {0};
	autostrv struct strv modules = {0};
	const char *names = "", *version = "";

	/* what only a shell could tell is not told */
	if (root_read(root, path, CONF_MAX, &text, NULL, NULL) < 0)
		return;
	(void)shell_variables_read(&variables, text, NULL);
	(void)shell_variables_get(&variables, "KMOD_NAMES", &names, NULL);
	(void)shell_variables_get(&variables, "KMOD_SOFTWARE_VERSION", &version, NULL);
	strv_split(&modules, names, " \t");
	for (size_t i = 0; i < modules.count; i++)
		record_add(providers, str_dup(modules.items[i]), PROVIDER_CONTAINER, name,
			   *version ? version : NULL);
}

static void kvc_read(const struct root *root, struct module_providers *providers)
{
	autostrv struct strv files = {0};

	(void)root_list(root, KVC_CONF, &files, NULL); /* no such framework */
	for (size_t i = 0; i < files.count; i++) {
		size_t len = strlen(files.items[i]);

		if (!str_ends(files.items[i], ".conf"))
			continue;
		files.items[i][len - strlen(".conf")] = '\0';
		if (provider_word_valid(files.items[i]))
			kvc_take(root, files.items[i], providers);
	}
}

/* NAME-kmod.latest is the source package that akmods builds; its cache has a folder a
 * NAME. */
static void akmods_read(const struct root *root, struct module_providers *providers)
{
	static const char end[] = "-kmod.latest";
	autostrv struct strv sources = {0}, cached = {0};

	(void)root_list(root, AKMODS_SRC, &sources, NULL); /* no akmods */
	(void)root_list(root, "/var/cache/akmods", &cached, NULL);
	for (size_t i = 0; i < sources.count; i++)
		if (str_ends(sources.items[i], end))
			strv_add_take(&cached,
				      str_ndup(sources.items[i],
					       strlen(sources.items[i]) - strlen(end)));
	for (size_t i = 0; i < cached.count; i++)
		if (provider_word_valid(cached.items[i]) &&
		    !strv_has(&providers->akmods, cached.items[i]))
			strv_add(&providers->akmods, cached.items[i]);
}

static int by_module(const void *a, const void *b)
{
	return strcmp(((const struct module_record *)a)->module,
		      ((const struct module_record *)b)->module);
}

void module_providers_read(const struct root *root, const char *release,
			   struct module_providers *ret)
{
	dkms_read(root, release, ret);
	kvc_read(root, ret);
	akmods_read(root, ret);
	if (ret->count > 1)
		qsort(ret->items, ret->count, sizeof(*ret->items), by_module);
}

/* akmods' packages put modules into extra/NAME/. */
static const struct module_record *find_akmod(struct module_providers *providers,
					      const char *path)
{
	static const char extra[] = "extra/";
	autofree char *name = NULL;

	if (!path || !str_starts(path, extra) || !strchr(path + strlen(extra), '/'))
		return NULL;
	path += strlen(extra);
	name = str_ndup(path, strcspn(path, "/"));
	if (!strv_has(&providers->akmods, name))
		return NULL;
	record_done(&providers->akmod);
	providers->akmod =
		(struct module_record){.provider = PROVIDER_AKMODS,
				       .package = str_format("akmod-%s", name)};
	return &providers->akmod;
}

static int name_and_record(const void *name, const void *record)
{
	return strcmp(name, ((const struct module_record *)record)->module);
}

const struct module_record *module_providers_find(struct module_providers *providers,
						  const char *module, const char *path)
{
	const struct module_record *found = NULL;

	if (providers->count > 0)
		found = bsearch(module, providers->items, providers->count,
				sizeof(*providers->items), name_and_record);
	return found ? found : find_akmod(providers, path);
}
