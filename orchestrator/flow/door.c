/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Package managers that somebody else drives. What comes is vetted before it is unpacked;
 * what came is tried like any other generation, by the same journey.
 */
#include "flow/door.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "act/pending.h"
#include "base/cleanup.h"
#include "core/policy.h"
#include "core/release.h"
#include "flow/protect.h"
#include "flow/room.h"
#include "probe/boot-files.h"
#include "probe/kernel-packages.h"
#include "probe/this-boot.h"
#include "steps.h"
#include "store/records.h"

#define IMAGE   "linux-image-"
#define MODULES "linux-modules-"

/* Where the policy only tells, it is vetted again when it is there, and never booted. */
static int step_vet_what_comes(struct journey *j, struct error *err)
{
	struct error local = {0};
	int r = step_vet_incoming(j, &local);

	if (r != -ERROR_REFUSED ||
	    !str_eq(policy_choice(j->machine->policy, POLICY_PACKAGES_UNFIT), "warn"))
		return r < 0 ? error_set(err, r, "%s", local.message) : r;
	machine_note(j->machine, NOTE_WARNING,
		     "%s; it is installed all the same (packages.unfit), and will not be "
		     "booted",
		     local.message);
	return 0;
}

static int step_incoming_room(struct journey *j, struct error *err)
{
	const struct room_task task = {.release = j->plan.release,
				       .plan = &j->plan,
				       .lists = &j->lists,
				       .foreign = true,
				       .triggers = j->plan.beside};

	return room_ensure(j->machine, &task, err);
}

static const struct journey_step packages_steps[] = {
	{"vet-packages", "vetting the new kernel before it is installed", NULL,
	 step_vet_what_comes, NULL},
	{"room-packages", "making sure of room for its packages", NULL,
	 step_incoming_room, NULL},
};

const struct journey_plan packages_plan = {TRANSACTION_PACKAGES, packages_steps,
					   ARRAY_LEN(packages_steps), TRANSACTION_DONE};
/* Of a kernel that comes beside the one of packages_plan, whose room is theirs too. */
static const struct journey_plan beside_plan = {TRANSACTION_PACKAGES, packages_steps, 1,
						TRANSACTION_DONE};

/* The release that a package is of: told by the package manager, or by its name. NULL: it
 * is no kernel's image or tree. Caller frees. */
static char *package_release(const struct package_change *change, bool *ret_image)
{
	if (!change->release)
		return release_of_package(change->name, ret_image);
	*ret_image = change->image;
	return str_dup(change->release);
}

/* Of what comes, or of what goes; once each. */
static void package_releases(const struct package_plan *packages, bool comes, bool images,
			     struct strv *ret)
{
	for (size_t i = 0; i < packages->count; i++) {
		const struct package_change *change = &packages->items[i];
		bool image = false;
		autofree char *release = package_release(change, &image);

		if (release && (change->new_version != NULL) == comes &&
		    (image || !images) && !strv_has(ret, release))
			strv_add(ret, release);
	}
}

bool door_brings(const struct package_plan *packages)
{
	autostrv struct strv come = {0};

	package_releases(packages, true, false, &come);
	return come.count > 0;
}

bool door_concerns(const struct package_plan *packages)
{
	autostrv struct strv go = {0};

	package_releases(packages, false, false, &go);
	return go.count > 0 || door_brings(packages);
}

/* Which of the two, or NULL. */
static const char *bypass_asked(const struct machine *machine)
{
	const char *variable = getenv(DOOR_BYPASS_VARIABLE);
	autothisboot struct this_boot boot = {0};

	if (variable && *variable && !str_eq(variable, "0"))
		return DOOR_BYPASS_VARIABLE;
	if (this_boot_probe(machine->root, &boot, NULL) == 0 &&
	    strv_has(&boot.command_line, DOOR_BYPASS_ARGUMENT))
		return DOOR_BYPASS_ARGUMENT;
	return NULL;
}

/* The same thing over and over, as an initramfs that is made again, is one row. */
static void bypass_record(const struct machine *machine, char *summary)
{
	struct transaction last = {0}, t = {.kind = TRANSACTION_PACKAGES,
					    .state = TRANSACTION_DONE,
					    .begun = (int64_t)time(NULL)};
	struct error local = {0};
	bool known = transaction_last(machine->db, &last, NULL) == 0 &&
		     last.kind == t.kind && str_eq(last.summary, summary);

	transaction_done(&last);
	t.ended = t.begun;
	t.summary = summary;
	if (!known && transaction_add(machine->db, &t, NULL, &local) < 0)
		machine_note(machine, NOTE_WARNING, "%s", local.message);
}

bool door_bypassed(const struct machine *machine, const char *what)
{
	const char *asked = bypass_asked(machine);
	autofree char *summary = NULL;

	if (!asked || !what)
		return asked != NULL;
	summary = str_format("%s let %s pass unvetted", asked, what);
	machine_note(machine, NOTE_WARNING, "%s", summary);
	bypass_record(machine, summary);
	return true;
}

/* kuro watches over this machine's boots, also where its block is damaged. */
static bool door_in_charge(const struct machine *machine)
{
	struct boot_block block;
	int r = boot_files_read_block(machine->root, &block, NULL);

	return r == -ERROR_DAMAGED || (r == 0 && block.good > 0);
}

static int refuse_needed(const struct strv *needed, const char *release,
			 struct error *err)
{
	if (!strv_has(needed, release))
		return 0;
	return error_set(err, -ERROR_REFUSED,
			 "%s stays: it runs, or a boot that is proven, pinned or being "
			 "tried needs its modules; see: kuro list",
			 release);
}

int door_removing(const struct machine *machine, const char *release, struct error *err)
{
	autostrv struct strv needed = {0};

	protect_releases(machine, &needed);
	return refuse_needed(&needed, release, err);
}

/*
 * apt purges the settings of a package that is removed already, and tells of it as of one
 * that is there. What can't be told of counts as there.
 */
static bool only_settings(const struct machine *machine,
			  const struct package_plan *packages, const char *name)
{
	autokernelpackages struct kernel_package_list there = {0};

	if (!str_eq(packages->manager, "apt") ||
	    kernel_packages_probe(machine->root, &there, NULL) < 0 || there.count == 0)
		return false;
	for (size_t i = 0; i < there.count; i++)
		if (strncmp(there.items[i].name, name, strcspn(name, ":")) == 0)
			return false;
	return true;
}

int door_removals(const struct machine *machine, const struct package_plan *packages,
		  struct error *err)
{
	autostrv struct strv needed = {0}, come = {0};
	int r = 0;

	package_releases(packages, true, true, &come);
	for (size_t i = 0; r == 0 && i < packages->count; i++) {
		const struct package_change *change = &packages->items[i];
		bool image = false;
		autofree char *release = package_release(change, &image);

		/* one whose image comes in the same run does not go: the signed one's
		 * place is taken by the other */
		if (!release || change->new_version || strv_has(&come, release))
			continue;
		if (needed.count == 0)
			protect_releases(machine, &needed);
		r = refuse_needed(&needed, release, err);
		if (r < 0 && only_settings(machine, packages, change->name))
			r = 0;
	}
	return r;
}

/* Kernels, and what comes with them, out of a run that may bring anything. */
static bool is_kernels(const char *name)
{
	return str_starts(name, "linux-") || strstr(name, "-modules-") ||
	       str_starts(name, "kernel") || str_starts(name, "kmod-");
}

/* Microcode, firmware, tools: their triggers make the newest initramfs once more. */
static bool may_trigger(const char *name)
{
	return !str_starts(name, IMAGE) && !str_starts(name, MODULES) &&
	       !str_starts(name, "linux-headers-");
}

/* What runs tells the flavour, where no good one can be told. Caller frees. */
static char *good_release(const struct machine *machine)
{
	automanifest struct manifest good = {0};
	autothisboot struct this_boot boot = {0};
	struct boot_block block = {0};

	if (boot_files_read_block(machine->root, &block, NULL) == 0 &&
	    boot_files_manifest(machine->root, block.good, &good, NULL) == 0)
		return str_dup(good.release);
	return this_boot_probe(machine->root, &boot, NULL) == 0 ? str_dup(boot.release)
								: NULL;
}

/* The kernels that come; first the one that will be tried. */
static void kernels_that_come(const struct machine *machine,
			      const struct package_plan *packages, struct strv *ret)
{
	autostrv struct strv images = {0};
	autofree char *good = good_release(machine);
	size_t first = 0;

	package_releases(packages, true, true, &images);
	for (size_t i = 1; i < images.count; i++)
		if (release_preferred(images.items[i], images.items[first],
				      good ? good : images.items[i]))
			first = i;
	if (images.count > 0)
		strv_add(ret, images.items[first]);
	for (size_t i = 0; i < images.count; i++)
		if (i != first)
			strv_add(ret, images.items[i]);
}

/* Of a run the kernels' packages, for one of them. */
static void kernel_part(const struct package_plan *packages, const char *of,
			struct package_plan *ret)
{
	const bool triggers = str_eq(packages->manager, "apt"); /* rpm's build nothing */

	for (size_t i = 0; i < packages->count; i++) {
		const struct package_change *from = &packages->items[i];
		struct package_change *to;
		bool image = false;

		ret->beside |= triggers && from->new_version && may_trigger(from->name);
		if (!from->new_version || !is_kernels(from->name))
			continue;
		to = package_plan_add(ret, from->name);
		to->old_version = str_dup(from->old_version);
		to->new_version = str_dup(from->new_version);
		to->archive = str_dup(from->archive);
		to->release = package_release(from, &image);
		to->image = image;
	}
	ret->manager = str_dup(packages->manager);
	ret->release = str_dup(of);
}

static void tell_held(const struct machine *machine, const struct package_plan *kernel)
{
	struct error local = {0};

	if (step_refuse_held(machine, kernel->release, kernel, &local) == -ERROR_REFUSED)
		machine_note(machine, NOTE_WARNING, "it will not be booted: %s",
			     local.message);
}

/* Of rpm's kernels nobody may tell later that they came: what stands before kuro in
 * kernel-install can end it (status 77). */
static int mark_untold(const struct machine *machine, const char *manager,
		       const char *release, struct error *err)
{
	return str_eq(manager, "dnf") ? pending_add(machine->root, release, err) : 0;
}

void door_unvetted(const struct machine *machine, const struct package_plan *packages)
{
	autostrv struct strv come = {0};
	struct error local = {0};

	if (door_in_charge(machine))
		kernels_that_come(machine, packages, &come);
	for (size_t i = 0; i < come.count; i++) {
		machine_note(machine, NOTE_WARNING,
			     "%s comes unvetted; it is vetted before it is booted",
			     come.items[i]);
		if (mark_untold(machine, packages->manager, come.items[i], &local) < 0)
			machine_note(machine, NOTE_WARNING, "%s", local.message);
	}
}

static int door_vet(const struct machine *machine, const struct package_plan *packages,
		    const char *release, const struct journey_plan *steps,
		    struct error *err)
{
	autoplan struct package_plan kernel = {0};

	kernel_part(packages, release, &kernel);
	tell_held(machine, &kernel);
	return journey_run_packages(machine, steps, &kernel, err);
}

/* Kernels beside the one that will be tried: what is wrong with them is told. */
static void door_vet_beside(const struct machine *machine,
			    const struct package_plan *packages, const char *release)
{
	struct error local = {0};

	if (door_vet(machine, packages, release, &beside_plan, &local) < 0)
		machine_note(machine, NOTE_WARNING,
			     "%s comes beside the kernel that is tried: %s", release,
			     local.message);
}

int door_incoming(const struct machine *machine, struct package_plan *packages,
		  struct error *err)
{
	autoplan struct package_plan all = *packages;
	autostrv struct strv come = {0};
	int r = 0;

	*packages = (struct package_plan){0};
	if (door_in_charge(machine))
		kernels_that_come(machine, &all, &come);
	if (come.count > 0)
		r = door_vet(machine, &all, come.items[0], &packages_plan, err);
	for (size_t i = 1; r >= 0 && i < come.count; i++)
		door_vet_beside(machine, &all, come.items[i]);
	for (size_t i = 0; r >= 0 && i < come.count; i++)
		r = mark_untold(machine, all.manager, come.items[i], err);
	return r < 0 ? r : 0;
}
