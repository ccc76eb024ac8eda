/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the target's own boot will add to the loader's rules: the command line that a
 * generation of it would get, as a trial, and the firmware's word on signatures.
 */
#include "base/cleanup.h"
#include "core/command-line.h"
#include "probe/distribution.h"
#include "probe/firmware.h"
#include "probe/kernels.h"
#include "probe/state.h"
#include "probe/storage.h"
#include "vet-parts.h"

/* The distribution's arguments for that release. Where they can't be told, none: making
 * its generation says why. */
static void lasting_arguments(const struct vet *vet, struct strv *ret)
{
	const struct root *root = vet->machine->root;
	autokernels struct kernel_list kernels = {0};
	autostorage struct storage_map storage = {0};
	autofree char *source = NULL;
	const struct kernel unknown = {.release = vet->report->release};
	const struct kernel *kernel = NULL;

	if (kernels_probe(root, false, &kernels, NULL) < 0 ||
	    storage_probe(root, &storage, NULL) < 0)
		return;
	kernel = kernel_find(&kernels, vet->report->release);
	(void)distribution_command_line(root, kernel ? kernel : &unknown,
					&storage.roles[STORAGE_ROOT], ret, &source, NULL);
}

char *vet_boot_line(const struct vet *vet)
{
	const struct strv *trial =
		policy_strings(vet->machine->policy, POLICY_BOOT_TRIAL_ARGS);
	autostrv struct strv args = {0};

	lasting_arguments(vet, &args);
	for (size_t i = 0; i < trial->count; i++)
		strv_add(&args, trial->items[i]);
	return command_line_join(&args);
}

void vet_boot(struct vet *vet, const char *line)
{
	struct firmware firmware = {0};
	struct error why = {0};

	if (firmware_probe(vet->machine->root, &firmware, NULL) < 0)
		firmware.secure_boot = false;
	kernel_abi_boot(&vet->report->abi, &vet->source, line, firmware.secure_boot);
	/* nothing runs, nothing is loaded */
	(void)state_modules(vet->machine->root, &vet->report->abi.loaded);
	if (vet->depth != VET_DRIFT &&
	    modprobe_config_read(vet->machine->root, line, &vet->config, &why) < 0)
		vet_find(vet, VET_WARNING,
			 "what modprobe would not load can't be told: %s", why.message);
}
