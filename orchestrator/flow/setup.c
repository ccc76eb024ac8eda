/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Setup and disable: two tables. Setup's steps add and are each repeatable, so that an
 * interrupted one is simply run again; disable goes the other way, block first.
 */
#include "flow/setup.h"

#include <string.h>
#include <unistd.h>

#include "act/boot-env.h"
#include "act/durable.h"
#include "act/integrate.h"
#include "base/cleanup.h"
#include "core/release.h"
#include "flow/protect.h"
#include "probe/boot-files.h"
#include "probe/grub-config.h"
#include "probe/kernels.h"
#include "probe/storage.h"
#include "probe/this-boot.h"
#include "steps.h"
#include "store/records.h"

#define SETUP_HASHABLE BOOT_DIR "/hashable"

/* File systems that GRUB 2.06 overwrites a file's blocks on
 * (grub-core/commands/loadenv.c). */
static bool grub_writes(const struct storage *s)
{
	static const char *const types[] = {"ext2", "ext3", "ext4", "xfs", "vfat"};

	for (size_t i = 0; s->plain && i < ARRAY_LEN(types); i++)
		if (str_eq(s->type, types[i]))
			return true;
	return false;
}

/* Where the block goes: beside the generations, else onto the ESP. Caller frees. */
static int setup_env_path(const struct machine *machine, char **ret, struct error *err)
{
	autostorage struct storage_map map = {0};
	const struct storage *boot, *esp = &map.roles[STORAGE_ESP];
	int r = storage_probe(machine->root, &map, err);

	if (r < 0)
		return r;
	boot = storage_of_boot(&map);
	if (grub_writes(boot)) {
		*ret = str_dup(BOOT_DIR "/env");
		return 0;
	}
	if (esp->present && grub_writes(esp)) {
		*ret = str_format("%s/kuro/env", esp->mount);
		return 0;
	}
	return error_set(
		err, -ERROR_UNSUPPORTED,
		"GRUB can't write to %s (%s on %s), and there is no EFI system "
		"partition mounted to keep the environment block on; a trial boot "
		"could not be counted",
		boot->mount ? boot->mount : "/boot", boot->type ? boot->type : "?",
		boot->device ? boot->device : "?");
}

static int setup_ground(struct journey *j, struct error *err)
{
	const struct root *root = j->machine->root;
	autofree char *env = NULL;
	const char *way;
	int r;

	if (!integrate_grub_cfg(root))
		return error_set(
			err, -ERROR_UNSUPPORTED,
			"there is no grub.cfg in /boot/grub or /boot/grub2: kuro "
			"needs GRUB 2 as the boot loader");
	r = root_mkdirs(root, BOOT_GENERATIONS, 0755, err);
	if (r == 0)
		r = durable_way(root, BOOT_DIR, &way, err);
	if (r == 0)
		r = setup_env_path(j->machine, &env, err);
	if (r == 0 && !root_exists(root, SETUP_HASHABLE))
		r = root_write(root, SETUP_HASHABLE, 0644, "", 0, err);
	return r < 0 ? r : integrate_write_grub_conf(root, j->machine->policy, env, err);
}

/* The release that runs; under --root the newest that has an image. */
static int setup_release(struct journey *j, struct error *err)
{
	autothisboot struct this_boot boot = {0};
	autokernels struct kernel_list kernels = {0};
	const struct kernel *kernel;
	int r = this_boot_probe(j->machine->root, &boot, err);

	if (r == 0)
		r = kernels_probe(j->machine->root, false, &kernels, err);
	if (r < 0)
		return r;
	kernel = boot.release ? kernel_find(&kernels, boot.release) : NULL;
	for (size_t i = 0;
	     !root_is_live(j->machine->root) && !kernel && i < kernels.count; i++)
		if (kernels.items[i].image.path)
			kernel = &kernels.items[i];
	if (!kernel || !kernel->image.path)
		return error_set(
			err, -ENOENT,
			"the kernel image of the running release %s is not in /boot "
			"any more; reboot into an installed kernel first",
			boot.release ? boot.release : "?");
	free(j->transaction.release);
	j->transaction.release = str_dup(kernel->release);
	return journey_save(j, err);
}

/* Is there a block with a good generation whose files are whole? */
static int setup_block_check(struct journey *j, struct error *err)
{
	struct boot_block block;
	int r = boot_files_read_block(j->machine->root, &block, NULL);

	(void)err; /* a block that can't be read is simply made */
	if (r < 0 || block.good == 0 ||
	    boot_files_verify(j->machine->root, block.good, true, NULL) < 0)
		return 0;
	j->transaction.generation = block.good;
	return 1;
}

static int setup_proven(struct journey *j, struct error *err)
{
	struct generation_record row = {
		.generation = j->transaction.generation,
		.release = j->transaction.release,
		.created = j->transaction.begun,
		.transaction = j->transaction.id,
		.verdict = VERDICT_HEALTHY,
		.proven = true,
		.present = true,
	};

	return generation_put(j->machine->db, &row, err);
}

static int setup_generation(struct journey *j, struct error *err)
{
	int r = step_generation(j, err);

	j->finished = false; /* "it is the good one already" is what setup wants */
	return r;
}

static int setup_block(struct journey *j, struct error *err)
{
	autofree char *path = boot_files_env_path(j->machine->root);
	struct boot_block block = {.good = j->transaction.generation};
	int r = setup_proven(j, err);

	return r < 0 ? r : boot_env_create(j->machine->root, path, &block, err);
}

/* Only a block that this very transaction made is emptied again. */
static int setup_block_undo(struct journey *j, struct error *err)
{
	static const struct boot_block nothing = {0};
	autofree char *path = boot_files_env_path(j->machine->root);
	struct generation_record row = {0};
	struct boot_block block;
	bool ours;
	int r;

	if (boot_files_read_block(j->machine->root, &block, NULL) < 0 ||
	    generation_get(j->machine->db, j->transaction.generation, &row, NULL) < 0)
		return 0;
	ours = block.good == row.generation && row.transaction == j->transaction.id;
	row.proven = false;
	r = ours ? boot_env_create(j->machine->root, path, &nothing, err) : 0;
	if (ours && r == 0)
		r = generation_put(j->machine->db, &row, err);
	generation_record_done(&row);
	return r;
}

static int setup_grub(struct journey *j, struct error *err)
{
	struct package_run run = step_package_run(j);
	int r = integrate_regenerate_grub(&run, err);

	if (r == 0 && !integrate_grub_has_kuro(j->machine->root))
		return error_set(err, -ERROR_UNSUPPORTED,
				 "grub.cfg does not carry kuro's entries; is "
				 "/etc/grub.d/09_kuro installed and executable?");
	return r;
}

static int setup_units(struct journey *j, struct error *err)
{
	struct package_run run = step_package_run(j);

	return integrate_enable_units(&run, err);
}

static const struct journey_step setup_steps[] = {
	{"ground", "looking at what GRUB and the boot file system can do", NULL,
	 setup_ground, NULL},
	{"release", "looking for the running kernel", NULL, setup_release, NULL},
	{"units", "enabling kuro's units", NULL, setup_units, NULL},
	{"generation", "making the generation of the running boot", setup_block_check,
	 setup_generation, step_generation_undo},
	{"block", "writing the environment block", setup_block_check, setup_block,
	 setup_block_undo},
	{"grub", "generating GRUB's configuration", NULL, setup_grub, NULL},
	{"baseline", "noting how the machine is now", NULL, step_baseline, NULL},
};

const struct journey_plan setup_plan = {TRANSACTION_SETUP, setup_steps,
					ARRAY_LEN(setup_steps), TRANSACTION_DONE};

int setup_run(const struct machine *machine, struct error *err)
{
	int r = journey_run(machine, &setup_plan, NULL, NULL, err);

	protect_refresh(machine);
	return r < 0 ? r : 0;
}

/* From here on GRUB chooses the distribution's default, whatever follows. */
static int disable_block(struct journey *j, struct error *err)
{
	static const struct boot_block nothing = {0};
	autofree char *path = boot_files_env_path(j->machine->root);

	if (!root_exists(j->machine->root, path))
		return 0;
	return boot_env_create(j->machine->root, path, &nothing, err);
}

static int disable_units(struct journey *j, struct error *err)
{
	struct package_run run = step_package_run(j);

	return integrate_disable_units(&run, err);
}

/* Without the block the drop-in adds nothing. */
static int disable_grub(struct journey *j, struct error *err)
{
	struct package_run run = step_package_run(j);
	autofree char *path = boot_files_env_path(j->machine->root);
	int r = root_unlink(j->machine->root, path, err);

	if (r < 0)
		return r;
	r = integrate_regenerate_grub(&run, err);
	if (r == -ERROR_UNSUPPORTED) {
		machine_note(
			j->machine, NOTE_WARNING,
			"grub.cfg stays as it is: %s; without its block kuro's section "
			"chooses nothing",
			err ? err->message : "no GRUB tools");
		return 0;
	}
	return r;
}

static int disable_proof(struct journey *j, struct error *err)
{
	struct grub_choice choice = {0};
	int r = grub_config_choice(j->machine->root, &choice, err);

	if (r == 0) {
		free(j->transaction.summary);
		j->transaction.summary =
			str_format("GRUB will boot \"%s\": %s%s%s, all there and whole.",
				   choice.title, choice.kernel,
				   choice.initramfs ? " and " : "",
				   choice.initramfs ? choice.initramfs : "");
	}
	grub_choice_done(&choice);
	return r;
}

static int disable_files(struct journey *j, struct error *err)
{
	int r = integrate_motd(j->machine->root, NULL, err);

	return r < 0 ? r : root_remove_tree(j->machine->root, BOOT_DIR, err);
}

static const struct journey_step disable_steps[] = {
	{"block", "emptying the environment block", NULL, disable_block, NULL},
	{"units", "disabling kuro's units", NULL, disable_units, NULL},
	{"grub", "generating GRUB's configuration without kuro", NULL, disable_grub,
	 NULL},
	{"proof", "proving that the distribution's own entry is whole", NULL,
	 disable_proof, NULL},
	{"files", "removing the generations", NULL, disable_files, NULL},
};

const struct journey_plan disable_plan = {TRANSACTION_DISABLE, disable_steps,
					  ARRAY_LEN(disable_steps), TRANSACTION_DONE};

int disable_run(const struct machine *machine, char **ret_proof, struct error *err)
{
	struct transaction done = {0};
	int64_t id = 0;
	int r = journey_run(machine, &disable_plan, NULL, &id, err);

	protect_refresh(machine);
	if (r == 0)
		r = transaction_get(machine->db, id, &done, err);
	if (r == 0)
		*ret_proof = str_dup(done.summary);
	transaction_done(&done);
	return r < 0 ? r : 0;
}
