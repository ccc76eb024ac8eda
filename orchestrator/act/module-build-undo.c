/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a transaction built, taken back: by the builder itself, and by hand what it knows
 * nothing of because it was stopped between copying a module and noting that it did.
 * What was there before is never touched.
 */
#include <stdlib.h>

#include "act/module-build.h"
#include "base/cleanup.h"
#include "core/release.h"
#include "module-builder.h"
#include "probe/third-party.h"
#include "run.h"

#define DEPMOD_TIMEOUT 600

int module_build_index(const struct package_run *run, const char *release,
		       struct error *err)
{
	const char *const argv[] = {"depmod", release, NULL};
	struct run_program program = {.argv = argv, .timeout = DEPMOD_TIMEOUT};
	int r = run_program(run, &program, err);

	return r < 0 ? error_prefix(err, r, "indexing the modules of %s", release) : 0;
}

/* A file that was not there before, and that no record explains. */
static bool file_is_stray(const struct module_build *build,
			  const struct third_party *file)
{
	return !file->package &&
	       (file->provider == PROVIDER_DKMS || file->provider == PROVIDER_UNOWNED) &&
	       strv_has(&build->modules, file->name);
}

/* What the builder left in the tree. 1: stray files were removed. */
static int undo_files(const struct package_run *run, const struct module_build *build,
		      const char *release, struct error *err)
{
	autothirdparty struct third_party_list there = {0};
	int r = third_party_probe(run->root, release, &there, err), removed = 0;

	for (size_t i = 0; r == 0 && i < there.count; i++) {
		const struct third_party *file = &there.items[i];

		if (str_eq(file->package, build->package))
			return error_set(err, -ERROR_PROGRAM,
					 "%s is still there after %s was taken back",
					 file->path, build->package);
		if (!file_is_stray(build, file))
			continue;
		r = root_unlink(run->root, file->path, err);
		removed = 1;
	}
	return r < 0 ? r : removed;
}

/* Cut off between taking the rest of it out and putting all of it in. */
static int undo_mending(const struct module_builder *builder,
			const struct builder_run *build, struct error *err)
{
	int r;

	if (builder->state(build) != BUILDER_BUILT)
		return 0;
	r = builder->build(build, err);
	return r < 0 ? r : 1;
}

int module_build_undo_one(const struct package_run *run, const struct module_build *build,
			  const char *release, struct error *err)
{
	const struct module_builder *builder = module_builder_of(build->package);
	struct builder_run what = {run, build->package, release, build->had_build};
	int r, files;

	if (!builder)
		return error_set(err, -EINVAL, "%.128s is no package of modules",
				 build->package);
	if (build->mends) {
		r = undo_mending(builder, &what, err);
		return r < 0 ? error_prefix(err, r, "putting back the modules of %s",
					    build->package)
			     : r;
	}
	r = builder->undo(&what, err);
	if (r < 0)
		return error_prefix(err, r, "taking back the modules of %s",
				    build->package);
	files = undo_files(run, build, release, err);
	return files < 0 ? files : r | files;
}

int module_build_undo(const struct package_run *run, const struct module_build_list *list,
		      const char *release, struct error *err)
{
	autofree char *index = str_format("/lib/modules/%s/modules.dep", release);
	bool changed = false;
	int result = 0;

	if (!release_valid(release))
		return error_set(err, -EINVAL, "%.64s can't be a kernel release",
				 release);
	for (size_t i = list->count; i > 0; i--) {
		const struct module_build *build = &list->items[i - 1];
		int r;

		if (!build->built && !build->mends)
			continue;
		r = module_build_undo_one(run, build, release, result < 0 ? NULL : err);
		changed |= r > 0;
		if (r < 0 && result == 0)
			result = r;
	}
	/* the release itself may be gone by now */
	if (changed && root_exists(run->root, index)) {
		int r = module_build_index(run, release, result < 0 ? NULL : err);

		result = result < 0 ? result : r;
	}
	return result;
}
