/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The compatibility record: what a vetting foretold, and what a boot then showed. And the
 * drift of the way back, which is asked of both.
 */
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "probe/machine-kind.h"
#include "probe/module-log.h"
#include "probe/this-boot.h"
#include "store/records.h"
#include "vet-parts.h"

#define MODULES_FILE "/proc/modules"
#define MODULES_MAX  ((size_t)4 * 1024 * 1024)
#define BOOTS_MAX    1024 /* newest boots that are asked */

static enum prediction prediction_of(enum compat_verdict verdict)
{
	switch (verdict) {
	case COMPAT_LOADS:
		return PREDICTION_LOADS;
	case COMPAT_LOADS_TAINTED:
		return PREDICTION_LOADS_TAINTED;
	case COMPAT_FAILS:
		return PREDICTION_FAILS;
	case COMPAT_NO_FILE:
		break;
	}
	return PREDICTION_ABSENT;
}

/* Each code once, in the order of the reasons; NULL for none. */
static char *codes_of(const struct compat_module *item)
{
	autostrv struct strv codes = {0};

	for (size_t i = 0; i < item->reason_count; i++) {
		const char *name = compat_code_name(item->reasons[i].code);

		if (!strv_has(&codes, name))
			strv_add(&codes, name);
	}
	return codes.count ? strv_join(&codes, " ") : NULL;
}

/* The record of a module as it is, or a new one with its key alone. */
static int record_get(const struct machine *machine, const struct compat_record *key,
		      struct compat_record *ret, struct error *err)
{
	struct error local = {0};
	int r = compat_record_get(machine->db, key, ret, &local);

	if (r == 0)
		return 0;
	if (r != -ENOENT)
		return error_set(err, r, "%s", local.message);
	*ret = (struct compat_record){
		.module = str_dup(key->module),
		.version = str_dup(key->version),
		.release = str_dup(key->release),
		.machine = str_dup(key->machine),
		.platform = str_dup(key->platform),
		.region = str_dup(key->region),
	};
	return 0;
}

/* Borrows everything. */
static struct compat_record record_key(const char *module, const char *version,
				       const char *release,
				       const struct machine_kind *kind)
{
	return (struct compat_record){
		.module = (char *)(uintptr_t)module,
		.version = (char *)(uintptr_t)(version ? version : ""),
		.release = (char *)(uintptr_t)release,
		.machine = kind->machine,
		.platform = kind->platform,
		.region = kind->region,
	};
}

static int record_predict(const struct machine *machine, const struct vet_report *report,
			  size_t i, const struct machine_kind *kind, struct error *err)
{
	const struct compat_module *item = &report->modules.items[i];
	const struct compat_record key =
		record_key(item->known->name, report->outlooks[i].version,
			   report->release, kind);
	cleanup(compat_record_done) struct compat_record record = {0};
	int r = record_get(machine, &key, &record, err);

	if (r < 0)
		return r;
	record.predicted = prediction_of(item->verdict);
	free(record.codes);
	record.codes = codes_of(item);
	record.vetted = (int64_t)time(NULL);
	return compat_record_put(machine->db, &record, err);
}

int vet_record(const struct machine *machine, const struct vet_report *report,
	       struct error *err)
{
	automachinekind struct machine_kind kind = {0};
	int r;

	if (report->modules.count == 0)
		return 0;
	machine_kind_probe(machine->root, &kind);
	r = database_begin(machine->db, err);
	for (size_t i = 0; r == 0 && i < report->modules.count; i++)
		r = record_predict(machine, report, i, &kind, err);
	if (r == 0)
		r = database_commit(machine->db, err);
	database_abandon(machine->db); /* no group is left after a commit */
	return r;
}

/* Names of the modules that are loaded now, whole. */
static void loaded_modules(const struct root *root, struct strv *ret)
{
	autofree char *text = NULL;
	autostrv struct strv lines = {0};

	if (root_read(root, MODULES_FILE, MODULES_MAX, &text, NULL, NULL) < 0)
		return; /* a root that does not run has none */
	strv_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.count; i++)
		if (strstr(lines.items[i], " Live "))
			strv_add_take(ret, str_ndup(lines.items[i],
						    strcspn(lines.items[i], " ")));
}

/* What this boot shows of one module. */
struct sight {
	enum observation observed;
	const char *detail; /* borrowed */
};

static struct sight sight_of(const struct third_party *module, const struct strv *loaded,
			     const struct module_refusals *refusals)
{
	struct sight sight = {0};

	for (size_t i = 0; i < loaded->count; i++)
		if (third_party_is(module, loaded->items[i])) {
			sight.observed = OBSERVATION_LOADED;
			return sight;
		}
	for (size_t i = 0; i < refusals->count; i++) {
		if (!third_party_is(module, refusals->items[i].module))
			continue;
		sight.observed = OBSERVATION_FAILED;
		sight.detail = refusals->items[i].text;
	}
	return sight;
}

/* The prediction that stood when it was seen first is the one that proves right or
 * wrong; a new vetting since then is put to the test anew. */
static int record_observe(const struct machine *machine, const struct compat_record *key,
			  const struct sight *sight, struct error *err)
{
	cleanup(compat_record_done) struct compat_record record = {0};
	int r = record_get(machine, key, &record, err);

	if (r < 0)
		return r;
	if (record.observed != sight->observed || record.vetted > record.seen)
		record.foretold = record.vetted ? record.predicted : PREDICTION_NONE;
	record.observed = sight->observed;
	record.seen = (int64_t)time(NULL);
	free(record.detail);
	record.detail = sight->detail ? str_printable(sight->detail) : NULL;
	return compat_record_put(machine->db, &record, err);
}

static int observe_modules(const struct machine *machine,
			   const struct third_party_list *list, const char *release,
			   struct error *err)
{
	automachinekind struct machine_kind kind = {0};
	autorefusals struct module_refusals refusals = {0};
	autostrv struct strv loaded = {0};
	int r = 0;

	loaded_modules(machine->root, &loaded);
	/* without the log what is loaded is still seen */
	(void)module_log_read(machine->root, &refusals);
	machine_kind_probe(machine->root, &kind);
	for (size_t i = 0; r == 0 && i < list->count; i++) {
		const struct third_party *module = &list->items[i];
		const struct sight sight = sight_of(module, &loaded, &refusals);
		const struct compat_record key =
			record_key(module->name, module->version, release, &kind);

		if (sight.observed != OBSERVATION_NONE)
			r = record_observe(machine, &key, &sight, err);
	}
	return r;
}

int vet_observe(const struct machine *machine, struct error *err)
{
	autothisboot struct this_boot boot = {0};
	autothirdparty struct third_party_list list = {0};
	int r = this_boot_probe(machine->root, &boot, err);

	if (r < 0 || !boot.release || !*boot.release)
		return r;
	r = third_party_probe(machine->root, boot.release, &list, err);
	if (r == 0)
		r = third_party_probe_loaded(machine->root, &list, err);
	if (r < 0 || list.count == 0)
		return r;
	r = database_begin(machine->db, err);
	if (r == 0)
		r = observe_modules(machine, &list, boot.release, err);
	if (r == 0)
		r = database_commit(machine->db, err);
	database_abandon(machine->db); /* no group is left after a commit */
	return r;
}

/* When the last boot of that release began that was found healthy; 0 for none. */
static int last_healthy_boot(const struct vet *vet, int64_t *ret, struct error *err)
{
	struct boot_list boots = {0};
	int r = boot_list(vet->machine->db, BOOTS_MAX, &boots, err);

	*ret = 0;
	for (size_t i = 0; r == 0 && i < boots.count; i++)
		if (boots.items[i].verdict == VERDICT_HEALTHY &&
		    boots.items[i].begun > *ret &&
		    str_eq(boots.items[i].release, vet->report->release))
			*ret = boots.items[i].begun;
	boot_list_done(&boots);
	return r;
}

static bool is_there(const struct third_party_list *there, const char *name)
{
	for (size_t i = 0; i < there->count; i++)
		if (third_party_is(&there->items[i], name))
			return true;
	return false;
}

/*
 * Loaded by that release once, and its tree has no such file any more. Each boot notes
 * what it has loaded when it is judged: one that was healthy without the module has
 * proven the way back without it, be it that its package was removed on purpose. What
 * the policy requires by its name is missed all the same.
 */
static bool record_is_missed(const struct vet *vet, const struct compat_record *record,
			     int64_t healthy)
{
	const struct policy *policy = vet->machine->policy;

	if (record->observed != OBSERVATION_LOADED ||
	    is_there(&vet->report->there, record->module) ||
	    vet_kernel_has(vet, record->module) ||
	    policy_module_fits(policy_strings(policy, POLICY_MODULES_IGNORED),
			       record->module))
		return false;
	return record->seen >= healthy ||
	       policy_module_fits(policy_strings(policy, POLICY_MODULES_REQUIRED),
				  record->module);
}

static int drift_gone(struct vet *vet, struct strv *ret, struct error *err)
{
	struct compat_record_list records = {0};
	int64_t healthy = 0;
	int r = last_healthy_boot(vet, &healthy, err);

	if (r == 0)
		r = compat_record_list(vet->machine->db, vet->report->release, &records,
				       err);
	for (size_t i = 0; r == 0 && i < records.count; i++) {
		const struct compat_record *record = &records.items[i];
		autofree char *sentence = NULL;

		if (!record_is_missed(vet, record, healthy))
			continue;
		sentence = str_format("module %s, which %s had loaded, is not in its "
				      "module tree any more",
				      record->module, record->release);
		if (!strv_has(ret, sentence))
			strv_add_take(ret, take_ptr(sentence));
	}
	compat_record_list_done(&records);
	return r;
}

static int drift_vet(struct vet *vet, struct strv *ret, struct error *err)
{
	int r = kernel_source_installed(vet->machine->root, vet->report->release,
					&vet->source, err);

	if (r < 0)
		return r;
	vet->installed = vet->whole_tree = true;
	r = vet_run(vet, err);
	if (r == 0 && vet->report->unjudged > 0)
		r = error_set(err, vet->abi_error.code, "%s", vet->abi_error.message);
	for (size_t i = 0; r == 0 && i < vet->report->modules.count; i++)
		if (vet->report->modules.items[i].verdict != COMPAT_NO_FILE &&
		    vet_module_bad(vet, &vet->report->modules.items[i]))
			strv_add_take(ret, vet_module_sentence(vet, i));
	if (r == 0)
		r = drift_gone(vet, ret, err);
	kernel_source_done(&vet->source);
	return r;
}

int vet_drift(const struct machine *machine, struct strv *ret, struct error *err)
{
	autovet struct vet_report report = {0};
	struct vet vet = {.depth = VET_DRIFT, .report = &report};
	int r = vet_begin(&vet, machine, err);

	if (r == 0 && vet.good) {
		report.release = str_dup(vet.good);
		r = drift_vet(&vet, ret, err);
	}
	vet_end(&vet);
	return r;
}
