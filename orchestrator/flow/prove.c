/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Gathers what the proof of an initramfs stands on, and has it judged. That a part of the
 * root's needs can't be told is no reason to refuse an image: it is said. Where nothing
 * of them can, since depmod's indexes are torn or missing, the image may lack as much.
 */
#include "flow/prove.h"

#include <sys/stat.h>

#include "base/cleanup.h"
#include "core/release.h"
#include "probe/initramfs.h"
#include "prove-baseline.h"

void prove_report_done(struct prove_report *report)
{
	free(report->path);
	free(report->release);
	initramfs_done(&report->image);
	root_needs_done(&report->needs);
	strv_done(&report->proven.modules);
	initramfs_proof_done(&report->proof);
	*report = (struct prove_report){0};
}

bool prove_has_modules(const struct root *root, const char *release)
{
	static const char *const places[] = {"/lib/modules", "/usr/lib/modules"};

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		autofree char *tree = str_format("%s/%s", places[i], release);
		autofree char *order = str_format("%s/modules.order", tree);
		struct stat st;

		/* the build's own list of them */
		if (root_exists(root, tree))
			return root_stat(root, order, &st) < 0 || st.st_size > 0;
	}
	return false;
}

/* What no release is named for, the image's one module tree tells. */
static int prove_release(const struct prove_report *report, const char *release,
			 char **ret, struct error *err)
{
	const struct strv *trees = &report->image.trees;
	autofree char *joined = strv_join(trees, ", ");

	if (release && !release_valid(release))
		return error_set(err, -ERROR_USAGE, "\"%s\" is not a kernel release",
				 release);
	if (release || (trees->count == 1 && release_valid(trees->items[0]))) {
		*ret = str_dup(release ? release : trees->items[0]);
		return 0;
	}
	if (report->image.fault) {
		*ret = str_dup(""); /* that it can't be read is the same for all */
		return 0;
	}
	return error_set(err, -ERROR_USAGE,
			 "%s holds modules of %s: name the release that it is for",
			 report->path, trees->count > 0 ? joined : "no release");
}

static void prove_needs(const struct machine *machine, struct prove_report *report)
{
	struct error why = {0};
	int r = *report->release ? root_needs_probe(machine->root, report->release,
						    &report->needs, &why)
				 : 0;

	if (r == 0 && *report->release)
		r = root_needs_compare(machine->root, &report->image, &report->needs,
				       &why);
	if (!report->needs.release)
		report->needs.release = str_dup(report->release);
	if (r < 0 && (prove_has_modules(machine->root, report->release) ||
		      strv_has(&report->image.trees, report->release)))
		report->needs.untold = str_dup(why.message);
	else if (r < 0)
		strv_add_take(&report->needs.unknown,
			      str_format("what %s needs can't be told: %s",
					 report->release, why.message));
}

int prove_initramfs_at(const struct machine *machine, const struct root *place,
		       const char *path, const char *release, struct prove_report *ret,
		       struct error *err)
{
	autoprove struct prove_report report = {.path = str_dup(path)};
	unsigned int limit =
		(unsigned int)policy_number(machine->policy, POLICY_INITRAMFS_SHRUNK);
	int r = initramfs_read_at(place, path, machine->root, &report.image, err);

	if (r == 0)
		r = prove_release(&report, release, &report.release, err);
	if (r < 0)
		return r;
	prove_needs(machine, &report);
	report.proven_known = prove_baseline(machine->root, &report.proven);
	initramfs_judge(&report.image, &report.needs,
			report.proven_known ? &report.proven : NULL, limit,
			&report.proof);
	*ret = report;
	report = (struct prove_report){0};
	return 0;
}

int prove_initramfs(const struct machine *machine, const char *path, const char *release,
		    struct prove_report *ret, struct error *err)
{
	return prove_initramfs_at(machine, machine->root, path, release, ret, err);
}

int prove_refuse(const struct prove_report *report, struct error *err)
{
	autotext struct text why = {0};
	size_t fatal = 0;

	for (size_t i = 0; i < report->proof.count; i++) {
		const struct initramfs_reason *reason = &report->proof.reasons[i];

		if (!reason->fatal)
			continue;
		if (fatal < 5)
			text_appendf(&why, "%s%s", fatal > 0 ? "; " : "", reason->detail);
		fatal++;
	}
	if (fatal == 0)
		return 0;
	if (fatal > 5)
		text_appendf(&why, "; and %zu more", fatal - 5);
	if (report->proof.untold)
		return error_set(err, -ERROR_REFUSED,
				 "that a boot of %s with the initramfs %s reaches its "
				 "root can't be proven: %s",
				 report->release, report->path, text_str(&why));
	return error_set(err, -ERROR_REFUSED,
			 "a boot of %s with the initramfs %s would not reach its root: "
			 "%s",
			 report->release, report->path, text_str(&why));
}
