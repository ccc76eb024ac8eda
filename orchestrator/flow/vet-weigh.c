/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the policy makes of verdicts: a module, a device or a part of the root's chain
 * that is lost refuses the kernel, or is told.
 */
#include "vet-parts.h"

#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"

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
	const char *unbuilt = outlook->lacks_headers ? outlook->why : NULL;
	autofree char *why = NULL;

	if (item->verdict == COMPAT_NO_FILE) {
		why = module_absent_why(item, outlook);
		return str_format("module %s has no file for %s%s", subject,
				  vet->report->release, why);
	}
	why = module_why(item);
	if (item->verdict == COMPAT_FAILS)
		return str_format("module %s would not load in %s: %s%s%s", subject,
				  vet->report->release, why, unbuilt ? "; " : "",
				  unbuilt ? unbuilt : "");
	return str_format("module %s would taint %s, which modules.tainted of the policy "
			  "does not allow: %s",
			  subject, vet->report->release, why);
}

char *vet_module_sentence(const struct vet *vet, size_t i)
{
	return module_sentence(vet, &vet->report->modules.items[i],
			       &vet->report->outlooks[i]);
}

bool vet_module_bad(const struct vet *vet, const struct compat_module *item)
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
	if (vet->installed)
		return false;
	if (strv_has(&vet->linked, item->known->name))
		return true;
	/* a container's are built by the framework's own service, not by kuro */
	return item->remedy == REMEDY_REBUILD &&
	       item->known->provider != PROVIDER_CONTAINER &&
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

/* The loader would take it, and nothing may hand it over. Nothing that depends on the
 * kernel: it is told of each, and refuses none. */
static void module_weigh_loading(struct vet *vet, const struct compat_module *item)
{
	autofree char *subject = NULL, *why = NULL;

	if (!item->install && !item->unaliased)
		return;
	subject = module_subject(item->known);
	why = item->install ? str_format("modprobe.d says \"install %s %s\"",
					 item->known->name, item->install)
			    : str_dup("modprobe.blacklist= on the command line names it");
	vet_find(vet, VET_WARNING, "module %s may not be loaded when %s boots: %s",
		 subject, vet->report->release, why);
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
	if (!vet_module_bad(vet, item)) {
		module_weigh_loading(vet, item);
		return;
	}
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
		    : vet_kernel_loads(vet, module) || root_driver_covered(vet, module);
}

/* Names of the running kernel's own modules, read where one is missed. */
struct running_names {
	bool read;
	struct strv modules, built_in;
};

static void running_names_done(struct running_names *names)
{
	strv_done(&names->modules);
	strv_done(&names->built_in);
}

static void running_names_read(const struct vet *vet, struct running_names *ret)
{
	autosource struct kernel_source source = {0};

	ret->read = true;
	if (kernel_source_installed(vet->machine->root, vet->running, &source, NULL) < 0)
		return;
	/* without the lists it has none of a name */
	(void)vet_source_names(&source, "modules", &ret->modules);
	(void)vet_source_names(&source, "modules.builtin", &ret->built_in);
}

static void use_weigh(struct vet *vet, const struct used_module *used)
{
	autofree char *user = vet_user(used->use, used->user);
	autofree char *bar = vet_kernel_bar(vet, used->name);
	bool mount = used->use == MODULE_USE_MOUNT;

	vet_find(vet,
		 used->use == MODULE_USE_ROOT ? VET_REFUSAL
					      : device_weight(vet, used->use),
		 "%s %s module %s, by which %s is %s%s", vet->report->release,
		 *bar ? "would not load" : "has no", used->name, user,
		 mount ? "mounted" : "reached", bar);
}

/*
 * What file systems and links stand on by its name, which the running kernel has and the
 * target has not; told are those that are judged already.
 */
static void weigh_uses(struct vet *vet, const struct strv *told)
{
	cleanup(running_names_done) struct running_names names = {0};
	autousedmodules struct used_module_list list = {0};

	if (!vet->running || str_eq(vet->running, vet->report->release))
		return;
	used_modules_probe(vet->machine->root, vet->running, &list);
	for (size_t i = 0; i < list.count; i++) {
		const struct used_module *used = &list.items[i];

		if (strv_has(told, used->name) ||
		    vet_kernel_autoloads(vet, used->name, used->loaded) ||
		    vet_judged(vet, used->name))
			continue;
		if (!names.read)
			running_names_read(vet, &names);
		if (strv_has(used->loaded ? &names.modules : &names.built_in, used->name))
			use_weigh(vet, used);
	}
}

int vet_weigh_uses(struct vet *vet, struct error *err)
{
	autostrv struct strv modules = {0};
	int r = root_chain_modules(vet->machine->root, &modules, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < modules.count; i++) {
		autofree char *bar = vet_kernel_bar(vet, modules.items[i]);

		if (!root_module_there(vet, modules.items[i]))
			vet_find(vet, VET_REFUSAL,
				 "the root file system stands on module %s, which %s "
				 "would not %s%s",
				 modules.items[i], vet->report->release,
				 *bar ? "load" : "have", bar);
	}
	weigh_uses(vet, &modules);
	return 0;
}
