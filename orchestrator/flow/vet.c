/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The vetting: facts gathered, judged, weighed by the policy. Changes nothing but the
 * symbol cache, which may be deleted at any time.
 */
#include "flow/vet.h"

#include <stdarg.h>
#include <string.h>

#include "act/symbol-cache.h"
#include "base/cleanup.h"
#include "base/parallel.h"
#include "core/release.h"
#include "probe/kernel-image.h"
#include "vet-parts.h"

#define NAMES_MAX ((size_t)16 * 1024 * 1024) /* bytes of a list of modules */

const char *vet_weight_name(enum vet_weight weight)
{
	static const char *const names[] = {
		[VET_NOTE] = "note",
		[VET_WARNING] = "warning",
		[VET_REFUSAL] = "refusal",
	};

	return names[weight];
}

static void files_done(struct module_file *files, size_t count)
{
	for (size_t i = 0; i < count; i++)
		module_file_done(&files[i]);
	free(files);
}

void vet_outlook_done(struct vet_outlook *outlook)
{
	free(outlook->version);
	free(outlook->why);
	free(outlook->command);
	*outlook = (struct vet_outlook){0};
}

void vet_report_done(struct vet_report *report)
{
	if (!report)
		return;
	for (size_t i = 0; i < report->finding_count; i++)
		free(report->findings[i].text);
	for (size_t i = 0; i < report->modules.count; i++)
		vet_outlook_done(&report->outlooks[i]);
	free(report->findings);
	free(report->outlooks);
	compat_set_done(&report->modules);
	compat_set_done(&report->beside);
	files_done(report->brought, report->brought_count);
	third_party_list_done(&report->known);
	third_party_list_done(&report->there);
	third_party_list_done(&report->ignored);
	device_list_done(&report->devices);
	kernel_abi_done(&report->abi);
	strv_done(&report->packages);
	package_lists_done(&report->lists);
	free(report->second_source);
	free(report->release);
	*report = (struct vet_report){0};
}

void vet_find(struct vet *vet, enum vet_weight weight, const char *format, ...)
{
	struct vet_report *report = vet->report;
	struct text text = {0};
	va_list args;

	va_start(args, format);
	text_vappendf(&text, format, args);
	va_end(args);
	report->findings = mem_regrow(report->findings, report->finding_count + 1,
				      sizeof(*report->findings));
	report->findings[report->finding_count++] = (struct vet_finding){
		.weight = weight,
		.text = text_take(&text),
	};
}

/* Names in a list of module paths, one a line, - as _. */
static void names_of_paths(const char *text, struct strv *ret)
{
	autostrv struct strv lines = {0};

	strv_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.count; i++) {
		char *name = module_name_of(lines.items[i]);

		if (name)
			strv_add_take(ret, name);
	}
	strv_sort(ret);
}

bool vet_source_names(const struct kernel_source *source, const char *what,
		      struct strv *ret)
{
	autofree char *text = NULL;
	const void *bytes;
	size_t len = 0;

	if (source->file(source->data, what, &bytes, &len, NULL) < 0 || len > NAMES_MAX)
		return false;
	text = str_ndup(bytes, len);
	names_of_paths(text, ret);
	return true;
}

/* Where the image is not looked at, its modules' names still count. */
static void abi_names_only(struct vet *vet)
{
	struct kernel_abi *abi = &vet->report->abi;

	if (!vet_source_names(&vet->source, "modules", &abi->in_tree))
		(void)vet_source_names(&vet->source, "modules.order", &abi->in_tree);
	/* a tree without this list has nothing built in */
	(void)vet_source_names(&vet->source, "modules.builtin", &abi->built_in);
}

/* What the kernel is and how it would be booted, read beside the machine's modules. */
struct abi_reading {
	const struct vet *vet;
	struct aside aside;
	bool begun;
	struct kernel_abi abi;
	char *line; /* that it would be booted with */
	struct error err;
	int r;
};

static void reading_done(struct abi_reading *reading)
{
	free(reading->line);
}

static void abi_probe(void *data)
{
	struct abi_reading *reading = data;

	reading->r = kernel_abi_probe(&reading->vet->source, &reading->vet->cache,
				      &reading->abi, &reading->err);
	if (reading->r == 0)
		reading->line = vet_boot_line(reading->vet);
}

/* Unpacking an image takes as long as all the rest. Whether it is needed is known before
 * only where everything is asked for. Until the end nobody else asks the source. */
static void abi_begin(struct abi_reading *reading)
{
	reading->begun = reading->vet->depth == VET_WHOLE;
	if (reading->begun)
		aside_begin(&reading->aside, abi_probe, reading);
}

static bool any_packed(const struct third_party_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].path && !str_ends(list->items[i].path, ".ko"))
			return true;
	return false;
}

/*
 * Meanwhile the modules that third-party ones stand on are read, where they are packed:
 * that takes long, too. As a source of its own, since the other one is being asked.
 */
static void abi_wait(struct vet *vet, struct abi_reading *reading)
{
	struct kernel_source tree = {0};

	if (!reading->begun || !vet->installed || !aside_works(&reading->aside) ||
	    !any_packed(&vet->report->there) ||
	    kernel_source_tree(vet->machine->root, vet->report->release, &tree, NULL) < 0)
		return;
	vet->providers = kernel_providers_ahead(&tree, &vet->cache, &vet->report->there);
	kernel_source_done(&tree);
}

static void abi_end(struct abi_reading *reading)
{
	if (reading->begun)
		aside_end(&reading->aside);
}

/*
 * A kernel's symbols matter where a module needs them. One whose image can't be read is
 * told of, and is an error only for the modules that would be judged by it.
 */
static void abi_take(struct vet *vet, struct abi_reading *reading)
{
	if (!reading->begun &&
	    vet->report->known.count + vet->report->ignored.count == 0) {
		abi_names_only(vet);
		return;
	}
	if (!reading->begun)
		abi_probe(reading);
	vet->report->abi_read = reading->r == 0;
	if (reading->r == 0) {
		vet->report->abi = reading->abi;
	} else {
		vet->abi_error = reading->err;
		vet->abi_error.code = reading->r;
		abi_names_only(vet);
	}
}

/* How it would be booted. Its drivers are asked for that, too. */
static void boot_take(struct vet *vet, struct abi_reading *reading)
{
	if (vet->depth == VET_DRIFT && !vet->report->abi_read)
		return;
	if (!reading->line)
		reading->line = vet_boot_line(vet);
	vet_boot(vet, reading->line);
}

/* Module.symvers beside an image that was read: whoever builds modules against it should
 * know where it tells of another kernel. */
static void second_source(struct vet *vet)
{
	struct vet_report *report = vet->report;
	int r;

	if (!report->abi_read || report->abi.from_symvers || vet->depth == VET_DRIFT)
		return;
	r = kernel_abi_second_source(&vet->source, &vet->cache, &report->abi,
				     &report->second_source, NULL);
	if (r == -ERROR_DAMAGED)
		vet_find(vet, VET_WARNING, "Module.symvers of %s can't be read",
			 report->release);
	else if (report->second_source)
		vet_find(vet, VET_WARNING, "%s", report->second_source);
}

/* Refusals first; the order of finding is kept among the like. */
static void findings_sort(struct vet_report *report)
{
	struct vet_finding *sorted =
		mem_zalloc((report->finding_count + 1) * sizeof(*sorted));
	size_t count = 0;

	for (int weight = VET_REFUSAL; weight >= VET_NOTE; weight--)
		for (size_t i = 0; i < report->finding_count; i++)
			if ((int)report->findings[i].weight == weight)
				sorted[count++] = report->findings[i];
	free(report->findings);
	report->findings = sorted;
	report->compatible = count == 0 || sorted[0].weight != VET_REFUSAL;
}

/* Third-party modules that the target's devices can count on. */
static void devices_extra(const struct vet *vet, struct strv *ret)
{
	const struct compat_set *sets[] = {&vet->report->modules, &vet->report->beside};

	for (size_t i = 0; i < ARRAY_LEN(sets); i++)
		for (size_t j = 0; j < sets[i]->count; j++)
			if (vet_module_comes(vet, &sets[i]->items[j]))
				strv_add(ret, sets[i]->items[j].known->name);
}

/* Whose modules drive the devices now. */
static const char *vet_old_release(const struct vet *vet)
{
	return vet->running ? vet->running : vet->report->release;
}

static int cover_by_packages(const struct vet *vet, const struct cover_terms *terms,
			     struct device_list *list, struct error *err)
{
	struct driver_names names = {0};
	int r = packaged_kernel_drivers(vet->packaged, &names, err);

	if (r == 0)
		r = devices_cover_names(vet->machine->root, vet_old_release(vet), &names,
					terms, list, err);
	driver_names_done(&names);
	return r;
}

int vet_cover(const struct vet *vet, struct device_list *list, struct error *err)
{
	autostrv struct strv extra = {0};
	const struct cover_terms terms = {.extra = &extra,
					  .config = &vet->config,
					  .loaded = &vet->report->abi.loaded,
					  .barred = &vet->report->abi.blacklisted};

	devices_extra(vet, &extra);
	if (vet->packaged)
		return cover_by_packages(vet, &terms, list, err);
	return devices_cover(vet->machine->root, vet_old_release(vet),
			     vet->report->release, &terms, list, err);
}

static int vet_devices(struct vet *vet, struct error *err)
{
	struct device_list *devices = &vet->report->devices;
	struct error local = {0};
	int r = devices_probe(vet->machine->root, devices, err);

	if (r < 0 || devices->count == 0)
		return r;
	r = vet_cover(vet, devices, &local);
	if (r == -ENOENT && !vet->packaged) {
		vet_find(vet, VET_WARNING, "what devices %s drives can't be told: %s",
			 vet->report->release, local.message);
		device_list_done(devices);
		return 0;
	}
	return r < 0 ? error_set(err, r, "%s", local.message) : 0;
}

static int vet_weigh(struct vet *vet, struct error *err)
{
	int r = 0;

	vet_weigh_modules(vet);
	if (vet->whole_tree) {
		vet_weigh_devices(vet);
		vet_weigh_softdeps(vet);
		r = vet_weigh_uses(vet, err);
	}
	if (r == 0)
		r = vet_weigh_config(vet, err);
	if (r == 0 && vet->whole_tree && vet->depth == VET_WHOLE)
		r = vet_weigh_firmware(vet, err);
	return r;
}

int vet_run(struct vet *vet, struct error *err)
{
	cleanup(reading_done) struct abi_reading reading = {.vet = vet};
	int r;

	symbol_cache_open(vet->machine->root, &vet->cache);
	abi_begin(&reading);
	r = vet_know(vet, err);
	if (r == 0)
		abi_wait(vet, &reading);
	abi_end(&reading);
	if (r < 0)
		kernel_abi_done(&reading.abi);
	if (r == 0 && vet->depth == VET_DRIFT && vet->report->known.count == 0)
		abi_names_only(vet);
	if (r < 0 || (vet->depth == VET_DRIFT && vet->report->known.count == 0))
		return r;
	abi_take(vet, &reading);
	boot_take(vet, &reading);
	second_source(vet);
	r = vet_modules(vet, err);
	if (r == 0 && vet->whole_tree && vet->depth != VET_DRIFT)
		r = vet_devices(vet, err);
	if (r == 0 && vet->depth != VET_DRIFT)
		r = vet_weigh(vet, err);
	findings_sort(vet->report);
	return r;
}

static int vet_installed(struct vet *vet, struct error *err)
{
	int r = kernel_source_installed(vet->machine->root, vet->report->release,
					&vet->source, err);

	if (r < 0)
		return r;
	vet->installed = true;
	vet->whole_tree = true;
	r = vet_run(vet, err);
	kernel_source_done(&vet->source);
	return r;
}

int vet_release(const struct machine *machine, const char *release, enum vet_depth depth,
		struct vet_report *ret, struct error *err)
{
	autovet struct vet_report report = {.release = str_dup(release)};
	struct vet vet = {.depth = depth, .report = &report};
	int r;

	if (!release_valid(release))
		return error_set(err, -ERROR_USAGE, "\"%s\" is not a kernel release",
				 release);
	r = vet_begin(&vet, machine, err);
	if (r == 0)
		r = vet_installed(&vet, err);
	vet_end(&vet);
	if (r < 0)
		return r;
	*ret = report;
	report = (struct vet_report){0};
	return 0;
}

int vet_modules_of(const struct machine *machine, const char *release,
		   struct third_party_list *ret_known, struct third_party_list *ret_there,
		   struct error *err)
{
	autovet struct vet_report report = {.release = str_dup(release)};
	struct vet vet = {.depth = VET_LAZY, .installed = true, .report = &report};
	int r = vet_begin(&vet, machine, err);

	if (r == 0)
		r = vet_know(&vet, err);
	if (r == 0) {
		*ret_known = report.known;
		*ret_there = report.there;
		report.known = report.there = (struct third_party_list){0};
	}
	vet_end(&vet);
	return r;
}

void vet_damaged(const char *name, const struct error *why, struct vet_report *ret)
{
	struct vet vet = {.report = ret};

	ret->release = str_dup(name);
	ret->malformed = true;
	vet_find(&vet, VET_REFUSAL, "malformed: %s", why->message);
}

int vet_refuse(const struct vet_report *report, struct error *err)
{
	autotext struct text all = {0};

	if (report->compatible)
		return 0;
	for (size_t i = 0; i < report->finding_count; i++)
		if (report->findings[i].weight == VET_REFUSAL)
			text_appendf(&all, "%s%s", all.len ? "; " : "",
				     report->findings[i].text);
	return error_set(err, -ERROR_REFUSED, "%s is refused: %s", report->release,
			 text_str(&all));
}

size_t vet_lost_modules(const struct vet_report *report)
{
	size_t lost = 0;

	for (size_t i = 0; i < report->modules.count; i++)
		lost += report->modules.items[i].verdict == COMPAT_FAILS ||
			report->modules.items[i].verdict == COMPAT_NO_FILE;
	return lost;
}
