/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What came by the second door (door.c) and is marked: each release has its trial, when
 * it is its turn. A trial that is armed is never given up for an older kernel, and one
 * that is refused is looked at again when something has changed.
 */
#include "act/pending.h"
#include "act/reboot-required.h"
#include "base/cleanup.h"
#include "core/release.h"
#include "flow/door.h"
#include "flow/recover.h"
#include "flow/room.h"
#include "flow/upgrade.h"
#include "probe/boot-files.h"
#include "probe/kernels.h"
#include "probe/this-boot.h"
#include "steps.h"

#define SETTLE_WAITS 2 /* behind try_run's answers */

/* The release of the trial that the next boot makes, or NULL. Caller frees. */
static char *armed_release(const struct machine *machine)
{
	automanifest struct manifest trial = {0};
	autothisboot struct this_boot boot = {0};
	struct boot_block block = {0};

	if (boot_files_read_block(machine->root, &block, NULL) < 0 ||
	    this_boot_probe(machine->root, &boot, NULL) < 0 ||
	    boot_state_of(&block, boot.generation) != BOOT_ARMED ||
	    boot_files_manifest(machine->root, block.trial, &trial, NULL) < 0)
		return NULL;
	return str_dup(trial.release);
}

/* What the machine would boot has changed, or not: who waits for a reboot is told. */
static void settle_reboot(const struct machine *machine, const char *release)
{
	autofree char *armed = armed_release(machine);
	struct error local = {0};
	int r = str_eq(armed, release)
			? reboot_required_add(machine->root, release, &local)
			: reboot_required_drop(machine->root, release, &local);

	if (r < 0)
		machine_note(machine, NOTE_WARNING, "%s", local.message);
}

/* An armed one comes first: the older waits for its verdict. */
static int settle_wait(const struct machine *machine, const char *release)
{
	autofree char *armed = armed_release(machine);

	if (!armed || release_compare(armed, release) <= 0)
		return 1;
	machine_note(
		machine, NOTE_INFO,
		"%s changed, and is tried when the newer %s, which is armed, has its "
		"verdict",
		release, armed);
	return SETTLE_WAITS;
}

/* Is it the newest of a flavour that is here for long, beside the good one's? */
static bool is_beside(const struct kernel_list *kernels, const char *release,
		      const char *good)
{
	if (release_same_flavour(release, good))
		return false;
	for (size_t i = 0; i < kernels->count; i++)
		if (kernels->items[i].image.path &&
		    !str_eq(kernels->items[i].release, release) &&
		    release_same_flavour(kernels->items[i].release, release))
			return true;
	return false;
}

/* Another flavour is tried when a person brings its first kernel, and nothing of the good
 * one's flavour waits. */
static bool is_passed_over(const struct machine *machine,
			   const struct kernel_list *kernels, const char *release,
			   const char *good)
{
	autofree char *armed = armed_release(machine);
	bool waits = armed && release_same_flavour(armed, good) &&
		     !release_same_flavour(release, good);

	if (release_compare(release, good) < 0)
		machine_note(machine, NOTE_INFO,
			     "%s is older than the good kernel %s and is not tried by "
			     "itself; to try it: kuro try %s",
			     release, good, release);
	else if (waits || is_beside(kernels, release, good))
		machine_note(machine, NOTE_INFO,
			     "%s is of another flavour than the good kernel %s and is "
			     "not tried by itself; to try it: kuro try %s",
			     release, good, release);
	else
		return false;
	return true;
}

/* 1: its turn, 0: its mark goes, SETTLE_WAITS, -ERROR_BUSY: later. */
static int settle_allowed(const struct machine *machine, const char *release,
			  struct error *err)
{
	autokernels struct kernel_list kernels = {0};
	automanifest struct manifest good = {0};
	struct boot_block block = {0};
	const struct kernel *kernel;
	int r = kernels_probe(machine->root, false, &kernels, err);

	if (r == 0)
		r = boot_files_read_block(machine->root, &block, err);
	if (r < 0)
		return r;
	kernel = kernel_find(&kernels, release);
	if (!kernel || !kernel->image.path || block.good == 0)
		return 0;
	if (step_refuse_while_trying(machine, &block, err) < 0)
		return -ERROR_BUSY;
	if (boot_files_manifest(machine->root, block.good, &good, NULL) == 0 &&
	    is_passed_over(machine, &kernels, release, good.release))
		return 0;
	return settle_wait(machine, release);
}

static void state_file(const struct root *root, const char *path, struct text *ret)
{
	struct stat st;

	if (root_stat(root, path, &st) == 0)
		text_appendf(ret, "%s %llu %lld.%09ld\n", path,
			     (unsigned long long)st.st_size, (long long)st.st_mtim.tv_sec,
			     st.st_mtim.tv_nsec);
}

static void state_files(const struct root *root, const char *directory, struct text *ret)
{
	autostrv struct strv names = {0};

	/* one that is not there holds nothing */
	(void)root_list(root, directory, &names, NULL);
	strv_sort(&names);
	for (size_t i = 0; i < names.count; i++) {
		autofree char *path = str_format("%s/%s", directory, names.items[i]);

		state_file(root, path, ret);
	}
}

/* All that a refusal may hang on: modules, what they are built from, the initramfs, the
 * policy, holds, room. Caller frees. */
static char *settle_state(const struct machine *machine, const char *release)
{
	static const char *const of_release[][2] = {
		{"/usr/lib/modules/", ""},
		{"/usr/lib/modules/", "/modules.dep"},
		{"/usr/lib/modules/", "/build"},
		{"/usr/lib/modules/", "/updates"},
		{"/usr/lib/modules/", "/updates/dkms"},
		{"/boot/vmlinuz-", ""},
		{"/boot/initrd.img-", ""},
		{"/boot/initramfs-", ".img"},
	};
	static const char *const directories[] = {"/usr/src", "/var/lib/dkms",
						  "/etc/kuro", "/etc/kuro/kuro.conf.d"};
	const struct room_task task = {.release = release};
	autospaceplan struct space_plan room = {0};
	autotext struct text state = {0};
	bool held = step_refuse_held(machine, release, NULL, NULL) < 0;
	bool fits = room_plan(machine, &task, &room, NULL) == 0 && space_plan_fits(&room);

	text_appendf(&state, "%s, %s\n", held ? "on hold" : "not on hold",
		     fits ? "fits" : "does not fit");
	for (size_t i = 0; i < ARRAY_LEN(of_release); i++) {
		autofree char *path =
			str_format("%s%s%s", of_release[i][0], release, of_release[i][1]);

		state_file(machine->root, path, &state);
	}
	for (size_t i = 0; i < ARRAY_LEN(directories); i++)
		state_files(machine->root, directories[i], &state);
	return text_take(&state);
}

/* It was refused, and all is as it was then. */
static bool refused_already(const struct machine *machine, const char *release)
{
	autofree char *noted = NULL, *now = NULL;

	if (pending_noted(machine->root, release, &noted, NULL) < 0 || !*noted)
		return false;
	now = settle_state(machine, release);
	return str_eq(noted, now);
}

static void refused_note(const struct machine *machine, const char *release)
{
	autofree char *state = settle_state(machine, release);
	struct error local = {0};

	if (pending_note(machine->root, release, state, &local) < 0)
		machine_note(machine, NOTE_WARNING, "%s", local.message);
}

/* What the trial's making ended with. The mark goes: true. */
static bool settle_tell(const struct machine *machine, const char *release, int r,
			const struct error *why)
{
	if (r == 0)
		machine_note(machine, NOTE_INFO, "%s is armed: the next boot tries it",
			     release);
	else if (r == -ERROR_REFUSED)
		machine_note(machine, NOTE_WARNING,
			     "%s is installed, but it will not be booted: %s", release,
			     why->message);
	else if (r < 0)
		machine_note(
			machine, NOTE_WARNING,
			"%s is installed, but no generation could be made of it: %s; "
			"kuro tries again after the next run of the package manager, "
			"and at the next boot",
			release, why->message);
	return r >= 0;
}

/* The mark goes: true. */
static bool settle_one(const struct machine *machine, const char *release)
{
	struct error local = {0};
	int r = settle_allowed(machine, release, &local);
	bool goes = r == 0;

	if (r == 1 && refused_already(machine, release))
		r = SETTLE_WAITS;
	if (r == 1)
		r = try_run(machine, release, NULL, &local);
	if (r == -ERROR_REFUSED)
		refused_note(machine, release);
	if (!goes && r != SETTLE_WAITS)
		goes = settle_tell(machine, release, r, &local);
	settle_reboot(machine, release);
	return goes;
}

/* Those of the good kernel's flavour, or the others. */
static int settle_flavour(const struct machine *machine, const struct strv *releases,
			  bool others, struct error *err)
{
	automanifest struct manifest good = {0};
	struct boot_block block = {0};
	int r = boot_files_read_block(machine->root, &block, err);

	if (r < 0)
		return r;
	/* without one all count as of its flavour */
	(void)boot_files_manifest(machine->root, block.good, &good, NULL);
	for (size_t i = 0; r >= 0 && i < releases->count; i++) {
		const char *release = releases->items[i];
		bool other = good.release && !release_same_flavour(release, good.release);

		if (other == others && settle_one(machine, release))
			r = pending_remove(machine->root, release, err);
	}
	return r;
}

void door_settle(const struct machine *machine)
{
	autostrv struct strv releases = {0};
	struct error local = {0};
	int r = pending_list(machine->root, &releases, &local);

	if (r == 0 && releases.count == 0)
		return;
	if (r == 0)
		r = recover_run(machine, RECOVER_ALL, &local);
	for (int others = 0; r >= 0 && others < 2; others++)
		r = settle_flavour(machine, &releases, others, &local);
	if (r < 0)
		machine_note(machine, NOTE_WARNING, "%s", local.message);
}
