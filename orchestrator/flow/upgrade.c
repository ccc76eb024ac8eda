/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Upgrade and try: two tables over the same steps.
 */
#include "flow/upgrade.h"

#include "steps.h"

#include "act/integrate.h"
#include "base/cleanup.h"
#include "core/release.h"
#include "probe/boot-files.h"
#include "store/records.h"

static const struct journey_step upgrade_steps[] = {
	{"baseline", "noting how the machine is now", NULL, step_baseline, NULL},
	{"resolve", "asking the package manager", NULL, step_resolve, NULL},
	{"room", "making sure of room for it", NULL, step_room, NULL},
	{"vet-packages", "vetting the new kernel before it is installed", NULL,
	 step_vet_packages, NULL},
	{"room-packages", "making sure of room for its packages", NULL, step_room, NULL},
	{"install", "unpacking packages", step_install_check, step_install,
	 step_install_undo},
	{"modules", "making third-party modules for it", step_modules_check, step_modules,
	 step_modules_undo},
	{"vet", "vetting what is installed", NULL, step_vet, NULL},
	{"initramfs", "making sure of the initramfs", step_initramfs_check,
	 step_initramfs, step_initramfs_undo},
	{"prove", "proving the initramfs", step_prove_made_check, step_prove, NULL},
	{"configure", "configuring packages", step_install_check, step_configure, NULL},
	{"prove-configured", "making sure that the initramfs is the proven one",
	 step_prove_check, step_prove, NULL},
	{"room-generation", "making sure of room for the generation", NULL,
	 step_room_installed, NULL},
	{"generation", "making the generation", NULL, step_generation,
	 step_generation_undo},
	{"arm", "arming the trial", step_arm_check, step_arm, step_arm_undo},
};

static const struct journey_step try_steps[] = {
	{"baseline", "noting how the machine is now", NULL, step_baseline, NULL},
	{"resolve", "looking for the release", NULL, step_find, NULL},
	{"room", "making sure of room for it", NULL, step_room_installed, NULL},
	{"modules", "making third-party modules for it", step_modules_check, step_modules,
	 step_modules_undo},
	{"vet", "vetting what is installed", NULL, step_vet, NULL},
	{"initramfs", "making sure of the initramfs", step_initramfs_check,
	 step_initramfs, step_initramfs_undo},
	{"prove", "proving the initramfs", step_prove_check, step_prove, NULL},
	{"room-generation", "making sure of room for the generation", NULL,
	 step_room_installed, NULL},
	{"generation", "making the generation", NULL, step_generation,
	 step_generation_undo},
	{"arm", "arming the trial", step_arm_check, step_arm, step_arm_undo},
};

const struct journey_plan upgrade_plan = {TRANSACTION_UPGRADE, upgrade_steps,
					  ARRAY_LEN(upgrade_steps), TRANSACTION_ARMED};
const struct journey_plan try_plan = {TRANSACTION_TRY, try_steps, ARRAY_LEN(try_steps),
				      TRANSACTION_ARMED};

/* Before anything is begun: kuro is set up, and no trial is being run right now. */
static int upgrade_allowed(const struct machine *machine, struct error *err)
{
	struct boot_block block;
	int r = boot_files_read_block(machine->root, &block, err);

	if (r == -ENOENT)
		return error_set(
			err, -ERROR_REFUSED,
			"kuro does not watch over this machine's boots yet; run: "
			"kuro setup");
	if (r < 0)
		return r;
	if (block.good == 0)
		return error_set(err, -ERROR_REFUSED,
				 "no boot of this machine is known to be good; run: kuro "
				 "setup");
	return step_refuse_while_trying(machine, &block, err);
}

static int upgrade_release_valid(const char *release, struct error *err)
{
	if (!release || release_valid(release))
		return 0;
	return error_set(err, -ERROR_USAGE, "\"%s\" is not a kernel release", release);
}

int upgrade_run(const struct machine *machine, const char *to_release,
		int64_t *ret_transaction, struct error *err)
{
	int r = upgrade_release_valid(to_release, err);

	if (r == 0)
		r = upgrade_allowed(machine, err);
	if (r < 0)
		return r;
	return journey_run(machine, &upgrade_plan, to_release, ret_transaction, err);
}

char *upgrade_nothing_newer(const struct package_plan *plan)
{
	autofree char *held = strv_join(&plan->kept_back, " ");

	if (plan->passed_over)
		return str_format(
			"%s could be had, but no archive calls it a security update",
			plan->passed_over);
	if (plan->kept_back.count > 0)
		return str_format("a newer kernel is kept back by a hold on %s", held);
	return str_dup("there is no newer kernel");
}

int upgrade_preview(const struct machine *machine, const char *to_release,
		    struct package_plan *ret, struct error *err)
{
	int r = upgrade_release_valid(to_release, err);

	if (r == 0)
		r = step_ask(machine, to_release, ret, err);
	return r;
}

int upgrade_preview_vet(const struct machine *machine, const struct package_plan *plan,
			struct vet_report *ret, struct error *err)
{
	autostrv struct strv paths = {0};
	const struct vet_place place = {.root = machine->root,
					.paths = &paths,
					.complete = true};
	int r = plan->release ? packages_at_hand(machine->root, plan, &paths, err) : 0;

	if (r <= 0)
		return r;
	r = vet_packages(machine, &place, VET_WHOLE, ret, err);
	/* packages of which kuro makes no kernel are vetted when they are installed */
	return r == -ERROR_REFUSED ? 0 : r < 0 ? r : 1;
}

int try_check(const struct machine *machine, const char *release, struct error *err)
{
	struct journey j = {.machine = machine, .to_release = release};
	int r = upgrade_release_valid(release, err);

	if (r == 0)
		r = upgrade_allowed(machine, err);
	return r < 0 ? r : step_find(&j, err);
}

int try_run(const struct machine *machine, const char *release, int64_t *ret_transaction,
	    struct error *err)
{
	int r = upgrade_release_valid(release, err);

	if (r == 0)
		r = upgrade_allowed(machine, err);
	if (r < 0)
		return r;
	return journey_run(machine, &try_plan, release, ret_transaction, err);
}

int upgrade_reboot(const struct machine *machine, const char *mode, bool *ret_rebooting,
		   struct error *err)
{
	const char *wanted =
		mode ? mode : policy_choice(machine->policy, POLICY_REBOOT_MODE);

	*ret_rebooting = str_eq(wanted, "now");
	if (!*ret_rebooting)
		return 0;
	machine_note(machine, NOTE_STEP, "rebooting");
	return integrate_reboot(machine->root, false, err);
}
