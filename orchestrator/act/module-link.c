/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Links of modules between releases. Never touches what lies outside its own directory.
 */
#include "act/module-link.h"

#include <string.h>

#include "base/cleanup.h"
#include "core/release.h"
#include "probe/module-file.h"
#include "run.h"

#define DEPMOD_TIMEOUT 600

static int link_depmod(const struct package_run *run, const char *release,
		       struct error *err)
{
	const char *argv[] = {"depmod", release, NULL};
	const struct run_program program = {.argv = argv, .timeout = DEPMOD_TIMEOUT};

	return run_program(run, &program, err);
}

static int link_directory(const char *release, char **ret, struct error *err)
{
	if (!release_valid(release))
		return error_set(err, -EINVAL, "%.64s can't be a kernel release",
				 release);
	*ret = str_format("/lib/modules/%s/" MODULE_LINK_DIR, release);
	return 0;
}

/* Where the link of a path lies; -EINVAL for what is no module's file. */
static int link_place(const char *path, const char *directory, char **ret,
		      struct error *err)
{
	const char *slash = strrchr(path, '/');
	autofree char *module = module_name_of(path);

	if (!module || !slash)
		return error_set(err, -EINVAL, "%.200s can't be a module", path);
	*ret = str_format("%s%s", directory, slash);
	return 0;
}

static int link_one(const struct root *root, const char *path, const char *directory,
		    struct error *err)
{
	autofree char *to = NULL;
	int r = link_place(path, directory, &to, err);

	if (r == 0)
		r = root_unlink(root, to, err);

	if (r < 0)
		return r;
	r = root_link(root, path, to);
	if (r == -EXDEV || r == -EPERM || r == -EMLINK)
		r = root_symlink(root, path, to);
	return r < 0 ? error_errno(err, r, "linking %s to %s", path, to) : 0;
}

int module_link_all(const struct package_run *run, const struct strv *paths,
		    const char *release, struct error *err)
{
	autofree char *directory = NULL;
	int r = link_directory(release, &directory, err);

	if (r < 0 || paths->count == 0)
		return r;
	r = root_mkdirs(run->root, directory, 0755, err);
	for (size_t i = 0; r == 0 && i < paths->count; i++)
		r = link_one(run->root, paths->items[i], directory, err);
	if (r == 0)
		r = root_sync_dir(run->root, directory, err);
	return r < 0 ? r : link_depmod(run, release, err);
}

static int link_clean(const struct root *root, const char *directory, struct error *err)
{
	autostrv struct strv left = {0};
	int r = root_list(root, directory, &left, err);

	return r < 0 || left.count > 0 ? r : root_remove_tree(root, directory, err);
}

int module_link_undo(const struct package_run *run, const struct strv *paths,
		     const char *release, struct error *err)
{
	autofree char *directory = NULL, *index = NULL;
	int r = link_directory(release, &directory, err);

	if (r < 0 || !root_exists(run->root, directory))
		return r;
	for (size_t i = 0; r == 0 && i < paths->count; i++) {
		autofree char *place = NULL;

		r = link_place(paths->items[i], directory, &place, err);
		if (r == 0)
			r = root_unlink(run->root, place, err);
	}
	if (r == 0)
		r = link_clean(run->root, directory, err);
	index = str_format("/lib/modules/%s/modules.dep", release);
	/* a tree whose packages are gone needs no index */
	return r < 0 || !root_exists(run->root, index) ? r
						       : link_depmod(run, release, err);
}
