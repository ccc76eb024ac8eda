/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kuro check --initramfs FILE [RELEASE]
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "command.h"
#include "flow/prove.h"
#include "output.h"

static bool verbose(void)
{
	return log_level() >= LOG_LEVEL_DEBUG;
}

static json_object *segments_json(const struct initramfs *image)
{
	json_object *list = json_object_new_array();

	for (size_t i = 0; i < image->segment_count; i++) {
		const struct initramfs_segment *segment = &image->segments[i];
		json_object *o = json_object_new_object();

		json_add_number(o, "offset", (int64_t)segment->offset);
		json_add_number(o, "packed", (int64_t)segment->packed);
		json_add_number(o, "plain", (int64_t)segment->plain);
		json_add_text(o, "packing", segment->packing);
		json_add_number(o, "entries", (int64_t)segment->entries);
		json_add_flag(o, "early", segment->early);
		(void)json_object_array_add(list, o); /* fails without memory only */
	}
	return list;
}

static json_object *reasons_json(const struct initramfs_proof *proof)
{
	json_object *list = json_object_new_array();

	for (size_t i = 0; i < proof->count; i++) {
		json_object *o = json_object_new_object();

		json_add_text(o, "code", initramfs_code_name(proof->reasons[i].code));
		json_add_flag(o, "fatal", proof->reasons[i].fatal);
		json_add_text(o, "object", proof->reasons[i].object);
		json_add_text(o, "detail", proof->reasons[i].detail);
		(void)json_object_array_add(list, o); /* fails without memory only */
	}
	return list;
}

static json_object *list_json(const struct root_need_list *needs)
{
	json_object *list = json_object_new_array();

	for (size_t i = 0; i < needs->count; i++) {
		json_object *o = json_object_new_object();

		json_add_text(o, "name", needs->items[i].name);
		json_add_text(o, "for", needs->items[i].why);
		json_add_flag(o, "built_in", needs->items[i].built_in);
		json_add_flag(o, "optional", needs->items[i].optional);
		(void)json_object_array_add(list, o); /* fails without memory only */
	}
	return list;
}

static json_object *needs_json(const struct root_needs *needs)
{
	json_object *o = json_object_new_object();

	json_object_object_add(o, "modules", list_json(&needs->modules));
	json_object_object_add(o, "firmware", list_json(&needs->firmware));
	json_object_object_add(o, "tools", list_json(&needs->tools));
	json_object_object_add(o, "files", list_json(&needs->files));
	return o;
}

static json_object *unknown_json(const struct strv *unknown)
{
	json_object *list = json_object_new_array();

	for (size_t i = 0; i < unknown->count; i++)
		/* fails without memory only */
		(void)json_object_array_add(list,
					    json_object_new_string(unknown->items[i]));
	return list;
}

static json_object *proven_json(const struct prove_report *report)
{
	json_object *o = report->proven_known ? json_object_new_object() : NULL;

	if (!o)
		return NULL;
	json_add_number(o, "size", (int64_t)report->proven.size);
	json_add_number(o, "plain", (int64_t)report->proven.plain);
	json_add_number(o, "modules", (int64_t)report->proven.modules.count);
	return o;
}

static int proof_json(const struct prove_report *report, struct error *err)
{
	json_object *document = json_document();

	json_add_text(document, "path", report->path);
	json_add_text(document, "release", *report->release ? report->release : NULL);
	json_add_text(document, "verdict", initramfs_verdict(&report->proof));
	json_object_object_add(document, "reasons", reasons_json(&report->proof));
	json_add_number(document, "size", (int64_t)report->image.size);
	json_add_number(document, "plain", (int64_t)report->image.plain);
	json_add_number(document, "modules", (int64_t)report->image.module_count);
	json_object_object_add(document, "segments", segments_json(&report->image));
	json_object_object_add(document, "needs", needs_json(&report->needs));
	json_object_object_add(document, "unknown", unknown_json(&report->needs.unknown));
	json_object_object_add(document, "proven", proven_json(report));
	return json_print(document, err);
}

static int table_reasons(const struct initramfs_proof *proof, struct error *err)
{
	static const struct column columns[] = {{"REASON", false, false},
						{"", false, false},
						{"OBJECT", false, false},
						{"DETAIL", false, true},
						{NULL, false, false}};
	struct libscols_table *table;

	if (proof->count == 0)
		return 0;
	table = table_new(columns);
	for (size_t i = 0; i < proof->count; i++) {
		const struct initramfs_reason *reason = &proof->reasons[i];
		const char *values[] = {initramfs_code_name(reason->code),
					reason->fatal ? "fatal" : "warning",
					reason->object ? reason->object : "-",
					reason->detail};

		table_row(table, values);
	}
	return table_print(table, err);
}

static int table_segments(const struct initramfs *image, struct error *err)
{
	static const struct column columns[] = {
		{"OFFSET", true, false},  {"PACKED", true, false},
		{"PLAIN", true, false},   {"PACKING", false, false},
		{"ENTRIES", true, false}, {"KIND", false, false},
		{NULL, false, false},
	};
	struct libscols_table *table = table_new(columns);

	for (size_t i = 0; i < image->segment_count; i++) {
		const struct initramfs_segment *segment = &image->segments[i];
		autofree char *offset =
			str_format("%llu", (unsigned long long)segment->offset);
		autofree char *packed = format_size(segment->packed);
		autofree char *plain = format_size(segment->plain);
		autofree char *entries = str_format("%zu", segment->entries);
		const char *values[] = {offset,  packed,
					plain,   segment->packing,
					entries, segment->early ? "early" : "root"};

		table_row(table, values);
	}
	return table_print(table, err);
}

static int table_needs(const struct root_needs *needs, struct error *err)
{
	static const struct column columns[] = {{"NEEDED", false, false},
						{"", false, false},
						{"FOR", false, true},
						{NULL, false, false}};
	const struct {
		const char *kind;
		const struct root_need_list *list;
	} kinds[] = {{"module", &needs->modules},
		     {"firmware", &needs->firmware},
		     {"program", &needs->tools},
		     {"file", &needs->files}};
	struct libscols_table *table = table_new(columns);

	for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
		for (size_t i = 0; i < kinds[k].list->count; i++) {
			const struct root_need *need = &kinds[k].list->items[i];
			autofree char *kind =
				str_format("%s%s%s", kinds[k].kind,
					   need->built_in ? ", built in" : "",
					   need->optional ? ", can be done without" : "");
			const char *values[] = {need->name, kind, need->why};

			table_row(table, values);
		}
	return table_print(table, err);
}

static size_t modules_needed(const struct root_needs *needs)
{
	size_t count = 0;

	for (size_t i = 0; i < needs->modules.count; i++)
		count += !needs->modules.items[i].built_in &&
			 !needs->modules.items[i].optional;
	return count;
}

static void say_verdict(const struct prove_report *report)
{
	autofree char *size = format_size(report->image.size);
	const char *release = report->release, *path = report->path;
	size_t needed = modules_needed(&report->needs);

	if (report->proof.boots && report->needs.unknown.count > 0)
		say("%s (%s, %zu modules) holds what is known of the needs of %s, %zu "
		    "modules of it.",
		    path, size, report->image.module_count, release, needed);
	else if (report->proof.boots)
		say("%s (%s, %zu modules) would boot %s: it holds what its root needs, "
		    "%zu modules of it.",
		    path, size, report->image.module_count, release, needed);
	else if (report->proof.untold)
		say("%s (%s): whether it would boot %s can't be told.", path, size,
		    release);
	else
		say("%s (%s) would not boot%s%s.", path, size, *release ? " " : "",
		    release);
}

static int proof_text(const struct prove_report *report, struct error *err)
{
	int r = 0;

	if (verbose()) {
		r = table_segments(&report->image, err);
		say("%s", "");
		r = r < 0 ? r : table_needs(&report->needs, err);
		say("%s", "");
	}
	if (r == 0)
		r = table_reasons(&report->proof, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < report->needs.unknown.count; i++)
		say("not known: %s", report->needs.unknown.items[i]);
	say_verdict(report);
	return 0;
}

int check_initramfs(struct command *c, struct error *err)
{
	autoprove struct prove_report report = {0};
	autofree char *path = realpath(c->initramfs, NULL);
	struct root host = {.fd = -1};
	int r;

	if (!path)
		return error_errno(err, -errno, "%s", c->initramfs);
	if (c->arg_count > 1)
		return error_set(err, -ERROR_USAGE,
				 "an initramfs is proven for one release");
	r = root_open(&host, "/", err);
	if (r < 0)
		return r;
	r = prove_initramfs_at(&c->machine, &host, path,
			       c->arg_count > 0 ? c->args[0] : NULL, &report, err);
	root_done(&host);
	if (r == 0)
		r = c->json ? proof_json(&report, err) : proof_text(&report, err);
	if (r < 0)
		return r;
	return report.proof.boots ? 0 : EXIT_REFUSED;
}
