/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The steps of a transaction that vet, and the one that makes modules for the new kernel.
 * A kernel that the policy refuses is undone, with what was built for it.
 */
#include <time.h>

#include "act/module-link.h"
#include "base/cleanup.h"
#include "flow/vet.h"
#include "probe/apt-answers.h"
#include "step-detail.h"
#include "steps.h"
#include "store/records.h"

#define BUILD_LOG_MAX ((size_t)64 * 1024 * 1024)

/* What was found, kept: why a kernel was let through can matter as much later. */
static void vet_keep(struct journey *j, const struct vet_report *report)
{
	autotext struct text lines = {0};
	struct error local = {0};
	struct evidence row = {.transaction = j->transaction.id,
			       .kind = (char *)(uintptr_t) "vetting",
			       .created = (int64_t)time(NULL)};

	for (size_t i = 0; i < report->finding_count; i++)
		text_appendf(&lines, "%s: %s\n",
			     vet_weight_name(report->findings[i].weight),
			     report->findings[i].text);
	row.content = lines.data;
	if ((lines.len > 0 && evidence_add(j->machine->db, &row, &local) < 0) ||
	    vet_record(j->machine, report, &local) < 0)
		machine_note(j->machine, NOTE_WARNING, "%s", local.message);
}

static void vet_tell(const struct machine *machine, const struct vet_report *report)
{
	for (size_t i = 0; i < report->finding_count; i++)
		if (report->findings[i].weight == VET_WARNING)
			machine_note(machine, NOTE_WARNING, "%s",
				     report->findings[i].text);
	if (report->modules.count > 0)
		machine_note(machine, NOTE_INFO,
			     "%zu of %zu third-party modules would load in %s",
			     report->modules.count - vet_lost_modules(report),
			     report->modules.count, report->release);
}

/* Why modules are not there: what building them ended with. */
static void builds_explain(const struct journey *j, struct text *ret)
{
	for (size_t i = 0; i < j->builds.count; i++) {
		const struct module_build *build = &j->builds.items[i];

		if (build->first_error)
			text_appendf(ret, "; building %s failed: %s%s%s%s",
				     build->package, build->first_error,
				     build->log ? " (all of it: " : "",
				     build->log ? build->log : "", build->log ? ")" : "");
	}
}

static int vet_end_step(struct journey *j, const struct vet_report *report,
			struct error *err)
{
	autotext struct text builds = {0};
	struct error local = {0};
	int r;

	vet_keep(j, report);
	vet_tell(j->machine, report);
	r = vet_refuse(report, &local);
	if (r == 0)
		return 0;
	builds_explain(j, &builds);
	return error_set(err, r, "%s%s", local.message, text_str(&builds));
}

/*
 * A kernel of a kind that can't be read is no reason to refuse every upgrade: that
 * its modules were not vetted is told.
 */
static int vet_unable(const struct machine *machine, int r, const struct error *why,
		      struct error *err)
{
	if (r != -ENOTSUP)
		return error_set(err, r, "%s", why->message);
	machine_note(machine, NOTE_WARNING, "third-party modules could not be vetted: %s",
		     why->message);
	return 0;
}

/* Modules could be built, were the headers there. */
static bool lacks_headers(const struct vet_report *report)
{
	for (size_t i = 0; i < report->modules.count; i++)
		if (report->outlooks[i].lacks_headers)
			return true;
	return false;
}

/*
 * Somebody else's run may bring the kernel alone, and the next its headers: so does
 * unattended-upgrades, package by package. Would apt bring them?
 */
static bool headers_follow(const struct journey *j, const char *release)
{
	autostrv struct strv words = {0};
	autoplan struct package_plan outcome = {0};
	const struct apt_question question = {.root = j->machine->root,
					      .args = &words,
					      .timeout = 300};

	if (!str_eq(j->plan.manager, "apt"))
		return false;
	strv_add(&words, "--with-new-pkgs");
	strv_add(&words, "upgrade");
	if (apt_simulate(&question, &outcome, NULL) < 0)
		return false;
	for (size_t i = 0; i < outcome.count; i++)
		if (outcome.items[i].new_version &&
		    vet_is_headers_of(outcome.items[i].name, release))
			return true;
	return false;
}

static int vet_paths(const struct journey *j, const struct vet_place *place,
		     struct vet_report *ret, struct error *err)
{
	if (place->paths->count == 0)
		return error_set(err, -ERROR_REFUSED,
				 "the package manager keeps no archives of them");
	return vet_packages(j->machine, place, VET_LAZY, ret, err);
}

static int vet_archives(struct journey *j, const struct strv *paths, bool complete,
			struct error *err)
{
	autovet struct vet_report report = {0};
	struct vet_place place = {.root = j->machine->root,
				  .paths = paths,
				  .complete = complete};
	struct error local = {0};
	int r = vet_paths(j, &place, &report, &local);

	if (r == 0 && !complete && lacks_headers(&report) &&
	    headers_follow(j, report.release)) {
		machine_note(
			j->machine, NOTE_INFO,
			"the headers of %s come in a later run of apt; what is built "
			"with them is judged then",
			report.release);
		vet_report_done(&report);
		report = (struct vet_report){0};
		place.headers_come = true;
		r = vet_paths(j, &place, &report, &local);
	}
	package_lists_done(&j->lists);
	j->lists = report.lists;
	report.lists = (struct package_lists){0};
	if (r == -ERROR_REFUSED) {
		/* it will be vetted when it is installed, and undone where it fails */
		machine_note(j->machine, NOTE_INFO,
			     "not vetted before it is installed: %s", local.message);
		return 0;
	}
	return r < 0 ? vet_unable(j->machine, r, &local, err)
		     : vet_end_step(j, &report, err);
}

int step_vet_packages(struct journey *j, struct error *err)
{
	struct package_run run = step_package_run(j);
	autostrv struct strv paths = {0};
	int r = packages_download(&run, &j->plan, &paths, err);

	return r < 0 ? r : vet_archives(j, &paths, true, err);
}

int step_vet_incoming(struct journey *j, struct error *err)
{
	autostrv struct strv paths = {0};

	for (size_t i = 0; i < j->plan.count; i++) {
		const struct package_change *change = &j->plan.items[i];

		/* another kernel's, in the same run */
		if (change->archive &&
		    (!change->release || str_eq(change->release, j->plan.release)))
			strv_add(&paths, change->archive);
	}
	return vet_archives(j, &paths, false, err);
}

/* The first error of a build that DKMS's own hook began within the install, or NULL. */
static char *hook_error(const struct journey *j, const char *package)
{
	autofree char *path = str_format("/var/lib/dkms/%s/build/make.log", package);
	autofree char *text = NULL;
	struct stat st;

	if (root_stat(j->machine->root, path, &st) < 0 ||
	    (int64_t)st.st_mtime < j->transaction.begun ||
	    root_read(j->machine->root, path, BUILD_LOG_MAX, &text, NULL, NULL) < 0)
		return NULL;
	return module_build_first_error(text);
}

int step_install_explain(const struct journey *j, int code, struct error *err)
{
	autothirdparty struct third_party_list known = {0}, there = {0};
	const char *last = NULL;

	if (vet_modules_of(j->machine, j->transaction.release, &known, &there, NULL) < 0)
		return code;
	for (size_t i = 0; i < known.count; i++) {
		const char *package = known.items[i].package;
		autofree char *why = NULL;

		if (known.items[i].provider != PROVIDER_DKMS || !package ||
		    str_eq(package, last))
			continue;
		last = package;
		why = hook_error(j, package);
		if (why)
			return error_prefix(err, code, "building %s failed: %.200s",
					    package, why);
	}
	return code;
}

int step_modules_check(struct journey *j, struct error *err)
{
	(void)err; /* the policy can be read by now */
	return !policy_bool(j->machine->policy, POLICY_MODULES_BUILD);
}

bool step_modules_made(const struct journey *j)
{
	for (size_t i = 0; i < j->builds.count; i++) {
		const struct module_build *build = &j->builds.items[i];

		if (build->built || (build->mends && !build->first_error))
			return true;
	}
	return j->links.count > 0;
}

static void builds_tell(const struct journey *j)
{
	for (size_t i = 0; i < j->builds.count; i++) {
		const struct module_build *build = &j->builds.items[i];

		if (build->first_error)
			machine_note(j->machine, NOTE_WARNING,
				     "%s could not be built for %s: %s%s%s",
				     build->package, j->transaction.release,
				     build->first_error, build->log ? "; see " : "",
				     build->log ? build->log : "");
		else if (build->built || build->mends)
			machine_note(j->machine, NOTE_INFO, "%s was built %sfor %s%s",
				     build->package, build->built ? "" : "anew ",
				     j->transaction.release,
				     build->built ? ""
						  : ": what was there was stale, or "
						    "not whole");
	}
}

/* What a build against this very kernel would not have. */
static const bool is_age[COMPAT_CODES] = {
	[COMPAT_MALFORMED] = true,      [COMPAT_MACHINE] = true,
	[COMPAT_LAYOUT] = true,         [COMPAT_VERMAGIC] = true,
	[COMPAT_SYMBOL_VERSION] = true, [COMPAT_SYMBOL_UNVERSIONED] = true,
};

/* Made before this transaction: what its own install has built would come out the same.
 */
static bool module_is_stale(const struct journey *j, const struct compat_module *item)
{
	struct stat st;

	if (item->verdict != COMPAT_FAILS || item->remedy != REMEDY_REBUILD ||
	    root_stat(j->machine->root, item->file->path, &st) < 0 ||
	    (int64_t)st.st_mtime >= j->transaction.begun)
		return false;
	for (size_t i = 0; i < item->reason_count; i++)
		if (item->reasons[i].fatal && is_age[item->reasons[i].code])
			return true;
	return false;
}

/* Modules in the release's tree that were built for another kernel of its name. */
static int modules_stale(const struct journey *j, struct strv *ret, struct error *err)
{
	autovet struct vet_report report = {0};
	int r = vet_release(j->machine, j->transaction.release, VET_LAZY, &report, err);

	for (size_t i = 0; r == 0 && i < report.modules.count; i++)
		if (module_is_stale(j, &report.modules.items[i]))
			strv_add(ret, report.modules.items[i].known->name);
	return r;
}

static int modules_build(struct journey *j, struct error *err)
{
	struct package_run run = step_package_run(j);
	autothirdparty struct third_party_list known = {0}, there = {0};
	autostrv struct strv stale = {0};
	struct module_build_list made = {0};
	int r = vet_modules_of(j->machine, j->transaction.release, &known, &there, err);

	if (r < 0 || known.count == 0)
		return r;
	if (there.count > 0)
		r = modules_stale(j, &stale, err);
	/* recorded before it is begun: what is cut off can be undone */
	if (r == 0)
		r = module_build_plan(&run, &known, &stale, j->transaction.release,
				      &j->builds, err);
	if (r == 0 && j->builds.count > 0)
		r = step_detail_save(j, err);
	if (r == 0)
		r = module_build_all(&run, &known, &stale, j->transaction.release, &made,
				     err);
	if (r < 0)
		return r;
	module_build_list_done(&j->builds);
	j->builds = made;
	builds_tell(j);
	return j->transaction.detail || made.count > 0 ? step_detail_save(j, err) : 0;
}

/* Present binaries of required modules that would load as they are. */
static void links_choose(const struct journey *j, const struct vet_report *report,
			 struct strv *ret)
{
	for (size_t i = 0; i < report->modules.count; i++) {
		const struct compat_module *item = &report->modules.items[i];

		if (item->verdict == COMPAT_NO_FILE && item->remedy == REMEDY_LINK &&
		    item->known->path &&
		    vet_module_required(j->machine->policy, item->known))
			strv_add(ret, item->known->path);
	}
}

static int modules_link(struct journey *j, struct error *err)
{
	struct package_run run = step_package_run(j);
	autovet struct vet_report report = {0};
	struct error local = {0};
	int r = vet_release(j->machine, j->transaction.release, VET_LAZY, &report,
			    &local);

	if (r == -ENOTSUP)
		return 0; /* told by the next step */
	if (r < 0)
		return error_set(err, r, "%s", local.message);
	links_choose(j, &report, &j->links);
	if (j->links.count == 0)
		return 0;
	r = step_detail_save(j, err);
	if (r == 0)
		r = module_link_all(&run, &j->links, j->transaction.release, err);
	for (size_t i = 0; r == 0 && i < j->links.count; i++)
		machine_note(j->machine, NOTE_INFO,
			     "%s loads in %s as it is, and was linked", j->links.items[i],
			     j->transaction.release);
	return r;
}

int step_modules(struct journey *j, struct error *err)
{
	int r = modules_build(j, err);

	return r < 0 ? r : modules_link(j, err);
}

/*
 * The release's own modules, built for the kernel that it is now: what stood in their
 * place was of no use to it, and would be of none if the kernel stays installed.
 */
static void builds_stay(const struct journey *j)
{
	for (size_t i = 0; i < j->builds.count; i++) {
		const struct module_build *build = &j->builds.items[i];

		if (build->mends && !build->first_error)
			machine_note(j->machine, NOTE_INFO,
				     "%s stays as it was built anew for %s",
				     build->package, j->transaction.release);
	}
}

int step_modules_undo(struct journey *j, struct error *err)
{
	struct package_run run = step_package_run(j);
	int r = 0;

	if (!j->transaction.release)
		return 0;
	if (j->links.count > 0)
		r = module_link_undo(&run, &j->links, j->transaction.release, err);
	if (r == 0 && j->builds.count > 0)
		r = module_build_undo(&run, &j->builds, j->transaction.release, err);
	if (r == 0)
		builds_stay(j);
	return r;
}

int step_vet(struct journey *j, struct error *err)
{
	autovet struct vet_report report = {0};
	struct error local = {0};
	int r = vet_release(j->machine, j->transaction.release, VET_LAZY, &report,
			    &local);

	return r < 0 ? vet_unable(j->machine, r, &local, err)
		     : vet_end_step(j, &report, err);
}
