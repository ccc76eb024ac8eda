/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Modules of the kernel's own that stand between members of the set: built together with
 * the kernel they fit it and each other, but a member that takes the place of one of them
 * may not be what the others need. Judged for their symbols alone.
 */
#include <stdlib.h>

#include "compat-parts.h"

void own_open(struct docket *d)
{
	for (size_t i = 0; i < d->abi->own_count; i++) {
		struct candidate *c = &d->candidates[d->count];

		c->own = &d->abi->own[i];
		c->name = str_dup(c->own->name);
		c->waiting = true;
		(void)name_index_add(&d->own_names, c->name, d->count++);
	}
}

/* The own module that gives the symbol, if it is one that nobody replaces, or NULL. */
static struct candidate *own_exporter(const struct docket *d, const struct symbol *symbol)
{
	uint32_t id = name_index_find(&d->own_names, symbol->owner);

	return id == NOBODY || replacing(d, symbol) ? NULL : &d->candidates[id];
}

bool own_is_refused(const struct docket *d, const struct symbol *symbol)
{
	const struct candidate *own = own_exporter(d, symbol);

	return own && own->refused;
}

size_t own_export_count(const struct docket *d)
{
	size_t count = 0;

	for (size_t i = 0; d->abi->own_count && i < symbol_table_count(d->abi->symbols);
	     i++)
		count += own_exporter(d, symbol_table_at(d->abi->symbols, i)) != NULL;
	return count;
}

/* What a member of the set exports as well is that member's first. */
static struct candidate *own_offerer(const struct docket *d, const struct symbol *symbol)
{
	return name_index_find(&d->offered, symbol->name) == NOBODY
		       ? own_exporter(d, symbol)
		       : NULL;
}

/* Counted first: the exports of each stand together. */
void own_index_exports(struct docket *d)
{
	size_t count = d->abi->own_count ? symbol_table_count(d->abi->symbols) : 0;

	for (size_t i = 0; i < count; i++) {
		struct candidate *c = own_offerer(d, symbol_table_at(d->abi->symbols, i));

		if (c)
			c->exports++;
	}
	for (uint32_t i = 0; i < d->count; i++) {
		struct candidate *c = &d->candidates[i];

		if (!c->own)
			continue;
		c->first_export = d->export_count;
		d->export_count += c->exports;
		c->exports = 0;
	}
	for (size_t i = 0; i < count; i++) {
		const struct symbol *symbol = symbol_table_at(d->abi->symbols, i);
		struct candidate *c = own_offerer(d, symbol);

		if (c)
			docket_offer(d, c->first_export + c->exports++,
				     (uint32_t)(c - d->candidates), symbol);
	}
}

/* What a symbol that it needs is given by, and is not what it needs; NULL: it is. */
static char *why_not_offered(const struct docket *d, const struct symbol *need,
			     const struct offer *offer)
{
	const struct candidate *exporter =
		&d->candidates[offer->provider != NOBODY
				       ? offer->provider
				       : d->exports[offer->first_export].candidate];

	if (offer->provider == NOBODY)
		return str_format("it needs symbol %s of module %s, which does not load",
				  need->name, exporter->name);
	if (exporter->own || !d->abi->modversions || !need->has_crc ||
	    !offer->symbol->has_crc || offer->symbol->crc == need->crc)
		return NULL;
	return str_format(
		"symbol %s has version 0x%08x in module %s, this kernel's module "
		"was built against 0x%08x",
		need->name, offer->symbol->crc, exporter->name, need->crc);
}

/* None of the docket gives the symbol. */
static char *why_not_kernels(const struct docket *d, const struct symbol *need)
{
	const struct symbol *symbol = kernel_symbol(d->abi, need->name);
	const struct candidate *member = symbol ? replacing(d, symbol) : NULL;

	if (symbol && !member)
		return NULL;
	if (!member)
		return str_format("symbol %s is exported by no module", need->name);
	return str_format(
		"it needs symbol %s, and module %s, which is in the place of the "
		"kernel's own, does not export it",
		need->name, member->name);
}

void own_judge(struct docket *d, struct candidate *c)
{
	const struct want *want = d->wants + c->first_want, *end = want + c->wants;

	if (strv_has(&d->abi->blacklisted, c->name))
		c->why = str_dup("module_blacklist= on the command line names it");
	for (size_t i = 0; !c->why && i < symbol_table_count(c->own->needs); i++) {
		const struct symbol *need = symbol_table_at(c->own->needs, i);
		const struct offer *offer = NULL;
		const struct symbol *kernels = kernel_symbol(d->abi, need->name);

		if (want < end && want->import == i)
			offer = &d->offers[want++->offer];
		/* a member that fails takes nothing away that the kernel's own gives */
		if (offer && offer->provider == NOBODY && kernels &&
		    !replacing(d, kernels) && !own_exporter(d, kernels))
			continue;
		c->why = offer ? why_not_offered(d, need, offer)
			       : why_not_kernels(d, need);
	}
	c->refused = c->why != NULL;
}
