/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table of package managers that can be made to work, and what holds for all of
 * them: what is so already is not done again, and the kernel that runs is not removed.
 */
#include "act/packages.h"

#include <fcntl.h>
#include <string.h>
#include <sys/utsname.h>

#include "apt-run.h"
#include "base/cleanup.h"
#include "base/process.h"
#include "dnf-remove.h"
#include "package-backend.h"

static const struct package_worker *const workers[] = {&apt_worker, &dnf_worker};

/* The one in charge here; NULL: none, and err says so with -ERROR_UNSUPPORTED. */
static const struct package_worker *packages_worker(const struct root *root,
						    struct error *err)
{
	const char *manager = packages_manager(root);

	for (size_t i = 0; i < ARRAY_LEN(workers); i++)
		if (str_eq(manager, workers[i]->name))
			return workers[i];
	error_set(err, -ERROR_UNSUPPORTED,
		  "no package manager that kuro knows (apt, dnf) is in charge of this "
		  "machine");
	return NULL;
}

int packages_refresh(const struct package_run *run, struct error *err)
{
	const struct package_worker *worker = packages_worker(run->root, err);

	return worker ? worker->refresh(run, err) : -ERROR_UNSUPPORTED;
}

int packages_download(const struct package_run *run, const struct package_plan *plan,
		      struct strv *ret, struct error *err)
{
	const struct package_worker *worker = packages_worker(run->root, err);
	int r;

	if (!worker)
		return -ERROR_UNSUPPORTED;
	r = plan->count ? worker->download(run, plan, err) : 0;
	return r < 0 ? r : worker->archives(run->root, plan, ret, err);
}

int packages_at_hand(const struct root *root, const struct package_plan *plan,
		     struct strv *ret, struct error *err)
{
	const struct package_worker *worker = packages_worker(root, err);
	size_t brought = 0;
	int r;

	if (!worker)
		return -ERROR_UNSUPPORTED;
	r = worker->archives(root, plan, ret, err);
	for (size_t i = 0; i < plan->count; i++)
		brought += plan->items[i].new_version != NULL;
	return r < 0 ? r : ret->count == brought;
}

int packages_unpack(const struct package_run *run, const struct package_plan *plan,
		    struct error *err)
{
	const struct package_worker *worker = packages_worker(run->root, err);

	if (!worker)
		return -ERROR_UNSUPPORTED;
	return plan->count ? worker->unpack(run, plan, err) : 0;
}

int packages_install(const struct package_run *run, const struct package_plan *plan,
		     struct error *err)
{
	const struct package_worker *worker = packages_worker(run->root, err);

	if (!worker)
		return -ERROR_UNSUPPORTED;
	return plan->count ? worker->install(run, plan, err) : 0;
}

/* Would taking the plan back remove the image that runs now? */
static bool plan_brought_running(const struct root *root, const struct package_plan *plan)
{
	autofree char *image = NULL;
	struct utsname name;

	if (!root_is_live(root) || uname(&name) < 0)
		return false;
	if (str_eq(plan->manager, "dnf"))
		return str_eq(plan->release, name.release);
	image = str_format("linux-image-%s", name.release);
	for (size_t i = 0; i < plan->count; i++)
		if (!plan->items[i].old_version && str_eq(plan->items[i].name, image))
			return true;
	return false;
}

int packages_undo(const struct package_run *run, const struct package_plan *plan,
		  struct error *err)
{
	const struct package_worker *worker = packages_worker(run->root, err);

	if (!worker)
		return -ERROR_UNSUPPORTED;
	if (plan_brought_running(run->root, plan))
		return error_set(err, -ERROR_REFUSED,
				 "the packages of %s stay: it is the kernel that runs",
				 plan->release ? plan->release : "this kernel");
	return plan->count ? worker->undo(run, plan, err) : 0;
}

int packages_repair(const struct package_run *run, struct error *err)
{
	const struct package_worker *worker = packages_worker(run->root, err);
	int r;

	if (!worker)
		return -ERROR_UNSUPPORTED;
	r = packages_unfinished(run->root, err);
	return r <= 0 ? r : worker->repair(run, err);
}

bool packages_busy(const struct root *root)
{
	static const char *const locks[] = {"/var/lib/dpkg/lock-frontend",
					    "/var/lib/dpkg/lock",
					    "/var/lib/rpm/.rpm.lock",
					    "/usr/lib/sysimage/rpm/.rpm.lock"};
	bool busy = false;

	for (size_t i = 0; i < ARRAY_LEN(locks) && !busy; i++) {
		struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
		autoclose int fd = root_openat(root, locks[i], O_RDONLY, 0);

		busy = fd >= 0 && fcntl(fd, F_GETLK, &whole) == 0 &&
		       whole.l_type != F_UNLCK;
	}
	return busy;
}

/* Who can take packages away: more than can bring a kernel. */
static const struct package_remover {
	const char *program;     /* on the PATH */
	const char *database[2]; /* one of them is there: the manager is in charge */
	int (*check)(const struct package_run *run, const struct strv *names,
		     struct error *err);
	int (*remove)(const struct package_run *run, const struct strv *names,
		      struct error *err);
} removers[] = {
	{"apt-get", {"/var/lib/dpkg/status"}, apt_remove_check, apt_remove},
	{"dnf", {"/usr/lib/sysimage/rpm", "/var/lib/rpm"}, dnf_remove_check, dnf_remove},
};

static bool remover_is_in_charge(const struct root *root,
				 const struct package_remover *remover)
{
	bool found = false;

	for (size_t i = 0; i < ARRAY_LEN(remover->database) && !found; i++)
		found = remover->database[i] && root_exists(root, remover->database[i]);
	return found && process_exists(root, remover->program);
}

/* The names can be packages', so that none is an option or an order of its own. */
static int packages_check_names(const struct strv *names, struct error *err)
{
	for (size_t i = 0; i < names->count; i++)
		if (!package_name_valid(names->items[i]))
			return error_set(err, -EINVAL, "%.64s can't be a package's name",
					 names->items[i]);
	return 0;
}

static const struct package_remover *packages_remover(const struct root *root,
						      struct error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(removers); i++)
		if (remover_is_in_charge(root, &removers[i]))
			return &removers[i];
	error_set(err, -ERROR_UNSUPPORTED,
		  "no package manager that kuro knows (apt, dnf) is in charge of this "
		  "machine");
	return NULL;
}

int packages_remove_check(const struct package_run *run, const struct strv *names,
			  struct error *err)
{
	const struct package_remover *remover = packages_remover(run->root, err);
	int r = remover ? packages_check_names(names, err) : -ERROR_UNSUPPORTED;

	return r < 0 || names->count == 0 ? r : remover->check(run, names, err);
}

int packages_remove(const struct package_run *run, const struct strv *names,
		    struct error *err)
{
	const struct package_remover *remover = packages_remover(run->root, err);
	int r = remover ? packages_check_names(names, err) : -ERROR_UNSUPPORTED;

	return r < 0 || names->count == 0 ? r : remover->remove(run, names, err);
}
