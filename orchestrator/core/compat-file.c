/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a kernel's loader says of a module file by itself, symbols apart:
 * module_sig_check, elf_validity_cache_copy, blacklisted, check_modinfo,
 * find_module_sections, mod_sysfs_setup (kernel/module/main.c, signing.c, sysfs.c),
 * btf_module_notify (kernel/bpf/btf.c). A check here never looks at another module's
 * verdict.
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "compat-parts.h"

static const struct machine_name {
	uint16_t machine;
	const char *name;
} machine_names[] = {
	{EM_386, "i386"},      {EM_X86_64, "x86-64"},   {EM_ARM, "arm"},
	{EM_AARCH64, "arm64"}, {EM_PPC64, "powerpc64"}, {EM_S390, "s390"},
	{EM_RISCV, "risc-v"},  {EM_MIPS, "mips"},
};

static const char *machine_name(uint16_t machine)
{
	for (size_t i = 0; i < ARRAY_LEN(machine_names); i++)
		if (machine_names[i].machine == machine)
			return machine_names[i].name;
	return "another machine";
}

static const char *release_of(const struct docket *d)
{
	return d->abi->release ? d->abi->release : "this kernel";
}

static const char *signer_of(const struct candidate *c)
{
	const struct module_signature *signature = &c->file->signature;

	if (signature->signer)
		return signature->signer;
	return signature->key ? signature->key : "an unnamed key";
}

/* Without CONFIG_MODULE_SIG the kernel does not look at a signature; locked down, it
 * refuses what it can't verify. */
void judge_signature(struct docket *d, struct candidate *c)
{
	bool enforced = d->abi->sig_enforced;
	enum effect effect = enforced ? EFFECT_REFUSES : EFFECT_TAINTS;
	const char *end = enforced ? "and this kernel loads no such module"
				   : "which this kernel only marks as a taint";

	if (!d->abi->sig_checked && !enforced)
		return;
	if (c->file->signature.malformed)
		candidate_says(c, EFFECT_REFUSES, COMPAT_SIGNATURE, NULL,
			       "its signature is damaged, and this kernel refuses such a "
			       "module even where it demands none");
	else if (c->module->trust == SIGNATURE_BAD)
		candidate_says(c, EFFECT_REFUSES, COMPAT_SIGNATURE, NULL,
			       "its signature by %s does not fit its content, and this "
			       "kernel refuses such a module even where it demands none",
			       signer_of(c));
	else if (c->module->trust == SIGNATURE_REVOKED_KEY)
		candidate_says(
			c, EFFECT_REFUSES, COMPAT_SIGNATURE, NULL,
			"it is signed by %s, a key that this machine's firmware or "
			"owner has revoked (dbx, MokListXRT), and this kernel "
			"refuses such a module even where it demands none",
			signer_of(c));
	else if (c->module->trust == SIGNATURE_REVOKED_FILE)
		candidate_says(
			c, EFFECT_REFUSES, COMPAT_SIGNATURE, NULL,
			"this machine's firmware or owner has revoked this file by "
			"its hash (dbx, MokListXRT), and this kernel refuses it "
			"whoever signed it");
	else if (c->module->trust == SIGNATURE_UNKNOWN_KEY)
		candidate_says(c, effect, COMPAT_SIGNATURE, NULL,
			       "it is signed by %s, whom this kernel does not trust, %s",
			       signer_of(c), end);
	else if (c->module->trust == SIGNATURE_NONE)
		candidate_says(c, effect, COMPAT_SIGNATURE, NULL, "it is not signed, %s",
			       end);
}

void judge_shape(struct docket *d, struct candidate *c)
{
	if (c->file->fault) {
		candidate_says(c, EFFECT_REFUSES, COMPAT_MALFORMED, NULL, "%s",
			       c->file->fault);
		return;
	}
	if (d->abi->machine && c->file->machine != d->abi->machine)
		candidate_says(c, EFFECT_REFUSES, COMPAT_MACHINE, NULL,
			       "it is made for %s (ELF machine %u), this kernel is for "
			       "%s (%u)",
			       machine_name(c->file->machine), c->file->machine,
			       machine_name(d->abi->machine), d->abi->machine);
	if (!c->file->layout)
		candidate_says(c, EFFECT_REFUSES, COMPAT_MALFORMED, NULL,
			       "it has no .gnu.linkonce.this_module section");
	/* one commit brought both checks */
	if (c->file->doubled && d->abi->layout_checked)
		candidate_says(c, EFFECT_REFUSES, COMPAT_MALFORMED, NULL,
			       "it has two sections %s", c->file->doubled);
	else if (c->file->doubled)
		candidate_says(c, EFFECT_WARNS, COMPAT_MALFORMED, NULL,
			       "it has two sections %s, of which this kernel takes the "
			       "first",
			       c->file->doubled);
}

void judge_blacklist(struct docket *d, struct candidate *c)
{
	if (strv_has(&d->abi->blacklisted, c->name))
		candidate_says(c, EFFECT_REFUSES, COMPAT_BLACKLISTED, NULL,
			       "module_blacklist= on the kernel's command line names it");
}

void judge_layout(struct docket *d, struct candidate *c)
{
	unsigned long long own = c->file->layout, wanted = d->abi->layout;

	if (!own || !wanted || own == wanted)
		return;
	if (d->abi->layout_checked)
		candidate_says(c, EFFECT_REFUSES, COMPAT_LAYOUT, NULL,
			       "its struct module has %llu bytes, this kernel's has %llu",
			       own, wanted);
	else
		candidate_says(c, EFFECT_WARNS, COMPAT_LAYOUT, NULL,
			       "its struct module has %llu bytes, this kernel's has "
			       "%llu, and this kernel does not compare them",
			       own, wanted);
}

void judge_vermagic(struct docket *d, struct candidate *c)
{
	const char *vermagic = c->file->vermagic;
	enum effect effect = effect_of_force(d->abi);

	if (!vermagic)
		candidate_says(c, effect, COMPAT_VERMAGIC, NULL,
			       "it does not say what kernel it is built for, %s",
			       effect == EFFECT_REFUSES
				       ? "which this kernel demands"
				       : "which this kernel forces and marks as a taint");
	else if (!compat_vermagic_fits(d->abi, c->file))
		candidate_says(c, EFFECT_REFUSES, COMPAT_VERMAGIC, NULL,
			       "it is built for \"%s\", this kernel is \"%s\"", vermagic,
			       d->abi->vermagic ? d->abi->vermagic : release_of(d));
}

void judge_livepatch(struct docket *d, struct candidate *c)
{
	if (c->file->livepatch && !d->abi->livepatch)
		candidate_says(c, EFFECT_REFUSES, COMPAT_LIVEPATCH, NULL,
			       "it is a live patch, and this kernel is built without "
			       "CONFIG_LIVEPATCH");
}

bool export_counts(const struct kernel_abi *abi, const struct module_file *file,
		   const struct symbol *symbol)
{
	return !abi->export_flags || file->has_export_flags || !file->has_gpl_exports ||
	       !symbol->gpl;
}

/* A kernel without __kflagstab knows the GPL-only ones by their section. */
bool export_is_gpl(const struct kernel_abi *abi, const struct module_file *file,
		   const struct symbol *symbol)
{
	return symbol->gpl &&
	       (abi->export_flags ? file->has_export_flags : file->has_gpl_exports);
}

static size_t exports_without_version(const struct docket *d, const struct candidate *c)
{
	size_t count = 0;

	for (size_t i = 0; i < c->file->export_count; i++)
		count += export_counts(d->abi, c->file, &c->file->exports[i]) &&
			 !c->file->exports[i].has_crc;
	return count;
}

/* check_export_symbol_sections, check_export_symbol_versions before it. */
void judge_export_tables(struct docket *d, struct candidate *c)
{
	enum effect effect = effect_of_force(d->abi);

	if (d->abi->export_flags && c->file->has_gpl_exports)
		candidate_says(c, EFFECT_WARNS, COMPAT_MALFORMED, NULL,
			       "it exports symbols in __ksymtab_gpl, which this kernel "
			       "ignores");
	if (d->abi->export_flags && c->exports && !c->file->has_export_flags)
		candidate_says(c, EFFECT_REFUSES, COMPAT_MALFORMED, NULL,
			       "it exports symbols without flags (__kflagstab), which "
			       "this kernel demands");
	if (d->abi->modversions && exports_without_version(d, c))
		candidate_says(c, effect, COMPAT_SYMBOL_UNVERSIONED, NULL,
			       "it exports symbols without versions, %s",
			       effect == EFFECT_REFUSES
				       ? "which this kernel demands"
				       : "which this kernel forces and marks as a taint");
}

/* Since 6.16: what is for named modules only can't be imported. */
void judge_namespaces(struct docket *d, struct candidate *c)
{
	const struct strv *namespaces = &c->file->namespaces;

	if (!kernel_at_least(d->abi, "6.16"))
		return;
	for (size_t i = 0; i < namespaces->count; i++)
		if (str_starts(namespaces->items[i], "module:"))
			candidate_says(c, EFFECT_REFUSES, COMPAT_NAMESPACE, NULL,
				       "it imports the namespace \"%s\", which this "
				       "kernel forbids",
				       namespaces->items[i]);
}

void judge_btf(struct docket *d, struct candidate *c)
{
	if (!c->file->has_btf || c->file->btf_sane)
		return;
	if (d->abi->btf_fatal)
		candidate_says(c, EFFECT_REFUSES, COMPAT_BTF, NULL,
			       "its type information (.BTF) is damaged, and this kernel "
			       "loads no such module");
	else
		candidate_says(c, EFFECT_WARNS, COMPAT_BTF, NULL,
			       "its type information (.BTF) is damaged, which this "
			       "kernel ignores");
}

void judge_name(struct docket *d, struct candidate *c)
{
	if (name_index_find(&d->taken_names, c->name) != NOBODY)
		candidate_says(c, EFFECT_REFUSES, COMPAT_NAME_TAKEN, NULL,
			       "/sys/module/%s is there already: code of that name is "
			       "built into this kernel",
			       c->name);
	else if (name_index_find(&d->built_in, c->name) != NOBODY)
		candidate_says(c, EFFECT_WARNS, COMPAT_NAME_TAKEN, NULL,
			       "a module of that name is built into this kernel as well");
}

static bool strv_has_sorted(const struct strv *list, const char *name)
{
	size_t low = 0, high = list->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, list->items[middle]);

		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

/*
 * The kernel goes by symbols alone, and so does depmod: a name in depends= that is
 * nowhere explains symbols that are missing, and is a curiosity otherwise.
 */
void judge_depends(struct docket *d, struct candidate *c)
{
	const struct kernel_abi *abi = d->abi;
	enum effect effect = c->unresolved ? EFFECT_REFUSES : EFFECT_WARNS;

	for (size_t i = 0; i < c->file->depends.count; i++) {
		autofree char *name = kernel_name_of(c->file->depends.items[i]);
		const struct candidate *member = docket_named(d, name);
		bool tree_known = abi->in_tree.count || abi->built_in.count || member;

		if ((member && member->file) || !tree_known ||
		    strv_has_sorted(&abi->in_tree, name) ||
		    name_index_find(&d->built_in, name) != NOBODY)
			continue;
		candidate_says(c, effect, COMPAT_DEPENDENCY_MISSING, name,
			       "it depends on module %s, which is not there for %s", name,
			       release_of(d));
	}
}

void judge_firmware(struct docket *d, struct candidate *c)
{
	const struct strv *missing = &c->module->no_firmware;

	(void)d; /* whether it is there was asked before */
	for (size_t i = 0; i < missing->count; i++)
		candidate_says(c, EFFECT_WARNS, COMPAT_FIRMWARE_MISSING,
			       missing->items[i],
			       "it may ask for the firmware file %s, which is not there",
			       missing->items[i]);
}

/* How the file that is judged, or the want of one, came about. */
void judge_build(struct docket *d, struct candidate *c)
{
	enum effect effect = c->file ? EFFECT_WARNS : EFFECT_REFUSES;
	const struct third_party *known = c->module->known;
	const char *provider =
		known ? module_provider_name(known->provider) : "its provider";
	const char *package = known && known->package ? known->package : c->name;

	if (c->module->not_built)
		candidate_says(c, effect, COMPAT_NOT_BUILT, NULL,
			       "%s (%s) could be built for %s, and has not been", package,
			       provider, release_of(d));
	if (c->module->headers_missing)
		candidate_says(c, effect, COMPAT_HEADERS_MISSING, NULL,
			       "%s (%s) can't be built: the headers of %s are not there",
			       package, provider, release_of(d));
}

/* The loader is never asked where nothing of the machine's hands it the module. */
void judge_loading(struct docket *d, struct candidate *c)
{
	(void)d;
	if (c->module->unaliased)
		candidate_says(c, EFFECT_WARNS, COMPAT_BLACKLISTED, NULL,
			       "modprobe.blacklist= on the kernel's command line names "
			       "it, and no device or file system would have it loaded");
	if (c->module->install)
		candidate_says(c, EFFECT_WARNS, COMPAT_DISABLED, NULL,
			       "modprobe.d says \"install %s %s\", and modprobe would "
			       "not load it",
			       c->name, c->module->install);
}
