/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The steps of upgrade and try but for those of packages and initramfs (install-steps.c),
 * vetting (vet-steps.c) and the generation (generation-step.c).
 */
#include "steps.h"

#include <time.h>

#include "act/boot-env.h"
#include "base/cleanup.h"
#include "flow/holds.h"
#include "flow/protect.h"
#include "flow/room.h"
#include "flow/upgrade.h"
#include "probe/boot-files.h"
#include "probe/kernels.h"
#include "probe/state.h"
#include "probe/this-boot.h"
#include "step-detail.h"
#include "store/records.h"

static void step_output(void *data, const char *line)
{
	machine_note(data, NOTE_OUTPUT, "%s", line);
}

struct package_run step_package_run(const struct journey *j)
{
	return (struct package_run){
		.root = j->machine->root,
		.policy = j->machine->policy,
		.log_fd = j->log_fd,
		.line = step_output,
		.line_data = (void *)(uintptr_t)j->machine,
	};
}

int step_baseline(struct journey *j, struct error *err)
{
	autostate struct machine_state now = {0};
	autothisboot struct this_boot boot = {0};
	autofree char *content = NULL;
	struct evidence row = {.transaction = j->transaction.id,
			       .kind = (char *)(uintptr_t) "baseline",
			       .created = (int64_t)time(NULL)};
	int r = machine_state_probe(j->machine->root, &now, err);

	if (r == 0)
		r = this_boot_probe(j->machine->root, &boot, err);
	if (r < 0)
		return r;
	content = machine_state_format(&now);
	row.content = content;
	row.boot_id = boot.boot_id;
	return evidence_add(j->machine->db, &row, err);
}

/* The version of the image that the plan brings; NULL: it brings none. */
static const char *image_version(const struct package_plan *plan, const char *release)
{
	static const char *const names[] = {"linux-image-", "linux-image-unsigned-"};
	const char *version = NULL;

	for (size_t i = 0; i < ARRAY_LEN(names) && !version; i++) {
		autofree char *name = str_format("%s%s", names[i], release);
		const struct package_change *change = package_plan_find(plan, name);

		version = change ? change->new_version : NULL;
	}
	return version;
}

int step_refuse_held(const struct machine *machine, const char *release,
		     const struct package_plan *plan, struct error *err)
{
	struct hold hold = {0};
	struct error local = {0};
	int r = holds_get(machine, release, plan ? image_version(plan, release) : NULL,
			  &hold, &local);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return error_set(err, r, "%s", local.message);
	r = error_set(err, -ERROR_REFUSED,
		      "%s is on hold: %s; to try it all the same: kuro "
		      "unhold %s",
		      release, hold.reason ? hold.reason : "no reason recorded", release);
	hold_done(&hold);
	return r;
}

int step_refuse_while_trying(const struct machine *machine,
			     const struct boot_block *block, struct error *err)
{
	autothisboot struct this_boot boot = {0};
	int r = this_boot_probe(machine->root, &boot, err);

	if (r < 0)
		return r;
	if (boot_state_of(block, this_boot_trying(&boot)) != BOOT_TRYING)
		return 0;
	return error_set(
		err, -ERROR_REFUSED,
		"generation %u is being tried by this very boot and has no verdict "
		"yet; see: kuro wait",
		block->trial);
}

/* A plan that takes a kernel away which the machine may need is not carried out. */
static int plan_refuse_removal(const struct package_plan *plan, struct error *err)
{
	for (size_t i = 0; i < plan->count; i++)
		if (!plan->items[i].new_version)
			return error_set(
				err, -ERROR_REFUSED,
				"%s would remove %s for it; do that yourself first, "
				"if it is meant",
				plan->manager, plan->items[i].name);
	return 0;
}

static void step_refresh(struct journey *j)
{
	struct package_run run = step_package_run(j);
	struct error local = {0};

	if (!policy_bool(j->machine->policy, POLICY_PACKAGES_REFRESH))
		return;
	if (packages_refresh(&run, &local) < 0)
		machine_note(
			j->machine, NOTE_WARNING,
			"package lists could not be fetched anew, going on with those "
			"that are here: %s",
			local.message);
}

/* What a mark of kuro's keeps away the package manager may not find at all: a release
 * that is named and on hold is refused as such. */
static int refuse_held_unseen(const struct machine *machine, const char *release, int r,
			      struct error *err)
{
	struct error local = {0};

	if (!release ||
	    step_refuse_held(machine, release, NULL, &local) != -ERROR_REFUSED)
		return r;
	return error_set(err, -ERROR_REFUSED, "%s", local.message);
}

int step_ask(const struct machine *machine, const char *to_release,
	     struct package_plan *ret, struct error *err)
{
	int r = packages_resolve(machine->root, machine->policy, to_release, ret, err);
	const char *release;

	if (r < 0)
		return refuse_held_unseen(machine, to_release, r, err);
	release = ret->release ? ret->release : ret->kept_release;
	return release ? step_refuse_held(machine, release, ret, err) : 0;
}

int step_resolve(struct journey *j, struct error *err)
{
	int r;

	step_refresh(j);
	r = step_ask(j->machine, j->to_release, &j->plan, err);
	if (r < 0)
		return r;
	if (!j->plan.release) {
		j->finished = true;
		j->transaction.summary = upgrade_nothing_newer(&j->plan);
		return 0;
	}
	r = plan_refuse_removal(&j->plan, err);
	if (r < 0)
		return r;
	free(j->transaction.release);
	j->transaction.release = str_dup(j->plan.release);
	return step_detail_save(j, err);
}

int step_find(struct journey *j, struct error *err)
{
	autokernels struct kernel_list kernels = {0};
	const struct kernel *kernel;
	int r = step_refuse_held(j->machine, j->to_release, NULL, err);

	if (r == 0)
		r = kernels_probe(j->machine->root, false, &kernels, err);
	if (r < 0)
		return r;
	kernel = kernel_find(&kernels, j->to_release);
	if (!kernel)
		return error_set(err, -ENOENT,
				 "no kernel %s is installed here; see: kuro list",
				 j->to_release);
	if (!kernel->image.path)
		return error_set(err, -ENOENT, "%s has a module tree but no kernel image",
				 j->to_release);
	return 0;
}

int step_room(struct journey *j, struct error *err)
{
	const struct room_task task = {.release = j->plan.release,
				       .plan = &j->plan,
				       .lists = &j->lists};

	return room_ensure(j->machine, &task, err);
}

int step_room_installed(struct journey *j, struct error *err)
{
	const struct room_task task = {.release = j->transaction.release
							  ? j->transaction.release
							  : j->to_release};

	return room_ensure(j->machine, &task, err);
}

int step_arm_check(struct journey *j, struct error *err)
{
	struct boot_block block;
	int r = boot_files_read_block(j->machine->root, &block, err);

	if (r < 0)
		return r;
	return block.trial == j->transaction.generation && block.tries > 0 ? 1 : 0;
}

/* An older transaction that still waits for its boot will not get it any more. */
static int arm_supersede(struct journey *j, struct error *err)
{
	struct transaction_list armed = {0};
	int r = transaction_list_state(j->machine->db, TRANSACTION_ARMED, &armed, err);

	for (size_t i = 0; r == 0 && i < armed.count; i++) {
		struct transaction *t = &armed.items[i];

		t->state = TRANSACTION_UNDONE;
		t->ended = (int64_t)time(NULL);
		free(t->summary);
		t->summary = str_format("superseded by transaction %lld",
					(long long)j->transaction.id);
		r = transaction_update(j->machine->db, t, err);
	}
	transaction_list_done(&armed);
	return r;
}

int step_arm(struct journey *j, struct error *err)
{
	struct boot_block block;
	int r = boot_files_read_block(j->machine->root, &block, err);

	if (r < 0)
		return r;
	j->transaction.tries =
		(unsigned int)policy_number(j->machine->policy, POLICY_BOOT_TRIES);
	r = boot_block_arm(&block, j->transaction.generation, j->transaction.tries, err);
	if (r == 0)
		r = journey_save(j, err);
	if (r == 0)
		r = arm_supersede(j, err);
	if (r == 0)
		r = boot_env_write(j->machine->root, &block, err);
	if (r == 0)
		protect_refresh(j->machine);
	return r;
}

int step_arm_undo(struct journey *j, struct error *err)
{
	struct boot_block block;
	int r = boot_files_read_block(j->machine->root, &block, err);

	if (r < 0)
		return r;
	if (block.trial != j->transaction.generation || block.trial == 0)
		return 0;
	boot_block_disarm(&block);
	r = boot_env_write(j->machine->root, &block, err);
	if (r == 0)
		protect_refresh(j->machine);
	return r;
}
