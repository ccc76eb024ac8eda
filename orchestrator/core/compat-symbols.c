/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a kernel's loader says of a module's symbols: check_modstruct_version and
 * check_version (kernel/module/version.c), resolve_symbol with inherit_taint and
 * verify_namespace_is_imported, verify_exported_symbols (kernel/module/main.c). Those of
 * the set that it needs have their verdict when it is judged.
 */
#include <elf.h>
#include <string.h>

#include "compat-parts.h"

/* An import's symbol and who has it. */
struct finding {
	const struct symbol *symbol;
	struct candidate *provider; /* NULL: the kernel or a module of its own */
	bool gpl;
};

/* Modules that pass for free and are not (module_license_offenders). */
static const char *const offenders[] = {"driverloader", "lve"};

bool candidate_is_proprietary(const struct candidate *c)
{
	if (!c->file || c->file->fault)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(offenders); i++)
		if (str_eq(c->name, offenders[i]))
			return true;
	return !compat_license_is_gpl(c->file->license);
}

/*
 * Which records the kernel compares. A module without any is loaded by force, if at all;
 * then nothing is compared.
 */
static void open_versions(struct docket *d, const struct module_file *file)
{
	struct version_table *table = &d->versions;
	size_t count = file->version_count;

	table->items = file->versions;
	table->extended = file->has_versions_ext && kernel_at_least(d->abi, "6.14");
	table->compared = d->abi->modversions && (file->has_versions || table->extended);
	if (table->extended) {
		table->items = file->versions_ext;
		count = file->version_ext_count;
	}
	if (!table->compared)
		return;
	name_index_clear(&table->index, count);
	for (size_t i = 0; i < count; i++)
		(void)name_index_add(&table->index, table->items[i].symbol,
				     (uint32_t)i); /* the kernel takes the first too */
}

/* "this kernel", "this kernel's module nf_nat", "module spl": two words of a sentence. */
static const char *owner_kind(const struct finding *found)
{
	if (found->provider)
		return "module ";
	return *found->symbol->owner ? "this kernel's module " : "this kernel";
}

static const char *owner_name(const struct finding *found)
{
	return found->provider ? found->provider->name : found->symbol->owner;
}

static void judge_version(const struct docket *d, struct candidate *c,
			  const struct finding *found)
{
	const struct version_table *table = &d->versions;
	const char *name = found->symbol->name;
	uint32_t i;

	if (!table->compared || !found->symbol->has_crc)
		return;
	i = name_index_find(&table->index, name);
	if (i == NAME_INDEX_NONE) {
		bool accepted = table->extended || d->abi->missing_version_allowed;

		candidate_says(c, accepted ? EFFECT_WARNS : EFFECT_REFUSES,
			       COMPAT_SYMBOL_UNVERSIONED, name,
			       "symbol %s has version 0x%08x in %s%s, the module does "
			       "not say which one it was built against",
			       name, found->symbol->crc, owner_kind(found),
			       owner_name(found));
		return;
	}
	if (table->items[i].crc == found->symbol->crc)
		return;
	candidate_says(c, EFFECT_REFUSES, COMPAT_SYMBOL_VERSION, name,
		       "symbol %s has version 0x%08x in %s%s, the module was built "
		       "against 0x%08x",
		       name, found->symbol->crc, owner_kind(found), owner_name(found),
		       table->items[i].crc);
}

/* module_layout stands for every structure of the loader: its version comes first. */
void judge_versions(struct docket *d, struct candidate *c)
{
	struct finding found = {.symbol = kernel_symbol(d->abi, "module_layout")};
	enum effect effect = effect_of_force(d->abi);

	open_versions(d, c->file);
	if (found.symbol)
		judge_version(d, c, &found);
	if (d->abi->modversions && !d->versions.compared)
		candidate_says(c, effect, COMPAT_SYMBOL_UNVERSIONED, NULL,
			       "it carries no symbol versions, %s",
			       effect == EFFECT_REFUSES
				       ? "which this kernel demands"
				       : "which this kernel forces and marks as a taint");
}

/* A member of the set with a file takes the place of the tree's own of that name. */
struct candidate *replacing(const struct docket *d, const struct symbol *symbol)
{
	struct candidate *member = NULL;

	if (*symbol->owner)
		member = docket_named(d, symbol->owner);
	return member && member->file ? member : NULL;
}

static bool find_symbol(const struct docket *d, const struct module_import *import,
			const struct want *want, struct finding *ret)
{
	const struct offer *offer = want ? &d->offers[want->offer] : NULL;
	const struct symbol *symbol;

	/* of the kernel's own, and it loads: below */
	if (offer && offer->provider != NOBODY && !d->candidates[offer->provider].own) {
		struct candidate *provider = &d->candidates[offer->provider];

		*ret = (struct finding){offer->symbol, provider,
					export_is_gpl(d->abi, provider->file,
						      offer->symbol)};
		return true;
	}
	symbol = kernel_symbol(d->abi, import->symbol);
	if (!symbol || replacing(d, symbol) || own_is_refused(d, symbol) ||
	    strv_has(&d->abi->blacklisted, symbol->owner))
		return false;
	*ret = (struct finding){symbol, NULL, symbol->gpl};
	return true;
}

/*
 * Its only owners are members of the set that fail, or that wait for this one in turn.
 * Each is named once. Without a weak symbol it loads all the same, but modprobe would
 * try the owner first.
 */
static void blame_exporter(const struct docket *d, struct candidate *c,
			   const struct want *want, const char *symbol)
{
	uint32_t me = (uint32_t)(c - d->candidates) + 1;
	uint32_t first = d->offers[want->offer].first_export;
	struct candidate *exporter = &d->candidates[d->exports[first].candidate];
	bool ring = c->ring && c->ring == exporter->ring;

	if (want->weak && exporter->judged && exporter->warned != me) {
		exporter->warned = me;
		candidate_says(c, EFFECT_WARNS, COMPAT_DEPENDENCY_FAILS, exporter->name,
			       "it can use symbol %s of module %s, which does not load",
			       symbol, exporter->name);
	}
	if (want->weak || exporter->blamed == me)
		return;
	exporter->blamed = me;
	if (exporter->why) {
		candidate_says(
			c, EFFECT_REFUSES, COMPAT_DEPENDENCY_FAILS, exporter->name,
			"it needs symbol %s of this kernel's module %s, which does "
			"not load: %s",
			symbol, exporter->name, exporter->why);
		return;
	}
	candidate_says(c, EFFECT_REFUSES, COMPAT_DEPENDENCY_FAILS, exporter->name,
		       "it needs symbol %s of module %s, %s", symbol, exporter->name,
		       ring ? "and each of the two waits for the other"
			    : "which does not load");
}

/* _GLOBAL_OFFSET_TABLE_ is left undefined by old assemblers (ignore_undef_symbol). */
static bool may_be_undefined(const struct candidate *c, const char *name)
{
	return (c->file->machine == EM_386 || c->file->machine == EM_X86_64) &&
	       str_eq(name, "_GLOBAL_OFFSET_TABLE_");
}

static void judge_missing(const struct docket *d, struct candidate *c,
			  const struct module_import *import, const struct want *want)
{
	const struct symbol *symbol = kernel_symbol(d->abi, import->symbol);
	const struct candidate *member = symbol ? replacing(d, symbol) : NULL;
	const char *name = import->symbol;

	if (want && d->offers[want->offer].provider == NOBODY) {
		blame_exporter(d, c, want, name);
		return;
	}
	if (import->weak || may_be_undefined(c, name))
		return;
	c->unresolved = true;
	if (!symbol)
		candidate_says(c, EFFECT_REFUSES, COMPAT_SYMBOL_MISSING, name,
			       "symbol %s is exported neither by this kernel nor by "
			       "another module",
			       name);
	else if (!member)
		candidate_says(c, EFFECT_REFUSES, COMPAT_DEPENDENCY_FAILS, symbol->owner,
			       "it needs symbol %s of this kernel's module %s, which "
			       "module_blacklist= on its command line names",
			       name, symbol->owner);
	else if (member->file->fault)
		candidate_says(c, EFFECT_REFUSES, COMPAT_DEPENDENCY_FAILS, member->name,
			       "it needs symbol %s of module %s, which does not load",
			       name, member->name);
	else
		candidate_says(c, EFFECT_REFUSES, COMPAT_SYMBOL_MISSING, name,
			       "symbol %s is this kernel's own module %s's, which is "
			       "replaced by one that does not export it",
			       name, member->name);
}

/* A proprietary module does not even find what is GPL-only: weak ones stay unresolved. */
static bool gpl_allows(struct candidate *c, const struct module_import *import,
		       const struct finding *found)
{
	if (!found->gpl)
		return true;
	if (!c->proprietary) {
		c->uses_gpl = true;
		return true;
	}
	if (import->weak)
		return false;
	if (c->taints_it)
		candidate_says(c, EFFECT_REFUSES, COMPAT_GPL_ONLY, import->symbol,
			       "symbol %s is for GPL-compatible modules only, and the "
			       "module counts as proprietary, for it uses module %s",
			       import->symbol, c->taints_it->name);
	else
		candidate_says(c, EFFECT_REFUSES, COMPAT_GPL_ONLY, import->symbol,
			       "symbol %s is for GPL-compatible modules only, the "
			       "module's licence is \"%s\"",
			       import->symbol,
			       c->file->license ? c->file->license : "unspecified");
	return false;
}

/* inherit_taint: whoever uses a proprietary module's symbol counts as proprietary. */
static bool taint_allows(struct candidate *c, const struct module_import *import,
			 const struct finding *found)
{
	if (!found->provider || !found->provider->proprietary)
		return true;
	if (c->uses_gpl && !import->weak)
		candidate_says(c, EFFECT_REFUSES, COMPAT_GPL_ONLY, import->symbol,
			       "symbol %s is of module %s, which is proprietary, and "
			       "the module uses GPL-only symbols as well",
			       import->symbol, found->provider->name);
	if (c->uses_gpl)
		return false;
	if (!c->proprietary)
		c->taints_it = found->provider;
	c->proprietary = true;
	return true;
}

/* As a name is folded when a module is built: mod_strncmp(). name has no dash. */
static bool begins_as(const char *text, const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((text[i] == '-' ? '_' : text[i]) != name[i])
			return false;
	return true;
}

/* "module:a,b*": the module's own name, or its beginning (verify_module_namespace). */
static bool named_in(const char *list, const char *name)
{
	size_t own = strlen(name);

	while (*list) {
		size_t len = strcspn(list, ",");
		bool glob = len && list[len - 1] == '*';
		size_t fixed = len - glob;

		if (fixed <= own && begins_as(list, name, fixed) &&
		    (glob || fixed == own))
			return true;
		list += len;
		list += *list == ',';
	}
	return false;
}

static void judge_namespace(const struct docket *d, struct candidate *c,
			    const struct symbol *symbol)
{
	static const char by_name[] = "module:";
	enum effect effect =
		d->abi->missing_import_allowed ? EFFECT_WARNS : EFFECT_REFUSES;
	const char *space = symbol->name_space;

	if (!space || !*space || strv_has(&c->file->namespaces, space))
		return;
	if (!str_starts(space, by_name))
		candidate_says(c, effect, COMPAT_NAMESPACE, symbol->name,
			       "symbol %s is in the namespace %s, which the module does "
			       "not import",
			       symbol->name, space);
	else if (!named_in(space + strlen(by_name), c->name))
		candidate_says(c, effect, COMPAT_NAMESPACE, symbol->name,
			       "symbol %s is for modules named %s only", symbol->name,
			       space + strlen(by_name));
}

static void judge_import(struct docket *d, struct candidate *c,
			 const struct module_import *import, const struct want *want)
{
	struct finding found;

	if (!find_symbol(d, import, want, &found)) {
		judge_missing(d, c, import, want);
		return;
	}
	if (!gpl_allows(c, import, &found) || !taint_allows(c, import, &found))
		return;
	judge_version(d, c, &found);
	judge_namespace(d, c, found.symbol);
}

void judge_imports(struct docket *d, struct candidate *c)
{
	const struct want *want = d->wants + c->first_want, *end = want + c->wants;

	for (size_t i = 0; i < c->file->import_count; i++) {
		bool wanted = want < end && want->import == i;

		judge_import(d, c, &c->file->imports[i], wanted ? want : NULL);
		want += wanted;
	}
}

/* Is a module of the kernel's own loaded when this one comes: today already, or because
 * it needs it? */
static bool is_loaded_before(const struct docket *d, const struct candidate *c,
			     const char *owner)
{
	if (strv_has(&d->abi->loaded, owner))
		return true;
	for (size_t i = 0; i < c->file->import_count; i++) {
		const struct symbol *symbol =
			kernel_symbol(d->abi, c->file->imports[i].symbol);

		if (symbol && str_eq(symbol->owner, owner))
			return true;
	}
	return false;
}

static void judge_export(const struct docket *d, struct candidate *c,
			 const struct export_entry *export)
{
	const struct offer *offer = &d->offers[export->offer];
	const char *name = export->symbol->name;
	const struct symbol *symbol = kernel_symbol(d->abi, name);

	if (offer->provider != NOBODY)
		candidate_says(c, EFFECT_REFUSES, COMPAT_DUPLICATE_EXPORT, name,
			       "it exports symbol %s, as module %s does, which is loaded "
			       "before it",
			       name, d->candidates[offer->provider].name);
	if (!symbol)
		return;
	if (!*symbol->owner)
		candidate_says(c, EFFECT_REFUSES, COMPAT_DUPLICATE_EXPORT, name,
			       "it exports symbol %s, as this kernel itself does", name);
	else if (!replacing(d, symbol))
		candidate_says(c,
			       is_loaded_before(d, c, symbol->owner) ? EFFECT_REFUSES
								     : EFFECT_WARNS,
			       COMPAT_DUPLICATE_EXPORT, name,
			       "it exports symbol %s, as this kernel's module %s does: "
			       "only one of them can be loaded",
			       name, symbol->owner);
}

void judge_exports(struct docket *d, struct candidate *c)
{
	for (uint32_t i = 0; i < c->exports; i++)
		judge_export(d, c, &d->exports[c->first_export + i]);
}
