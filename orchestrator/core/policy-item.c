/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The strings of a list in the policy: what each may be. One row a kind of item.
 */
#include <assert.h>
#include <string.h>

#include "core/command-line.h"
#include "core/retention.h"
#include "policy-value.h"

#define MODULE_NAME_MAX \
	55 /* MODULE_NAME_LEN - 1 on 64-bit, include/linux/moduleparam.h */
#define CONFIG_MAX   128
#define PATH_MAX_LEN 512

struct item_kind {
	const char *name; /* several of them */
	/* of one string, and of all together; NULL: nothing to check */
	int (*check)(const struct policy_setting *setting, const char *item,
		     struct error *err);
	int (*check_all)(const struct policy_setting *setting, const struct strv *items,
			 struct error *err);
};

/* Only what the kernel's own build makes of file names (scripts/Makefile.lib), and the
 * two wildcards. */
static int module_check(const struct policy_setting *setting, const char *name,
			struct error *err)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789_-*?";
	autofree char *shown = str_printable(name);
	size_t len = strlen(name);

	if (len >= 1 && len <= MODULE_NAME_MAX && strspn(name, letters) == len)
		return 0;
	return error_set(
		err, -ERROR_USAGE,
		"%s: \"%.60s\" can't be a module's name: allowed are 1 to %d letters, "
		"digits, _ and -, and * and ? for any of them",
		setting->path, shown, MODULE_NAME_MAX);
}

/* As the kernel's own configuration has it: Documentation/kbuild/kconfig-language.rst. */
static int config_check(const struct policy_setting *setting, const char *option,
			struct error *err)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789_";
	autofree char *shown = str_printable(option);
	const char *name =
		str_starts(option, "CONFIG_") ? option + strlen("CONFIG_") : "";
	size_t len = strspn(name, letters);
	bool value_fits = name[len] == '\0' || (name[len] == '=' && name[len + 1]);

	if (len > 0 && value_fits && strlen(option) <= CONFIG_MAX &&
	    str_eq(option, shown))
		return 0;
	return error_set(err, -ERROR_USAGE,
			 "%s: \"%.60s\" can't be a kernel option: write CONFIG_NAME or "
			 "CONFIG_NAME=VALUE",
			 setting->path, shown);
}

static int arguments_check(const struct policy_setting *setting,
			   const struct strv *arguments, struct error *err)
{
	autofree char *line = command_line_join(arguments);
	struct error why = {0};

	for (size_t i = 0; i < arguments->count; i++)
		if (str_starts(arguments->items[i], "kuro."))
			return error_set(
				err, -ERROR_USAGE,
				"%s: \"%.60s\" can't be set: arguments that begin "
				"with \"kuro.\" are kuro's own marks",
				setting->path, arguments->items[i]);
	if (strlen(line) > COMMAND_LINE_TRIAL_MAX)
		return error_set(err, -ERROR_USAGE,
				 "%s has %zu bytes together: allowed are at most %d",
				 setting->path, strlen(line), COMMAND_LINE_TRIAL_MAX);
	if (command_line_check(arguments, &why) < 0)
		return error_set(err, -ERROR_USAGE, "%s: %s", setting->path, why.message);
	return 0;
}

static int selector_check(const struct policy_setting *setting, const char *selector,
			  struct error *err)
{
	int result = retention_selector_check(selector, err);

	return result < 0 ? error_prefix(err, result, "%s", setting->path) : 0;
}

static int path_check(const struct policy_setting *setting, const char *path,
		      struct error *err)
{
	autofree char *shown = str_printable(path);
	autofree char *closed = str_format("%s/", path);

	if (path[0] == '/' && path[1] && strlen(path) <= PATH_MAX_LEN &&
	    str_eq(path, shown) && !strstr(closed, "//") && !strstr(closed, "/./") &&
	    !strstr(closed, "/../"))
		return 0;
	return error_set(err, -ERROR_USAGE,
			 "%s: \"%.60s\" can't be the path of a file: write it from / on, "
			 "without \".\" and \"..\"; * and ? stand for anything but /",
			 setting->path, shown);
}

static const struct item_kind kinds[] = {
	[POLICY_ITEM_ARGUMENT] = {"kernel arguments", NULL, arguments_check},
	[POLICY_ITEM_MODULE] = {"module names", module_check, NULL},
	[POLICY_ITEM_CONFIG] = {"kernel options", config_check, NULL},
	[POLICY_ITEM_SELECTOR] = {"selectors of releases", selector_check, NULL},
	[POLICY_ITEM_PATH] = {"absolute paths", path_check, NULL},
};

const char *policy_item_name(enum policy_item item)
{
	assert((unsigned int)item < ARRAY_LEN(kinds));
	return kinds[item].name;
}

int policy_items_check(const struct policy_setting *setting, const struct strv *items,
		       struct error *err)
{
	const struct item_kind *kind = &kinds[setting->item];

	for (size_t i = 0; kind->check && i < items->count; i++) {
		int result = kind->check(setting, items->items[i], err);

		if (result < 0)
			return result;
	}
	return kind->check_all ? kind->check_all(setting, items, err) : 0;
}
