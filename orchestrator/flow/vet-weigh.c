/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the policy makes of verdicts: a module, a device or a part of the root's chain
 * that is lost refuses the kernel, or is told.
 */
#include "vet-parts.h"

#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"

#define MOUNTS     "/proc/self/mounts"
#define MOUNTS_MAX ((size_t)4 * 1024 * 1024)

char *vet_user(enum module_use use, const char *user)
{
	switch (use) {
	case MODULE_USE_ROOT:
		return str_dup("the root file system");
	case MODULE_USE_LINK:
		return user ? str_format("%s, the default route", user)
			    : str_dup("the default route");
	case MODULE_USE_MOUNT:
	case MODULE_USE_DEVICE:
	case MODULE_USE_LOADED:
		if (user)
			return str_dup(user);
		return str_dup(use == MODULE_USE_MOUNT    ? "a mounted file system"
			       : use == MODULE_USE_DEVICE ? "a device"
							  : "loaded");
	case MODULE_USE_NONE:
		break;
	}
	return str_dup("");
}

/* "zfs (in use: the root file system)", or "zfs". */
static char *module_subject(const struct third_party *known)
{
	autofree char *user = vet_user(known->use, known->user);

	return *user ? str_format("%s (in use: %s)", known->name, user)
		     : str_dup(known->name);
}

bool vet_module_required(const struct policy *policy, const struct third_party *known)
{
	if (policy_module_fits(policy_strings(policy, POLICY_MODULES_REQUIRED),
			       known->name))
		return true;
	if (policy_module_fits(policy_strings(policy, POLICY_MODULES_OPTIONAL),
			       known->name))
		return false;
	return known->use != MODULE_USE_NONE &&
	       str_eq(policy_choice(policy, POLICY_MODULES_IN_USE), "required");
}

/* The first reason that decides, else the first. */
static const struct compat_reason *module_reason(const struct compat_module *item)
{
	for (size_t i = 0; i < item->reason_count; i++)
		if (item->reasons[i].fatal)
			return &item->reasons[i];
	return item->reason_count > 0 ? &item->reasons[0] : NULL;
}

static char *module_why(const struct compat_module *item)
{
	const struct compat_reason *reason = module_reason(item);
	size_t more = item->reason_count > 1 ? item->reason_count - 1 : 0;

	if (!reason)
		return str_dup("no reason is known");
	if (more > 0)
		return str_format("%s (and %zu more)",
				  reason->detail ? reason->detail
						 : compat_code_name(reason->code),
				  more);
	return str_dup(reason->detail ? reason->detail : compat_code_name(reason->code));
}

/* What a person can do about one that is not there. */
static char *module_absent_why(const struct compat_module *item,
			       const struct vet_outlook *outlook)
{
	if (item->remedy == REMEDY_LINK)
		return str_dup(": the present binary would load as it is, but is not "
			       "in its module tree");
	if (outlook->why)
		return str_format(": %s", outlook->why);
	if (item->remedy == REMEDY_REBUILD && outlook->command)
		return str_format(": it was not built; run: %s", outlook->command);
	return str_dup(item->remedy == REMEDY_REBUILD ? ": it was not built" : "");
}

/* One sentence on a module that would not be there. */
static char *module_sentence(const struct vet *vet, const struct compat_module *item,
			     const struct vet_outlook *outlook)
{
	autofree char *subject = module_subject(item->known);
	autofree char *why = NULL;

	if (item->verdict == COMPAT_NO_FILE) {
		why = module_absent_why(item, outlook);
		return str_format("module %s has no file for %s%s", subject,
				  vet->report->release, why);
	}
	why = module_why(item);
	if (item->verdict == COMPAT_FAILS)
		return str_format("module %s would not load in %s: %s", subject,
				  vet->report->release, why);
	return str_format("module %s would taint %s, which modules.tainted of the policy "
			  "does not allow: %s",
			  subject, vet->report->release, why);
}

char *vet_module_sentence(const struct vet *vet, size_t i)
{
	return module_sentence(vet, &vet->report->modules.items[i],
			       &vet->report->outlooks[i]);
}

static bool module_bad(const struct vet *vet, const struct compat_module *item)
{
	if (item->verdict == COMPAT_LOADS_TAINTED)
		return !policy_bool(vet->machine->policy, POLICY_MODULES_TAINTED);
	return item->verdict != COMPAT_LOADS;
}

/*
 * A kernel that is not installed yet has no builds: what will be made for it is judged
 * when it is there, and refuses nothing now.
 */
static bool module_will_be_built(const struct vet *vet, const struct compat_module *item)
{
	return !vet->installed && item->remedy == REMEDY_REBUILD &&
	       policy_bool(vet->machine->policy, POLICY_MODULES_BUILD);
}

/*
 * A mirror that has the kernel and not its headers yet will have them: waiting costs
 * nothing, and a kernel without its modules may cost the machine.
 */
static bool module_waits(const struct vet *vet, const struct compat_module *item,
			 const struct vet_outlook *outlook)
{
	const struct policy *policy = vet->machine->policy;

	return vet->complete && outlook->lacks_headers && item->remedy == REMEDY_NONE &&
	       policy_bool(policy, POLICY_MODULES_BUILD) &&
	       str_eq(policy_choice(policy, POLICY_MODULES_INCOMPATIBLE), "refuse") &&
	       !policy_module_fits(policy_strings(policy, POLICY_MODULES_OPTIONAL),
				   item->known->name);
}

bool vet_module_comes(const struct vet *vet, const struct compat_module *item)
{
	return item->verdict == COMPAT_LOADS || item->verdict == COMPAT_LOADS_TAINTED ||
	       module_will_be_built(vet, item);
}

/* Does the answer hang on it? It does on what was brought to be asked about. */
static bool module_counts(const struct vet *vet, const struct third_party *known)
{
	const struct policy *policy = vet->machine->policy;

	return vet_module_required(policy, known) ||
	       (vet->modules_only && vet_brought(vet, known->name) &&
		!policy_module_fits(policy_strings(policy, POLICY_MODULES_OPTIONAL),
				    known->name));
}

static enum vet_weight module_weight(const struct vet *vet,
				     const struct compat_module *item)
{
	bool refuse =
		str_eq(policy_choice(vet->machine->policy, POLICY_MODULES_INCOMPATIBLE),
		       "refuse");

	if (module_counts(vet, item->known))
		return refuse ? VET_REFUSAL : VET_WARNING;
	return item->known->use == MODULE_USE_NONE && item->verdict == COMPAT_NO_FILE
		       ? VET_NOTE
		       : VET_WARNING;
}

static void module_weigh(struct vet *vet, const struct compat_module *item,
			 const struct vet_outlook *outlook)
{
	autofree char *sentence = NULL;

	if (outlook->own) {
		vet_find(vet, VET_NOTE, "%s brings a module %s of its own",
			 vet->report->release, item->known->name);
		return;
	}
	if (!module_bad(vet, item))
		return;
	if (module_will_be_built(vet, item)) {
		vet_find(vet, VET_NOTE, "module %s has to be built for %s",
			 item->known->name, vet->report->release);
		return;
	}
	if (module_waits(vet, item, outlook)) {
		vet_find(vet, VET_REFUSAL,
			 "module %s can't be built for %s: its headers are not in the "
			 "package lists (a mirror that lags?); try again when they are, "
			 "or name the module in modules.optional of the policy",
			 item->known->name, vet->report->release);
		return;
	}
	sentence = module_sentence(vet, item, outlook);
	vet_find(vet, module_weight(vet, item), "%s", sentence);
}

/* A name of the policy that no third-party module fits is the kernel's to have. */
static void required_weigh(struct vet *vet, const char *wanted)
{
	char *item = (char *)(uintptr_t)wanted;
	const struct strv pattern = {.items = &item, .count = 1};
	const struct kernel_abi *abi = &vet->report->abi;
	const struct third_party_list *lists[] = {&vet->report->known,
						  &vet->report->ignored};
	bool refuse =
		str_eq(policy_choice(vet->machine->policy, POLICY_MODULES_INCOMPATIBLE),
		       "refuse");

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		for (size_t j = 0; j < lists[i]->count; j++)
			if (policy_module_fits(&pattern, lists[i]->items[j].name))
				return;
	for (size_t i = 0; i < abi->in_tree.count; i++)
		if (policy_module_fits(&pattern, abi->in_tree.items[i]))
			return;
	for (size_t i = 0; i < abi->built_in.count; i++)
		if (policy_module_fits(&pattern, abi->built_in.items[i]))
			return;
	vet_find(vet, refuse ? VET_REFUSAL : VET_WARNING,
		 "%s has no module %s, which modules.required of the policy names",
		 vet->report->release, wanted);
}

void vet_weigh_modules(struct vet *vet)
{
	const struct strv *required =
		policy_strings(vet->machine->policy, POLICY_MODULES_REQUIRED);
	const struct compat_set *set = &vet->report->modules;

	for (size_t i = 0; i < set->count; i++)
		module_weigh(vet, &set->items[i], &vet->report->outlooks[i]);
	for (size_t i = 0; vet->whole_tree && i < required->count; i++)
		required_weigh(vet, required->items[i]);
}

static enum vet_weight device_weight(const struct vet *vet, enum module_use use)
{
	const char *lost = policy_choice(vet->machine->policy, POLICY_DEVICES_LOST);

	if (str_eq(lost, "refuse"))
		return VET_REFUSAL;
	if (str_eq(lost, "warn"))
		return VET_WARNING;
	return use == MODULE_USE_ROOT || use == MODULE_USE_LINK ? VET_REFUSAL
								: VET_WARNING;
}

static bool device_alike(const struct device *a, const struct device *b)
{
	return !b->covered && a->use == b->use && str_eq(a->driver, b->driver) &&
	       str_eq(a->user, b->user);
}

/* Lost devices of one driver and one use are told once, at the first of them. */
static void device_weigh(struct vet *vet, size_t at)
{
	const struct device_list *list = &vet->report->devices;
	const struct device *device = &list->items[at];
	autofree char *user = device->use < MODULE_USE_DEVICE || device->user
				      ? vet_user(device->use, device->user)
				      : str_dup("");
	size_t alike = 1;

	for (size_t i = 0; i < at; i++)
		if (device_alike(device, &list->items[i]))
			return;
	for (size_t i = at + 1; i < list->count; i++)
		alike += device_alike(device, &list->items[i]);
	if (alike > 1)
		vet_find(vet, device_weight(vet, device->use),
			 "%s has no driver for %zu devices that %s drives now%s%s%s "
			 "(first: %s)",
			 vet->report->release, alike, device->driver,
			 *user ? " (in use: " : "", user, *user ? ")" : "", device->path);
	else
		vet_find(vet, device_weight(vet, device->use),
			 "%s has no driver for device %s, which %s drives now%s%s%s",
			 vet->report->release, device->path, device->driver,
			 *user ? " (in use: " : "", user, *user ? ")" : "");
}

void vet_weigh_devices(struct vet *vet)
{
	for (size_t i = 0; i < vet->report->devices.count; i++)
		if (!vet->report->devices.items[i].covered)
			device_weigh(vet, i);
}

/* A driver's name may change from release to release: its devices tell. */
static bool root_driver_covered(const struct vet *vet, const char *module)
{
	const struct device_list *list = &vet->report->devices;
	bool any = false;

	for (size_t i = 0; i < list->count; i++) {
		if (!str_eq(list->items[i].module, module))
			continue;
		if (!list->items[i].covered)
			return false;
		any = true;
	}
	return any;
}

static bool root_module_there(const struct vet *vet, const char *module)
{
	const struct compat_module *item = vet_judged(vet, module);

	return item ? vet_module_comes(vet, item)
		    : vet_kernel_has(vet, module) || root_driver_covered(vet, module);
}

/* One mounted file system whose module the target has not by this name. */
struct mounted {
	const char *type, *target; /* within the line */
};

/* "source target type options …" of proc(5), on a block device; line is changed. */
static bool mounted_parse(char *line, struct mounted *ret)
{
	char *target = strchr(line, ' ');
	char *type = target ? strchr(target + 1, ' ') : NULL;

	if (!type || !str_starts(line, "/dev/"))
		return false;
	*target++ = '\0';
	*type++ = '\0';
	type[strcspn(type, " ")] = '\0';
	*ret = (struct mounted){type, target};
	return true;
}

static bool running_has(const struct vet *vet, const char *module)
{
	autosource struct kernel_source source = {0};
	autostrv struct strv names = {0};

	if (kernel_source_installed(vet->machine->root, vet->running, &source, NULL) < 0)
		return false;
	/* without the lists it has none of that name */
	(void)vet_source_names(&source, "modules", &names);
	(void)vet_source_names(&source, "modules.builtin", &names);
	return strv_has(&names, module);
}

/*
 * File systems that are mounted by a module of their name, which the running kernel has
 * and the target has not. One that goes by another name is not judged by this.
 */
void vet_weigh_mounts(struct vet *vet)
{
	autofree char *text = NULL;
	autostrv struct strv lines = {0};

	if (!vet->running || str_eq(vet->running, vet->report->release) ||
	    root_read(vet->machine->root, MOUNTS, MOUNTS_MAX, &text, NULL, NULL) < 0)
		return;
	strv_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.count; i++) {
		struct mounted mounted;

		if (mounted_parse(lines.items[i], &mounted) &&
		    !vet_kernel_has(vet, mounted.type) &&
		    !vet_judged(vet, mounted.type) && running_has(vet, mounted.type))
			vet_find(vet, device_weight(vet, MODULE_USE_MOUNT),
				 "%s has no module %s, by which %s is mounted",
				 vet->report->release, mounted.type, mounted.target);
	}
}

int vet_weigh_root(struct vet *vet, struct error *err)
{
	autostrv struct strv modules = {0};
	int r = root_chain_modules(vet->machine->root, &modules, err);

	for (size_t i = 0; r == 0 && i < modules.count; i++)
		if (!root_module_there(vet, modules.items[i]))
			vet_find(vet, VET_REFUSAL,
				 "the root file system stands on module %s, which %s "
				 "would not have",
				 modules.items[i], vet->report->release);
	return r;
}
