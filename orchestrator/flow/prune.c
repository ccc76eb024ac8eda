/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Retention carried out: generations, left-overs, kernels, and what those left. Each
 * removal is whole or is found again by the next run, which looks anew at what is there.
 */
#include "flow/prune.h"

#include <time.h>

#include "act/generation.h"
#include "act/integrate.h"
#include "act/left-over.h"
#include "base/cleanup.h"
#include "base/process.h"
#include "flow/protect.h"
#include "probe/boot-files.h"
#include "probe/this-boot.h"
#include "prune-parts.h"
#include "store/records.h"

#define ALL_KINDS (~0U)

static int refuse_running(const struct machine *machine, struct error *err)
{
	struct transaction_list running = {0};
	int r = transaction_list_state(machine->db, TRANSACTION_RUNNING, &running, err);

	if (r == 0 && running.count > 0)
		r = error_set(err, -ERROR_BUSY,
			      "transaction %lld (%s) is under way or was interrupted; if "
			      "so, `kuro recover` ends it",
			      (long long)running.items[0].id,
			      transaction_kind_name(running.items[0].kind));
	transaction_list_done(&running);
	return r;
}

int prune_allowed(const struct machine *machine, struct error *err)
{
	autothisboot struct this_boot boot = {0};
	struct boot_block block;
	struct error local = {0};
	int r = boot_files_read_block(machine->root, &block, &local);

	if (r == -ENOENT)
		return refuse_running(machine, err);
	if (r == 0)
		r = this_boot_probe(machine->root, &boot, &local);
	if (r < 0)
		return error_set(err, r, "%s", local.message);
	if (block.trial)
		return error_set(err, -ERROR_BUSY,
				 "generation %u is on trial (%s): nothing goes before it "
				 "has its verdict",
				 block.trial,
				 boot_state_name(
					 boot_state_of(&block, this_boot_trying(&boot))));
	return refuse_running(machine, err);
}

static int generation_forget(const struct machine *machine, unsigned int number,
			     struct error *err)
{
	struct generation_record row = {0};
	int r = generation_get(machine->db, number, &row, NULL);

	if (r == 0) {
		row.present = false;
		r = generation_put(machine->db, &row, err);
	}
	generation_record_done(&row);
	return r == -ENOENT ? 0 : r;
}

int prune_generation(const struct machine *machine, unsigned int number,
		     struct error *err)
{
	struct boot_block block;
	struct error memory = {0};
	int r = boot_files_read_block(machine->root, &block, err);

	if (r < 0)
		return r;
	if (number == block.good || number == block.previous || number == block.trial)
		return 0;
	r = generation_remove(machine->root, number, err);
	if (r < 0)
		return r;
	/* on a full disk it is told by its missing files */
	if (generation_forget(machine, number, &memory) < 0)
		machine_note(machine, NOTE_WARNING, "%s", memory.message);
	return 1;
}

/* The first failure counts; what comes after it stays, and says why. */
static bool item_reached(struct retention_item *item, int r, const struct error *err)
{
	if (r == 0)
		return true;
	prune_item_stays(item, str_format("it would go, but: %s", err->message));
	return false;
}

static int interrupted(struct error *err)
{
	return process_interrupted()
		       ? error_set(err, -ERROR_INTERRUPTED,
				   "interrupted; the next run goes on from here")
		       : 0;
}

static int go_generation(struct prune *p, struct retention_item *item, struct error *err)
{
	int r;

	machine_note(p->machine, NOTE_STEP, "removing generation %s%s%s%s: %s",
		     item->name, item->release ? " (" : "",
		     item->release ? item->release : "", item->release ? ")" : "",
		     item->reason);
	r = prune_generation(p->machine, item->generation, err);
	if (r == 0)
		prune_item_stays(item, str_dup("the boot block names it"));
	return r < 0 ? r : 0;
}

int prune_generations(struct prune *p, struct error *err)
{
	struct error local = {0};
	int r = 0;

	for (size_t i = 0; i < p->set.count; i++) {
		struct retention_item *item = &p->set.items[i];

		if (item->kind != RETENTION_GENERATION || !item->removed)
			continue;
		r = r < 0 ? r : interrupted(&local);
		if (item_reached(item, r, &local))
			r = go_generation(p, item, &local);
		if (r < 0)
			(void)item_reached(item, r, &local);
	}
	return r < 0 ? error_set(err, r, "%s", local.message) : 0;
}

int prune_left_overs(struct prune *p, unsigned int kinds, struct error *err)
{
	struct error local = {0};
	int r = 0;

	for (size_t i = 0; i < p->set.count; i++) {
		struct retention_item *item = &p->set.items[i];

		if (item->kind != RETENTION_LEFTOVER || !item->removed ||
		    !(kinds & 1U << item->leftover))
			continue;
		r = r < 0 ? r : interrupted(&local);
		if (!item_reached(item, r, &local))
			continue;
		machine_note(p->machine, NOTE_STEP, "removing %s: %s", item->name,
			     item->reason);
		r = left_over_remove(p->machine->root, item->leftover, item->name,
				     &local);
		if (r < 0)
			(void)item_reached(item, r, &local);
	}
	return r < 0 ? error_set(err, r, "%s", local.message) : 0;
}

/* What removed packages left, which could be told from their own files only now. */
static int prune_again(struct prune *p, struct error *err)
{
	autoprune struct prune after = {
		.machine = p->machine,
		.view = p->view,
		.need.release = p->need.release, /* the bytes are there by now, or not */
	};
	int r = prune_gather(&after, err);

	if (r < 0)
		return r;
	prune_decide(&after);
	r = prune_left_overs(&after, ALL_KINDS, err);
	for (size_t i = 0; i < after.set.count; i++) {
		struct retention_item *item = &after.set.items[i];

		if (item->kind != RETENTION_LEFTOVER || !item->removed)
			continue;
		p->set.items =
			mem_regrow(p->set.items, p->set.count + 1, sizeof(*p->set.items));
		p->set.items[p->set.count++] = *item;
		*item = (struct retention_item){.kind = RETENTION_LEFTOVER};
	}
	return r;
}

static bool any_removed(const struct retention_set *set, enum retention_kind kind)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->items[i].kind == kind && set->items[i].removed)
			return true;
	return false;
}

static const char *const kind_names[] = {
	[RETENTION_KERNEL] = "kernel",
	[RETENTION_GENERATION] = "generation",
	[RETENTION_LEFTOVER] = "left-over",
};

/* One line for each thing that went. */
static char *record_text(const struct retention_set *set, const char *how)
{
	struct text t = {0};
	size_t gone = 0;

	for (size_t i = 0; i < set->count; i++) {
		const struct retention_item *item = &set->items[i];

		if (!item->removed)
			continue;
		if (gone++ == 0)
			text_appendf(&t, "%s\n", how);
		text_appendf(&t, "%s %s (%llu bytes): %s\n", kind_names[item->kind],
			     item->name, (unsigned long long)item->room, item->reason);
	}
	return gone ? text_take(&t) : NULL;
}

int prune_record(const struct machine *machine, const struct retention_set *set,
		 const char *how, struct error *err)
{
	autofree char *content = record_text(set, how);
	struct transaction last = {0};
	struct evidence row = {.kind = (char *)(uintptr_t) "retention",
			       .created = (int64_t)time(NULL),
			       .content = content};
	int r = content ? transaction_last(machine->db, &last, err) : 1;

	row.transaction = last.id;
	if (r == 0)
		r = evidence_add(machine->db, &row, err);
	transaction_done(&last);
	return r < 0 ? r : 0;
}

static int carry_out(struct prune *p, struct error *err)
{
	int r = prune_generations(p, err);

	if (r == 0)
		r = prune_left_overs(p, ALL_KINDS, err);
	if (r == 0)
		r = prune_kernels(p, err);
	if (r == 0 && any_removed(&p->set, RETENTION_KERNEL))
		r = prune_again(p, err);
	return r;
}

/* Is anything of a kernel left? now: the packages as they are, NULL: nobody knows. */
static bool kernel_is_there(const struct prune *p, const struct retention_item *item,
			    const struct kernel_package_list *now)
{
	const struct kernel *kernel = kernel_find(&p->inv.kernels, item->name);
	const char *image = kernel ? kernel->image.path : NULL;

	if (!item->packaged || (image && root_exists(p->machine->root, image)))
		return image && root_exists(p->machine->root, image);
	for (size_t i = 0; now && i < now->count; i++)
		if (kernel_package_is_of(&now->items[i], item->name))
			return true;
	return !now;
}

static bool item_is_there(const struct prune *p, const struct retention_item *item,
			  const struct kernel_package_list *now)
{
	autofree char *path = NULL;

	if (item->kind == RETENTION_KERNEL)
		return kernel_is_there(p, item, now);
	path = item->kind == RETENTION_GENERATION
		       ? str_format(BOOT_GENERATIONS "/%s", item->name)
		       : str_dup(item->name);
	return root_exists(p->machine->root, path);
}

/* What an error kept from being reached stays, whatever was decided of it: a package
 * manager may have taken some of them before it failed. */
static void stay_unreached(struct prune *p, const struct error *err)
{
	autokernelpackages struct kernel_package_list packages = {0};
	bool known = kernel_packages_probe(p->machine->root, &packages, NULL) == 0;

	for (size_t i = 0; i < p->set.count; i++) {
		struct retention_item *item = &p->set.items[i];

		if (item->removed && item_is_there(p, item, known ? &packages : NULL))
			prune_item_stays(item, str_format("it would go, but: %s",
							  err->message));
	}
}

int prune_run(const struct machine *machine, const struct prune_need *need,
	      struct retention_set *ret, struct error *err)
{
	autoprune struct prune p = {.machine = machine, .view = PRUNE_LOCKED};
	struct error local = {0}, memory = {0};
	int r;

	if (need)
		p.need = *need;
	r = prune_gather(&p, err);
	if (r < 0)
		return r;
	prune_decide(&p);
	r = carry_out(&p, &local);
	if (r < 0)
		stay_unreached(&p, &local);
	left_over_settle(machine->root);
	protect_refresh(machine);
	if (prune_record(machine, &p.set, "Removed by the policy:", &memory) < 0)
		machine_note(machine, NOTE_WARNING, "%s", memory.message);
	prune_take_set(&p, ret);
	return r < 0 ? error_set(err, r, "%s", local.message) : 0;
}

void prune_after_verdict(const struct machine *machine)
{
	autoretention struct retention_set set = {0};
	struct error local = {0};
	int r;

	if (!policy_bool(machine->policy, POLICY_RETENTION_AUTOMATIC))
		return;
	/* the verdict's own unit is shut in: packages go by the one made for it */
	r = integrate_start_prune(machine->root, &local);
	if (r == -ERROR_UNSUPPORTED) {
		machine_note(machine, NOTE_STEP, "applying retention");
		r = prune_allowed(machine, &local);
		if (r == 0)
			r = prune_run(machine, NULL, &set, &local);
	}
	if (r < 0)
		machine_note(machine, NOTE_WARNING, "retention: %s", local.message);
}
