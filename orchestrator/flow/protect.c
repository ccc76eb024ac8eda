/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is protected: never more than a boot may need, so that `apt autoremove` goes on
 * doing its work on the rest.
 */
#include "flow/protect.h"

#include <string.h>

#include "act/protection.h"
#include "base/cleanup.h"
#include "flow/holds.h"
#include "probe/boot-files.h"
#include "probe/kernels.h"
#include "probe/this-boot.h"
#include "store/records.h"

#define PROVEN_KEPT     2 /* see core/retention.h */
#define DNF_CONF        "/etc/dnf/dnf.conf"
#define DNF_LIMIT       3 /* dnf.conf(5): installonly_limit */
#define DNF_CONF_MAX    (1024 * 1024)
#define DNF_LIMIT_WORDS "installonly_limit"

static void add_once(struct strv *releases, const char *release)
{
	if (release && *release && !strv_has(releases, release))
		strv_add(releases, release);
}

/* The newest come first; what is named by the block counts even if nothing is recorded.
 */
static int protected_releases(const struct machine *machine,
			      const struct boot_block *block, struct strv *ret,
			      struct error *err)
{
	const unsigned int named[] = {block->good, block->previous, block->trial};
	struct generation_record_list known = {0};
	unsigned int proven = 0;
	int r = generation_list(machine->db, &known, err);

	for (size_t i = 0; i < ARRAY_LEN(named); i++) {
		automanifest struct manifest m = {0};

		if (named[i] &&
		    boot_files_manifest(machine->root, named[i], &m, NULL) == 0)
			add_once(ret, m.release);
	}
	for (size_t i = 0; r == 0 && i < known.count; i++) {
		const struct generation_record *g = &known.items[i];

		if (!g->present)
			continue;
		if (g->pinned || (g->proven && proven < PROVEN_KEPT))
			add_once(ret, g->release);
		proven += g->proven;
	}
	generation_record_list_done(&known);
	return r;
}

/* How many kernels dnf keeps; 0: any number. */
static unsigned long long dnf_limit(const struct root *root)
{
	unsigned long long limit = DNF_LIMIT;
	autofree char *text = NULL;
	autostrv struct strv lines = {0};

	if (root_read(root, DNF_CONF, DNF_CONF_MAX, &text, NULL, NULL) < 0)
		return limit;
	strv_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.count; i++) {
		char *value = strchr(lines.items[i], '=');

		if (str_starts(lines.items[i], DNF_LIMIT_WORDS) && value)
			/* what is no number leaves dnf's own default */
			(void)str_to_u64(str_strip(value + 1), 0, 1000, &limit);
	}
	return limit;
}

/*
 * When the next kernel comes, dnf keeps what runs and the newest, at most its limit
 * together. Is one that is protected neither?
 */
static bool limit_threatens(const struct root *root, const struct strv *releases,
			    const char *running)
{
	autokernels struct kernel_list kernels = {0};
	unsigned long long limit = dnf_limit(root);

	if (limit == 0 || !root_exists(root, "/etc/dnf") ||
	    kernels_probe(root, false, &kernels, NULL) < 0)
		return false;
	for (size_t i = 0; i < kernels.count; i++)
		if (i + 1 >= limit && !str_eq(kernels.items[i].release, running) &&
		    strv_has(releases, kernels.items[i].release))
			return true;
	return false;
}

/* ret_running: what runs, within ret; written where there is a block only. */
static int protect_gather(const struct machine *machine, struct strv *ret,
			  char **ret_running, struct error *err)
{
	autothisboot struct this_boot boot = {0};
	struct boot_block block;
	struct error local = {0};
	int r = boot_files_read_block(machine->root, &block, &local);

	if (r == -ENOENT || (r == 0 && block.good == 0))
		return 0;
	if (r < 0)
		return error_set(err, r, "%s", local.message);
	r = this_boot_probe(machine->root, &boot, err);
	if (r == 0)
		r = protected_releases(machine, &block, ret, err);
	if (r < 0)
		return r;
	add_once(ret, boot.release);
	strv_sort(ret);
	*ret_running = take_ptr(boot.release);
	return 0;
}

/* Of all that lies there: nobody knows which are proven. */
static void present_releases(const struct machine *machine, struct strv *ret)
{
	autofree unsigned int *numbers = NULL;
	size_t count = 0;

	/* what can't be listed can't be booted either */
	(void)boot_files_generations(machine->root, &numbers, &count, NULL);
	for (size_t i = 0; i < count; i++) {
		automanifest struct manifest m = {0};

		if (boot_files_manifest(machine->root, numbers[i], &m, NULL) == 0)
			add_once(ret, m.release);
	}
}

void protect_releases(const struct machine *machine, struct strv *ret)
{
	autothisboot struct this_boot boot = {0};
	struct boot_block block = {0};
	struct error local = {0};
	int block_read = boot_files_read_block(machine->root, &block, &local), r;

	if (block_read == -ENOENT || (block_read == 0 && block.good == 0))
		return;
	if (block_read < 0) {
		machine_note(machine, NOTE_WARNING, "%s; run: kuro recover",
			     local.message);
		block = (struct boot_block){0};
	}
	r = machine->db ? protected_releases(machine, &block, ret, &local) : -ENOENT;
	if (r < 0 || (block_read < 0 && ret->count == 0)) {
		machine_note(machine, NOTE_WARNING,
			     "which kernels are proven is not known here: those of all "
			     "generations count as needed");
		present_releases(machine, ret);
	}
	if (this_boot_probe(machine->root, &boot, &local) == 0)
		add_once(ret, boot.release);
	else
		machine_note(machine, NOTE_WARNING, "%s", local.message);
	strv_sort(ret);
}

void protect_refresh(const struct machine *machine)
{
	autostrv struct strv releases = {0};
	autofree char *running = NULL;
	struct error local = {0};
	int r = protect_gather(machine, &releases, &running, &local);

	holds_refresh(machine);
	if (r == -ERROR_DAMAGED)
		return; /* nobody knows what is good: what is protected stays so */
	if (r == 0)
		r = protection_write(machine->root, &releases,
				     limit_threatens(machine->root, &releases, running),
				     &local);
	if (r < 0)
		machine_note(machine, NOTE_WARNING,
			     "the package manager could not be told which kernels are "
			     "needed: %s",
			     local.message);
}
