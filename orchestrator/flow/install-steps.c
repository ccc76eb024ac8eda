/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The steps that bring the kernel's packages and make its initramfs. The packages come in
 * two parts: unpacked first, and configured when the initramfs lies there, which is built
 * once from all that came (modules, microcode, firmware) instead of by each hook.
 */
#include "act/initramfs.h"
#include "base/cleanup.h"
#include "probe/boot-image.h"
#include "repair.h"
#include "steps.h"

int step_install_check(struct journey *j, struct error *err)
{
	return packages_installed(j->machine->root, &j->plan, err);
}

/* Of kernels that were left half-configured, too: what can't be told of them is theirs,
 * and not this journey's. */
static int install_repair(const struct journey *j, const struct package_run *run,
			  struct error *err)
{
	autokernels struct kernel_list kernels = {0};
	autokernelpackages struct kernel_package_list packages = {0};
	const struct repair_view view = {.kernels = &kernels,
					 .packages = &packages,
					 .but = j->plan.release};
	const struct root *root = j->machine->root;

	if (kernel_packages_probe(root, &packages, NULL) < 0 ||
	    kernels_probe(root, false, &kernels, NULL) < 0)
		return repair_packages(j->machine, run, NULL, err);
	return repair_packages(j->machine, run, &view, err);
}

int step_install(struct journey *j, struct error *err)
{
	struct package_run run = step_package_run(j);
	int r = install_repair(j, &run, err);

	if (initramfs_generator(j->machine->root))
		run.initramfs_of = j->plan.release;
	if (r == 0)
		r = packages_unpack(&run, &j->plan, err);
	return r < 0 ? step_install_explain(j, r, err) : r;
}

int step_install_undo(struct journey *j, struct error *err)
{
	struct package_run run = step_package_run(j);

	/* no repair first: what failed would fail again, and undo mends on its own */
	return j->plan.count ? packages_undo(&run, &j->plan, err) : 0;
}

int step_initramfs_check(struct journey *j, struct error *err)
{
	autofree char *path = initramfs_path(j->machine->root, j->transaction.release);
	int installed = packages_installed(j->machine->root, &j->plan, err);

	if (installed < 0)
		return installed;
	if (!initramfs_generator(j->machine->root))
		return 1;
	/* one that was made before its modules, or of another build of the kernel */
	if (step_modules_made(j) || !installed)
		return 0;
	if (!root_exists(j->machine->root, path))
		return 0;
	/* hooks of headers that came after the kernel make modules, and no image */
	if (initramfs_is_stale(j->machine->root, j->transaction.release, NULL) > 0)
		return 0;
	return boot_image_check_initramfs(j->machine->root, path, err) < 0 ? 0 : 1;
}

int step_initramfs(struct journey *j, struct error *err)
{
	struct package_run run = step_package_run(j);

	return initramfs_build(&run, j->transaction.release, err);
}

/* An image that is whole stays: it is the kernel's, and goes with its package. */
int step_initramfs_undo(struct journey *j, struct error *err)
{
	(void)err; /* what can't be removed costs room, and the next build tries again */
	initramfs_clean(j->machine->root);
	return 0;
}

/* Its own hooks can make modules yet (a policy that has kuro make none). */
static int configure_initramfs(struct journey *j, struct error *err)
{
	int stale = initramfs_is_stale(j->machine->root, j->transaction.release, err);

	if (stale <= 0)
		return stale;
	machine_note(j->machine, NOTE_INFO,
		     "hooks of the kernel's package made modules: building its initramfs "
		     "again");
	return step_initramfs(j, err);
}

int step_configure(struct journey *j, struct error *err)
{
	struct package_run run = step_package_run(j);
	autofree char *path = initramfs_path(j->machine->root, j->transaction.release);
	int r;

	if (boot_image_check_initramfs(j->machine->root, path, NULL) == 0)
		run.initramfs_of = j->transaction.release;
	r = packages_install(&run, &j->plan, err);
	if (r < 0)
		return step_install_explain(j, r, err);
	return run.initramfs_of && initramfs_generator(j->machine->root)
		       ? configure_initramfs(j, err)
		       : 0;
}
