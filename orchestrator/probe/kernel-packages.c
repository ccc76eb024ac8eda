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
#define RPM_OUTPUT       ((size_t)64 * 1024 * 1024)

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

static const char *below_usr(const char *path)
{
	return str_starts(path, "/usr/lib/") ? path + strlen("/usr") : path;
}

/* Is it the kernel's image, in /boot or where its package has it? */
static bool is_image_of(const struct kernel *kernel, const char *path)
{
	autofree char *own = str_format("/lib/modules/%s/vmlinuz", kernel->release);

	return kernel->image.path &&
	       (str_eq(below_usr(kernel->image.path), path) || str_eq(own, path));
}

/* "NAME-VERSION-RELEASE.ARCH\t/boot/vmlinuz-REL", one of a package's files. */
static void rpm_take_line(struct kernel_list *list, const char *line, size_t len)
{
	const char *tab = memchr(line, '\t', len);
	autofree char *file = NULL;
	const char *path;

	if (!tab || !memmem(tab, len - (size_t)(tab - line), "/vmlinu", 7))
		return;
	file = str_ndup(tab + 1, len - (size_t)(tab + 1 - line));
	path = below_usr(file);
	for (size_t i = 0; i < list->count; i++)
		if (!list->items[i].package && is_image_of(&list->items[i], path))
			list->items[i].package = str_ndup(line, (size_t)(tab - line));
}

/*
 * One run for all, and each answer is a package's whole list of files. -qf resolves paths
 * on the machine that asks: where that is another one, all packages are listed instead.
 * The database's place is the macro's of the rpm that runs, and is told it.
 */
static void rpm_packages(const struct root *root, const char *database,
			 struct kernel_list *list)
{
	static const char answer[] = "[%{=NVRA}\\t%{FILENAMES}\\n]";
	autofree const char **argv = mem_zalloc((list->count + 10) * sizeof(*argv));
	autoprocess struct process_result result = {0};
	struct process process = {.argv = argv,
				  .timeout = PACKAGES_TIMEOUT,
				  .output_max = RPM_OUTPUT};
	const char *end;
	size_t n = 0;

	argv[n++] = "rpm";
	argv[n++] = "--qf";
	argv[n++] = answer;
	if (root_is_live(root)) {
		argv[n++] = "-qf";
		for (size_t i = 0; i < list->count; i++)
			if (list->items[i].image.path)
				argv[n++] = list->items[i].image.path;
	} else {
		argv[n++] = "--root";
		argv[n++] = root->path;
		argv[n++] = "--dbpath";
		argv[n++] = database;
		argv[n++] = "-qa";
	}
	/* status 1: a path has no owner; the lines on the others count */
	if (process_run(&process, &result, NULL) < 0)
		return;
	for (const char *line = text_str(&result.out); *line;
	     line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		rpm_take_line(list, line, (size_t)(end - line));
	}
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
			rpm_packages(root, rpm_dirs[i], list);
			break;
		}
	}
	return 0;
}
