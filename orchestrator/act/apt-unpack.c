/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Packages brought in two parts. A kernel image's postinst runs the hooks that build its
 * initramfs, before headers (and so modules) are configured, and triggers build it again.
 * Here everything but the image is made ready first; the image is configured when its
 * initramfs lies there. Until then it is a package that dpkg itself can finish.
 *
 * Options: apt.conf(5), PackageManager::Configure, DPkg::ConfigurePending,
 * DPkg::NoTriggers; states: dpkg-query(1).
 */
#include <string.h>

#include "apt-run.h"
#include "base/cleanup.h"
#include "base/process.h"
#include "core/release.h"
#include "probe/apt-answers.h"

#define IMAGE_PACKAGE  "linux-image-"
#define DEPMOD_TIMEOUT 300 /* seconds */

static const char unpack_only[] = "-o PackageManager::Configure=smart "
				  "-o DPkg::ConfigurePending=false "
				  "-o DPkg::NoTriggers=true";

/* Unpacked, or configured half-way. */
static bool unconfigured(const struct dpkg_package *package)
{
	return strchr("UF", package->status) && package->broken != 'R';
}

/* Is the name a word of the dependencies? An alternative counts: waiting costs nothing.
 */
static bool depends_on(const char *depends, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = strstr(depends, name); at; at = strstr(at + 1, name))
		if ((at == depends || strchr(" ,|", at[-1])) &&
		    (!at[len] || strchr(" ,|:(", at[len])))
			return true;
	return false;
}

static bool depends_on_any(const struct dpkg_package *package, const struct strv *names)
{
	for (size_t i = 0; i < names->count; i++)
		if (depends_on(package->depends, names->items[i]))
			return true;
	return false;
}

/* The kernel images, what depends on them, and so on. */
static void find_waiting(const struct dpkg_list *list, struct strv *waiting)
{
	size_t before;

	do {
		before = waiting->count;
		for (size_t i = 0; i < list->count; i++) {
			const struct dpkg_package *package = &list->items[i];

			if (unconfigured(package) && !strv_has(waiting, package->name) &&
			    (str_starts(package->name, IMAGE_PACKAGE) ||
			     depends_on_any(package, waiting)))
				strv_add(waiting, package->name);
		}
	} while (waiting->count > before);
}

static int configure_others(const struct package_run *run, struct error *err)
{
	static const char *const command[] = {"dpkg", "--no-triggers", "--force-confdef",
					      "--force-confold", "--configure"};
	autostrv struct strv waiting = {0}, all = {0};
	autodpkg struct dpkg_list list = {0};
	autofree const char **argv = NULL;
	size_t n = ARRAY_LEN(command);
	int r = dpkg_query(run->root, &all, &list, err);

	if (r < 0)
		return r;
	find_waiting(&list, &waiting);
	argv = mem_zalloc((n + list.count + 1) * sizeof(*argv));
	memcpy(argv, command, sizeof(command));
	for (size_t i = 0; i < list.count; i++)
		if (unconfigured(&list.items[i]) &&
		    !strv_has(&waiting, list.items[i].name))
			argv[n++] = list.items[i].name;
	return n > ARRAY_LEN(command) ? apt_run(run, argv, 0, err) : 0;
}

/* What the image's postinst begins with; builders of modules and initramfs ask for it. */
static int index_modules(const struct package_run *run, const char *release,
			 struct error *err)
{
	const char *argv[] = {"depmod", release, NULL};
	autofree char *tree = NULL;

	if (!release || !release_valid(release))
		return 0;
	tree = str_format("/lib/modules/%s", release);
	return root_exists(run->root, tree) ? apt_run(run, argv, DEPMOD_TIMEOUT, err) : 0;
}

int apt_unpack(const struct package_run *run, const struct package_plan *plan,
	       struct error *err)
{
	autostrv struct strv fetch = {0}, words = {0};
	int r;

	apt_install_words(plan, &fetch);
	strv_split(&words, unpack_only, " ");
	apt_install_words(plan, &words);
	r = apt_fetch(run, &fetch, err);
	if (r == 0 && process_interrupted())
		return error_set(err, -ERROR_INTERRUPTED,
				 "interrupted after packages were fetched");
	if (r == 0)
		r = apt_get(run, &words, 0, err);
	if (r == 0)
		r = index_modules(run, plan->release, err);
	return r < 0 ? r : configure_others(run, err);
}
