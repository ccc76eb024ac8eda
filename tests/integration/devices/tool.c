/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Another release's drivers for recorded devices, for tests/integration/devices/run.
 *
 *   device-tool ROOT probe           what is bound below ROOT, as the lines read below
 *   device-tool ROOT OLD NEW         the installed tree of NEW
 *   device-tool ROOT OLD NEW lists   the same out of lists, as a package's reader has
 * them
 *
 * Reads "MODALIAS|DRIVER|MODULE" lines: module "-" for a built-in driver without a name,
 * "-NAME" for one with. Prints "covered|BY|…" or "lost||…" before each, and at the end
 * how many microseconds the judging took, as "# 1234 us".
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "probe/devices.h"

static void lines_read(struct device_list *ret)
{
	char line[16384];
	size_t room = 0;

	while (fgets(line, sizeof(line), stdin)) {
		char *rest = line, *alias = strsep(&rest, "|"), *driver, *module;

		driver = strsep(&rest, "|");
		module = strsep(&rest, "|\n");
		if (*line == '#' || !module)
			continue;
		if (ret->count == room) {
			room = room ? room * 2 : 64;
			ret->items = mem_regrow(ret->items, room, sizeof(*ret->items));
		}
		ret->items[ret->count++] = (struct device){
			.path = str_dup(""),
			.modalias = str_dup(alias),
			.driver = str_dup(driver),
			.built_in = *module == '-',
			.module = str_eq(module, "-")
					  ? NULL
					  : str_dup(module + (*module == '-')),
		};
	}
}

static void lines_print(const struct device_list *list, bool judged)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct device *d = &list->items[i];

		if (judged)
			(void)printf("%s|%s|", d->covered ? "covered" : "lost",
				     d->by ? d->by : "");
		else
			(void)printf("%s|%s|", module_use_name(d->use),
				     d->user ? d->user : "");
		(void)printf("%s|%s|%s%s\n", d->modalias, d->driver,
			     d->built_in ? "-" : "", d->module ? d->module : "");
	}
}

/* Names out of one path a line; a package's reader has them from the archive's members.
 */
static int names_read(const struct root *root, const char *path, struct strv *ret,
		      struct error *err)
{
	autofree char *text = NULL;
	autostrv struct strv lines = {0};
	int r = root_read(root, path, 1 << 26, &text, NULL, err);

	if (r < 0)
		return r;
	strv_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.count; i++) {
		char *name = strrchr(lines.items[i], '/');
		char *end;

		lines.items[i][strcspn(lines.items[i], ":")] = '\0';
		name = strrchr(lines.items[i], '/');
		end = name ? strstr(name, ".ko") : NULL;
		if (!end)
			continue;
		*end = '\0';
		for (char *c = name; *c; c++)
			*c = *c == '-' ? '_' : *c;
		strv_add(ret, name + 1);
	}
	return 0;
}

static int aliases_read(const struct root *root, const char *tree, struct strv *ret,
			struct error *err)
{
	autofree char *path = str_format("%s/modules.alias", tree);
	autofree char *built_in = str_format("%s/modules.builtin.modinfo", tree);
	autofree char *text = NULL, *data = NULL;
	autostrv struct strv lines = {0};
	size_t size = 0;
	int r = root_read(root, path, 1 << 26, &text, NULL, err);

	if (r < 0)
		return r;
	strv_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.count; i++)
		if (str_starts(lines.items[i], "alias "))
			strv_add(ret, lines.items[i] + strlen("alias "));
	r = root_read(root, built_in, 1 << 26, &data, &size, err);
	for (size_t at = 0; r == 0 && at < size; at += strlen(data + at) + 1) {
		const char *alias = strstr(data + at, ".alias=");

		if (alias)
			strv_add_take(ret,
				      str_format("%s %.*s", alias + strlen(".alias="),
						 (int)(alias - data - at), data + at));
	}
	return r;
}

static int lists_read(const struct root *root, const char *release,
		      struct driver_names *ret, struct error *err)
{
	autofree char *tree = str_format("/lib/modules/%s", release);
	autofree char *dep = str_format("%s/modules.dep", tree);
	autofree char *built_in = str_format("%s/modules.builtin", tree);
	int r = names_read(root, dep, &ret->modules, err);

	if (r == 0)
		r = names_read(root, built_in, &ret->built_in, err);
	return r == 0 ? aliases_read(root, tree, &ret->aliases, err) : r;
}

static int judge(const struct root *root, char **words, bool lists,
		 struct device_list *list, struct error *err)
{
	struct driver_names names = {0};
	struct timespec begun, ended;
	int r = lists ? lists_read(root, words[1], &names, err) : 0;

	(void)clock_gettime(CLOCK_MONOTONIC, &begun); /* always there */
	if (r == 0)
		r = lists ? devices_cover_names(root, words[0], &names, NULL, list, err)
			  : devices_cover(root, words[0], words[1], NULL, list, err);
	(void)clock_gettime(CLOCK_MONOTONIC, &ended);
	driver_names_done(&names);
	if (r < 0)
		return r;
	lines_print(list, true);
	(void)printf("# %ld us\n", (ended.tv_sec - begun.tv_sec) * 1000000 +
					   (ended.tv_nsec - begun.tv_nsec) / 1000);
	return 0;
}

int main(int argc, char **argv)
{
	autodevices struct device_list list = {0};
	struct root root = {0};
	struct error err = {0};
	int r;

	if (argc < 3)
		return EXIT_USAGE;
	r = root_open(&root, argv[1], &err);
	if (r == 0 && argc == 3) {
		r = devices_probe(&root, &list, &err);
		lines_print(&list, false);
	} else if (r == 0) {
		lines_read(&list);
		r = judge(&root, argv + 2, argc > 4, &list, &err);
	}
	root_done(&root);
	if (r < 0)
		(void)fprintf(stderr, "%s\n", err.message);
	return error_exit_status(r);
}
