/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Packages of kernel releases, by what dpkg and rpm say is installed.
 */
#include "probe/kernel-packages.h"

#include <ctype.h>
#include <fnmatch.h>
#include <string.h>

#include "base/process.h"
#include "probe/apt-answers.h"

#define RPM_TIMEOUT  60 /* seconds */
#define VERSION_LOCK "/etc/dnf/plugins/versionlock.list"
#define LOCK_MAX     (1024 * 1024)

void kernel_package_list_done(struct kernel_package_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].name);
		free(list->items[i].tail);
	}
	free(list->items);
	*list = (struct kernel_package_list){0};
}

static struct kernel_package *list_add(struct kernel_package_list *list)
{
	struct kernel_package *added;

	list->items = mem_regrow(list->items, list->count + 1, sizeof(*list->items));
	added = &list->items[list->count++];
	*added = (struct kernel_package){0};
	return added;
}

/* "6.1.0-50-amd64" and the like; "amd64" alone is a meta-package's. */
static bool release_is_plain(const char *release)
{
	return isdigit((unsigned char)*release) && strchr(release, '.');
}

bool kernel_package_is_of(const struct kernel_package *package, const char *release)
{
	size_t n = strlen(release), len = strlen(package->tail);

	return release_is_plain(release) && len > n &&
	       package->tail[len - n - 1] == '-' && str_ends(package->tail, release);
}

/* What is behind the release in a name: Proxmox's and Ubuntu's signed images. */
static char *apt_tail(const char *name)
{
	static const char *const ends[] = {"-signed", "-unsigned"};
	size_t len = strcspn(name, ":");

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		size_t n = strlen(ends[i]);

		if (len > n && strncmp(name + len - n, ends[i], n) == 0)
			return str_ndup(name, len - n);
	}
	return str_ndup(name, len);
}

static int ask_dpkg(const struct root *root, struct kernel_package_list *list,
		    struct error *err)
{
	autostrv struct strv patterns = {0};
	autodpkg struct dpkg_list found = {0};
	int r;

	strv_split(&patterns, "linux-* *-modules-* *-kernel-*", " ");
	r = dpkg_query(root, &patterns, &found, err);
	for (size_t i = 0; r == 0 && i < found.count; i++) {
		const struct dpkg_package *package = &found.items[i];
		struct kernel_package *added;

		if (!strchr("iUFHWt", package->status))
			continue;
		added = list_add(list);
		added->name = str_dup(package->name);
		added->tail = apt_tail(package->name);
		added->held = package->wanted == 'h';
		added->unfinished = package->status != 'i' || package->broken != ' ';
	}
	return r;
}

/* Packages of the kernel's version that are no kernel: one of each is installed. */
static bool rpm_is_single(const char *name)
{
	static const char *const starts[] = {"kernel-headers", "kernel-tools",
					     "kernel-srpm",    "kernel-rpm",
					     "kernel-doc",     "kernel-abi",
					     "kernel-cross",   "kernel-livepatch"};

	for (size_t i = 0; i < ARRAY_LEN(starts); i++)
		if (str_starts(name, starts[i]))
			return true;
	return false;
}

/* Does a pattern of versionlock's list choose it? In each form that dnf knows (NEVRA,
 * NVR, …); version: "VERSION-RELEASE.ARCH". */
static bool rpm_lock_fits(const char *pattern, const char *name, const char *version)
{
	const char *arch = strrchr(version, '.'), *release = strrchr(version, '-');
	int plain = (int)(arch ? (size_t)(arch - version) : strlen(version));
	int bare = (int)(release ? (size_t)(release - version) : strlen(version));
	autofree char *whole = str_format("%s-0:%s", name, version);
	autofree char *nevra = str_format("%s-%s", name, version);
	autofree char *epoch = str_format("%s-0:%.*s", name, plain, version);
	autofree char *nvr = str_format("%s-%.*s", name, plain, version);
	autofree char *nv = str_format("%s-%.*s", name, bare, version);
	const char *forms[] = {whole, nevra, epoch, nvr, nv, name};

	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if (fnmatch(pattern, forms[i], 0) == 0)
			return true;
	return false;
}

/* "kernel-core-0:6.1.0-1.fc39.*"; what is excluded ("!") is not kept. */
static bool rpm_is_locked(const struct strv *locks, const char *name, const char *version)
{
	for (size_t i = 0; i < locks->count; i++) {
		const char *pattern = str_strip(locks->items[i]);

		if (*pattern && *pattern != '#' && *pattern != '!' &&
		    rpm_lock_fits(pattern, name, version))
			return true;
	}
	return false;
}

/* A line "NAME\tVERSION-RELEASE.ARCH". */
static void rpm_take_line(struct kernel_package_list *list, const char *line,
			  const struct strv *locks)
{
	const char *version = strchr(line, '\t');
	autofree char *name = version ? str_ndup(line, (size_t)(version - line)) : NULL;
	struct kernel_package *added;

	if (!name || !package_name_valid(name) || !package_version_valid(version + 1) ||
	    rpm_is_single(name))
		return;
	added = list_add(list);
	added->name = str_format("%s-%s", name, version + 1);
	added->tail = str_format("-%s", version + 1);
	added->held = rpm_is_locked(locks, name, version + 1);
}

static int ask_rpm(const struct root *root, struct kernel_package_list *list,
		   struct error *err)
{
	static const char *const argv[] = {
		"rpm",     "-qa", "--qf", "%{NAME}\\t%{VERSION}-%{RELEASE}.%{ARCH}\\n",
		"kernel*", NULL};
	struct process process = {.argv = argv, .root = root, .timeout = RPM_TIMEOUT};
	autoprocess struct process_result result = {0};
	autostrv struct strv lines = {0}, locks = {0};
	autofree char *text = NULL;
	int r = process_check(&process, &result, err);

	if (r < 0)
		return r;
	/* without the plug-in nothing is locked */
	if (root_read(root, VERSION_LOCK, LOCK_MAX, &text, NULL, NULL) == 0)
		strv_split(&locks, text, "\n");
	strv_split(&lines, text_str(&result.out), "\n");
	for (size_t i = 0; i < lines.count; i++)
		rpm_take_line(list, lines.items[i], &locks);
	return 0;
}

int kernel_packages_probe(const struct root *root, struct kernel_package_list *ret,
			  struct error *err)
{
	struct kernel_package_list list = {0};
	int r = 0;

	if (root_exists(root, "/var/lib/dpkg/status"))
		r = ask_dpkg(root, &list, err);
	else if (root_exists(root, "/usr/lib/sysimage/rpm") ||
		 root_exists(root, "/var/lib/rpm"))
		r = ask_rpm(root, &list, err);
	if (r < 0) {
		kernel_package_list_done(&list);
		return error_prefix(err, r, "asking for the kernels' packages");
	}
	*ret = list;
	return 0;
}
