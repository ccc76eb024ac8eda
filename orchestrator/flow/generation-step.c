/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The step that makes a generation of a release as it is installed now, or finds the
 * one that has that content already.
 */
#include "act/generation.h"
#include "act/initramfs.h"

#include <fcntl.h>
#include <time.h>

#include "base/cleanup.h"
#include "core/command-line.h"
#include "probe/boot-files.h"
#include "probe/distribution.h"
#include "probe/kernels.h"
#include "probe/storage.h"
#include "steps.h"
#include "store/records.h"

/* Everything that a generation is made from, owned. */
struct ingredients {
	struct kernel_list kernels;
	const struct kernel *kernel; /* within kernels */
	struct strv command_line;
	char *title;
};

static void ingredients_done(struct ingredients *i)
{
	kernel_list_done(&i->kernels);
	strv_done(&i->command_line);
	free(i->title);
}

static int ingredients_command_line(const struct machine *machine,
				    struct ingredients *ret, struct error *err)
{
	autostorage struct storage_map storage = {0};
	autostrv struct strv args = {0};
	autofree char *source = NULL;
	int r = storage_probe(machine->root, &storage, err);

	if (r == 0)
		r = distribution_command_line(machine->root, ret->kernel,
					      &storage.roles[STORAGE_ROOT], &args,
					      &source, err);
	if (r < 0)
		return r;
	machine_note(machine, NOTE_INFO, "kernel command line from %s", source);
	command_line_lasting(&args,
			     policy_strings(machine->policy, POLICY_BOOT_TRIAL_ARGS),
			     &ret->command_line);
	return 0;
}

static int ingredients_gather(const struct machine *machine, const char *release,
			      struct ingredients *ret, struct error *err)
{
	autofree char *name = NULL;
	int r = kernels_probe(machine->root, false, &ret->kernels, err);

	if (r < 0)
		return r;
	ret->kernel = kernel_find(&ret->kernels, release);
	if (!ret->kernel || !ret->kernel->image.path)
		return error_set(err, -ENOENT, "no kernel image of %s was found",
				 release);
	r = ingredients_command_line(machine, ret, err);
	if (r == 0)
		r = distribution_name(machine->root, &name, err);
	if (r == 0)
		ret->title = str_format("%s, %s", name, release);
	return r;
}

static bool file_matches(const struct root *root, const char *path,
			 const struct manifest_file *file)
{
	char hex[MANIFEST_SHA256_HEX];
	autoclose int fd = path ? root_openat(root, path, O_RDONLY, 0) : -1;
	struct stat st;
	uint64_t size;

	if (!path || !file)
		return !path && !file;
	if (fd < 0 || fstat(fd, &st) < 0 || (uint64_t)st.st_size != file->size)
		return false;
	return boot_files_hash(fd, path, hex, &size, NULL) == 0 &&
	       str_eq(hex, file->sha256);
}

static bool generation_matches(const struct machine *machine, unsigned int number,
			       const struct ingredients *in)
{
	const struct strv *trial =
		policy_strings(machine->policy, POLICY_BOOT_TRIAL_ARGS);
	autofree char *line = command_line_join(&in->command_line);
	autofree char *trial_line = command_line_join(trial);
	automanifest struct manifest m = {0};

	if (boot_files_manifest(machine->root, number, &m, NULL) < 0 ||
	    boot_files_verify(machine->root, number, false, NULL) < 0)
		return false;
	return str_eq(m.release, in->kernel->release) && str_eq(m.command_line, line) &&
	       str_eq(m.trial_line, trial_line) &&
	       file_matches(machine->root, in->kernel->image.path,
			    manifest_file(&m, "vmlinuz")) &&
	       file_matches(machine->root, in->kernel->initramfs.path,
			    manifest_file(&m, "initrd.img"));
}

/* The newest generation with just this content, or 0. */
static int generation_find(const struct machine *machine, const struct ingredients *in,
			   unsigned int *ret, struct error *err)
{
	autofree unsigned int *numbers = NULL;
	size_t count = 0;
	int r = boot_files_generations(machine->root, &numbers, &count, err);

	*ret = 0;
	for (size_t i = count; r == 0 && i-- > 0 && *ret == 0;)
		if (generation_matches(machine, numbers[i], in))
			*ret = numbers[i];
	return r;
}

static int generation_number(const struct machine *machine, unsigned int *ret,
			     struct error *err)
{
	struct generation_record_list known = {0};
	unsigned int highest = 0;
	int r = generation_list(machine->db, &known, err);

	for (size_t i = 0; r == 0 && i < known.count; i++)
		if (known.items[i].generation > highest)
			highest = known.items[i].generation;
	generation_record_list_done(&known);
	return r < 0 ? r : generation_next(machine->root, highest, ret, err);
}

static int generation_record(struct journey *j, const struct ingredients *in,
			     bool present, struct error *err)
{
	struct generation_record row = {
		.generation = j->transaction.generation,
		.release = in->kernel->release,
		.created = (int64_t)time(NULL),
		.transaction = j->transaction.id,
		.present = present,
	};

	return generation_put(j->machine->db, &row, err);
}

static int generation_make(struct journey *j, const struct ingredients *in,
			   struct error *err)
{
	const struct root *root = j->machine->root;
	const struct initramfs_generator *generator = initramfs_generator(root);
	automanifest struct manifest made = {0};
	struct generation_source source = {
		.generation = j->transaction.generation,
		.release = in->kernel->release,
		.image = in->kernel->image.path,
		.initramfs = in->kernel->initramfs.path,
		.share_initramfs = generator && generator->by_rename,
		.title = in->title,
		.command_line = &in->command_line,
		.trial_args = policy_strings(j->machine->policy, POLICY_BOOT_TRIAL_ARGS),
		.transaction = j->transaction.id,
	};
	int r = generation_record(j, in, false, err);

	if (r == 0)
		r = generation_create(root, &source, &made, err);
	return r < 0 ? r : generation_record(j, in, true, err);
}

static int generation_of(struct journey *j, const struct ingredients *in,
			 struct error *err)
{
	unsigned int same;
	int r = generation_find(j->machine, in, &same, err);

	if (r == 0 && same == 0)
		r = generation_number(j->machine, &j->transaction.generation, err);
	if (r < 0)
		return r;
	if (same > 0)
		j->transaction.generation = same;
	r = journey_save(j, err);
	if (r < 0 || same > 0)
		return r;
	return generation_make(j, in, err);
}

/* A person asked to try what is proven already: there is nothing to try. */
static int generation_is_good(struct journey *j, struct error *err)
{
	struct boot_block block;
	int r = boot_files_read_block(j->machine->root, &block, err);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (block.good != j->transaction.generation)
		return 0;
	j->finished = true;
	free(j->transaction.summary);
	j->transaction.summary = str_format("%s is the good generation %u already",
					    j->transaction.release, block.good);
	return 0;
}

int step_generation(struct journey *j, struct error *err)
{
	struct ingredients in = {0};
	int r = generation_clean(j->machine->root, err);

	if (r == 0)
		r = ingredients_gather(j->machine, j->transaction.release, &in, err);
	if (r == 0)
		r = generation_of(j, &in, err);
	ingredients_done(&in);
	return r < 0 ? r : generation_is_good(j, err);
}

/* A boot may depend on what the block names, whoever made it. */
static int generation_named(const struct root *root, unsigned int number,
			    struct error *err)
{
	struct boot_block block;
	struct error local = {0};
	int r = boot_files_read_block(root, &block, &local);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return error_set(err, r, "%s", local.message);
	return number == block.good || number == block.previous || number == block.trial;
}

/* Only what this transaction made is taken away again. */
int step_generation_undo(struct journey *j, struct error *err)
{
	struct generation_record row = {0};
	unsigned int number = j->transaction.generation;
	bool ours;
	int r;

	if (number == 0)
		return generation_clean(j->machine->root, err);
	r = generation_get(j->machine->db, number, &row, err);
	if (r == -ENOENT)
		return 0;
	ours = r == 0 && row.transaction == j->transaction.id && !row.proven;
	if (ours)
		r = generation_named(j->machine->root, number, err);
	ours = ours && r == 0;
	if (ours)
		r = generation_remove(j->machine->root, number, err);
	if (ours && r == 0) {
		row.present = false;
		r = generation_put(j->machine->db, &row, err);
	}
	generation_record_done(&row);
	return r;
}
