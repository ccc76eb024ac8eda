/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who owns the kernels: the package manager's answer. A machine without one, and one
 * whose package manager fails, has kernels without owners; nothing else stops for it.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/process.h"
#include "probe/kernels.h"

#define PACKAGES_TIMEOUT 30 /* seconds for one question */

static void list_set_package(struct kernel_list *list, const char *path,
			     const char *package)
{
	for (size_t i = 0; i < list->count; i++) {
		struct kernel *kernel = &list->items[i];

		if (!kernel->package && str_eq(kernel->image.path, path))
			kernel->package = str_dup(package);
	}
}

/*
 * A line of dpkg-query -S: "package[:arch][, package…]: /path"; lines on diversions
 * ("diversion by x from: /path") name no package.
 */
static void dpkg_take_line(struct kernel_list *list, char *line)
{
	char *path = strstr(line, ": /");

	if (!path || str_starts(line, "diversion by "))
		return;
	*path = '\0';
	line[strcspn(line, ",:")] = '\0';
	if (*line)
		list_set_package(list, path + 2, line);
}

static void dpkg_packages(const struct root *root, struct kernel_list *list)
{
	autofree char *admindir = root_path(root, "/var/lib/dpkg");
	autofree const char **argv = mem_zalloc((list->count + 6) * sizeof(*argv));
	autoprocess struct process_result result = {0};
	struct process process = {.argv = argv, .timeout = PACKAGES_TIMEOUT};
	autostrv struct strv lines = {0};
	size_t n = 0;

	argv[n++] = "dpkg-query";
	if (!root_is_live(root)) {
		argv[n++] = "--admindir";
		argv[n++] = admindir;
	}
	argv[n++] = "-S";
	argv[n++] = "--";
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].image.path)
			argv[n++] = list->items[i].image.path;
	/* Exit status 1: a path has no owner; the lines on the others count. */
	if (process_run(&process, &result, NULL) < 0)
		return;
	strv_split(&lines, text_str(&result.out), "\n");
	for (size_t i = 0; i < lines.count; i++)
		dpkg_take_line(list, lines.items[i]);
}

/* One call a path: the answers of several can't be told apart where owners are many. */
static int rpm_package(const struct root *root, struct kernel *kernel)
{
	const char *argv[] = {"rpm",  "--root",     root->path,         "-qf",
			      "--qf", "%{NVRA}\\n", kernel->image.path, NULL};
	autoprocess struct process_result result = {0};
	struct process process = {.argv = argv, .timeout = PACKAGES_TIMEOUT};
	autostrv struct strv lines = {0};
	int r;

	r = process_run(&process, &result, NULL);
	if (r < 0 || result.status != 0)
		return r;
	strv_split(&lines, text_str(&result.out), "\n");
	if (lines.count > 0 && !strchr(lines.items[0], ' '))
		kernel->package = str_dup(lines.items[0]);
	return 0;
}

static void rpm_packages(const struct root *root, struct kernel_list *list)
{
	int r = 0;

	for (size_t i = 0; i < list->count && r == 0; i++)
		if (list->items[i].image.path && !list->items[i].package)
			r = rpm_package(root, &list->items[i]);
}

int kernels_probe_packages(const struct root *root, struct kernel_list *list,
			   struct error *err)
{
	static const char *const rpm_dirs[] = {"/usr/lib/sysimage/rpm", "/var/lib/rpm"};
	bool images = false;

	(void)err; /* a package manager that does not answer leaves names out */
	for (size_t i = 0; i < list->count; i++)
		images |= list->items[i].image.path != NULL;
	if (!images)
		return 0;
	if (root_exists(root, "/var/lib/dpkg/status")) {
		dpkg_packages(root, list);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(rpm_dirs); i++) {
		if (root_exists(root, rpm_dirs[i])) {
			rpm_packages(root, list);
			break;
		}
	}
	return 0;
}
