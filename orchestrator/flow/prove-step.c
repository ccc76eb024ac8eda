/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The step of a transaction that proves the initramfs: one with which a boot would not
 * reach its root is never armed.
 */
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "flow/prove.h"
#include "probe/initramfs.h"
#include "probe/kernels.h"
#include "steps.h"
#include "store/records.h"

/* Why it was let through can matter as much later as why it was not. */
static void prove_keep(struct journey *j, const struct prove_report *report)
{
	autotext struct text lines = {0};
	struct error local = {0};
	struct evidence row = {.transaction = j->transaction.id,
			       .kind = (char *)(uintptr_t) "initramfs",
			       .created = (int64_t)time(NULL)};

	for (size_t i = 0; i < report->proof.count; i++)
		text_appendf(&lines, "%s: %s\n",
			     report->proof.reasons[i].fatal ? "refused" : "warning",
			     report->proof.reasons[i].detail);
	for (size_t i = 0; i < report->needs.unknown.count; i++)
		text_appendf(&lines, "note: %s\n", report->needs.unknown.items[i]);
	row.content = lines.data;
	if (lines.len > 0 && evidence_add(j->machine->db, &row, &local) < 0)
		machine_note(j->machine, NOTE_WARNING, "%s", local.message);
}

static void prove_tell(const struct machine *machine, const struct prove_report *report)
{
	size_t stale = 0;

	for (size_t i = 0; i < report->proof.count; i++) {
		const struct initramfs_reason *reason = &report->proof.reasons[i];

		if (reason->code == INITRAMFS_MODULE_STALE)
			stale++;
		else if (!reason->fatal)
			machine_note(machine, NOTE_WARNING, "initramfs %s: %s",
				     report->path, reason->detail);
	}
	if (stale > 0)
		machine_note(machine, NOTE_WARNING,
			     "initramfs %s: %zu of its modules are not the installed "
			     "ones; see: kuro check --initramfs %s",
			     report->path, stale, report->path);
	for (size_t i = 0; i < report->needs.unknown.count; i++)
		machine_note(machine, NOTE_WARNING, "initramfs %s: not known: %s",
			     report->path, report->needs.unknown.items[i]);
}

/* What a generation of the release would be made with; NULL: it has none. Caller frees.
 */
static char *prove_image(const struct journey *j)
{
	autokernels struct kernel_list kernels = {0};
	const struct kernel *kernel = NULL;

	if (kernels_probe(j->machine->root, false, &kernels, NULL) == 0)
		kernel = kernel_find(&kernels, j->transaction.release);
	return kernel ? str_dup(kernel->initramfs.path) : NULL;
}

/* A file is another one, or was written anew, where this differs. Caller frees. */
static char *prove_stamp(const struct root *root, const char *path)
{
	struct stat st;

	if (root_stat(root, path, &st) < 0)
		return NULL;
	return str_format("%s %ju %ju %jd.%09ld", path, (uintmax_t)st.st_ino,
			  (uintmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec,
			  st.st_mtim.tv_nsec);
}

int step_prove_made_check(struct journey *j, struct error *err)
{
	autofree char *path = prove_image(j);

	(void)err; /* that there is none is known when all hooks have run */
	return path ? 0 : 1;
}

int step_prove_check(struct journey *j, struct error *err)
{
	autofree char *path = prove_image(j);
	autofree char *stamp = path ? prove_stamp(j->machine->root, path) : NULL;

	(void)err; /* what can't be looked at is proven, which says why not */
	return stamp && str_eq(stamp, j->proven);
}

/* Without an initramfs the kernel alone must reach the root. */
static int prove_none(const struct journey *j, struct error *err)
{
	const char *release = j->transaction.release;
	autoneeds struct root_needs needs = {0};
	autostrv struct strv lacking = {0};
	autofree char *names = NULL;
	struct error local = {0};

	/* of a kernel without modules nothing can be told, and it needs none */
	if (root_needs_probe(j->machine->root, release, &needs, &local) < 0)
		return prove_has_modules(j->machine->root, release)
			       ? error_set(err, -ERROR_REFUSED,
					   "%s has no initramfs, and whether its root "
					   "needs one can't be told: %s",
					   release, local.message)
			       : 0;
	for (size_t i = 0; i < needs.modules.count; i++)
		if (!needs.modules.items[i].built_in && !needs.modules.items[i].optional)
			strv_add(&lacking, needs.modules.items[i].name);
	if (lacking.count == 0)
		return 0;
	names = strv_join(&lacking, ", ");
	return error_set(err, -ERROR_REFUSED,
			 "%s has no initramfs, and its root needs modules that are not "
			 "built in: %s",
			 release, names);
}

int step_prove(struct journey *j, struct error *err)
{
	autofree char *path = prove_image(j);
	autofree char *stamp = path ? prove_stamp(j->machine->root, path) : NULL;
	autoprove struct prove_report report = {0};
	int r;

	if (!path)
		return prove_none(j, err);
	r = prove_initramfs(j->machine, path, j->transaction.release, &report, err);
	if (r < 0)
		return r;
	prove_keep(j, &report);
	prove_tell(j->machine, &report);
	r = prove_refuse(&report, err);
	if (r == 0) {
		free(j->proven);
		j->proven = take_ptr(stamp);
	}
	return r;
}
