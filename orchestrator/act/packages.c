/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table of package managers that can be made to work, and what holds for all of
 * them: what is so already is not done again, and the kernel that runs is not removed.
 */
#include "act/packages.h"

#include <string.h>
#include <sys/utsname.h>

#include "base/cleanup.h"
#include "package-backend.h"

static const struct package_worker *const workers[] = {&apt_worker};

static int packages_worker(const struct root *root, const struct package_worker **ret,
			   struct error *err)
{
	const char *manager = packages_manager(root);

	for (size_t i = 0; i < ARRAY_LEN(workers); i++)
		if (str_eq(manager, workers[i]->name)) {
			*ret = workers[i];
			return 0;
		}
	return error_set(err, -ERROR_UNSUPPORTED,
			 "no package manager that kuro knows (apt) is in charge of this "
			 "machine");
}

int packages_refresh(const struct package_run *run, struct error *err)
{
	const struct package_worker *worker;
	int r = packages_worker(run->root, &worker, err);

	return r < 0 ? r : worker->refresh(run, err);
}

int packages_install(const struct package_run *run, const struct package_plan *plan,
		     struct error *err)
{
	const struct package_worker *worker;
	int r = packages_worker(run->root, &worker, err);

	if (r < 0 || plan->count == 0)
		return r;
	return worker->install(run, plan, err);
}

/* Would taking the plan back remove the image that runs now? */
static bool plan_brought_running(const struct root *root, const struct package_plan *plan)
{
	autofree char *image = NULL;
	struct utsname name;

	if (!root_is_live(root) || uname(&name) < 0)
		return false;
	image = str_format("linux-image-%s", name.release);
	for (size_t i = 0; i < plan->count; i++)
		if (!plan->items[i].old_version && str_eq(plan->items[i].name, image))
			return true;
	return false;
}

int packages_undo(const struct package_run *run, const struct package_plan *plan,
		  struct error *err)
{
	const struct package_worker *worker;
	int r = packages_worker(run->root, &worker, err);

	if (r < 0 || plan->count == 0)
		return r;
	if (plan_brought_running(run->root, plan))
		return error_set(err, -ERROR_REFUSED,
				 "the packages of %s stay: it is the kernel that runs",
				 plan->release ? plan->release : "this kernel");
	return worker->undo(run, plan, err);
}

int packages_repair(const struct package_run *run, struct error *err)
{
	const struct package_worker *worker;
	int r = packages_worker(run->root, &worker, err);

	if (r == 0)
		r = packages_unfinished(run->root, err);
	return r <= 0 ? r : worker->repair(run, err);
}
