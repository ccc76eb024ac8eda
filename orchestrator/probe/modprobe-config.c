/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libkmod reads what modprobe reads. It knows of no root, and so is given one file, in
 * memory, of all that the machine's directories have, in the order of its own list.
 */
#include "probe/modprobe-config.h"

#include <fnmatch.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "core/command-line.h"
#include "kmod-library.h"
#include "probe/this-boot.h"

#define CONFIG_MAX    ((size_t)4 * 1024 * 1024) /* all files together */
#define BLACKLIST     "modprobe.blacklist="
#define NEXT_FILE     "\n\n" /* ends a line that the last one leaves open */
#define SOFTDEP_BEGIN "pre:"
#define SOFTDEP_END   "post:"

void modprobe_config_done(struct modprobe_config *config)
{
	strv_done(&config->blacklisted);
	strv_done(&config->newly);
	strv_done(&config->installs);
	strv_done(&config->commands);
	strv_done(&config->aliases);
	strv_done(&config->softdeps);
	*config = (struct modprobe_config){0};
}

/* A file of the configuration: the first directory that has one of a name counts. */
struct config_file {
	char *name, *path;
};
struct config_files {
	struct config_file *items;
	size_t count;
};

static void files_done(struct config_files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		free(files->items[i].name);
		free(files->items[i].path);
	}
	free(files->items);
}

static bool files_have(const struct config_files *files, const char *name)
{
	for (size_t i = 0; i < files->count; i++)
		if (str_eq(files->items[i].name, name))
			return true;
	return false;
}

static int by_name(const void *a, const void *b)
{
	const struct config_file *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void files_list(const struct root *root, struct config_files *ret)
{
	static const char *const dirs[] = {"/etc/modprobe.d", "/run/modprobe.d",
					   "/usr/local/lib/modprobe.d",
					   "/usr/lib/modprobe.d", "/lib/modprobe.d"};

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		autostrv struct strv names = {0};

		(void)root_list(root, dirs[i], &names,
				NULL); /* unreadable: says nothing */
		ret->items = mem_regrow(ret->items, ret->count + names.count + 1,
					sizeof(*ret->items));
		for (size_t j = 0; j < names.count; j++)
			if (str_ends(names.items[j], ".conf") &&
			    !files_have(ret, names.items[j]))
				ret->items[ret->count++] = (struct config_file){
					.name = str_dup(names.items[j]),
					.path = str_format("%s/%s", dirs[i],
							   names.items[j]),
				};
	}
	if (ret->count > 1)
		qsort(ret->items, ret->count, sizeof(*ret->items), by_name);
}

static int files_read(const struct root *root, struct text *ret, struct error *err)
{
	cleanup(files_done) struct config_files files = {0};

	files_list(root, &files);
	for (size_t i = 0; i < files.count; i++) {
		autofree char *text = NULL;
		int r = root_read(root, files.items[i].path, CONFIG_MAX - ret->len, &text,
				  NULL, NULL);

		if (r == -EFBIG)
			return error_set(err, r, "modprobe.d has more than %zu bytes",
					 CONFIG_MAX);
		if (r < 0)
			continue;
		text_append(ret, text);
		text_append(ret, NEXT_FILE);
	}
	return 0;
}

/* No tree: what that would say is none of the configuration. NULL: no memory. */
static struct kmod_ctx *kmod_of(const char *path)
{
	const char *const paths[] = {path, NULL};

	return kmod_silent("/proc/self/fd/-1", paths);
}

static void take_softdep(struct modprobe_config *config, const char *module,
			 const char *value)
{
	const char *end = strstr(value, SOFTDEP_END);
	autofree char *before =
		str_ndup(value, end ? (size_t)(end - value) : strlen(value));
	autostrv struct strv names = {0};

	strv_split(&names, before, " \t");
	for (size_t i = 0; i < names.count; i++)
		if (!str_eq(names.items[i], SOFTDEP_BEGIN))
			strv_add_take(&config->softdeps,
				      str_format("%s %s", module, names.items[i]));
}

static void take_blacklist(struct modprobe_config *config, const char *module,
			   const char *value)
{
	(void)value;
	strv_add(&config->blacklisted, module);
}

static void take_install(struct modprobe_config *config, const char *module,
			 const char *value)
{
	strv_add(&config->installs, module);
	strv_add(&config->commands, value ? value : "");
}

static void take_alias(struct modprobe_config *config, const char *pattern,
		       const char *value)
{
	if (value)
		strv_add_take(&config->aliases, str_format("%s %s", pattern, value));
}

static void each(struct kmod_config_iter *list, struct modprobe_config *config,
		 void (*take)(struct modprobe_config *config, const char *key,
			      const char *value))
{
	while (list && sym_kmod_config_iter_next(list))
		take(config, sym_kmod_config_iter_get_key(list),
		     sym_kmod_config_iter_get_value(list));
	if (list)
		sym_kmod_config_iter_free_iter(list);
}

/*
 * libkmod adds modprobe.blacklist= of the kernel that runs here, behind the files', and
 * that may not be the root's: as many as it adds to nothing.
 */
static void drop_this_boots(struct modprobe_config *config)
{
	struct modprobe_config alone = {0};
	struct kmod_ctx *kmod = kmod_of(NULL);

	if (kmod)
		each(sym_kmod_config_get_blacklists(kmod), &alone, take_blacklist);
	for (size_t i = 0; i < alone.blacklisted.count && config->blacklisted.count;
	     i++) {
		char **last = &config->blacklisted.items[--config->blacklisted.count];

		free(*last);
		*last = NULL;
	}
	sym_kmod_unref(kmod);
	modprobe_config_done(&alone);
}

static int files_parse(const struct text *text, struct modprobe_config *config,
		       struct error *err)
{
	autoclose int fd = memfd_create("kuro-modprobe.d", MFD_CLOEXEC);
	autofree char *path = str_format("/proc/self/fd/%d", fd);
	struct kmod_ctx *kmod;
	int r = kmod_library_load(err);

	if (r < 0)
		return r;
	if (fd < 0 || write(fd, text->data, text->len) != (ssize_t)text->len)
		return error_errno(err, -errno, "a copy of modprobe.d in memory");
	kmod = kmod_of(path);
	if (!kmod)
		return error_set(err, -EIO, "libkmod can't read modprobe.d");
	each(sym_kmod_config_get_blacklists(kmod), config, take_blacklist);
	each(sym_kmod_config_get_install_commands(kmod), config, take_install);
	each(sym_kmod_config_get_aliases(kmod), config, take_alias);
	each(sym_kmod_config_get_softdeps(kmod), config, take_softdep);
	sym_kmod_unref(kmod);
	drop_this_boots(config);
	return 0;
}

/* Names of each modprobe.blacklist=, as they are written: no - there fits a _. */
static void line_blacklist(const struct strv *args, struct strv *ret)
{
	for (size_t i = 0; i < args->count; i++)
		if (str_starts(args->items[i], BLACKLIST))
			strv_split(ret, args->items[i] + strlen(BLACKLIST), ",");
}

static void lines_read(const struct root *root, const char *command_line,
		       struct modprobe_config *ret)
{
	autothisboot struct this_boot boot = {0};
	autostrv struct strv args = {0}, next = {0};

	if (this_boot_probe(root, &boot, NULL) == 0)
		line_blacklist(&boot.command_line, &ret->blacklisted);
	command_line_split(command_line ? command_line : "", &args);
	line_blacklist(&args, &next);
	for (size_t i = 0; i < next.count; i++)
		if (!strv_has(&ret->blacklisted, next.items[i]))
			strv_add(&ret->newly, next.items[i]);
}

int modprobe_config_read(const struct root *root, const char *command_line,
			 struct modprobe_config *ret, struct error *err)
{
	autotext struct text text = {0};
	automodprobe struct modprobe_config config = {0};
	int r = files_read(root, &text, err);

	if (r == 0 && text.len > 0)
		r = files_parse(&text, &config, err);
	if (r < 0)
		return r;
	lines_read(root, command_line, &config);
	*ret = config;
	config = (struct modprobe_config){0};
	return 0;
}

/* modprobe hands it to a shell: one command that does nothing, and no other behind. */
static bool loads_nothing(const char *command)
{
	static const char *const names[] = {"false", "true", ":"};
	const char *word = command + strspn(command, " \t"), *slash;
	size_t len = strcspn(word, " \t");
	autofree char *first = str_ndup(word, len);

	slash = strrchr(first, '/');
	if (strpbrk(command, ";&|\n"))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq(slash ? slash + 1 : first, names[i]))
			return true;
	return false;
}

const char *modprobe_disabled(const struct modprobe_config *config, const char *module)
{
	for (size_t i = 0; i < config->installs.count; i++)
		if (fnmatch(config->installs.items[i], module, 0) == 0)
			return loads_nothing(config->commands.items[i])
				       ? config->commands.items[i]
				       : NULL;
	return NULL;
}

bool modprobe_autoloads(const struct modprobe_config *config, const char *module,
			bool now)
{
	if (strv_has(&config->newly, module))
		return false;
	return now || (!strv_has(&config->blacklisted, module) &&
		       !modprobe_disabled(config, module));
}

void modprobe_softdeps(const struct modprobe_config *config, const char *module,
		       struct strv *ret)
{
	size_t len = strlen(module);

	for (size_t i = 0; i < config->softdeps.count; i++) {
		const char *line = config->softdeps.items[i];

		if (str_starts(line, module) && line[len] == ' ')
			strv_add(ret, line + len + 1);
	}
}
