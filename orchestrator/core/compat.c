/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The judge: each check of the target kernel's module loader, in its order, from facts.
 * Where the loader would stop, the judge goes on: a person mends all reasons at once. It
 * reads no file, and decides nothing that the policy decides.
 */
#include "core/compat.h"

#include <stdlib.h>
#include <string.h>

#include "compat-parts.h"
#include "core/release.h"

static const char *const code_names[COMPAT_CODES] = {
	[COMPAT_ABSENT] = "absent",
	[COMPAT_MALFORMED] = "malformed",
	[COMPAT_MACHINE] = "machine",
	[COMPAT_LAYOUT] = "layout",
	[COMPAT_VERMAGIC] = "vermagic",
	[COMPAT_SYMBOL_MISSING] = "symbol-missing",
	[COMPAT_SYMBOL_VERSION] = "symbol-version",
	[COMPAT_SYMBOL_UNVERSIONED] = "symbol-unversioned",
	[COMPAT_GPL_ONLY] = "gpl-only",
	[COMPAT_NAMESPACE] = "namespace",
	[COMPAT_DUPLICATE_EXPORT] = "duplicate-export",
	[COMPAT_NAME_TAKEN] = "name-taken",
	[COMPAT_SIGNATURE] = "signature",
	[COMPAT_BTF] = "btf",
	[COMPAT_LIVEPATCH] = "livepatch",
	[COMPAT_BLACKLISTED] = "blacklisted",
	[COMPAT_DEPENDENCY_MISSING] = "dependency-missing",
	[COMPAT_DEPENDENCY_FAILS] = "dependency-fails",
	[COMPAT_FIRMWARE_MISSING] = "firmware-missing",
	[COMPAT_NOT_BUILT] = "not-built",
	[COMPAT_HEADERS_MISSING] = "headers-missing",
	[COMPAT_DISABLED] = "disabled",
};

static const char *const verdict_names[] = {
	[COMPAT_LOADS] = "loads",
	[COMPAT_LOADS_TAINTED] = "loads-tainted",
	[COMPAT_FAILS] = "fails",
	[COMPAT_NO_FILE] = "absent",
};

const char *compat_code_name(enum compat_code code)
{
	return code_names[code];
}

static const char *const trust_names[] = {
	[SIGNATURE_NONE] = "none",
	[SIGNATURE_TRUSTED] = "trusted",
	[SIGNATURE_UNKNOWN_KEY] = "unknown-key",
	[SIGNATURE_BAD] = "bad",
	[SIGNATURE_REVOKED_KEY] = "revoked-key",
	[SIGNATURE_REVOKED_FILE] = "revoked-file",
};

const char *signature_trust_name(enum signature_trust trust)
{
	return trust_names[trust];
}

const char *compat_verdict_name(enum compat_verdict verdict)
{
	return verdict_names[verdict];
}

void kernel_own_free(struct kernel_own *own, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(own[i].name);
		symbol_table_free(own[i].needs);
	}
	free(own);
}

void kernel_abi_done(struct kernel_abi *abi)
{
	free(abi->release);
	free(abi->vermagic);
	symbol_table_free(abi->symbols);
	strv_done(&abi->taken);
	strv_done(&abi->blacklisted);
	strv_done(&abi->loaded);
	strv_done(&abi->built_in);
	strv_done(&abi->in_tree);
	kernel_own_free(abi->own, abi->own_count);
	*abi = (struct kernel_abi){0};
}

static void forget_reasons(struct compat_module *module)
{
	for (size_t i = 0; i < module->reason_count; i++) {
		free(module->reasons[i].symbol);
		free(module->reasons[i].detail);
	}
	free(module->reasons);
	module->reasons = NULL;
	module->reason_count = 0;
}

void compat_set_done(struct compat_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		forget_reasons(&set->items[i]);
		strv_done(&set->items[i].no_firmware);
	}
	free(set->items);
	*set = (struct compat_set){0};
}

bool compat_license_is_gpl(const char *license)
{
	static const char *const compatible[] = {
		"GPL",          "GPL v2",       "GPL and additional rights",
		"Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL",
	};

	for (size_t i = 0; i < ARRAY_LEN(compatible); i++)
		if (str_eq(license, compatible[i]))
			return true;
	return false;
}

/* same_magic(): the release does not count where symbol versions are compared. */
bool compat_vermagic_fits(const struct kernel_abi *abi, const struct module_file *file)
{
	bool versions = abi->modversions && file->has_versions;
	const char *own = file->vermagic, *wanted = abi->vermagic;

	if (!own)
		return false;
	if (wanted && versions)
		return strcmp(own + strcspn(own, " "), wanted + strcspn(wanted, " ")) ==
		       0;
	if (wanted)
		return strcmp(own, wanted) == 0;
	if (versions || !abi->release)
		return true;
	return strlen(abi->release) == strcspn(own, " ") && str_starts(own, abi->release);
}

enum effect effect_of_force(const struct kernel_abi *abi)
{
	return abi->force_load ? EFFECT_TAINTS : EFFECT_REFUSES;
}

bool kernel_at_least(const struct kernel_abi *abi, const char *release)
{
	return !abi->release || release_compare(abi->release, release) >= 0;
}

const struct symbol *kernel_symbol(const struct kernel_abi *abi, const char *name)
{
	return abi->symbols ? symbol_table_find(abi->symbols, name) : NULL;
}

char *kernel_name_of(const char *name)
{
	char *plain = str_dup(name);

	for (char *p = strchr(plain, '-'); p; p = strchr(p, '-'))
		*p = '_';
	return plain;
}

/* Names in it come from files: what a terminal would obey becomes text. */
__attribute__((format(printf, 1, 0))) static char *sentence(const char *format,
							    va_list args)
{
	char line[1024];
	size_t plain = 0;

	(void)vsnprintf(line, sizeof(line), format, args); /* a longer one is cut */
	while (line[plain] >= ' ' && line[plain] <= '~')
		plain++;
	return line[plain] ? str_printable(line) : str_ndup(line, plain);
}

void candidate_says(struct candidate *c, enum effect effect, enum compat_code code,
		    const char *symbol, const char *format, ...)
{
	struct compat_module *module = c->module;
	struct compat_reason *reason;
	va_list args;

	module->reasons = mem_grow_one(module->reasons, module->reason_count,
				       sizeof(*module->reasons));
	reason = &module->reasons[module->reason_count++];
	reason->code = code;
	reason->fatal = effect == EFFECT_REFUSES;
	reason->symbol = str_dup(symbol);
	va_start(args, format);
	reason->detail = sentence(format, args);
	va_end(args);
	c->refused |= effect == EFFECT_REFUSES;
	c->tainted |= effect == EFFECT_TAINTS;
}

/* The checks of load_module(), in the order of Linux 6.1 to 7.3, and what is asked
 * besides. One with content looks into the file, which is no use in a malformed one. */
static const struct check {
	void (*judge)(struct docket *d, struct candidate *c);
	bool content;
} checks[] = {
	{judge_signature, false}, {judge_shape, false},        {judge_blacklist, false},
	{judge_layout, true},     {judge_versions, true},      {judge_vermagic, true},
	{judge_livepatch, true},  {judge_export_tables, true}, {judge_namespaces, true},
	{judge_imports, true},    {judge_exports, true},       {judge_btf, true},
	{judge_name, false},      {judge_depends, true},       {judge_firmware, false},
	{judge_build, false},     {judge_loading, false},
};

static void judge_absent(struct docket *d, struct candidate *c)
{
	candidate_says(c, EFFECT_REFUSES, COMPAT_ABSENT, NULL,
		       "there is no module %s for %s", c->name,
		       d->abi->release ? d->abi->release : "this kernel");
	judge_build(d, c);
	c->module->verdict = COMPAT_NO_FILE;
}

static void judge_one(struct docket *d, struct candidate *c)
{
	if (c->own) {
		own_judge(d, c);
		return;
	}
	if (!c->file) {
		judge_absent(d, c);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(checks); i++)
		if (!c->file->fault || !checks[i].content)
			checks[i].judge(d, c);
	if (c->refused)
		c->module->verdict = COMPAT_FAILS;
	else
		c->module->verdict = c->tainted ? COMPAT_LOADS_TAINTED : COMPAT_LOADS;
}

/* modprobe tries them first and goes on without them. */
static void warn_softdeps(const struct docket *d, struct candidate *c)
{
	for (size_t i = 0; c->file && i < c->file->softdeps_pre.count; i++) {
		autofree char *name = kernel_name_of(c->file->softdeps_pre.items[i]);
		const struct candidate *member = docket_named(d, name);

		if (member && member != c && member->refused)
			candidate_says(c, EFFECT_WARNS, COMPAT_DEPENDENCY_FAILS, name,
				       "it asks for module %s to be loaded before it, "
				       "which does not load",
				       name);
	}
}

void compat_judge(const struct kernel_abi *abi, struct compat_set *set)
{
	struct docket d;

	for (size_t i = 0; i < set->count; i++)
		forget_reasons(&set->items[i]);
	docket_open(&d, abi, set);
	docket_settle(&d, judge_one);
	for (uint32_t i = 0; i < d.count; i++)
		warn_softdeps(&d, &d.candidates[i]);
	docket_done(&d);
}
