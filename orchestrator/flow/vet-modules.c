/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Each third-party module with the file that the target would load, put before the judge;
 * and for one that would not load, what would mend it.
 */
#include "vet-parts.h"

#include <string.h>

#include "base/cleanup.h"

static int by_text(const void *key, const void *item)
{
	return strcmp(key, *(char *const *)item);
}

bool vet_kernel_has(const struct vet *vet, const char *module)
{
	const struct kernel_abi *abi = &vet->report->abi;

	if (abi->in_tree.count > 0 &&
	    bsearch(module, abi->in_tree.items, abi->in_tree.count,
		    sizeof(*abi->in_tree.items), by_text))
		return true;
	return strv_has(&abi->built_in, module);
}

bool vet_kernel_loads(const struct vet *vet, const char *module)
{
	const struct kernel_abi *abi = &vet->report->abi;

	return vet_kernel_has(vet, module) &&
	       (strv_has(&abi->built_in, module) || !strv_has(&abi->blacklisted, module));
}

bool vet_kernel_autoloads(const struct vet *vet, const char *module, bool now)
{
	return vet_kernel_loads(vet, module) &&
	       (strv_has(&vet->report->abi.built_in, module) ||
		modprobe_autoloads(&vet->config, module, now));
}

char *vet_kernel_bar(const struct vet *vet, const char *module)
{
	const struct modprobe_config *config = &vet->config;
	const char *command = modprobe_disabled(config, module);

	if (!vet_kernel_has(vet, module))
		return str_dup("");
	if (strv_has(&vet->report->abi.blacklisted, module))
		return str_dup(": module_blacklist= on the command line names it");
	if (strv_has(&config->newly, module))
		return str_dup(": modprobe.blacklist= on the command line names it");
	if (command)
		return str_format(": modprobe.d says \"install %s %s\"", module, command);
	return str_dup(strv_has(&config->blacklisted, module)
			       ? ": modprobe.d has it on its blacklist"
			       : "");
}

const struct module_file *vet_brought(const struct vet *vet, const char *name)
{
	const struct vet_report *report = vet->report;

	for (size_t i = 0; i < report->brought_count; i++) {
		autofree char *file_name = module_name_of(report->brought[i].path);

		if (str_eq(report->brought[i].name, name) || str_eq(file_name, name))
			return &report->brought[i];
	}
	return NULL;
}

/* What the target would load: its own file, or the present binary where it is not
 * installed yet. A link of weak-modules(8) whose other release is gone is no file. */
static const struct module_file *target_file(const struct vet *vet,
					     const struct third_party *known)
{
	const struct third_party *there =
		vet->installed ? vet_third_party(&vet->report->there, known->name)
			       : known;

	return there ? there->file : NULL;
}

static void module_add(struct vet *vet, const struct third_party *known)
{
	struct vet_report *report = vet->report;
	size_t i = report->modules.count++;
	struct compat_module *item = &report->modules.items[i];
	const struct module_file *brought = vet_brought(vet, known->name);

	*item = (struct compat_module){.known = known, .verdict = COMPAT_NO_FILE};
	item->file = brought ? brought : target_file(vet, known);
	if (known->use == MODULE_USE_NONE)
		return;
	item->install = modprobe_disabled(&vet->config, known->name);
	item->unaliased = strv_has(&vet->config.newly, known->name);
}

/* Nothing of a third party is there under this name, and the kernel has its own. */
static bool module_is_own(const struct vet *vet, const struct third_party *known)
{
	bool file = vet_brought(vet, known->name) ||
		    (vet->installed && target_file(vet, known));

	return !file && vet_kernel_has(vet, known->name);
}

/* Not judged. */
static void module_add_own(struct vet_report *report, const struct third_party *known)
{
	report->outlooks[report->modules.count].own = true;
	report->modules.items[report->modules.count++] =
		(struct compat_module){.known = known, .verdict = COMPAT_LOADS};
}

static void modules_add(struct vet *vet, const struct third_party_list *list, bool own)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct third_party *known = &list->items[i];

		if (module_is_own(vet, known) != own)
			continue;
		if (own)
			module_add_own(vet->report, known);
		else
			module_add(vet, known);
	}
}

/* Those that the kernel has itself come last. */
static size_t modules_fill(struct vet *vet)
{
	struct vet_report *report = vet->report;
	size_t count = report->known.count + report->ignored.count, judged;

	report->modules.items = mem_zalloc((count + 1) * sizeof(*report->modules.items));
	report->outlooks = mem_zalloc((count + 1) * sizeof(*report->outlooks));
	modules_add(vet, &report->known, false);
	modules_add(vet, &report->ignored, false);
	judged = report->modules.count;
	modules_add(vet, &report->known, true);
	modules_add(vet, &report->ignored, true);
	for (size_t i = 0; i < report->modules.count; i++) {
		const struct third_party *known = report->modules.items[i].known;
		const struct third_party *there =
			vet_third_party(&vet->report->there, known->name);

		report->outlooks[i].version = str_dup(
			there && there->version ? there->version : known->version);
	}
	return judged;
}

static int signature_keys(struct vet *vet, struct trusted_keys **ret, struct error *err)
{
	int r = trusted_keys_probe(vet->machine->root, &vet->source, ret, err);

	if (r == 0 && vet->report->abi.symbols)
		trusted_keys_use_noted(*ret, vet->report->abi.symbols);
	return r;
}

/* Keys are looked for only where there is a signature to check. */
static int modules_signatures(struct vet *vet, struct compat_set *set, struct error *err)
{
	struct trusted_keys *keys = NULL;
	int r = 0;

	for (size_t i = 0; r == 0 && i < set->count; i++) {
		struct compat_module *item = &set->items[i];

		if (!item->file || !item->file->signature.present ||
		    item->trust != SIGNATURE_NONE)
			continue;
		if (!keys)
			r = signature_keys(vet, &keys, err);
		if (r == 0)
			item->trust = trusted_keys_judge(keys, item->file);
	}
	if (keys)
		trusted_keys_free(keys);
	return r;
}

/* Firmware that the present file does not name: most names are alternatives, and what is
 * missing today is not missed. */
static void module_firmware(const struct vet *vet, struct compat_module *item)
{
	const struct module_file *present = item->known->file;

	if (!item->file || item->known->use == MODULE_USE_NONE || !present)
		return;
	for (size_t i = 0; i < item->file->firmware.count; i++) {
		const char *name = item->file->firmware.items[i];

		if (!strv_has(&present->firmware, name) &&
		    !firmware_present(vet->machine->root, vet->report->release, name))
			strv_add(&item->no_firmware, name);
	}
}

/* Can its provider build it for the target? */
static int module_rebuild(struct vet *vet, struct compat_module *item,
			  struct vet_outlook *outlook, struct error *err)
{
	autorebuild struct rebuild rebuild = {0};
	bool headers;
	int r = third_party_rebuild(vet->machine->root, item->known, vet->report->release,
				    &rebuild, err);

	if (r < 0)
		return r;
	headers = rebuild.headers || vet->headers_come;
	if (rebuild.source && headers && !rebuild.excluded)
		item->remedy = REMEDY_REBUILD;
	item->headers_missing = outlook->lacks_headers = rebuild.source && !headers;
	item->not_built = rebuild.source && headers && !rebuild.excluded;
	/* headers that come with the kernel are missing no more */
	if (item->remedy == REMEDY_NONE)
		outlook->why = take_ptr(rebuild.why);
	outlook->command = take_ptr(rebuild.command);
	return 0;
}

/* What is asked of those without a file before they are judged ... */
static int modules_absent(struct vet *vet, size_t count, struct error *err)
{
	struct vet_report *report = vet->report;
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		if (!report->modules.items[i].file)
			r = module_rebuild(vet, &report->modules.items[i],
					   &report->outlooks[i], err);
	return r;
}

/* ... and of those with one that does not load, or that nobody has put there yet. */
static int modules_failing(struct vet *vet, size_t count, struct error *err)
{
	struct vet_report *report = vet->report;
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++) {
		struct compat_module *item = &report->modules.items[i];
		bool there = vet->installed || vet_brought(vet, item->known->name);

		if (!item->file || (there && item->verdict != COMPAT_FAILS))
			continue;
		r = module_rebuild(vet, item, &report->outlooks[i], err);
		/* these are reasons of an absent one only */
		item->headers_missing = item->not_built = false;
		if (item->remedy == REMEDY_NONE && item->verdict != COMPAT_FAILS)
			item->remedy = REMEDY_LINK;
	}
	return r;
}

static int modules_judge(struct vet *vet, struct compat_set *set, struct error *err)
{
	int r = 0;

	if (vet->report->abi_read)
		r = kernel_abi_add_exports(&vet->source, &vet->cache, vet->providers,
					   &vet->report->abi, set, err);
	/* without a file there is nothing to look up */
	if (r == 0 && !vet->report->abi.symbols)
		vet->report->abi.symbols = symbol_table_new();
	if (r == 0)
		compat_judge(&vet->report->abi, set);
	return r;
}

/* Would the present binaries of the absent ones load as they are? Judged together with
 * all others, beside them. */
static int modules_link(struct vet *vet, size_t count, struct error *err)
{
	struct vet_report *report = vet->report;
	autocompat struct compat_set set = {0};
	bool any = false;
	int r;

	set.items = mem_zalloc((count + 1) * sizeof(*set.items));
	set.count = count;
	for (size_t i = 0; i < count; i++) {
		const struct compat_module *item = &report->modules.items[i];
		struct compat_module *copy = &set.items[i];

		*copy = (struct compat_module){.known = item->known,
					       .file = item->file,
					       .trust = item->trust};
		if (item->file || item->remedy != REMEDY_NONE)
			continue;
		copy->file = item->known->file;
		any |= copy->file != NULL;
	}
	r = any ? modules_signatures(vet, &set, err) : 0;
	if (any && r == 0)
		r = modules_judge(vet, &set, err);
	for (size_t i = 0; any && r == 0 && i < count; i++)
		if (!report->modules.items[i].file && set.items[i].file &&
		    set.items[i].verdict != COMPAT_FAILS)
			report->modules.items[i].remedy = REMEDY_LINK;
	return r;
}

static int modules_decide(struct vet *vet, size_t count, struct error *err)
{
	struct compat_set judged = {vet->report->modules.items, count};
	int r = modules_signatures(vet, &judged, err);

	for (size_t i = 0; r == 0 && i < count; i++)
		module_firmware(vet, &judged.items[i]);
	if (r == 0 && vet->depth != VET_DRIFT)
		r = modules_absent(vet, count, err);
	if (r == 0)
		r = modules_judge(vet, &judged, err);
	if (r == 0 && vet->depth != VET_DRIFT)
		r = modules_failing(vet, count, err);
	if (r == 0 && vet->depth != VET_DRIFT && vet->report->abi_read)
		r = modules_link(vet, count, err);
	return r;
}

static const struct compat_module *set_find(const struct compat_set *set,
					    const char *module)
{
	for (size_t i = 0; i < set->count; i++)
		if (str_eq(set->items[i].known->name, module))
			return &set->items[i];
	return NULL;
}

const struct compat_module *vet_judged(const struct vet *vet, const char *module)
{
	const struct compat_module *item = set_find(&vet->report->modules, module);

	return item ? item : set_find(&vet->report->beside, module);
}

/* Those that are not told of leave the report's modules. How many there were. */
static size_t modules_leave(struct vet_report *report,
			    bool (*leaves)(const struct vet_report *report,
					   const struct compat_module *item))
{
	struct compat_set *set = &report->modules, *beside = &report->beside;
	size_t kept = 0, left;

	beside->items = mem_regrow(beside->items, beside->count + set->count + 1,
				   sizeof(*beside->items));
	for (size_t i = 0; i < set->count; i++) {
		if (leaves(report, &set->items[i])) {
			beside->items[beside->count++] = set->items[i];
			vet_outlook_done(&report->outlooks[i]);
			continue;
		}
		set->items[kept] = set->items[i];
		report->outlooks[kept++] = report->outlooks[i];
	}
	left = set->count - kept;
	set->count = kept;
	return left;
}

static bool module_is_ignored(const struct vet_report *report,
			      const struct compat_module *item)
{
	return vet_third_party(&report->ignored, item->known->name);
}

/* What no kernel would load, and what is not there, needs no kernel to be judged. */
static bool module_needs_abi(const struct vet_report *report,
			     const struct compat_module *item)
{
	(void)report;
	return item->file && (!item->file->fault || item->file->unread);
}

/* Kernels of 32 bits and big endian ones have modules that are not looked into; to other
 * kernels those are malformed. */
static void kind_unread(struct vet *vet)
{
	const struct vet_report *report = vet->report;

	for (size_t i = 0; i < report->modules.count; i++) {
		const struct module_file *file = report->modules.items[i].file;

		if (!file || !file->unread || file->machine != report->abi.machine)
			continue;
		(void)error_set(&vet->abi_error, -ENOTSUP,
				"%s has modules of 32 bits, or big endian ones, which "
				"kuro does not read",
				report->release);
		return;
	}
}

/* Modules that a kernel which can't be read would be asked for; caller frees. */
static char *modules_open(struct vet_report *report)
{
	autostrv struct strv names = {0};

	for (size_t i = 0; i < report->modules.count; i++) {
		struct compat_module *item = &report->modules.items[i];

		if (!module_needs_abi(report, item))
			continue;
		item->verdict = COMPAT_LOADS; /* as far as is known */
		if (!module_is_ignored(report, item))
			strv_add(&names, item->known->name);
	}
	report->unjudged = names.count;
	return names.count ? strv_join(&names, ", ") : NULL;
}

/*
 * No third-party module can be judged by a kernel that can't be read; devices, the root
 * and the configuration can. Takes from count those that are not judged. What could not
 * be read for want of a file or a permission is an error where it is needed.
 */
static int abi_unread(struct vet *vet, size_t *count, struct error *err)
{
	const struct error *why = &vet->abi_error;
	bool damaged = why->code == -ERROR_DAMAGED;
	autofree char *open = modules_open(vet->report);

	if (!damaged && why->code != -ENOTSUP && open)
		return error_set(err, why->code, "%s", why->message);
	/* what no boot loader could start either is no kernel to try */
	vet_find(vet, damaged ? VET_REFUSAL : VET_WARNING, "%s", why->message);
	if (open)
		vet_find(vet, VET_WARNING,
			 "what its image is like is not known: whether %s would load in "
			 "%s can't be told",
			 open, vet->report->release);
	*count -= modules_leave(vet->report, module_needs_abi);
	return 0;
}

int vet_modules(struct vet *vet, struct error *err)
{
	size_t count = modules_fill(vet);
	int r = 0;

	if (vet->abi_error.code == 0)
		kind_unread(vet);
	if (vet->abi_error.code < 0)
		r = abi_unread(vet, &count, err);
	if (r == 0)
		r = modules_decide(vet, count, err);
	if (r == 0)
		(void)modules_leave(vet->report, module_is_ignored);
	return r;
}
