/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The report of a vetting: modules, devices, findings, and one sentence.
 */
#include "report.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "output.h"

static bool report_verbose(void)
{
	return log_level() >= LOG_LEVEL_DEBUG;
}

static const char *reason_text(const struct compat_reason *reason)
{
	return reason->detail ? reason->detail : compat_code_name(reason->code);
}

/* The reason that decides, else the first. */
static size_t reason_first(const struct compat_module *item)
{
	for (size_t i = 0; i < item->reason_count; i++)
		if (item->reasons[i].fatal)
			return i;
	return 0;
}

/* What stands in the table of why; caller frees. */
static char *module_why(const struct compat_module *item,
			const struct vet_outlook *outlook)
{
	const char *first;

	if (outlook->own)
		return str_dup("the kernel has it of its own");
	if (item->reason_count == 0)
		return str_dup("");
	if (item->verdict == COMPAT_NO_FILE && item->remedy == REMEDY_LINK)
		return str_dup(
			"it has no file there; the present one would load as it is");
	if (item->verdict == COMPAT_NO_FILE && outlook->why && !report_verbose())
		return str_dup(outlook->why);
	first = reason_text(&item->reasons[reason_first(item)]);
	if (report_verbose() || item->reason_count == 1)
		return str_dup(first);
	return str_format("%s, and %zu more", first, item->reason_count - 1);
}

static void module_row(struct libscols_table *table, const struct compat_module *item,
		       const struct vet_outlook *outlook)
{
	autofree char *user = vet_user(item->known->use, item->known->user);
	autofree char *why = module_why(item, outlook);
	const char *values[] = {
		item->known->name,
		module_provider_name(item->known->provider),
		*user ? user : "-",
		compat_verdict_name(item->verdict),
		item->remedy == REMEDY_NONE ? "-" : module_remedy_name(item->remedy),
		why,
	};

	table_row(table, values);
}

static void signature_row(struct libscols_table *table, const struct compat_module *item)
{
	const struct module_signature *signature = &item->file->signature;
	autofree char *signer =
		str_printable(signature->signer ? signature->signer : "an unnamed key");
	autofree char *text =
		str_format("signed by %s: %s", signer, signature_trust_name(item->trust));
	const char *values[] = {NULL, NULL, NULL, NULL, NULL, text};

	table_row(table, values);
}

/* With -v every further reason has a row of its own. */
static void module_reasons(struct libscols_table *table, const struct compat_module *item,
			   const struct vet_outlook *outlook)
{
	size_t first = reason_first(item);

	for (size_t i = 0; i < item->reason_count; i++) {
		const char *values[] = {NULL, NULL, NULL,
					NULL, NULL, reason_text(&item->reasons[i])};

		if (i != first)
			table_row(table, values);
	}
	if (item->file && item->file->signature.present)
		signature_row(table, item);
	if (outlook->why || outlook->command) {
		autofree char *help =
			str_format("%s%s%s", outlook->why ? outlook->why : "",
				   outlook->why && outlook->command ? "; run: "
				   : outlook->command               ? "run: "
								    : "",
				   outlook->command ? outlook->command : "");
		const char *values[] = {NULL, NULL, NULL, NULL, NULL, help};

		table_row(table, values);
	}
}

static int report_modules(const struct vet_report *report, struct error *err)
{
	static const struct column columns[] = {
		{"MODULE", false, false}, {"PROVIDER", false, false},
		{"IN USE", false, false}, {"VERDICT", false, false},
		{"REMEDY", false, false}, {"WHY", false, true},
		{NULL, false, false},
	};
	struct libscols_table *table;

	if (report->modules.count == 0)
		return 0;
	table = table_new(columns);
	for (size_t i = 0; i < report->modules.count; i++) {
		module_row(table, &report->modules.items[i], &report->outlooks[i]);
		if (report_verbose())
			module_reasons(table, &report->modules.items[i],
				       &report->outlooks[i]);
	}
	return table_print(table, err);
}

static size_t devices_shown(const struct vet_report *report)
{
	size_t shown = 0;

	for (size_t i = 0; i < report->devices.count; i++)
		shown += report_verbose() || !report->devices.items[i].covered;
	return shown;
}

static int report_devices(const struct vet_report *report, struct error *err)
{
	static const struct column columns[] = {
		{"DEVICE", false, false},    {"DRIVER", false, false},
		{"IN USE", false, false},    {"VERDICT", false, false},
		{"COVERED BY", false, true}, {NULL, false, false},
	};
	struct libscols_table *table;

	if (devices_shown(report) == 0)
		return 0;
	if (report->modules.count > 0)
		say("%s", "");
	table = table_new(columns);
	for (size_t i = 0; i < report->devices.count; i++) {
		const struct device *device = &report->devices.items[i];
		autofree char *user = vet_user(device->use, device->user);
		const char *values[] = {device->path, device->driver,
					device->use == MODULE_USE_DEVICE ? "-" : user,
					device->covered ? "covered" : "lost",
					device->by ? device->by : "-"};

		if (report_verbose() || !device->covered)
			table_row(table, values);
	}
	return table_print(table, err);
}

static void report_findings(const struct vet_report *report)
{
	static const char *const words[] = {
		[VET_NOTE] = "note",
		[VET_WARNING] = "warning",
		[VET_REFUSAL] = "refused",
	};

	for (size_t i = 0; i < report->finding_count; i++)
		if (report_verbose() || report->findings[i].weight > VET_NOTE)
			say("%s: %s", words[report->findings[i].weight],
			    report->findings[i].text);
}

static size_t devices_lost(const struct vet_report *report)
{
	size_t lost = 0;

	for (size_t i = 0; i < report->devices.count; i++)
		lost += !report->devices.items[i].covered;
	return lost;
}

static const char *report_verdict(const struct vet_report *report)
{
	if (!report->compatible)
		return "is refused";
	return report->unjudged > 0 ? "can't be judged whole" : "is compatible";
}

/* "1 of 2 third-party modules would load" */
static void sentence_modules(const struct vet_report *report, struct text *ret)
{
	size_t modules = report->modules.count, lost = vet_lost_modules(report);

	if (report->malformed)
		text_append(ret, "it is damaged");
	else if (report->unjudged > 0)
		text_appendf(ret, "%zu third-party module%s could not be judged%s",
			     report->unjudged, report->unjudged == 1 ? "" : "s",
			     modules > 0 ? ", " : "");
	else if (modules == 0)
		text_appendf(ret, "there are no%s third-party modules",
			     report->ignored.count > 0 ? " other" : "");
	if (modules > 0)
		text_appendf(ret, "%zu of %zu third-party module%s would load",
			     modules - lost, modules, modules == 1 ? "" : "s");
	if (report->ignored.count > 0)
		text_appendf(ret, " (modules.ignored of the policy leaves out %zu)",
			     report->ignored.count);
}

static char *report_sentence(const struct vet_report *report)
{
	size_t devices = devices_lost(report);
	struct text t = {0};

	text_appendf(&t, "%s %s here: ", report->release, report_verdict(report));
	sentence_modules(report, &t);
	if (devices > 0)
		text_appendf(&t, ", %zu device%s would lose %s driver", devices,
			     devices == 1 ? "" : "s", devices == 1 ? "its" : "their");
	else if (report->devices.count > 0)
		text_append(&t, ", no device would lose its driver");
	text_append(&t, ".");
	return text_take(&t);
}

int report_text(const struct vet_report *report, const struct strv *drift,
		struct error *err)
{
	autofree char *sentence = report_sentence(report);
	int r = report_modules(report, err);

	if (r == 0)
		r = report_devices(report, err);
	if (r < 0)
		return r;
	report_findings(report);
	for (size_t i = 0; i < drift->count; i++)
		say("the way back: %s", drift->items[i]);
	say("%s", sentence);
	return 0;
}

static json_object *reasons_json(const struct compat_module *item)
{
	json_object *list = json_object_new_array();

	for (size_t i = 0; i < item->reason_count; i++) {
		json_object *o = json_object_new_object();

		json_add_text(o, "code", compat_code_name(item->reasons[i].code));
		json_add_text(o, "symbol", item->reasons[i].symbol);
		json_add_text(o, "detail", item->reasons[i].detail);
		json_add_flag(o, "fatal", item->reasons[i].fatal);
		(void)json_object_array_add(list, o); /* fails without memory only */
	}
	return list;
}

/* NULL where there is no file. */
static json_object *signature_json(const struct compat_module *item)
{
	json_object *o;

	if (!item->file)
		return NULL;
	o = json_object_new_object();
	json_add_text(o, "signer", item->file->signature.signer);
	json_add_text(o, "trust", signature_trust_name(item->trust));
	return o;
}

static json_object *module_json(const struct compat_module *item,
				const struct vet_outlook *outlook)
{
	const struct third_party *known = item->known;
	json_object *o = json_object_new_object();
	autofree char *user = vet_user(known->use, known->user);
	autofree char *built_for = NULL;

	if (item->file && item->file->vermagic)
		built_for = str_ndup(item->file->vermagic,
				     strcspn(item->file->vermagic, " "));
	json_add_text(o, "name", known->name);
	json_add_text(o, "path", item->file ? item->file->path : NULL);
	json_add_text(o, "provider", module_provider_name(known->provider));
	json_add_text(o, "package", known->package);
	json_add_text(o, "version", outlook->version);
	json_add_flag(o, "in_use", known->use != MODULE_USE_NONE);
	json_add_text(o, "use", module_use_name(known->use));
	json_add_text(o, "user", *user ? user : NULL);
	json_add_text(o, "built_for", built_for ? built_for : known->built_for);
	json_add_text(o, "verdict", compat_verdict_name(item->verdict));
	json_add_text(o, "remedy", module_remedy_name(item->remedy));
	json_add_text(o, "command", outlook->command);
	json_add_flag(o, "own", outlook->own);
	json_object_object_add(o, "signature", signature_json(item));
	json_object_object_add(o, "reasons", reasons_json(item));
	return o;
}

static json_object *device_json(const struct device *device)
{
	json_object *o = json_object_new_object();
	autofree char *user = vet_user(device->use, device->user);

	json_add_text(o, "modalias", device->modalias);
	json_add_text(o, "driver", device->driver);
	json_add_text(o, "path", device->path);
	json_add_text(o, "use", module_use_name(device->use));
	json_add_text(o, "user", device->use == MODULE_USE_DEVICE ? NULL : user);
	json_add_text(o, "verdict", device->covered ? "covered" : "lost");
	json_add_text(o, "by", device->by);
	return o;
}

static json_object *kernel_json(const struct vet_report *report)
{
	const struct kernel_abi *abi = &report->abi;
	json_object *o = json_object_new_object();

	json_add_text(o, "source",
		      !report->abi_read   ? NULL
		      : abi->from_symvers ? "symvers"
					  : "image");
	json_add_number(o, "symbols",
			abi->symbols ? (int64_t)symbol_table_count(abi->symbols) : 0);
	json_add_flag(o, "modversions", abi->modversions);
	json_add_text(o, "vermagic", abi->vermagic);
	json_add_flag(o, "config_known", abi->config_known);
	json_add_text(o, "second_source", report->second_source);
	return o;
}

static json_object *findings_json(const struct vet_report *report)
{
	json_object *list = json_object_new_array();

	for (size_t i = 0; i < report->finding_count; i++) {
		json_object *o = json_object_new_object();

		json_add_text(o, "weight", vet_weight_name(report->findings[i].weight));
		json_add_text(o, "text", report->findings[i].text);
		(void)json_object_array_add(list, o); /* fails without memory only */
	}
	return list;
}

json_object *report_document(const struct vet_report *report, const struct strv *drift)
{
	json_object *document = json_document();
	json_object *modules = json_object_new_array();
	json_object *devices = json_object_new_array();

	for (size_t i = 0; i < report->modules.count; i++)
		/* fails without memory only, here and below */
		(void)json_object_array_add(modules,
					    module_json(&report->modules.items[i],
							&report->outlooks[i]));
	for (size_t i = 0; i < report->devices.count; i++)
		(void)json_object_array_add(devices,
					    device_json(&report->devices.items[i]));
	json_add_text(document, "release", report->release);
	json_add_text(document, "verdict",
		      !report->compatible    ? "incompatible"
		      : report->unjudged > 0 ? "unknown"
					     : "compatible");
	json_object_object_add(document, "kernel", kernel_json(report));
	json_object_object_add(document, "packages", json_strings(&report->packages));
	json_object_object_add(document, "modules", modules);
	json_object_object_add(document, "devices", devices);
	json_object_object_add(document, "findings", findings_json(report));
	json_object_object_add(document, "drift", json_strings(drift));
	return document;
}

int report_json(const struct vet_report *report, const struct strv *drift,
		struct error *err)
{
	return json_print(report_document(report, drift), err);
}
