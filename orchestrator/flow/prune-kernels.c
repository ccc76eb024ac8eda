/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kernels that go: through the package manager that owns them, all in one run, each
 * alone in what it takes. What no package owns goes file by file.
 */
#include <string.h>

#include "act/integrate.h"
#include "act/left-over.h"
#include "act/pending.h"
#include "base/cleanup.h"
#include "base/process.h"
#include "prune-parts.h"
#include "repair.h"

#define GRUB_CFG_MAX ((size_t)8 * 1024 * 1024)

static void prune_output(void *data, const char *line)
{
	machine_note(data, NOTE_OUTPUT, "%s", line);
}

struct package_run prune_package_run(const struct machine *machine)
{
	return (struct package_run){
		.root = machine->root,
		.policy = machine->policy,
		.line = prune_output,
		.line_data = (void *)(uintptr_t)machine,
	};
}

void prune_item_stays(struct retention_item *item, char *reason)
{
	item->removed = false;
	free(item->reason);
	item->reason = reason;
}

void prune_package_names(const struct prune *p, const char *release, struct strv *ret)
{
	const struct kernel *kernel = kernel_find(&p->inv.kernels, release);

	for (size_t i = 0; i < p->packages.count; i++)
		if (kernel_package_is_of(&p->packages.items[i], release))
			strv_add(ret, p->packages.items[i].name);
	if (kernel && kernel->package && !strv_has(ret, kernel->package))
		strv_add(ret, kernel->package);
}

static bool item_goes(const struct retention_item *item, bool packaged)
{
	return item->kind == RETENTION_KERNEL && item->removed &&
	       item->packaged == packaged;
}

/* The packages of all kernels that go. */
static void going_names(const struct prune *p, struct strv *ret)
{
	for (size_t i = 0; i < p->set.count; i++)
		if (item_goes(&p->set.items[i], true))
			prune_package_names(p, p->set.items[i].name, ret);
}

/* Ask for each alone; those that would take others with them stay. */
static void check_each(struct prune *p, const struct package_run *run)
{
	for (size_t i = 0; i < p->set.count; i++) {
		struct retention_item *item = &p->set.items[i];
		autostrv struct strv names = {0};
		struct error local = {0};

		if (!item_goes(item, true))
			continue;
		prune_package_names(p, item->name, &names);
		if (packages_remove_check(run, &names, &local) == 0)
			continue;
		machine_note(p->machine, NOTE_WARNING, "%s stays: %s", item->name,
			     local.message);
		prune_item_stays(item, str_format("it would go, but: %s", local.message));
	}
}

void prune_kernels_check(struct prune *p)
{
	struct package_run run = prune_package_run(p->machine);
	autostrv struct strv all = {0};

	going_names(p, &all);
	if (all.count > 0 && packages_remove_check(&run, &all, NULL) == -ERROR_REFUSED)
		check_each(p, &run);
}

static void tell_kernels(const struct prune *p)
{
	for (size_t i = 0; i < p->set.count; i++)
		if (item_goes(&p->set.items[i], true))
			machine_note(p->machine, NOTE_STEP, "removing kernel %s: %s",
				     p->set.items[i].name, p->set.items[i].reason);
}

int prune_repair(const struct prune *p, struct error *err)
{
	const struct package_run run = prune_package_run(p->machine);
	const struct repair_view view = {.kernels = &p->inv.kernels,
					 .packages = &p->packages};

	return repair_packages(p->machine, &run, prune_in_charge(p) ? &view : NULL, err);
}

static int remove_packages(struct prune *p, struct error *err)
{
	struct package_run run = prune_package_run(p->machine);
	autostrv struct strv all = {0}, rest = {0};
	struct error local = {0};
	int r;

	going_names(p, &all);
	if (all.count == 0)
		return 0;
	/* that may be the one that asked for room: it would be waited for in vain */
	if (packages_busy(p->machine->root))
		return error_set(err, -ERROR_BUSY,
				 "a package manager is at work, which has to remove "
				 "them; try again when it has ended");
	r = prune_repair(p, &local);
	if (r < 0 && r != -ERROR_UNSUPPORTED) /* dnf has nothing of the kind */
		return error_set(err, r,
				 "packages are half-installed and can't be "
				 "finished: %.400s; where that is for room: "
				 "kuro prune --emergency",
				 local.message);
	r = packages_remove_check(&run, &all, &local);
	if (r == -ERROR_REFUSED)
		check_each(p, &run);
	else if (r < 0)
		return error_set(err, r, "%s", local.message);
	going_names(p, &rest);
	if (rest.count == 0)
		return 0;
	tell_kernels(p);
	return packages_remove(&run, &rest, err);
}

static int remove_files(struct prune *p, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->set.count; i++) {
		const struct retention_item *item = &p->set.items[i];
		const struct kernel *kernel = kernel_find(&p->inv.kernels, item->name);

		if (!item_goes(item, false) || !kernel)
			continue;
		machine_note(p->machine, NOTE_STEP, "removing kernel %s: %s", item->name,
			     item->reason);
		r = kernel_files_remove(p->machine->root, kernel, err);
	}
	return r;
}

/* Does GRUB's menu still name one of those that went? */
static bool menu_is_stale(const struct prune *p)
{
	const char *cfg = integrate_grub_cfg(p->machine->root);
	autofree char *text = NULL;

	if (!cfg || root_read(p->machine->root, cfg, GRUB_CFG_MAX, &text, NULL, NULL) < 0)
		return false;
	for (size_t i = 0; i < p->set.count; i++) {
		const struct retention_item *item = &p->set.items[i];
		autofree char *name = str_format("/vmlinuz-%s ", item->name);

		if (item->kind == RETENTION_KERNEL && item->removed && strstr(text, name))
			return true;
	}
	return false;
}

/* The packages' own hooks do it where they are; entries of files that are gone are dead.
 */
static void refresh_menu(const struct prune *p)
{
	struct package_run run = prune_package_run(p->machine);
	struct error local = {0};

	if (!menu_is_stale(p))
		return;
	machine_note(p->machine, NOTE_STEP, "generating GRUB's configuration");
	if (integrate_regenerate_grub(&run, &local) < 0)
		machine_note(p->machine, NOTE_WARNING,
			     "GRUB's menu still names kernels that are gone: %s",
			     local.message);
}

int prune_kernels(struct prune *p, struct error *err)
{
	struct error local = {0};
	int r = remove_files(p, &local);

	if (r == 0 && process_interrupted())
		r = error_set(&local, -ERROR_INTERRUPTED,
			      "interrupted; the next run goes on from here");
	if (r == 0)
		r = remove_packages(p, &local);
	refresh_menu(p);
	return r < 0 ? error_set(err, r, "%s", local.message) : 0;
}
